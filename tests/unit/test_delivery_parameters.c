/* What came with a message goes out with it, or the message comes back: parameters of MAIL and RCPT, BDAT,
 * headers. */
#include "delivery_harness.h"

#include <string.h>
#include "base/mem.h"
#include "smtp/client/client_command.h"
#include "smtp/client/obstacle.h"
#include "module/module.h"

#define S SLICE_LITERAL
#define PARAMETERS(text)                                                                                     \
    {                                                                                                        \
        text, sizeof text                                                                                    \
    } /* with the last NUL */

static const struct slice hello = SLICE_LITERAL("Subject: hi\r\n\r\nhello\r\n");

enum {
    ALL = OFFERS_SIZE | OFFERS_8BITMIME | OFFERS_SMTPUTF8 | OFFERS_DSN | OFFERS_CHUNKING | OFFERS_BINARYMIME
};

static struct envelope *make_envelope(struct envelope_facts facts, bool eight_bit)
{
    struct body *body = body_create(1, NULL, 100);
    body->eight_bit = eight_bit;
    if (!facts.recipient.size)
        facts.recipient = S("b@example.net");
    struct envelope *envelope = envelope_create(&facts, body);
    body_unref(body);
    return envelope;
}

/* ---- commands ---------------------------------------------------------------------------------------- */

