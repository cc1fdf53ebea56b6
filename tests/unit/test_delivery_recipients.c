/* Several recipients in one transaction: which share it, and what each reply does to each of them. */
#include "delivery_harness.h"

#include <string.h>
#include "message/message_content.h"
#include "module/module.h"

#define S SLICE_LITERAL

static const struct slice hello = SLICE_LITERAL("Subject: hi\r\n\r\nhello\r\n");

struct scene {
    struct server server;
    struct harness harness;
    char options[200];
};

/* With a server that answers so. Nothing is delivered before scene_go. */
static void scene_start(struct scene *scene, const struct server_script *script, const char *options)
{
    server_start(&scene->server, script);
    snprintf(scene->options, sizeof scene->options,
             "gateway = \"127.0.0.1\" remote_smtp_port = %u lmtp_port = %u max_outbound_connections = 1 "
             "generate_bounces = false %s",
             scene->server.port, scene->server.port, options);
    harness_start(&scene->harness, "%s suspend_delivery = true", scene->options);
}

static void scene_go(struct scene *scene)
{
    harness_reconfigure(&scene->harness, "%s", scene->options);
}

static void scene_end(struct scene *scene)
{
    harness_stop(&scene->harness);
    server_stop(&scene->server);
}

/* One message to r0@x.example, r1@x.example ... */
static void send_batch(struct scene *scene, unsigned count, struct slice content)
{
    struct envelope_facts facts[16] = {0};
    char addresses[16][32];
    for (unsigned i = 0; i < count; i++) {
        snprintf(addresses[i], sizeof addresses[i], "r%u@x.example", i);
        facts[i].recipient = slice_text(addresses[i]);
        facts[i].flags = ENVELOPE_BATCH;
    }
    harness_send_facts(&scene->harness, facts, count, content);
}

static bool heard(struct scene *scene, const char *lines)
{
    char *text = server_text(&scene->server, &scene->server.commands);
    bool found = strstr(text, lines) != NULL;
    if (!found)
        printf("%s\n-- not heard in:\n%s", lines, text);
    free(text);
    return found;
}

static unsigned times_heard(struct scene *scene, const char *line)
{
    char *text = server_text(&scene->server, &scene->server.commands);
    unsigned times = 0;
    for (const char *at = text; (at = strstr(at, line)); at++)
        times++;
    free(text);
    return times;
}

/* Is there exactly one event of the kind for each of r0 ... rN that `recipients` names by digit? */
static bool events_are(char kind, const char *recipients)
{
    unsigned seen[10] = {0};
    size_t count = strlen(recipients);
    for (unsigned i = 0; i < count; i++) {
        struct event event = event_wait(kind, i);
        seen[event.recipient[1] - '0']++;
    }
    for (size_t i = 0; i < count; i++)
        if (seen[recipients[i] - '0'] != 1)
            return false;
    return event_count(kind) == count;
}

/* ---- sharing ----------------------------------------------------------------------------------------- */

static void test_recipients_share(void)
{
    struct scene scene;
    scene_start(&scene, &(struct server_script){0}, "");
    send_batch(&scene, 3, hello);
    scene_go(&scene);
    CU_ASSERT(events_are('D', "012"));
    CU_ASSERT(heard(&scene,
                    "MAIL FROM:<a@example.com> SIZE=22\nRCPT TO:<r0@x.example>\nRCPT TO:<r1@x.example>\n"
                    "RCPT TO:<r2@x.example>\nDATA\n"));
    char *reads = server_text(&scene.server, &scene.server.reads);
    CU_ASSERT_EQUAL(strncmp(reads, " E MRRRD ", 9), 0); /* all in one packet, as with one recipient */
    free(reads);
    struct event events[3];
    for (unsigned i = 0; i < 3; i++) {
        events[i] = event_wait('D', i);
        CU_ASSERT_EQUAL(events[i].size, hello.size);
        CU_ASSERT_EQUAL(events[i].stage, 9);
        CU_ASSERT_STRING_EQUAL(events[i].response, "250 2.0.0 taken");
    }
    CU_ASSERT_NOT_EQUAL(events[0].message_id, events[1].message_id);
    CU_ASSERT_EQUAL(scene.server.messages, 1);
    scene_end(&scene);
}

