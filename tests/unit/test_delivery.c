/* Queue and delivery together: what a server's answers do to a message. */
#include "delivery_harness.h"

#include <string.h>
#include "base/mem.h"
#include "impulse/delivery.h"
#include "module/module.h"

#define S SLICE_LITERAL

static const struct slice hello = SLICE_LITERAL("Subject: hi\r\n\r\nhello\r\n");

static bool holds(const char *text, const char *part)
{
    return strstr(text, part) != NULL;
}

static bool ends(const char *text, const char *end)
{
    size_t size = strlen(text), tail = strlen(end);
    return size >= tail && strcmp(text + size - tail, end) == 0;
}

static bool server_heard(struct server *server, const char *line)
{
    char *text = server_text(server, &server->commands);
    bool heard = holds(text, line);
    free(text);
    return heard;
}

/* ---- what arrives ------------------------------------------------------------------------------------ */

static void check_arrival(struct slice content, const char *expected)
{
    struct server server;
    struct harness harness;
    server_start(&server, &(struct server_script){0});
    harness_start(&harness, "gateway = \"127.0.0.1:%u\"", server.port);
    harness_send(&harness, "a@example.com", "b@example.net", content);
    struct event event = event_wait('D', 0);
    CU_ASSERT_EQUAL(event.size, content.size);
    CU_ASSERT_STRING_EQUAL(event.peer, "127.0.0.1");
    CU_ASSERT_STRING_EQUAL(event.binding, "default");
    char *text = server_text(&server, &server.contents);
    CU_ASSERT(strncmp(text, expected, strlen(expected)) == 0 && ends(text, "\n=\n") &&
              strlen(text) == strlen(expected) + 3);
    free(text);
    harness_stop(&harness);
    server_stop(&server);
}

static void test_content_arrives_as_it_is(void)
{
    check_arrival(hello, "Subject: hi\r\n\r\nhello\r\n");
    check_arrival(S("a: b\r\n\r\n.\r\n..\r\n.x\r\n"), "a: b\r\n\r\n.\r\n..\r\n.x\r\n");
    check_arrival(S("a: b\r\n\r\n\xe4\xff\r\n"), "a: b\r\n\r\n\xe4\xff\r\n");
    check_arrival(S(""), "");
    check_arrival(S("a: b\r\n\r\nno end"), "a: b\r\n\r\nno end\r\n");
}

static void test_large_content_comes_from_the_spool(void)
{
    struct buf content = {0};
    for (unsigned i = 0; buf_size(&content) < 3 * BODY_CHUNK + 1000; i++)
        buf_printf(&content, ".line %u\r\n", i);
    buf_append(&content, "", 1);
    struct slice whole = buf_slice(&content);
    check_arrival(slice_of(whole.data, whole.size - 1), whole.data);
    buf_release(&content);
}

static void test_commands_by_what_is_offered(void)
{
    struct server server;
    struct harness harness;
    server_start(&server, &(struct server_script){0});
    harness_start(&harness, "gateway = \"127.0.0.1:%u\" ehlo_hostname = \"me.example\"", server.port);
    harness_send(&harness, "a@example.com", "b@example.net", hello);
    event_wait('D', 0);
    harness_send(&harness, "", "\"b c\"@example.net", S("x: \xe4\r\n\r\n"));
    event_wait('D', 1);
    CU_ASSERT(server_heard(&server, "=\nEHLO me.example\nMAIL FROM:<a@example.com> SIZE=22\n"
                                    "RCPT TO:<b@example.net>\nDATA\n"));
    CU_ASSERT(server_heard(&server, "MAIL FROM:<> SIZE=8 BODY=8BITMIME\nRCPT TO:<\"b c\"@example.net>\n"));
    harness_stop(&harness);
    server_stop(&server);
}

static void test_a_busy_connection_pipelines(void)
{
    struct server server;
    struct harness harness;
    server_start(&server, &(struct server_script){0});
    harness_start(&harness, "gateway = \"127.0.0.1:%u\" max_outbound_connections = 1 suspend_delivery = true",
                  server.port);
    for (unsigned i = 0; i < 20; i++)
        harness_send(&harness, "a@example.com", "b@example.net", hello);
    harness_reconfigure(&harness, "gateway = \"127.0.0.1:%u\" max_outbound_connections = 1", server.port);
    event_wait('D', 19);
    char *reads = server_text(&server, &server.reads);
    CU_ASSERT_EQUAL(server.connections, 1);
    CU_ASSERT_EQUAL(strncmp(reads, " E MRD .MRD .MRD ", 17),
                    0); /* a read each: the dot, and what follows it */
    CU_ASSERT_FALSE(holds(reads, "R R"));
    CU_ASSERT_FALSE(server_heard(&server, "RSET"));
    free(reads);
    harness_stop(&harness);
    server_stop(&server);
}

