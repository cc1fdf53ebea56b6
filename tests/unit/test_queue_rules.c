/* The queue's arithmetic and texts: retries, the schedule, settings by scope, delivery status notifications.
 */
#include "unit.h"

#include <limits.h>
#include <string.h>
#include "base/buf.h"
#include "queue/dsn.h"
#include "queue/outcome.h"
#include "queue/generation.h"
#include "queue/retry.h"
#include "queue/schedule.h"
#include "queue/view.h"

#define S SLICE_LITERAL

/* Settings belong to a generation, which holds modules; none are asked here. */
struct module_set *module_set_ref(struct module_set *set)
{
    return set;
}

void module_set_unref(struct module_set *set)
{
    (void)set;
}

/* ---- retries ----------------------------------------------------------------------------------------- */

static const struct queue_settings defaults = {
    .retry_interval = 1200,
    .max_retry_interval = 43200,
    .message_expiration = 86400,
    .max_retries = QUEUE_RETRIES_NONE,
};

static void test_delay_doubles_up_to_the_cap(void)
{
    static const unsigned expected[] = {1200, 2400, 4800, 9600, 19200, 38400, 43200, 43200};
    for (unsigned i = 0; i < 8; i++)
        CU_ASSERT_EQUAL(retry_delay(&defaults, i + 1), expected[i]);
    CU_ASSERT_EQUAL(retry_delay(&defaults, UINT_MAX), 43200);
}

static void test_delay_at_the_limits(void)
{
    struct queue_settings settings = defaults;
    settings.max_retry_interval = 1200; /* the manual's way to a fixed interval */
    CU_ASSERT_EQUAL(retry_delay(&settings, 1), 1200);
    CU_ASSERT_EQUAL(retry_delay(&settings, 5), 1200);
    settings.max_retry_interval = 600;
    CU_ASSERT_EQUAL(retry_delay(&settings, 1), 600);
    settings.retry_interval = settings.max_retry_interval = UINT_MAX;
    CU_ASSERT_EQUAL(retry_delay(&settings, 40), UINT_MAX);
    settings.retry_interval = 0;
    CU_ASSERT_EQUAL(retry_delay(&settings, 3), 0);
}

static void test_a_count_of_retries(void)
{
    struct queue_settings settings = defaults;
    settings.max_retries = 5; /* "after five retries": the sixth attempt is the last */
    CU_ASSERT_FALSE(retry_exhausted(&settings, 5));
    CU_ASSERT(retry_exhausted(&settings, 6));
    settings.max_retries = 0;
    CU_ASSERT(retry_exhausted(&settings, 1));
    settings.max_retries = QUEUE_RETRIES_NONE;
    CU_ASSERT_FALSE(retry_exhausted(&settings, 1000));
    settings.never_retry = true;
    CU_ASSERT(retry_exhausted(&settings, 1));
}

/* Retries at 1200, 3600, 8400, 18000, 37200 and 75600 seconds fit into a day. */
static void test_automatic_retries(void)
{
    struct queue_settings settings = defaults;
    settings.max_retries = QUEUE_RETRIES_AUTO;
    CU_ASSERT_FALSE(retry_exhausted(&settings, 7));
    CU_ASSERT(retry_exhausted(&settings, 8));
    settings.message_expiration = 0;
    CU_ASSERT_FALSE(retry_exhausted(&settings, 1));
    CU_ASSERT(retry_exhausted(&settings, 2));
    settings.retry_interval = 0; /* must come to an end all the same */
    settings.message_expiration = 100;
    CU_ASSERT(retry_exhausted(&settings, 102));
}

static void test_expiry(void)
{
    CU_ASSERT_EQUAL(retry_expiry(&defaults, 5000000), 86405000000);
}

/* ---- the schedule ------------------------------------------------------------------------------------ */

enum { ITEMS = 2000 };