static void test_max_recipients_per_batch(void)
{
    struct scene scene;
    scene_start(&scene, &(struct server_script){0}, "max_recipients_per_batch = 2");
    send_batch(&scene, 5, hello);
    scene_go(&scene);
    CU_ASSERT(events_are('D', "01234"));
    CU_ASSERT_EQUAL(scene.server.messages, 3);
    scene_end(&scene);
}

static void test_one_each_unless_asked_for(void)
{
    struct scene scene;
    struct envelope_facts facts[3] = {{.recipient = SLICE_LITERAL("r0@x.example")},
                                      {.recipient = SLICE_LITERAL("r1@x.example")},
                                      {.recipient = SLICE_LITERAL("r2@x.example")}};
    scene_start(&scene, &(struct server_script){0}, "");
    harness_send_facts(&scene.harness, facts, 3, hello);
    scene_go(&scene);
    CU_ASSERT(events_are('D', "012"));
    CU_ASSERT_EQUAL(scene.server.messages, 3);
    scene_end(&scene);
}

/* Copies that differ in what is said once for all go by themselves; what is said for each may differ. */
static void test_only_equal_copies_share(void)
{
    struct scene scene;
    struct envelope_facts facts[] = {
        {.recipient = S("r0@x.example"), .flags = ENVELOPE_BATCH},
        {.recipient = S("r1@x.example"), .flags = ENVELOPE_BATCH, .header = S("X-For: r1\r\n")},
        {.recipient = S("r2@x.example"), .flags = ENVELOPE_BATCH, .reverse_path = S("r2-return@example.com")},
        {.recipient = S("r3@x.example"), .flags = ENVELOPE_BATCH | ENVELOPE_RET_HDRS},
        {.recipient = S("r4@x.example"), .flags = ENVELOPE_BATCH | ENVELOPE_NOTIFY_NEVER},
        {.recipient = S("r5@x.example"), .flags = ENVELOPE_BATCH, .header = S("X-For: r1\r\n")},
    };
    scene_start(&scene, &(struct server_script){0}, "");
    harness_send_facts(&scene.harness, facts, 6, hello);
    scene_go(&scene);
    CU_ASSERT(events_are('D', "012345"));
    CU_ASSERT_EQUAL(scene.server.messages, 4);
    CU_ASSERT(heard(&scene, "RCPT TO:<r0@x.example>\nRCPT TO:<r4@x.example>\nDATA\n"));
    CU_ASSERT(heard(&scene, "SIZE=33\nRCPT TO:<r1@x.example>\nRCPT TO:<r5@x.example>\nDATA\n"));
    CU_ASSERT(heard(&scene, "MAIL FROM:<r2-return@example.com> SIZE=22\nRCPT TO:<r2@x.example>\nDATA\n"));
    char *text = server_text(&scene.server, &scene.server.contents);
    CU_ASSERT_PTR_NOT_NULL(strstr(text, "=\nX-For: r1\r\nSubject: hi\r\n\r\nhello\r\n\n="));
    free(text);
    scene_end(&scene);
}

/* Other messages stand between the recipients of one. */
static void test_what_stands_between(void)
{
    struct scene scene;
    scene_start(&scene, &(struct server_script){0}, "");
    send_batch(&scene, 2, hello);
    for (unsigned i = 0; i < 10; i++)
        harness_send(&scene.harness, "", "other@x.example", hello);
    send_batch(&scene, 2, hello);
    scene_go(&scene);
    event_wait('D', 13);
    CU_ASSERT_EQUAL(scene.server.messages, 12);
    CU_ASSERT_EQUAL(times_heard(&scene, "RCPT TO:<r0@x.example>\nRCPT TO:<r1@x.example>\nDATA\n"), 2);
    scene_end(&scene);
}

/* A whole batch asks for one connection, though it is many envelopes. */
static void test_one_connection_for_a_batch(void)
{
    struct scene scene;
    server_start(&scene.server, &(struct server_script){0});
    harness_start(&scene.harness, "gateway = \"127.0.0.1:%u\" suspend_delivery = true", scene.server.port);
    send_batch(&scene, 16, hello);
    harness_reconfigure(&scene.harness, "gateway = \"127.0.0.1:%u\"", scene.server.port);
    event_wait('D', 15);
    CU_ASSERT_EQUAL(scene.server.connections, 1);
    scene_end(&scene);
}

