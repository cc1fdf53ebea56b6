/*
 * The answers: those that Momentum documents have its code, enhanced code and text; all of them keep to RFC
 * 5321 and RFC 2034, and are put on the wire safely.
 */
#include "unit.h"

#include "base/buf.h"
#include "smtp/server/reply.h"

static const struct smtps_reply replies[] = {
#define REPLY(name, code, enhanced, text) {code, enhanced, text},
#include "smtp/server/replies.def"
#undef REPLY
};

enum { REPLIES = sizeof replies / sizeof *replies };

/*
 * Momentum 4 manual, "Message Responses", without what is marked "[internal]", which is not said to a client,
 * and what only its clusters and TLS say. A row without a code or an enhanced code leaves it open.
 */
static const struct {
    int code;
    const char *enhanced, *text;
    bool said; /* false: what it stands for does not happen, or is said in the words of another row */
} documented[] = {
    {0, "4.3.0", "Resource limitations, please try later",
     false}, /* there are 4.3.1 and 4.3.2, which say which */
    {0, "4.3.5", "configuration error, please try later", false}, /* a wrong configuration is not loaded */
    {0, "4.3.5", "message not yet parsed, can't reparse", false},
    {0, "4.3.5", "message parse and assemble didn't round-trip", false},
    {0, "5.5.0", "error while reading body", false}, /* the connection is gone */
    {421, "", "This message is being 421'd", false},
    {421, "4.3.0", "message is too large to process at this time",
     false}, /* 452 4.3.1, and the session goes on */
    {421, "4.3.4", "allocated resources exceeded", false},
    {421, "4.4.5", "Service unavailable, concurrency limit reached", true},
    {421, "4.4.5", "Service unavailable", false},
    {451, "4.3.0", "transaction failed", true},
    {452, "4.5.3", "Service unavailable, batch limit reached", true},
    {452, "4.5.3", "Service unavailable, recipients per connection limit reached", true},
    {452, "4.5.3", "Service unavailable, recipients per message limit reached", true},
    {500, "5.5.2", "unrecognized command", true},
    {501, "5.5.1", "MAIL FROM already established", true},
    {501, "5.5.2", "RCPT TO syntax error", true},
    {501, "5.5.2", "MAIL FROM syntax error", true},
    {501, "5.5.2", "invalid EHLO", true},
    {501, "5.5.2", "invalid HELO", true},
    {501, "5.5.4", "invalid arguments to RSET", true},
    {501, "5.5.4", "unexpected argument to DATA", true},
    {501, "5.5.4", "Syntax error (no parameters allowed)", true},
    {501, "5.5.4", "unexpected command", false},
    {503, "", "RCPT TO without MAIL FROM", true},
    {503, "5.5.1", "DATA without MAIL FROM", true},
    {503, "5.5.1", "DATA without RCPT TO", true},
    {503, "5.5.1", "bad sequence of commands", true},
    {550, "5.5.1", "RFC2821 HELO/EHLO needed", true},
    {550, "5.6.0", "Lone CR or LF in headers (see RFC2822 section 2.2)", true},
    {550, "5.6.0", "Missing CR LF . CR LF", false}, /* it is waited for */
    {550, "5.6.0", "Header not terminated by CR LF (see RFC2822 section 2.2)",
     false}, /* as a lone CR or LF */
    {550, "5.6.0", "Required headers not found (see RFC2822 section 3.6)", true},
    {550, "5.6.0", "Invalid header found (see RFC2822 section 3.6)", true},
    {550, "5.6.0", "Missing required RFC2822 Date field (see RFC2822 section 3.6)", true},
    {550, "5.6.0", "Lone CR or LF in body (see RFC2822 section 2.3)", true},
    {550, "5.6.0", "Header line too long (see RFC2822 section 3.5)", true},
    {550, "5.6.0", "Body line too long (see RFC2822 section 3.5)", true},
    {550, "5.7.1", "relaying denied", true},
    {552, "5.3.4", "message size limit exceeded", true},
};

enum { DOCUMENTED = sizeof documented / sizeof *documented };