static void test_without_pipelining(void)
{
    struct server server;
    struct harness harness;
    server_start(&server, &(struct server_script){.ehlo = "502 no", .rcpt = "550 5.1.1 no|250 ok"});
    harness_start(&harness, "gateway = \"127.0.0.1:%u\" max_outbound_connections = 1", server.port);
    harness_send(&harness, "", "b@example.net", hello);
    CU_ASSERT_EQUAL(event_wait('P', 0).stage, 4);
    harness_send(&harness, "", "c@example.net", hello);
    event_wait('D', 0);
    CU_ASSERT(server_heard(&server,
                           "EHLO client.example\nHELO client.example\nMAIL FROM:<>\nRCPT TO:<b@example.net>\n"
                           "RSET\nMAIL FROM:<>\nRCPT TO:<c@example.net>\nDATA\n"));
    harness_stop(&harness);
    server_stop(&server);
}

static void test_method_smtp_says_helo(void)
{
    struct server server;
    struct harness harness;
    server_start(&server, &(struct server_script){0});
    harness_start(&harness,
                  "gateway = \"127.0.0.1:%u\" delivery_method = SMTP ehlo_hostname = \"__message__\"",
                  server.port);
    harness_send(&harness, "a@from.example", "b@example.net", hello);
    event_wait('D', 0);
    CU_ASSERT(server_heard(&server, "=\nHELO from.example\nMAIL FROM:<a@from.example>\n"));
    harness_stop(&harness);
    server_stop(&server);
}

static void test_lmtp_over_a_unix_socket(void)
{
    struct server server;
    struct harness harness;
    char path[UNIT_PATH_SIZE + 8], folder[UNIT_PATH_SIZE];
    unit_directory(folder);
    snprintf(path, sizeof path, "%s/lmtp", folder);
    server_start(&server, &(struct server_script){.unix_path = path, .rcpt = "250 ok|452 4.2.2 full|250 ok"});
    harness_start(&harness, "gateway = \"%s\" delivery_method = lmtp retry_interval = 1", path);
    harness_send(&harness, "a@example.com", "b@example.net", hello);
    CU_ASSERT_STRING_EQUAL(event_wait('D', 0).peer, path);
    harness_send(&harness, "a@example.com", "b@example.net", hello);
    CU_ASSERT_STRING_EQUAL(event_wait('T', 0).response, "452 4.2.2 full");
    CU_ASSERT_EQUAL(event_wait('D', 1).retries, 1);
    CU_ASSERT(server_heard(&server, "=\nLHLO client.example\nMAIL FROM:<a@example.com>"));
    harness_stop(&harness);
    server_stop(&server);
    unit_directory_remove(folder);
}

/* An LMTP server does not reply to the dot of a message without recipients: none is sent. */
static void test_lmtp_without_recipients(void)
{
    struct server server;
    struct harness harness;
    server_start(&server, &(struct server_script){.rcpt = "550 5.1.1 no|250 ok", .data = "354 go"});
    harness_start(&harness, "gateway = \"127.0.0.1\" lmtp_port = %u delivery_method = lmtp", server.port);
    harness_send(&harness, "", "b@example.net", hello);
    CU_ASSERT_STRING_EQUAL(event_wait('P', 0).response, "550 5.1.1 no");
    harness_send(&harness, "", "b@example.net", hello);
    event_wait('D', 0);
    CU_ASSERT_EQUAL(server.messages, 1);
    harness_stop(&harness);
    server_stop(&server);
}

static void test_deliveries_per_connection(void)
{
    struct server server;
    struct harness harness;
    server_start(&server, &(struct server_script){0});
    harness_start(&harness,
                  "gateway = \"127.0.0.1:%u\" max_outbound_connections = 1 max_deliveries_per_connection = 2",
                  server.port);
    for (unsigned i = 0; i < 5; i++)
        harness_send(&harness, "a@example.com", "b@example.net", hello);
    event_wait('D', 4);
    CU_ASSERT_EQUAL(server.connections, 3);
    CU_ASSERT(server_heard(&server, "QUIT\n=\n"));
    harness_stop(&harness);
    server_stop(&server);
}