static void test_mail(void)
{
    static const struct {
        struct envelope_facts facts;
        unsigned offers;
        bool eight_bit, international;
        const char *line;
    } rows[] = {
        {{.reverse_path = S("a@example.com")}, 0, true, false, "MAIL FROM:<a@example.com>\r\n"},
        {{.reverse_path = S("a@example.com")}, ALL, false, false, "MAIL FROM:<a@example.com> SIZE=100\r\n"},
        {{.header = S("X: y\r\n")}, ALL, true, false, "MAIL FROM:<> SIZE=106 BODY=8BITMIME\r\n"},
        {{.flags = ENVELOPE_EIGHT_BIT}, OFFERS_8BITMIME, false, false, "MAIL FROM:<> BODY=8BITMIME\r\n"},
        {{.flags = ENVELOPE_BINARY | ENVELOPE_EIGHT_BIT},
         ALL,
         true,
         false,
         "MAIL FROM:<> SIZE=100 BODY=BINARYMIME\r\n"},
        {{.flags = ENVELOPE_SMTPUTF8}, OFFERS_SMTPUTF8, false, false, "MAIL FROM:<> SMTPUTF8\r\n"},
        {{.flags = ENVELOPE_SMTPUTF8}, OFFERS_SIZE, false, false, "MAIL FROM:<> SIZE=100\r\n"},
        {{.reverse_path = S("\xc3\xa4@example.com")},
         ALL,
         false,
         false,
         "MAIL FROM:<\xc3\xa4@example.com> SIZE=100 SMTPUTF8\r\n"},
        {{.reverse_path = S("a@b")}, OFFERS_SMTPUTF8, false, true, "MAIL FROM:<a@b> SMTPUTF8\r\n"},
        {{.flags = ENVELOPE_RET_FULL, .parameters = PARAMETERS("ENVID\0QQ+3D1")},
         OFFERS_DSN,
         false,
         false,
         "MAIL FROM:<> RET=FULL ENVID=QQ+3D1\r\n"},
        {{.flags = ENVELOPE_RET_HDRS, .parameters = PARAMETERS("AUTH\0x@y\0ENVID\0z")},
         OFFERS_DSN,
         false,
         false,
         "MAIL FROM:<> RET=HDRS ENVID=z\r\n"},
        {{.flags = ENVELOPE_RET_HDRS, .parameters = PARAMETERS("ENVID\0z")},
         OFFERS_SIZE,
         false,
         false,
         "MAIL FROM:<> SIZE=100\r\n"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct buf out = {0};
        struct offers offers = {.extensions = rows[i].offers};
        struct envelope *envelope = make_envelope(rows[i].facts, rows[i].eight_bit);
        struct mail_facts facts = {envelope, envelope_size(envelope), envelope_has_eight_bit(envelope),
                                   (envelope->flags & ENVELOPE_SMTPUTF8) || rows[i].international};
        command_write_mail(&facts, &offers, &out);
        CU_ASSERT(slice_equal(buf_slice(&out), slice_text(rows[i].line)));
        buf_release(&out);
        envelope_free(envelope);
    }
}

static void test_rcpt(void)
{
    static const struct {
        uint32_t flags;
        struct slice parameters;
        unsigned offers;
        const char *line;
    } rows[] = {
        {0, {0}, ALL, "RCPT TO:<b@example.net>\r\n"},
        {ENVELOPE_NOTIFY_NEVER, {0}, OFFERS_DSN, "RCPT TO:<b@example.net> NOTIFY=NEVER\r\n"},
        {ENVELOPE_NOTIFY_SUCCESS | ENVELOPE_NOTIFY_DELAY,
         {0},
         OFFERS_DSN,
         "RCPT TO:<b@example.net> NOTIFY=SUCCESS,DELAY\r\n"},
        {ENVELOPE_NOTIFY_SUCCESS | ENVELOPE_NOTIFY_FAILURE | ENVELOPE_NOTIFY_DELAY,
         PARAMETERS("ORCPT\0rfc822;Bob+2B@Example.COM"), OFFERS_DSN,
         "RCPT TO:<b@example.net> NOTIFY=SUCCESS,FAILURE,DELAY ORCPT=rfc822;Bob+2B@Example.COM\r\n"},
        {ENVELOPE_NOTIFY_FAILURE, PARAMETERS("ORCPT\0rfc822;b@c"), OFFERS_SIZE,
         "RCPT TO:<b@example.net>\r\n"},
        {0, PARAMETERS("ORCPT\0utf-8;\xc3\xa4\xe2\x82\xac\xf0\x9f\x93\xa7@c"), OFFERS_DSN | OFFERS_SMTPUTF8,
         "RCPT TO:<b@example.net> ORCPT=utf-8;\xc3\xa4\xe2\x82\xac\xf0\x9f\x93\xa7@c\r\n"},
        {0, PARAMETERS("ORCPT\0utf-8;\xc3\xa4\xe2\x82\xac\xf0\x9f\x93\xa7@c"), OFFERS_DSN,
         "RCPT TO:<b@example.net> ORCPT=utf-8;\\x{E4}\\x{20AC}\\x{1F4E7}@c\r\n"},
        {0, PARAMETERS("ORCPT\0utf-8;\xc3@c"), OFFERS_DSN, "RCPT TO:<b@example.net>\r\n"},
        {0, PARAMETERS("ORCPT\0utf-8;a\xf0\x9f\x93"), OFFERS_DSN, "RCPT TO:<b@example.net>\r\n"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct buf out = {0};
        struct offers offers = {.extensions = rows[i].offers};
        struct envelope *envelope = make_envelope(
            (struct envelope_facts){.flags = rows[i].flags, .parameters = rows[i].parameters}, false);
        command_write_rcpt(envelope, &offers, &out);
        CU_ASSERT(slice_equal(buf_slice(&out), slice_text(rows[i].line)));
        buf_release(&out);
        envelope_free(envelope);
    }
}

static void test_offers(void)
{
    struct wire_reply reply;
    CU_ASSERT_EQUAL(
        reply_parse(S("250-SIZE dsn\r\n250-size 100\r\n250-Dsn\r\n250-SMTPUTF8 \r\n250-CHUNKINGX\r\n"
                      "250-LIMITS MAILMAX=3 RCPTMAX=20 RCPTDOMAINMAX=1\r\n250 BINARYMIME\r\n"),
                    &reply),
        REPLY_DONE);
    struct offers offers = offers_read(&reply);
    CU_ASSERT_EQUAL(offers.extensions, OFFERS_SIZE | OFFERS_DSN | OFFERS_SMTPUTF8 | OFFERS_BINARYMIME);
    CU_ASSERT_EQUAL(offers.recipients, 20);
    CU_ASSERT_EQUAL(reply_parse(S("250-x\r\n250 LIMITS RCPTMAX=99999999999 RCPTMAX=x RCPTMAX=\r\n"), &reply),
                    REPLY_DONE);
    CU_ASSERT_EQUAL(offers_read(&reply).recipients, 0);
}

/* ---- obstacles --------------------------------------------------------------------------------------- */

static void test_obstacles(void)
{
    static const struct {
        struct envelope_facts facts;
        unsigned offers;
        bool ascii_header, same_host;
        const char *code; /* "": none */
    } rows[] = {
        {{.flags = 0}, 0, false, false, ""}, /* 8-bit headers that nobody declared go as they came */
        {{.flags = ENVELOPE_SMTPUTF8}, OFFERS_SMTPUTF8, false, false, ""},
        {{.flags = ENVELOPE_SMTPUTF8}, 0, true, false, ""},
        {{.flags = ENVELOPE_SMTPUTF8}, 0, false, false, "554 5.6.9 [internal] "},
        {{.recipient = S("\xc3\xa4@example.net")}, OFFERS_SMTPUTF8, true, false, ""},
        {{.recipient = S("\xc3\xa4@example.net")},
         ALL & ~OFFERS_SMTPUTF8,
         true,
         false,
         "553 5.6.7 [internal] "},
        {{.reverse_path = S("a@\xc3\xa4.example")}, 0, true, true, "553 5.6.7 [internal] "},
        {{.flags = ENVELOPE_BINARY}, OFFERS_CHUNKING | OFFERS_BINARYMIME, true, false, ""},
        {{.flags = ENVELOPE_BINARY}, OFFERS_CHUNKING, true, false, "554 5.6.1 [internal] "},
        {{.flags = ENVELOPE_BINARY}, OFFERS_BINARYMIME, true, true, "554 5.6.1 [internal] "},
        {{.flags = ENVELOPE_REQUIRETLS, .reverse_path = S("a@b")},
         ALL,
         true,
         false,
         "550 5.7.30 [internal] "},
        {{.flags = ENVELOPE_REQUIRETLS}, ALL, true, false, ""}, /* a notification */
        {{.flags = ENVELOPE_REQUIRETLS, .reverse_path = S("a@b")}, 0, true, true, ""},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct offers offers = {.extensions = rows[i].offers};
        struct envelope *envelope = make_envelope(rows[i].facts, false);
        struct obstacle_facts facts = {&offers, envelope->flags & ENVELOPE_SMTPUTF8, rows[i].ascii_header,
                                       rows[i].same_host};
        struct slice found = obstacle_find(envelope, &facts);
        CU_ASSERT_EQUAL(found.size > 0, rows[i].code[0] != '\0');
        CU_ASSERT(slice_starts_nocase(found, slice_text(rows[i].code)));
        envelope_free(envelope);
    }
}

/* ---- on the wire ------------------------------------------------------------------------------------- */

static const char everything[] =
    "250-x\r\n250-PIPELINING\r\n250-SIZE\r\n250-8BITMIME\r\n250-SMTPUTF8\r\n250-DSN\r\n"
    "250-CHUNKING\r\n250 BINARYMIME";

static bool holds(struct server *server, const struct buf *which, const char *part)
{
    char *text = server_text(server, which);
    bool found = strstr(text, part) != NULL;
    if (!found)
        printf("%s\n-- not in:\n%s\n", part, text);
    free(text);
    return found;
}

static void test_header_before_the_body(void)
{
    struct server server;
    struct harness harness;
    struct envelope_facts facts = {.recipient = S("b@example.net"), .header = S(".dot: 1\r\nX: 2\r\n")};
    server_start(&server, &(struct server_script){0});
    harness_start(&harness, "gateway = \"127.0.0.1:%u\"", server.port);
    harness_send_facts(&harness, &facts, 1, hello);
    CU_ASSERT_EQUAL(event_wait('D', 0).size, 37);
    harness_send_facts(&harness, &facts, 1, S(""));
    CU_ASSERT_EQUAL(event_wait('D', 1).size, 15);
    CU_ASSERT(holds(&server, &server.commands, " SIZE=37\n"));
    CU_ASSERT(holds(&server, &server.contents,
                    ".dot: 1\r\nX: 2\r\nSubject: hi\r\n\r\nhello\r\n\n=\n.dot: 1\r\nX: 2\r\n\n=\n"));
    harness_stop(&harness);
    server_stop(&server);
}

static enum imp_delivery_result read_whole(struct imp_delivery *delivery, char *response,
                                           size_t response_size, void *closure)
{
    char whole[100];
    const char *data;
    size_t size, used = 0;
    (void)closure;
    while (delivery->read_chunk(delivery, &data, &size) == 1 && used + size < sizeof whole) {
        memcpy(whole + used, data, size);
        used += size;
    }
    snprintf(response, response_size, "250 %.*s", (int)used, whole);
    return IMP_DELIVERED;
}

static void test_a_module_gets_the_header(void)
{
    struct module_delivery_method method = {.name = "fake", .pool = "IO", .deliver = read_whole};
    struct envelope_facts facts[] = {{.recipient = S("b@example.net"), .header = S("X: 1\r\n")},
                                     {.recipient = S("c@example.net")}};
    struct harness harness;
    harness_method = &method;
    harness_start(&harness, "delivery_method = fake max_outbound_connections = 1");
    harness_send_facts(&harness, facts, 2, S("Y: 2\r\n"));
    CU_ASSERT_STRING_EQUAL(event_wait('D', 0).response, "250 X: 1  Y: 2  ");
    CU_ASSERT_EQUAL(event_wait('D', 0).size, 12);
    CU_ASSERT_STRING_EQUAL(event_wait('D', 1).response, "250 Y: 2  ");
    harness_stop(&harness);
    harness_method = NULL;
}

/* Binary content goes as it is, with no end to be mistaken, in either protocol, with and without PIPELINING.
 */
static void check_binary(const char *ehlo, const char *method, const char *reads)
{
    static const char content[] =
        "X: 1\r\n\r\n.\r\n\r\n.\r\nMAIL FROM:<evil@example.com>\r\n\n.\n\r.\r\0\xff no end";
    struct server server;
    struct harness harness;
    struct envelope_facts facts[] = {
        {.recipient = S("b@example.net"), .flags = ENVELOPE_BINARY | ENVELOPE_BATCH, .header = S("Y: 2\r\n")},
        {.recipient = S("no@example.net"),
         .flags = ENVELOPE_BINARY | ENVELOPE_BATCH,
         .header = S("Y: 2\r\n")},
        {.recipient = S("c@example.net"),
         .flags = ENVELOPE_BINARY | ENVELOPE_BATCH,
         .header = S("Y: 2\r\n")}};
    struct slice sent = slice_of(content, sizeof content - 1);
    const char *options = "gateway = \"127.0.0.1\" generate_bounces = false max_outbound_connections = 1";
    server_start(&server, &(struct server_script){.ehlo = ehlo, .rcpt = "250 ok|550 5.1.1 no|250 ok"});
    harness_start(&harness, "%s suspend_delivery = true", options);
    harness_send_facts(&harness, facts, 3, sent);
    harness_reconfigure(&harness, "%s delivery_method = %s remote_smtp_port = %u lmtp_port = %u", options,
                        method, server.port, server.port);
    CU_ASSERT_EQUAL(event_wait('D', 1).size, sent.size + 6);
    CU_ASSERT_STRING_EQUAL(event_wait('P', 0).recipient, "no@example.net");
    char command[40];
    snprintf(command, sizeof command, "BDAT %zu LAST\n", sent.size + 6);
    CU_ASSERT(holds(&server, &server.commands, command));
    CU_ASSERT(holds(&server, &server.commands, " BODY=BINARYMIME\n"));
    CU_ASSERT(holds(&server, &server.reads, reads));
    pthread_mutex_lock(&server.lock);
    struct slice got = buf_slice(&server.contents);
    CU_ASSERT_EQUAL(got.size, 6 + sent.size + 3);
    CU_ASSERT_EQUAL(memcmp(got.data, "Y: 2\r\n", 6), 0);
    CU_ASSERT_EQUAL(memcmp(got.data + 6, content, sent.size), 0);
    pthread_mutex_unlock(&server.lock);
    harness_stop(&harness);
    server_stop(&server);
}

static void test_binary(void)
{
    static const char without_pipelining[] = "250-x\r\n250-CHUNKING\r\n250 BINARYMIME";
    check_binary(everything, "esmtp", " MRRR B.");
    check_binary(everything, "lmtp", " MRRR B.");
    check_binary(without_pipelining, "esmtp", " M R R R B.");
}

static void test_binary_without_recipients(void)
{
    struct server server;
    struct harness harness;
    struct envelope_facts facts = {.recipient = S("b@example.net"), .flags = ENVELOPE_BINARY};
    server_start(&server, &(struct server_script){
                              .ehlo = everything, .rcpt = "550 no|250 ok", .mail = "250 ok|550 no|250 ok"});
    harness_start(&harness, "gateway = \"127.0.0.1:%u\" generate_bounces = false", server.port);
    for (unsigned i = 0; i < 2; i++) {
        harness_send_facts(&harness, &facts, 1, hello);
        event_wait('P', i);
    }
    harness_send_facts(&harness, &facts, 1, hello);
    event_wait('D', 0);
    CU_ASSERT(holds(&server, &server.commands,
                    "RCPT TO:<b@example.net>\nRSET\nMAIL FROM:<a@example.com> SIZE=22 BODY=BINARYMIME\n"
                    "RCPT TO:<b@example.net>\nRSET\nMAIL"));
    CU_ASSERT_EQUAL(server.messages, 1);
    CU_ASSERT_EQUAL(server.connections, 1);
    harness_stop(&harness);
    server_stop(&server);
}

/* A server may still be in a transaction of which it refused the content. */
static void test_binary_refused(void)
{
    struct server server;
    struct harness harness;
    struct envelope_facts facts = {.recipient = S("b@example.net"), .flags = ENVELOPE_BINARY};
    const char *options = "gateway = \"127.0.0.1\" generate_bounces = false max_outbound_connections = 1";
    server_start(&server, &(struct server_script){.ehlo = everything, .final = "554 5.6.0 no|250 ok"});
    harness_start(&harness, "%s suspend_delivery = true", options);
    for (unsigned i = 0; i < 10; i++)
        harness_send_facts(&harness, &facts, 1, hello);
    harness_reconfigure(&harness, "%s remote_smtp_port = %u", options, server.port);
    CU_ASSERT_EQUAL(event_wait('P', 0).stage, 9);
    event_wait('D', 8);
    CU_ASSERT(holds(&server, &server.commands, "BDAT 22 LAST\nRSET\nMAIL"));
    CU_ASSERT(holds(&server, &server.commands, "BDAT 22 LAST\nMAIL"));
    harness_stop(&harness);
    server_stop(&server);
}

static void test_large_binary(void)
{
    struct server server;
    struct harness harness;
    struct envelope_facts facts = {.recipient = S("b@example.net"), .flags = ENVELOPE_BINARY};
    struct slice large = {memset(mem_zalloc(2 * BODY_CHUNK + 5), '\n', 2 * BODY_CHUNK + 5),
                          2 * BODY_CHUNK + 5};
    server_start(&server, &(struct server_script){.ehlo = everything});
    harness_start(&harness, "gateway = \"127.0.0.1:%u\"", server.port);
    harness_send_facts(&harness, &facts, 1, large);
    CU_ASSERT_EQUAL(event_wait('D', 0).size, large.size);
    CU_ASSERT_EQUAL(buf_size(&server.contents), large.size + 3);
    harness_stop(&harness);
    server_stop(&server);
    free((char *)large.data);
}

/* What the next hop lacks is the matter of those recipients that need it; their sender is told. */
static void test_comes_back(void)
{
    struct server server;
    struct harness harness;
    struct envelope_facts facts[] = {
        {.recipient = S("r0@example.net"), .flags = ENVELOPE_BATCH},
        {.recipient = S("\xc3\xa4@example.net"), .flags = ENVELOPE_BATCH},
        {.recipient = S("r2@example.net"), .flags = ENVELOPE_BATCH},
        {.recipient = S("r3@example.net"),
         .flags = ENVELOPE_REQUIRETLS,
         .reverse_path = S("tls@example.com")},
    };
    const char *options = "gateway = \"127.0.0.1\" max_outbound_connections = 1";
    server_start(&server, &(struct server_script){0});
    harness_start(&harness, "%s suspend_delivery = true", options);
    harness_send_facts(&harness, facts, 4, hello);
    harness_reconfigure(&harness, "%s remote_smtp_port = %u", options, server.port);
    for (unsigned i = 0; i < 2; i++) {
        struct event event = event_wait('P', i);
        bool tls = strcmp(event.recipient, "r3@example.net") == 0;
        CU_ASSERT_EQUAL(strncmp(event.response, tls ? "550 5.7.30 " : "553 5.6.7 ", 10), 0);
        CU_ASSERT_EQUAL(event.size, 0);
    }
    event_wait('D', 3); /* the two others, and two notifications */
    CU_ASSERT(holds(&server, &server.commands,
                    "SIZE=22\nRCPT TO:<r0@example.net>\nRCPT TO:<r2@example.net>\nDATA\n"));
    CU_ASSERT(holds(&server, &server.commands, "RCPT TO:<tls@example.com>\n"));
    CU_ASSERT(holds(&server, &server.contents, "Status: 5.7.30\r\n"));
    CU_ASSERT(holds(&server, &server.contents, "Status: 5.6.7\r\n"));
    harness_stop(&harness);
    server_stop(&server);
}

/* LMTP on a Unix socket stays on this host. */
static void test_requiretls_on_this_host(void)
{
    struct server server;
    struct harness harness;
    struct envelope_facts facts = {.recipient = S("b@example.net"), .flags = ENVELOPE_REQUIRETLS};
    char path[UNIT_PATH_SIZE + 8], folder[UNIT_PATH_SIZE];
    unit_directory(folder);
    snprintf(path, sizeof path, "%s/lmtp", folder);
    server_start(&server, &(struct server_script){.unix_path = path});
    harness_start(&harness, "gateway = \"%s\" delivery_method = lmtp", path);
    harness_send_facts(&harness, &facts, 1, hello);
    event_wait('D', 0);
    harness_stop(&harness);
    server_stop(&server);
    unit_directory_remove(folder);
}

/* ---- who owes the sender a success notification ------------------------------------------------------ */

static _Atomic int last_duty;

void __real_queue_settle(struct queue *queue, struct envelope *envelope, const struct queue_outcome *outcome);
void __wrap_queue_settle(struct queue *queue, struct envelope *envelope, const struct queue_outcome *outcome);

void __wrap_queue_settle(struct queue *queue, struct envelope *envelope, const struct queue_outcome *outcome)
{
    last_duty = outcome->duty;
    __real_queue_settle(queue, envelope, outcome);
}

static void check_duty(const char *ehlo, const char *method, enum queue_duty duty)
{
    struct server server;
    struct harness harness;
    struct module_delivery_method fake = {.name = "fake", .pool = "IO", .deliver = read_whole};
    harness_method = &fake;
    server_start(&server, &(struct server_script){.ehlo = ehlo});
    harness_start(&harness, "gateway = \"127.0.0.1:%u\" delivery_method = %s", server.port, method);
    harness_send(&harness, "a@example.com", "b@example.net", hello);
    event_wait('D', 0);
    CU_ASSERT_EQUAL(last_duty, (int)duty);
    harness_stop(&harness);
    server_stop(&server);
    harness_method = NULL;
}

static void test_duty(void)
{
    check_duty(everything, "esmtp", QUEUE_PASSED_ON);
    check_duty(everything, "smtp", QUEUE_RELAYED); /* HELO */
    check_duty("250-x\r\n250 PIPELINING", "esmtp", QUEUE_RELAYED);
    check_duty(everything, "lmtp", QUEUE_PASSED_ON);
    check_duty("250 x", "fake", QUEUE_FINAL);
}

int main(void)
{
    CU_TestInfo tests[] = {
        {"MAIL", test_mail},
        {"RCPT", test_rcpt},
        {"offers", test_offers},
        {"obstacles", test_obstacles},
        {"a header before the body", test_header_before_the_body},
        {"a module gets the header", test_a_module_gets_the_header},
        {"binary", test_binary},
        {"binary without recipients", test_binary_without_recipients},
        {"binary that is refused", test_binary_refused},
        {"large binary", test_large_binary},
        {"what comes back", test_comes_back},
        {"REQUIRETLS on this host", test_requiretls_on_this_host},
        {"who owes a success notification", test_duty},
        CU_TEST_INFO_NULL,
    };
    return unit_run("delivery parameters", tests);
}