static void test_large_content_for_several(void)
{
    struct scene scene;
    struct buf content = {0};
    for (unsigned i = 0; buf_size(&content) < 2 * BODY_CHUNK + 1000; i++)
        buf_printf(&content, ".line %u\r\n", i);
    scene_start(&scene, &(struct server_script){.rcpt = "550 no|250 ok"}, "");
    send_batch(&scene, 3, buf_slice(&content));
    scene_go(&scene);
    CU_ASSERT(events_are('D', "12"));
    CU_ASSERT(events_are('P', "0"));
    buf_append(&content, "\n=\n", 4);
    char *text = server_text(&scene.server, &scene.server.contents);
    CU_ASSERT_STRING_EQUAL(text, buf_slice(&content).data);
    free(text);
    buf_release(&content);
    scene_end(&scene);
}

/* ---- replies ----------------------------------------------------------------------------------------- */

static void test_one_is_refused(void)
{
    struct scene scene;
    scene_start(&scene, &(struct server_script){.rcpt = "250 ok|550 5.1.1 no|250 ok"}, "");
    send_batch(&scene, 3, hello);
    scene_go(&scene);
    CU_ASSERT(events_are('D', "02"));
    CU_ASSERT(events_are('P', "1"));
    CU_ASSERT_EQUAL(event_wait('P', 0).stage, 4);
    CU_ASSERT_EQUAL(event_wait('P', 0).size, 0);
    CU_ASSERT_STRING_EQUAL(event_wait('P', 0).response, "550 5.1.1 no");
    CU_ASSERT_EQUAL(scene.server.messages, 1);
    scene_end(&scene);
}

/* Each way to refuse a recipient, with each way that a server may end a transaction without any. */
static void test_all_are_refused(void)
{
    static const char *const data[] = {"503 5.5.1 none|354 go", "354 go"};
    for (size_t i = 0; i < 2; i++) {
        struct scene scene;
        struct server_script script = {.rcpt = "550 no|450 later|250 ok",
                                       .data = data[i],
                                       .final = i == 1 ? "554 nobody|250 taken" : NULL};
        scene_start(&scene, &script, "retry_interval = 0");
        send_batch(&scene, 2, hello);
        scene_go(&scene);
        CU_ASSERT(events_are('P', "0"));
        CU_ASSERT(events_are('D', "1"));
        CU_ASSERT(events_are('T', "1"));
        CU_ASSERT_EQUAL(scene.server.connections, 1);
        scene_end(&scene);
    }
}

/* What is refused as a whole is refused for each: by MAIL, DATA and the dot. */
static void test_refused_as_a_whole(void)
{
    static const struct server_script scripts[] = {{.mail = "450 4.1.8 later|250 ok"},
                                                   {.data = "451 4.3.0 later|354 go"},
                                                   {.final = "452 4.3.1 later|250 ok"}};
    static const unsigned stages[] = {2, 6, 9};
    for (size_t i = 0; i < 3; i++) {
        struct scene scene;
        scene_start(&scene, &scripts[i], "retry_interval = 0");
        send_batch(&scene, 3, hello);
        scene_go(&scene);
        CU_ASSERT(events_are('D', "012"));
        CU_ASSERT(events_are('T', "012"));
        CU_ASSERT_EQUAL(event_wait('T', 2).stage, stages[i]);
        CU_ASSERT_EQUAL(scene.server.connections, 1);
        scene_end(&scene);
    }
}

static void test_without_pipelining(void)
{
    struct scene scene;
    scene_start(&scene, &(struct server_script){.ehlo = "250 plain", .rcpt = "250 ok|550 5.1.1 no|250 ok"},
                "");
    send_batch(&scene, 3, hello);
    scene_go(&scene);
    CU_ASSERT(events_are('D', "02"));
    CU_ASSERT(events_are('P', "1"));
    char *reads = server_text(&scene.server, &scene.server.reads);
    CU_ASSERT_EQUAL(strncmp(reads, " E M R R R D ", 13), 0);
    free(reads);
    scene_end(&scene);
}