static void test_idle_connections_quit(void)
{
    struct server server;
    struct harness harness;
    server_start(&server, &(struct server_script){0});
    harness_start(&harness, "gateway = \"127.0.0.1:%u\" idle_timeout = 0", server.port);
    harness_send(&harness, "a@example.com", "b@example.net", hello);
    event_wait('D', 0);
    harness_send(&harness, "a@example.com", "b@example.net", hello);
    event_wait('D', 1);
    CU_ASSERT(server_heard(&server, "QUIT\n"));
    harness_stop(&harness);
    server_stop(&server);
}

/* ---- refusals ---------------------------------------------------------------------------------------- */

static void test_a_refused_recipient_bounces(void)
{
    struct server server;
    struct harness harness;
    /* The server accepts DATA although it refused the only recipient. */
    server_start(&server, &(struct server_script){.rcpt = "550-5.1.1 no such\r\n550 5.1.1 user|250 ok",
                                                  .data = "354 go",
                                                  .final = "554 no valid recipients|250 ok"});
    harness_start(&harness, "hostname = \"mx.example\" gateway = \"127.0.0.1:%u\"", server.port);
    harness_send(&harness, "alice@example.com", "bob@example.net", hello);
    struct event event = event_wait('P', 0);
    CU_ASSERT_EQUAL(event.stage, 4);
    CU_ASSERT_EQUAL(event.size, 0);
    CU_ASSERT_STRING_EQUAL(event.response, "550 5.1.1 no such 5.1.1 user");
    CU_ASSERT_STRING_EQUAL(event.recipient, "bob@example.net");
    event = event_wait('R', 0);
    CU_ASSERT_STRING_EQUAL(event.protocol, "internal");
    CU_ASSERT_STRING_EQUAL(event.recipient, "alice@example.com");
    CU_ASSERT_EQUAL(event_wait('D', 0).message_id, event.message_id);
    CU_ASSERT(server_heard(&server, "MAIL FROM:<> SIZE="));
    char *text = server_text(&server, &server.contents);
    CU_ASSERT_EQUAL(strncmp(text, "\n=\nDate: ", 9), 0); /* nothing was sent of the refused message */
    CU_ASSERT(
        holds(text, "From: Mail Delivery System <mailer-daemon@mx.example>\r\nTo: alice@example.com\r\n"));
    CU_ASSERT(holds(text, "Final-Recipient: rfc822; bob@example.net\r\nAction: failed\r\nStatus: 5.1.1\r\n"
                          "Remote-MTA: dns; [127.0.0.1]\r\n"));
    CU_ASSERT(holds(text, "\r\n\r\nSubject: hi\r\n\r\n--"));
    CU_ASSERT_FALSE(holds(text, "hello"));
    free(text);
    harness_stop(&harness);
    server_stop(&server);
}

static void test_refused_after_the_dot(void)
{
    struct server server;
    struct harness harness;
    server_start(&server, &(struct server_script){.final = "554 5.7.1 spam|250 ok"});
    harness_start(&harness,
                  "gateway = \"127.0.0.1:%u\" mailerdaemon = \"pm@mx.example\" bounces_inline_original = all",
                  server.port);
    harness_send(&harness, "alice@example.com", "bob@example.net", hello);
    struct event event = event_wait('P', 0);
    CU_ASSERT_EQUAL(event.stage, 9);
    CU_ASSERT_EQUAL(event.size, hello.size);
    event_wait('D', 0);
    char *text = server_text(&server, &server.contents);
    CU_ASSERT(holds(text, "From: Mail Delivery System <pm@mx.example>\r\n"));
    CU_ASSERT(holds(text, "message/rfc822\r\n\r\nSubject: hi\r\n\r\nhello\r\n\r\n--"));
    free(text);
    CU_ASSERT_FALSE(server_heard(&server, "RSET"));
    harness_stop(&harness);
    server_stop(&server);
}

static void check_no_bounce(const char *options, const char *from)
{
    struct server server;
    struct harness harness;
    server_start(&server, &(struct server_script){.mail = "550 5.7.1 no"});
    harness_start(&harness, "gateway = \"127.0.0.1:%u\" %s", server.port, options);
    harness_send(&harness, from, "bob@example.net", hello);
    CU_ASSERT_EQUAL(event_wait('P', 0).stage, 2);
    harness_stop(&harness);
    CU_ASSERT_EQUAL(event_count('R'), 0);
    server_stop(&server);
}