static void test_schedule_gives_the_earliest(void)
{
    static struct schedule_item items[ITEMS];
    struct schedule schedule = {0};
    unsigned random = 12345;
    CU_ASSERT_PTR_NULL(schedule_first(&schedule));
    for (size_t i = 0; i < ITEMS; i++) {
        random = random * 1103515245 + 12345;
        items[i].when_us = random >> 8 & 1023;
        schedule_add(&schedule, &items[i]);
    }
    for (size_t i = 0; i < ITEMS; i += 3) /* from anywhere in the heap */
        schedule_remove(&schedule, &items[i]);
    schedule_remove(&schedule, &items[0]); /* harmless */
    CU_ASSERT_FALSE(schedule_has(&items[0]));
    CU_ASSERT(schedule_has(&items[1]));
    uint64_t last = 0;
    size_t count = 0;
    for (struct schedule_item *item; (item = schedule_first(&schedule)); count++) {
        CU_ASSERT(item->when_us >= last);
        last = item->when_us;
        schedule_remove(&schedule, item);
    }
    CU_ASSERT_EQUAL(count, ITEMS - (ITEMS + 2) / 3);
    schedule_release(&schedule);
}

/* ---- settings ---------------------------------------------------------------------------------------- */

static struct generation *load(const char *text)
{
    struct conf_load_options options = {0};
    struct conf_report *report;
    struct conf *conf = conf_load_text("t.conf", text, strlen(text), &options, &report);
    conf_report_print(report, CONF_NOTE, stderr);
    conf_report_free(report);
    CU_ASSERT_PTR_NOT_NULL_FATAL(conf);
    struct generation *generation = generation_create(conf, NULL);
    conf_unref(conf);
    return generation;
}

static void test_settings_defaults(void)
{
    struct generation *generation = load("hostname = \"mx.example\"");
    const struct queue_settings *s = generation_settings(generation, S("default"), S("example.com"));
    CU_ASSERT_STRING_EQUAL(generation->hostname, "mx.example");
    CU_ASSERT_EQUAL(s->blackhole, BLACKHOLE_NO);
    CU_ASSERT_EQUAL(s->retry_interval, 1200);
    CU_ASSERT_EQUAL(s->max_retry_interval, 43200);
    CU_ASSERT_EQUAL(s->message_expiration, 86400);
    CU_ASSERT_EQUAL(s->max_retries, QUEUE_RETRIES_AUTO);
    CU_ASSERT(s->generate_bounces);
    CU_ASSERT_EQUAL(s->bounces_inline_original, BOUNCE_HEADERS);
    CU_ASSERT_PTR_NULL(s->mailerdaemon);
    CU_ASSERT_EQUAL(s->max_outbound_connections, 32);
    CU_ASSERT_EQUAL(s->max_deliveries_per_connection, 0);
    CU_ASSERT_EQUAL(s->connect_timeout, 300);
    CU_ASSERT_EQUAL(s->body_timeout, 600);
    CU_ASSERT_EQUAL(s->rset_timeout, 30);
    CU_ASSERT_EQUAL(s->idle_timeout, 5);
    CU_ASSERT_EQUAL(s->remote_smtp_port, 25);
    CU_ASSERT_EQUAL(s->lmtp_port, 2003);
    CU_ASSERT_STRING_EQUAL(s->delivery_method, "ESMTP");
    CU_ASSERT_STRING_EQUAL(s->ehlo_hostname, "__hostname__");
    CU_ASSERT_PTR_NULL(s->gateway);
    CU_ASSERT_PTR_NULL(s->bind_address);
    CU_ASSERT_PTR_NULL(s->routes);
    generation_unref(generation);
}