/* ---- too many ---------------------------------------------------------------------------------------- */

static void check_too_many(const char *ehlo, const char *rcpt)
{
    struct scene scene;
    scene_start(&scene, &(struct server_script){.ehlo = ehlo, .rcpt = rcpt}, "");
    send_batch(&scene, 6, hello);
    scene_go(&scene);
    CU_ASSERT(events_are('D', "012345"));
    CU_ASSERT_EQUAL(event_count('T') + event_count('P'), 0);
    CU_ASSERT_EQUAL(scene.server.messages, 3);
    CU_ASSERT_EQUAL(scene.server.connections, 1);
    scene_end(&scene);
}

/* The rest goes in further transactions, none of which has more recipients than the server took. */
static void test_too_many_recipients(void)
{
    const char *pipelining = "250-x\r\n250 PIPELINING", *plain = "250 x";
    check_too_many(pipelining, "250 ok|250 ok|452 4.5.3 too many|452 4.5.3 too many|452 4.5.3 too many|"
                               "452 4.5.3 too many|250 ok");
    check_too_many(pipelining,
                   "250 ok|250 ok|452 too many|552 too many|550 5.5.3 too many|452 too many|250 ok");
    check_too_many(plain, "250 ok|250 ok|452 4.5.3 too many|250 ok");
    check_too_many("250-x\r\n250-PIPELINING\r\n250 LIMITS MAILMAX=99 rcptmax=2", NULL);
}

/* A mailbox that is full is that recipient's matter, and a first one that is too many is a failure. */
static void test_not_too_many(void)
{
    struct scene scene;
    scene_start(&scene, &(struct server_script){.rcpt = "250 ok|452 4.2.2 full|250 ok"},
                "retry_interval = 0");
    send_batch(&scene, 3, hello);
    scene_go(&scene);
    CU_ASSERT(events_are('T', "1"));
    CU_ASSERT(events_are('D', "021"));
    scene_end(&scene);
    scene_start(&scene, &(struct server_script){.rcpt = "452 4.5.3 no|250 ok"}, "retry_interval = 0");
    send_batch(&scene, 2, hello);
    scene_go(&scene);
    CU_ASSERT(events_are('T', "0"));
    CU_ASSERT(events_are('D', "10"));
    scene_end(&scene);
}

/* ---- LMTP -------------------------------------------------------------------------------------------- */

static void test_lmtp_replies_for_each(void)
{
    struct scene scene;
    scene_start(&scene,
                &(struct server_script){.rcpt = "250 ok|550 5.1.1 no|250 ok",
                                        .final = "250 2.0.0 a|452 4.2.2 b|552 5.2.2 c|250 2.0.0 d"},
                "delivery_method = lmtp retry_interval = 0");
    send_batch(&scene, 4, hello);
    scene_go(&scene);
    CU_ASSERT(events_are('P', "13"));
    CU_ASSERT(events_are('T', "2"));
    CU_ASSERT(events_are('D', "02"));
    CU_ASSERT_STRING_EQUAL(event_wait('D', 0).response, "250 2.0.0 a");
    CU_ASSERT_STRING_EQUAL(event_wait('T', 0).response, "452 4.2.2 b");
    CU_ASSERT_STRING_EQUAL(event_wait('D', 1).response, "250 2.0.0 d");
    CU_ASSERT_EQUAL(scene.server.connections, 1);
    scene_end(&scene);
}

/* After the first reply of a transaction the connection breaks: that one is delivered, the others are tried
 * again. */
static void test_lmtp_breaks_between_replies(void)
{
    struct scene scene;
    scene_start(&scene, &(struct server_script){.final = "250 2.0.0 a|!|250 2.0.0 b"},
                "delivery_method = lmtp retry_interval = 0");
    send_batch(&scene, 3, hello);
    scene_go(&scene);
    CU_ASSERT(events_are('D', "012"));
    CU_ASSERT(events_are('T', "12"));
    CU_ASSERT_EQUAL(event_wait('T', 0).stage, 9);
    scene_end(&scene);
}