static void test_no_bounce(void)
{
    check_no_bounce("", "");
    check_no_bounce("generate_bounces = false", "alice@example.com");
}

static void test_transient_is_retried_with_the_same_content(void)
{
    struct server server;
    struct harness harness;
    server_start(&server, &(struct server_script){.rcpt = "450 4.2.1 later|250 ok"});
    harness_start(&harness, "gateway = \"127.0.0.1:%u\" retry_interval = 1", server.port);
    uint64_t id = harness_send(&harness, "a@example.com", "b@example.net", hello);
    struct event event = event_wait('T', 0);
    CU_ASSERT_EQUAL(event.stage, 4);
    CU_ASSERT_EQUAL(event.retries, 0);
    CU_ASSERT_STRING_EQUAL(event.response, "450 4.2.1 later");
    event = event_wait('D', 0);
    CU_ASSERT_EQUAL(event.retries, 1);
    CU_ASSERT_EQUAL(event.message_id, id);
    char *text = server_text(&server, &server.contents);
    CU_ASSERT_STRING_EQUAL(text, "Subject: hi\r\n\r\nhello\r\n\n=\n"); /* read back from the spool */
    free(text);
    CU_ASSERT(server_heard(&server, "DATA\nRSET\nMAIL"));
    CU_ASSERT_EQUAL(server.connections, 1);
    harness_stop(&harness);
    server_stop(&server);
}

static void test_what_waits_is_in_the_spool(void)
{
    struct server server;
    struct harness harness;
    server_start(&server, &(struct server_script){.mail = "451 4.3.0 later"});
    harness_start(&harness, "gateway = \"127.0.0.1:%u\"", server.port);
    harness_send(&harness, "a@example.com", "b@example.net", hello);
    harness_send(&harness, "a@example.com", "b@example.org", hello);
    CU_ASSERT_EQUAL(event_wait('T', 1).stage, 2);
    CU_ASSERT_EQUAL(queue_set_count(harness.queues), 2);
    for (int i = 0; i < 1000 && body_resident_bytes() > 0; i++) /* the record comes first */
        usleep(1000);
    CU_ASSERT_EQUAL(body_resident_bytes(), 0); /* and nowhere else */
    CU_ASSERT_EQUAL(harness_stop_and_count(&harness), 2);
    server_stop(&server);
}

static void test_too_many_retries(void)
{
    struct server server;
    struct harness harness;
    server_start(&server, &(struct server_script){.mail = "451 4.3.0 later"});
    harness_start(&harness, "gateway = \"127.0.0.1:%u\" retry_interval = 0 max_retries = 2", server.port);
    harness_send(&harness, "", "b@example.net", hello);
    struct event event = event_wait('P', 0);
    CU_ASSERT_STRING_EQUAL(event.response, "554 5.4.7 [internal] exceeded max retries without delivery");
    CU_ASSERT_EQUAL(event.retries, 2);
    CU_ASSERT_EQUAL(event_count('T'), 3);
    harness_stop(&harness);
    server_stop(&server);
}

static void test_expiry_is_noticed_when_it_happens(void)
{
    struct server server;
    struct harness harness;
    server_start(&server, &(struct server_script){.mail = "451 4.3.0 later|250 ok"});
    harness_start(&harness,
                  "gateway = \"127.0.0.1:%u\" message_expiration = 1 bounces_inline_original = none",
                  server.port);
    harness_send(&harness, "a@example.com", "b@example.net", hello);
    struct event event = event_wait('P', 0);
    CU_ASSERT_STRING_EQUAL(event.response, "554 5.4.7 [internal] exceeded max time without delivery");
    CU_ASSERT_EQUAL(event_count('T'), 1);
    event_wait('D', 0); /* the notification */
    char *text = server_text(&server, &server.contents);
    CU_ASSERT(holds(text, "Status: 5.4.7\r\n") && !holds(text, "Subject: hi"));
    CU_ASSERT(holds(text, "Remote-MTA: dns; [127.0.0.1]\r\nDiagnostic-Code: smtp; 451 4.3.0 later\r\n"));
    free(text);
    harness_stop(&harness);
    server_stop(&server);
}