static void test_settings_by_scope(void)
{
    struct generation *generation = load("retry_interval = 60\n"
                                         "max_retries = none\n"
                                         "routes = ( \"a.example\" \"__mx__\" )\n"
                                         "domain \"example.com\" {\n"
                                         "  delivery_method = LMTP\n"
                                         "  max_retries = 4\n"
                                         "  bounces_inline_original = all\n"
                                         "}\n"
                                         "binding \"fast\" {\n"
                                         "  bind_address = \"10.0.0.9\"\n"
                                         "  retry_interval = 5\n"
                                         "  domain \"example.com\" { gateway = \"10.1.1.1\" }\n"
                                         "}\n");
    const struct queue_settings *other = generation_settings(generation, S("default"), S("other.example"));
    const struct queue_settings *domain = generation_settings(generation, S("default"), S("example.com"));
    const struct queue_settings *both = generation_settings(generation, S("fast"), S("example.com"));
    CU_ASSERT_EQUAL(other->retry_interval, 60);
    CU_ASSERT_EQUAL(other->max_retries, QUEUE_RETRIES_NONE);
    CU_ASSERT_EQUAL(other->routes->count, 2);
    CU_ASSERT_STRING_EQUAL(other->routes->items[1], "__mx__");
    CU_ASSERT_EQUAL(domain->max_retries, 4);
    CU_ASSERT_STRING_EQUAL(domain->delivery_method, "LMTP");
    CU_ASSERT_EQUAL(domain->bounces_inline_original, BOUNCE_ALL);
    CU_ASSERT_PTR_NULL(domain->gateway);
    CU_ASSERT_STRING_EQUAL(both->gateway, "10.1.1.1");
    CU_ASSERT_STRING_EQUAL(both->bind_address, "10.0.0.9");
    CU_ASSERT_EQUAL(both->retry_interval, 5);
    /* what the same scopes apply to is one struct */
    CU_ASSERT_PTR_EQUAL(other, generation_settings(generation, S("default"), S("another.example")));
    CU_ASSERT_PTR_EQUAL(domain, generation_settings(generation, S("default"), S("Example.COM")));
    CU_ASSERT_PTR_NOT_EQUAL(domain, both);
    generation_unref(generation);
}

static void test_blackhole_values(void)
{
    static const struct {
        const char *text;
        int value;
    } rows[] = {{"false", BLACKHOLE_NO},
                {"true", BLACKHOLE_TRUE},
                {"internal", BLACKHOLE_INTERNAL},
                {"Inline", BLACKHOLE_INLINE}};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        char text[64];
        snprintf(text, sizeof text, "blackhole = \"%s\"", rows[i].text);
        struct generation *generation = load(text);
        int value = (int)generation_settings(generation, S("default"), S("example.com"))->blackhole;
        CU_ASSERT_EQUAL(value, rows[i].value);
        generation_unref(generation);
    }
}

/* ---- what a thread remembers of them ------------------------------------------------------------------- */

/* Domains with a stanza, without one, by suffix and by expression, in three bindings; more than a view holds. */
static size_t views_that_differ(struct queue_set *set)
{
    static const char *const bindings[] = {"default", "fast", "a-binding-that-has-no-stanza"};
    size_t differ = 0;
    for (unsigned i = 0; i < 2000; i++) {
        char domain[200];
        struct slice binding = slice_text(bindings[i % 3]);
        snprintf(domain, sizeof domain,
                 i % 7 == 6 ? "%0160u.example"
                 : i % 2    ? "D%u.example"
                            : "d%u.example",
                 i % 400);
        const struct queue_settings *seen = queue_settings_find(set, binding, slice_text(domain));
        differ += seen != generation_settings(set->generation, binding, slice_text(domain));
    }
    return differ;
}

static void test_view_of_many_domains(void)
{
    char text[4096] = "binding \"fast\" { retry_interval = 5\n domain \"d7.example\" { max_retries = 7 } }\n"
                      "domain \"*.example\" { max_retries = 3 }\n"
                      "domain \"/^d[0-9]*3/\" { retry_interval = 11 }\n";
    for (int i = 1; i < 50; i++) /* more chains than a view holds */
        sprintf(text + strlen(text), "domain \"d%d.example\" { max_retries = %d }\n", i, i);
    struct queue_set set = {.generation = load(text)};
    pthread_mutex_init(&set.lock, NULL);
    atomic_init(&set.serial, set.generation->serial);
    CU_ASSERT_EQUAL(views_that_differ(&set), 0);
    /* a later generation: nothing is left of the earlier one */
    struct generation *before = set.generation;
    set.generation = load("domain \"d1.example\" { max_retries = 9 }");
    atomic_store(&set.serial, set.generation->serial);
    CU_ASSERT_EQUAL(queue_settings_find(&set, S("default"), S("d1.example"))->max_retries, 9);
    CU_ASSERT_EQUAL(views_that_differ(&set), 0);
    view_forget();
    generation_unref(before);
    generation_unref(set.generation);
    pthread_mutex_destroy(&set.lock);
}