/* A server that replies to the dot before it came, for all of them in one packet. */
static void test_lmtp_replies_early(void)
{
    struct scene scene;
    scene_start(&scene, &(struct server_script){.data = "354 go\r\n450 a\r\n450 b\r\n450 c|354 go"},
                "delivery_method = lmtp retry_interval = 0");
    struct buf content = {0};
    while (buf_size(&content) < 16 * 1024 * 1024)
        buf_append_text(&content, "a line that fills the buffers of the sockets, which makes it wait\r\n");
    send_batch(&scene, 3, buf_slice(&content));
    buf_release(&content);
    scene_go(&scene);
    CU_ASSERT(events_are('D', "012"));
    CU_ASSERT(events_are('T', "012"));
    scene_end(&scene);
}

/* ---- lost connections -------------------------------------------------------------------------------- */

/* Wherever the connection breaks, each recipient is settled once, and delivered in the end. */
static void test_broken_connections(void)
{
    static const struct server_script scripts[] = {
        {.banner = "!|220 hi"},
        {.ehlo = "!|250-x\r\n250 PIPELINING"},
        {.mail = "!|250 ok"},
        {.mail = "421 4.3.2 closing|250 ok"},
        {.rcpt = "!|250 ok"},
        {.rcpt = "250 ok|!|250 ok"},
        {.rcpt = "250 ok|421 4.3.2 closing|250 ok"},
        {.rcpt = "450 no|!|250 ok"},
        {.data = "!|354 go"},
        {.data = "354 go\r\n421 closing|354 go"},
        {.data = "nonsense|354 go"},
        {.final = "!|250 ok"},
        {.ehlo = "250 x", .rcpt = "250 ok|!|250 ok"},
        {.ehlo = "250 x", .data = "!|354 go"},
    };
    for (size_t i = 0; i < sizeof scripts / sizeof *scripts; i++)
        for (unsigned lmtp = 0; lmtp < (i < 4 ? 1 : 2); lmtp++) { /* until RCPT they do not differ */
            struct scene scene;
            scene_start(&scene, &scripts[i],
                        lmtp ? "retry_interval = 0 delivery_method = lmtp" : "retry_interval = 1");
            send_batch(&scene, 3, hello);
            scene_go(&scene);
            CU_ASSERT(events_are('D', "012"));
            CU_ASSERT(events_are('T', "012"));
            CU_ASSERT_EQUAL(event_count('P'), 0);
            scene_end(&scene);
        }
}

/* One that breaks after it served was not about the next message: its recipients are tried elsewhere at once.
 */
static void test_untried_recipients_go_back(void)
{
    struct scene scene;
    scene_start(&scene, &(struct server_script){.mail = "250 ok|!|250 ok"}, "max_recipients_per_batch = 2");
    send_batch(&scene, 6, hello);
    scene_go(&scene);
    CU_ASSERT(events_are('D', "012345"));
    CU_ASSERT_EQUAL(event_count('T'), 0);
    CU_ASSERT_EQUAL(scene.server.connections, 2);
    CU_ASSERT(heard(&scene, "RCPT TO:<r0@x.example>\nRCPT TO:<r1@x.example>\nDATA\n"));
    CU_ASSERT(heard(&scene, "RCPT TO:<r2@x.example>\nRCPT TO:<r3@x.example>\nDATA\n")); /* in their order */
    scene_end(&scene);
}

/* ---- hooks that are asked ---------------------------------------------------------------------------- */

static _Atomic unsigned times_asked;

/* Once for each attempt: with the first as it was accepted, then as the edits before this have left it. */
static enum hook_outcome edit(struct imp_call *call)
{
    struct message *message = (struct message *)call->message;
    times_asked++;
    CU_ASSERT_EQUAL(message_size(message), hello.size);
    header_add(message, HEADER_END, NULL, 0, "X", S("1"));
    return HOOK_PASS;
}

static enum hook_outcome refuse(struct imp_call *call)
{
    static const struct hook_reply reply = {451, "4.7.5", "there is no key"};
    times_asked++;
    *hook_call_reply(call) = reply;
    return HOOK_REFUSED;
}