/* The failed message stays until its notification is safe. */
static void test_a_notification_that_cannot_be_stored(void)
{
    struct server server;
    struct harness harness;
    server_start(&server, &(struct server_script){.mail = "550 5.7.1 no"});
    harness_start(&harness, "gateway = \"127.0.0.1:%u\" suspend_delivery = true", server.port);
    harness_send(&harness, "a@example.com", "b@example.net", hello);
    harness_disk_full = true;
    harness_reconfigure(&harness, "gateway = \"127.0.0.1:%u\"", server.port);
    while (!server_heard(&server, "MAIL"))
        usleep(1000);
    CU_ASSERT_EQUAL(harness_stop_and_count(&harness), 1);
    CU_ASSERT_EQUAL(event_count('P') + event_count('R'), 0);
    char *line = harness_last_line();
    CU_ASSERT(holds(line, "notifications cannot be stored (disk full)"));
    free(line);
    harness_disk_full = false;
    server_stop(&server);
}

/* One body, envelopes on both loops: some fail and let its memory go while others read it. */
static void test_recipients_share_a_body(void)
{
    enum { RECIPIENTS = 40 };
    struct server server;
    struct harness harness;
    struct buf content = {0};
    while (buf_size(&content) < 100000)
        buf_append_text(&content, "0123456789012345678901234567890123456789\r\n");
    server_start(&server, &(struct server_script){
                              .rcpt = "450 later|250 ok|450 later|450 later|250 ok|450 later|250 ok"});
    harness_start(&harness, "gateway = \"127.0.0.1:%u\" retry_interval = 1", server.port);
    harness_send_many(&harness, RECIPIENTS, buf_slice(&content));
    for (unsigned i = 0; i < RECIPIENTS; i++)
        CU_ASSERT_EQUAL(event_wait('D', i).size, buf_size(&content));
    struct slice received = buf_slice(&server.contents);
    CU_ASSERT_EQUAL(received.size, RECIPIENTS * (buf_size(&content) + 3));
    harness_stop(&harness);
    server_stop(&server);
    buf_release(&content);
}

static void test_what_a_restart_found_waits(void)
{
    enum { MANY = 20000 };
    struct server server;
    struct harness harness;
    server_start(&server, &(struct server_script){0});
    harness_start(&harness, "gateway = \"127.0.0.1:%u\" max_outbound_connections = 1", server.port);
    harness_restore(&harness, MANY, "later.example", 1000);
    harness_restore(&harness, 3, "soon.example", 1);
    harness_restore(&harness, 2000, "now.example", 0);
    event_wait('D', 2002);
    CU_ASSERT_EQUAL(event_count('D'), 2003);
    while (queue_set_count(harness.queues) > MANY) /* the last record comes just before */
        usleep(1000);
    CU_ASSERT_EQUAL(queue_set_count(harness.queues), MANY);
    char *text = server_text(&server, &server.commands);
    CU_ASSERT_PTR_NOT_NULL(strstr(text, "MAIL FROM:<> SIZE=0\nRCPT TO:<r1999@now.example>"));
    CU_ASSERT(strstr(text, "<r999@now") < strstr(text, "<r1000@now")); /* in the order in which they came */
    free(text);
    harness_stop(&harness);
    server_stop(&server);
}

/* ---- without a connection ---------------------------------------------------------------------------- */

static void test_blackhole(void)
{
    struct harness harness;
    harness_start(&harness, "domain \"hole.example\" { blackhole = true } gateway = \"127.0.0.1:%u\"",
                  server_free_port());
    harness_send(&harness, "a@example.com", "b@HOLE.example", hello);
    struct event event = event_wait('P', 0);
    CU_ASSERT_STRING_EQUAL(event.response, "554 5.7.0 [internal] Blackholed");
    CU_ASSERT_EQUAL(event.stage, 0);
    CU_ASSERT_EQUAL(queue_set_count(harness.queues), 0);
    harness_stop(&harness);
    CU_ASSERT_EQUAL(event_count('R') + event_count('T'), 0);
}

static void test_blackhole_after_reload(void)
{
    struct harness harness;
    harness_start(&harness, "suspend_delivery = true");
    harness_send(&harness, "a@example.com", "b@example.net", hello);
    harness_reconfigure(&harness, "blackhole = internal");
    CU_ASSERT_STRING_EQUAL(event_wait('P', 0).response, "554 5.7.0 [internal] Blackholed");
    harness_stop(&harness);
}

