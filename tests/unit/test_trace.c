/*
 * The fields that reception puts in front of a message.
 */
#include "message/trace.h"
#include <arpa/inet.h>
#include <string.h>
#include "unit.h"

static const struct net_addr peer = {.family = AF_INET, .bytes = {192, 0, 2, 1}};

static bool received_holds(struct trace_facts facts, const char *part)
{
    struct buf out = {0};
    facts.hello = "client.example";
    facts.by = "mx.example";
    facts.peer = &peer;
    trace_append_received(&facts, &out);
    bool holds = memmem(buf_slice(&out).data, buf_size(&out), part, strlen(part));
    buf_release(&out);
    return holds;
}

/* RFC 3848; RFC 6531 section 4.3. */
static void test_protocols(void)
{
    static const struct tls_facts tls = {.protocol = "TLSv1.3", .cipher = "TLS_AES_256_GCM_SHA384"};
    static const struct {
        struct trace_facts facts;
        const char *with;
    } cases[] = {
        {{.extended = false}, " with SMTP id "},
        {{.extended = true}, " with ESMTP id "},
        {{.extended = true, .authenticated = true}, " with ESMTPA id "},
        {{.extended = true, .tls = &tls}, " with ESMTPS id "},
        {{.extended = true, .tls = &tls, .authenticated = true}, " with ESMTPSA id "},
        {{.extended = true, .utf8 = true}, " with UTF8SMTP id "},
        {{.extended = true, .utf8 = true, .tls = &tls, .authenticated = true}, " with UTF8SMTPSA id "},
        {{.extended = false, .tls = &tls}, " with SMTP id "},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        CU_ASSERT(received_holds(cases[i].facts, cases[i].with));
    CU_ASSERT(received_holds((struct trace_facts){0},
                             "Received: from client.example ([192.0.2.1])\r\n\tby mx.example "));
}

static void check_results(const char *by, const char *expected)
{
    struct buf out = {0};
    trace_append_authentication(by, "pass", "PLAIN", &out);
    CU_ASSERT(slice_equal(buf_slice(&out), slice_text(expected)));
    buf_release(&out);
}

/* RFC 8601 section 2.2: the name of the server is a token. */
static void test_results(void)
{
    check_results("mx.example",
                  "Authentication-Results: mx.example;\r\n\tauth=pass (PLAIN) smtp.auth=xxxx\r\n");
    check_results("our (new); mx",
                  "Authentication-Results: our--new---mx;\r\n\tauth=pass (PLAIN) smtp.auth=xxxx\r\n");
}

int main(void)
{
    CU_TestInfo tests[] = {
        {"protocols", test_protocols}, {"authentication results", test_results}, CU_TEST_INFO_NULL};
    return unit_run("trace", tests);
}