/* ---- notifications ----------------------------------------------------------------------------------- */

static const struct dsn_facts facts = {
    .id = 0x60d5f3a1c2b3d4e5,
    .now_us = 1800000000000000,
    .arrival_us = 1799990000000000,
    .hostname = "mx.example",
    .from = "postmaster@mx.example",
    .reverse_path = SLICE_LITERAL("alice@example.com"),
    .recipient = SLICE_LITERAL("bob@example.net"),
    .response = SLICE_LITERAL("550 5.1.1 no such user"),
    .peer = SLICE_LITERAL("192.0.2.7"),
    .original = SLICE_LITERAL("Subject: hi\r\nFrom: alice@example.com\r\n"),
};

static char *render(const struct dsn_facts *from)
{
    struct buf out = {0};
    size_t size;
    dsn_render(from, &out);
    buf_append(&out, "", 1);
    return buf_take(&out, &size);
}

static void test_dsn_says_what_happened(void)
{
    static const char *const parts[] = {
        "\r\nFrom: Mail Delivery System <postmaster@mx.example>\r\n",
        "\r\nTo: alice@example.com\r\n",
        "\r\nAuto-Submitted: auto-replied\r\n",
        "\r\nContent-Type: multipart/report; report-type=delivery-status;\r\n",
        "\r\nReporting-MTA: dns; mx.example\r\nArrival-Date: ",
        ("\r\n\r\nFinal-Recipient: rfc822; bob@example.net\r\nAction: failed\r\nStatus: 5.1.1\r\n"
         "Remote-MTA: dns; [192.0.2.7]\r\nDiagnostic-Code: smtp; 550 5.1.1 no such user\r\n"),
        "\r\nContent-Type: text/rfc822-headers\r\n\r\nSubject: hi\r\nFrom: alice@example.com\r\n\r\n--",
    };
    char *text = render(&facts);
    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++)
        CU_ASSERT_PTR_NOT_NULL(strstr(text, parts[i]));
    CU_ASSERT_EQUAL(strncmp(text, "Date: ", 6), 0);
    CU_ASSERT_STRING_EQUAL(text + strlen(text) - 4, "--\r\n");
    for (const char *c = text; (c = strchr(c, '\n')); c++)
        CU_ASSERT_EQUAL(c[-1], '\r');
    free(text);
}

static void test_dsn_of_our_own_finding(void)
{
    struct dsn_facts own = facts;
    own.peer = S("");
    own.response = S("554 5.4.7 [internal] exceeded max time without delivery");
    own.original = S("");
    char *text = render(&own);
    CU_ASSERT_PTR_NULL(strstr(text, "Remote-MTA"));
    CU_ASSERT_PTR_NULL(strstr(text, "rfc822-headers"));
    CU_ASSERT_PTR_NOT_NULL(strstr(text, "\r\nStatus: 5.4.7\r\n"));
    free(text);
}