static enum imp_delivery_result fake_deliver(struct imp_delivery *delivery, char *response,
                                             size_t response_size, void *closure)
{
    const char *data;
    size_t size, total = 0;
    int got;
    (void)closure;
    while ((got = delivery->read_chunk(delivery, &data, &size)) == 1)
        total += size;
    if (got < 0 || total != delivery->envelope->body->size)
        return IMP_PERMANENT;
    bool first = delivery->envelope->retries == 0;
    snprintf(response, response_size, "%s", first ? "452 4.2.2 mailbox\nfull" : "");
    return first ? IMP_TRANSIENT : IMP_DELIVERED;
}

static void test_a_module_delivers(void)
{
    struct module_delivery_method method = {.name = "fake", .pool = "CPU", .deliver = fake_deliver};
    struct harness harness;
    harness_start(&harness, "delivery_method = Fake retry_interval = 1");
    char *large = mem_zalloc(2 * BODY_CHUNK + 5);
    harness_send(&harness, "a@example.com", "b@example.net", hello);
    CU_ASSERT_STRING_EQUAL(
        event_wait('T', 0).response,
        "451 4.3.5 [internal] configuration error, no module provides this delivery_method");
    harness_method = &method;
    event_wait('D', 0);
    harness_send(&harness, "a@example.com", "b@example.net", slice_of(large, 2 * BODY_CHUNK + 5));
    CU_ASSERT_STRING_EQUAL(event_wait('T', 1).response, "452 4.2.2 mailbox full");
    CU_ASSERT_EQUAL(event_wait('D', 1).size, 2 * BODY_CHUNK + 5);
    harness_stop(&harness);
    harness_method = NULL;
    free(large);
}

static enum imp_delivery_result deliver_nothing(struct imp_delivery *delivery, char *response,
                                                size_t response_size, void *closure)
{
    const char *data;
    size_t size;
    (void)response, (void)closure;
    bool empty = delivery->read_chunk(delivery, &data, &size) == 0 &&
                 delivery->read_chunk(delivery, &data, &size) == 0 && delivery->message(delivery) != NULL;
    return empty && response_size >= 512 ? IMP_DELIVERED : IMP_PERMANENT;
}

static void test_a_module_delivers_nothing(void)
{
    struct module_delivery_method method = {.name = "fake", .pool = "CPU", .deliver = deliver_nothing};
    struct harness harness;
    harness_method = &method;
    harness_start(&harness, "delivery_method = fake");
    harness_send(&harness, "a@example.com", "b@example.net", slice_of("", 0));
    CU_ASSERT_EQUAL(event_wait('D', 0).size, 0);
    harness_stop(&harness);
    harness_method = NULL;
}

int main(void)
{
    CU_TestInfo tests[] = {
        {"content arrives as it is", test_content_arrives_as_it_is},
        {"large content comes from the spool", test_large_content_comes_from_the_spool},
        {"commands by what is offered", test_commands_by_what_is_offered},
        {"a busy connection pipelines", test_a_busy_connection_pipelines},
        {"without pipelining", test_without_pipelining},
        {"method smtp says HELO", test_method_smtp_says_helo},
        {"LMTP over a Unix socket", test_lmtp_over_a_unix_socket},
        {"LMTP without recipients", test_lmtp_without_recipients},
        {"max_deliveries_per_connection", test_deliveries_per_connection},
        {"idle connections quit", test_idle_connections_quit},
        {"a refused recipient bounces", test_a_refused_recipient_bounces},
        {"refused after the dot", test_refused_after_the_dot},
        {"no bounce", test_no_bounce},
        {"transient is retried", test_transient_is_retried_with_the_same_content},
        {"what waits is in the spool", test_what_waits_is_in_the_spool},
        {"too many retries", test_too_many_retries},
        {"expiry", test_expiry_is_noticed_when_it_happens},
        {"a notification that cannot be stored", test_a_notification_that_cannot_be_stored},
        {"recipients share a body", test_recipients_share_a_body},
        {"what a restart found waits", test_what_a_restart_found_waits},
        {"blackhole", test_blackhole},
        {"blackhole after a reload", test_blackhole_after_reload},
        {"a module delivers", test_a_module_delivers},
        {"a module delivers nothing", test_a_module_delivers_nothing},
        CU_TEST_INFO_NULL,
    };
    return unit_run("delivery", tests);
}