static bool same_text(const char *a, const char *b)
{
    struct slice left = slice_text(a), right = slice_text(b);
    left.size -= left.size && left.data[left.size - 1] == '.';
    right.size -= right.size && right.data[right.size - 1] == '.';
    return slice_equal_nocase(left, right);
}

static const struct smtps_reply *find(size_t row)
{
    for (size_t i = 0; i < REPLIES; i++)
        if (same_text(replies[i].text, documented[row].text) &&
            (!documented[row].code || replies[i].code == documented[row].code) &&
            (!*documented[row].enhanced || strcmp(replies[i].enhanced, documented[row].enhanced) == 0))
            return &replies[i];
    return NULL;
}

static void test_documented(void)
{
    for (size_t row = 0; row < DOCUMENTED; row++)
        if ((find(row) != NULL) != documented[row].said)
            CU_FAIL(documented[row].text);
}

/* The other way round: a documented text has no other code. The exception is what ends the session: an
 * option's page has the limit of receptions as 421. */
static void test_no_other_code(void)
{
    for (size_t i = 0; i < REPLIES; i++) {
        bool known = false, right = false;
        for (size_t row = 0; row < DOCUMENTED; row++)
            if (same_text(replies[i].text, documented[row].text)) {
                known = true;
                right |= replies[i].code == documented[row].code || !documented[row].code;
            }
        right |= replies[i].code == 421 && strcmp(replies[i].enhanced, "4.5.3") == 0;
        CU_ASSERT(!known || right);
    }
}

/* RFC 2034 section 4: an enhanced code of the reply's class on 2yz, 4yz and 5yz; 3yz have none. */
static void test_enhanced_codes(void)
{
    for (size_t i = 0; i < REPLIES; i++) {
        const struct smtps_reply *reply = &replies[i];
        unsigned class, subject, detail;
        char rest;
        CU_ASSERT(reply->code >= 200 && reply->code < 560 && reply->code / 10 % 10 <= 5);
        if (reply->code / 100 == 3) {
            CU_ASSERT_STRING_EQUAL(reply->enhanced, "");
            continue;
        }
        CU_ASSERT_EQUAL_FATAL(sscanf(reply->enhanced, "%u.%u.%u%c", &class, &subject, &detail, &rest), 3);
        CU_ASSERT(class == (unsigned)reply->code / 100 && subject <= 7);
    }
}

/* RFC 5321 4.5.3.1.5: a line of at most 512 octets; its text is printable. */
static void test_lines(void)
{
    for (size_t i = 0; i < REPLIES; i++) {
        struct buf line = {0};
        reply_format(&replies[i], true, &line);
        CU_ASSERT(buf_size(&line) <= 512 && *replies[i].text);
        for (size_t k = 0; k + 2 < buf_size(&line); k++)
            CU_ASSERT(buf_slice(&line).data[k] >= 32 && buf_slice(&line).data[k] < 127);
        buf_release(&line);
    }
}

static void expect(const struct smtps_reply *reply, bool with_enhanced, const char *line)
{
    struct buf out = {0};
    reply_format(reply, with_enhanced, &out);
    CU_ASSERT(slice_equal(buf_slice(&out), slice_text(line)));
    buf_release(&out);
}

static void test_form(void)
{
    expect(&reply_ok, true, "250 2.0.0 OK\r\n");
    expect(&reply_ok, false, "250 OK\r\n");
    expect(&(struct smtps_reply){220, "", "mx.example"}, true, "220 mx.example\r\n");
    expect(&(struct smtps_reply){550, "5.7.1", "a\r\n250 b\x7f\x1b[m"}, true, "550 5.7.1 a??250 b??[m\r\n");
}

int main(void)
{
    CU_TestInfo tests[] = {
        {"documented", test_documented},
        {"no other code for a documented text", test_no_other_code},
        {"enhanced codes", test_enhanced_codes},
        {"lines", test_lines},
        {"form", test_form},
        CU_TEST_INFO_NULL,
    };
    return unit_run("smtp replies", tests);
}