static void test_dsn_status(void)
{
    static const struct {
        struct slice response;
        const char *status;
    } rows[] = {
        {SLICE_LITERAL("550 no such user"), "Status: 5.0.0\r\n"},
        {SLICE_LITERAL("550 5.1.10 null MX"), "Status: 5.1.10\r\n"},
        {SLICE_LITERAL("550 4.1.1 confused"), "Status: 5.0.0\r\n"},
        {SLICE_LITERAL("550 5.1."), "Status: 5.0.0\r\n"},
        {SLICE_LITERAL("550 5.1111.1 x"), "Status: 5.0.0\r\n"},
        {SLICE_LITERAL("55"), "Status: 5.0.0\r\n"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct dsn_facts other = facts;
        other.response = rows[i].response;
        char *text = render(&other);
        CU_ASSERT_PTR_NOT_NULL(strstr(text, rows[i].status));
        free(text);
    }
}

static bool says(const struct dsn_facts *from, const char *part)
{
    char *text = render(from);
    bool found = strstr(text, part) != NULL;
    free(text);
    return found;
}

static void test_dsn_actions(void)
{
    static const struct {
        enum dsn_action action;
        const char *fields, *subject;
    } rows[] = {
        {DSN_DELAYED, "Action: delayed\r\nStatus: 4.2.2\r\n", "Notification (Delay)\r\n"},
        {DSN_DELIVERED, "Action: delivered\r\nStatus: 2.0.0\r\n", "Notification (Success)\r\n"},
        {DSN_RELAYED, "Action: relayed\r\nStatus: 2.0.0\r\n", "Notification (Relayed)\r\n"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct dsn_facts other = facts;
        other.action = rows[i].action;
        other.response = S("452 4.2.2 full");
        other.retry_until_us = 1800000090000000;
        CU_ASSERT(says(&other, rows[i].fields) && says(&other, rows[i].subject));
        CU_ASSERT_EQUAL(says(&other, "\r\nWill-Retry-Until: "), rows[i].action == DSN_DELAYED);
    }
}

static void test_dsn_says_what_the_sender_said(void)
{
    struct dsn_facts other = facts;
    CU_ASSERT_FALSE(says(&other, "Original-"));
    other.envid = S("QQ+2B314+0D+0AX");
    other.orcpt = S("rfc822;Bob+2B1@Example.Net");
    CU_ASSERT(says(&other, "\r\n\r\nOriginal-Envelope-Id: QQ+314??X\r\nReporting-MTA: "));
    CU_ASSERT(says(&other, "\r\n\r\nOriginal-Recipient: rfc822; Bob+1@Example.Net\r\nFinal-Recipient: "));
    other.orcpt = S("no type");
    CU_ASSERT_FALSE(says(&other, "Original-Recipient"));
}

static void test_dsn_has_the_last_answer(void)
{
    struct dsn_facts other = facts;
    other.response = S("554 5.4.7 [internal] exceeded max time without delivery");
    other.peer = S("");
    other.last_response = S("451 4.7.1 greylisted");
    other.last_peer = S("192.0.2.9");
    CU_ASSERT(says(&other, "\r\nStatus: 5.4.7\r\nRemote-MTA: dns; [192.0.2.9]\r\n"
                           "Diagnostic-Code: smtp; 451 4.7.1 greylisted\r\n"));
    CU_ASSERT(says(&other, "The reason is:\r\n\r\n    554 5.4.7 [internal]"));
    CU_ASSERT(says(&other, "The last answer of the host 192.0.2.9 was:\r\n\r\n    451 4.7.1 greylisted\r\n"));
    other.last_peer = S("");
    CU_ASSERT(says(&other, "The last attempt ended with:\r\n\r\n    451") && !says(&other, "Remote-MTA"));
}

static void test_dsn_beyond_ascii(void)
{
    struct dsn_facts other = facts;
    other.recipient = S("bj\xc3\xb8rn@example.net");
    other.reverse_path = S("\xc3\xa4@example.com");
    other.response = S("550 5.1.1 \xff unknown");
    other.utf8 = true;
    CU_ASSERT(says(&other, "report-type=global-delivery-status;"));
    CU_ASSERT(
        says(&other, "Content-Type: message/global-delivery-status\r\nContent-Transfer-Encoding: 8bit\r\n"));
    CU_ASSERT(says(&other, "Final-Recipient: utf-8; bj\xc3\xb8rn@example.net\r\n"));
    CU_ASSERT(says(&other, "\r\nTo: \xc3\xa4@example.com\r\n"));
    CU_ASSERT(says(&other, "Diagnostic-Code: smtp; 550 5.1.1 ? unknown\r\n"));
    CU_ASSERT(says(&other, "Content-Type: message/global-headers\r\n"));
    other.whole = true;
    CU_ASSERT(says(&other, "Content-Type: message/global\r\n"));
}

static void test_outcomes_are_remembered(void)
{
    struct queue_outcome outcome = {.peer = S("192.0.2.7"), .response = S("451 4.3.0 later")};
    struct buf remark = {0};
    outcome_remember(&outcome, &remark);
    struct stored_outcome *recalled = outcome_recall(buf_slice(&remark));
    CU_ASSERT_PTR_NOT_NULL_FATAL(recalled);
    CU_ASSERT(slice_equal(recalled->outcome.peer, outcome.peer));
    CU_ASSERT(slice_equal(recalled->outcome.response, outcome.response));
    free(recalled);
    buf_release(&remark);
    CU_ASSERT_PTR_NULL(outcome_recall(S("")));
    CU_ASSERT_PTR_NULL(outcome_recall(S("no end")));
    CU_ASSERT(outcome_is_own(&outcome_out_of_time) && !outcome_is_own(&outcome));
}

static void test_dsn_cannot_be_injected(void)
{
    char reply[4000];
    memset(reply, 'x', sizeof reply);
    memcpy(reply, "550 \r\nStatus: 2.0.0\r\n", 22);
    struct dsn_facts bad = facts;
    bad.response = slice_of(reply, sizeof reply);
    bad.recipient = S("a\r\nAction: delivered");
    char *text = render(&bad);
    CU_ASSERT_PTR_NULL(strstr(text, "\nStatus: 2"));
    CU_ASSERT_PTR_NULL(strstr(text, "\nAction: delivered"));
    for (const char *line = text, *end; (end = strchr(line, '\n')); line = end + 1)
        CU_ASSERT(end - line < 998);
    free(text);
}

static void test_dsn_boundary_is_not_in_the_original(void)
{
    struct dsn_facts nasty = facts;
    nasty.whole = true;
    nasty.original = S("\r\n--=_60d5f3a1c2b3d4e5.0--\r\n\x80");
    char *text = render(&nasty);
    CU_ASSERT_PTR_NOT_NULL(strstr(text, "boundary=\"=_60d5f3a1c2b3d4e5.1\""));
    CU_ASSERT_PTR_NOT_NULL(
        strstr(text, "Content-Type: message/rfc822\r\nContent-Transfer-Encoding: 8bit\r\n\r\n"));
    free(text);
}

static void test_header_of_a_message(void)
{
    CU_ASSERT(slice_equal(dsn_header_of(S("A: b\r\nC: d\r\n\r\nbody\r\n")), S("A: b\r\nC: d\r\n")));
    CU_ASSERT(slice_equal(dsn_header_of(S("A: b\r\nC: d")), S("A: b\r\n")));
    CU_ASSERT(slice_equal(dsn_header_of(S("\r\nbody\r\n\r\n")), S("")));
    CU_ASSERT(slice_equal(dsn_header_of(S("")), S("")));
    CU_ASSERT(slice_equal(dsn_header_of(S("no line end")), S("")));
}

int main(void)
{
    CU_TestInfo tests[] = {
        {"the delay doubles up to the cap", test_delay_doubles_up_to_the_cap},
        {"the delay at the limits", test_delay_at_the_limits},
        {"a count of retries", test_a_count_of_retries},
        {"automatic retries", test_automatic_retries},
        {"expiry", test_expiry},
        {"the schedule gives the earliest", test_schedule_gives_the_earliest},
        {"settings: defaults", test_settings_defaults},
        {"settings: by scope", test_settings_by_scope},
        {"settings: blackhole", test_blackhole_values},
        {"settings: a thread's view of many domains", test_view_of_many_domains},
        {"a notification says what happened", test_dsn_says_what_happened},
        {"a notification of our own finding", test_dsn_of_our_own_finding},
        {"a notification's status", test_dsn_status},
        {"a notification's actions", test_dsn_actions},
        {"a notification says what the sender said", test_dsn_says_what_the_sender_said},
        {"a notification has the last answer", test_dsn_has_the_last_answer},
        {"a notification beyond ASCII", test_dsn_beyond_ascii},
        {"outcomes are remembered", test_outcomes_are_remembered},
        {"a notification cannot be injected", test_dsn_cannot_be_injected},
        {"a notification's boundary", test_dsn_boundary_is_not_in_the_original},
        {"the header of a message", test_header_of_a_message},
        CU_TEST_INFO_NULL,
    };
    return unit_run("queue rules", tests);
}