static void test_hooks_edit_an_attempt(void)
{
    struct scene scene;
    times_asked = 0;
    harness_sending = edit;
    scene_start(&scene, &(struct server_script){.final = "451 4.3.0 no|250 2.0.0 taken"},
                "retry_interval = 1");
    send_batch(&scene, 3, hello);
    scene_go(&scene);
    CU_ASSERT(events_are('T', "012"));
    CU_ASSERT(events_are('D', "012"));
    CU_ASSERT(times_asked >= 2); /* those that failed together need not be tried again together */
    CU_ASSERT_EQUAL(times_heard(&scene, "MAIL FROM:<a@example.com> SIZE=28\n"), times_asked);
    CU_ASSERT_EQUAL(event_wait('D', 0).size, 28);
    static const char once[] = "Subject: hi\r\nX: 1\r\n\r\nhello\r\n\n=\n";
    char *content = server_text(&scene.server, &scene.server.contents);
    size_t at = 0;
    while (strncmp(content + at, once, strlen(once)) == 0)
        at += strlen(once);
    CU_ASSERT_EQUAL(content[at], '\0');
    free(content);
    scene_end(&scene);
    harness_sending = NULL;
}

static void test_hooks_refuse_an_attempt(void)
{
    struct scene scene;
    times_asked = 0;
    harness_sending = refuse;
    scene_start(&scene, &(struct server_script){0}, "retry_interval = 1000");
    send_batch(&scene, 3, hello);
    scene_go(&scene);
    CU_ASSERT(events_are('T', "012"));
    struct event event = event_wait('T', 0);
    CU_ASSERT_STRING_EQUAL(event.response, "451 4.7.5 [internal] there is no key");
    CU_ASSERT_EQUAL(event.stage, 1);
    CU_ASSERT_EQUAL(times_asked, 1);
    CU_ASSERT_EQUAL(times_heard(&scene, "MAIL"), 0);
    CU_ASSERT_EQUAL(harness_stop_and_count(&scene.harness), 3);
    server_stop(&scene.server);
    harness_sending = NULL;
}

/* The daemon stops while transactions are under way: nothing is lost, and nothing is freed twice. */
static void test_stopped_in_the_middle(void)
{
    static const struct server_script scripts[] = {{.rcpt = "250 ok|-"}, {.data = "-"}, {.final = "-"}};
    for (size_t i = 0; i < 3; i++) {
        struct scene scene;
        scene_start(&scene, &scripts[i], "rcptto_timeout = 1 body_timeout = 1");
        send_batch(&scene, 3, hello);
        scene_go(&scene);
        while (times_heard(&scene, "DATA\n") == 0)
            usleep(1000);
        CU_ASSERT_EQUAL(harness_stop_and_count(&scene.harness), 3);
        server_stop(&scene.server);
    }
}

int main(void)
{
    CU_TestInfo tests[] = {
        {"recipients share a transaction", test_recipients_share},
        {"max_recipients_per_batch", test_max_recipients_per_batch},
        {"one each unless asked for", test_one_each_unless_asked_for},
        {"only equal copies share", test_only_equal_copies_share},
        {"what stands between", test_what_stands_between},
        {"one connection for a batch", test_one_connection_for_a_batch},
        {"large content for several", test_large_content_for_several},
        {"one is refused", test_one_is_refused},
        {"all are refused", test_all_are_refused},
        {"refused as a whole", test_refused_as_a_whole},
        {"without pipelining", test_without_pipelining},
        {"too many recipients", test_too_many_recipients},
        {"not too many", test_not_too_many},
        {"LMTP replies for each", test_lmtp_replies_for_each},
        {"LMTP breaks between replies", test_lmtp_breaks_between_replies},
        {"LMTP replies early", test_lmtp_replies_early},
        {"broken connections", test_broken_connections},
        {"untried recipients go back", test_untried_recipients_go_back},
        {"hooks edit an attempt", test_hooks_edit_an_attempt},
        {"hooks refuse an attempt", test_hooks_refuse_an_attempt},
        {"stopped in the middle", test_stopped_in_the_middle},
        CU_TEST_INFO_NULL,
    };
    return unit_run("delivery to several recipients", tests);
}
