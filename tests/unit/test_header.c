/* The header block: its fields, its end, folding; and the supplemental trace header. */
#include "unit.h"

#include <jansson.h>
#include <openssl/evp.h>
#include "message/header.h"
#include "message/supplemental.h"

static void test_fields(void)
{
    static const struct {
        const char *content;
        unsigned fields, received;
        bool date, message_id, closed, invalid;
        size_t size;
    } cases[] = {
        {"", 0, 0, false, false, false, false, 0},
        {"\r\nbody\r\n", 0, 0, false, false, true, false, 0},
        {"Subject: x\r\n\r\nDate: in the body\r\n", 1, 0, false, false, true, false, 12},
        {"DATE: x\r\nmessage-id : <a@b>\r\n\r\n", 2, 0, true, true, true, false, 29},
        {"Subject: x\r\n", 1, 0, false, false, false, false, 12},
        {"Subject: x\r\n Date: folded\r\n\tReceived: folded\r\n\r\n", 1, 0, false, false, true, false, 46},
        {"Received: a\r\nReceived: b\r\nX-Received: c\r\nreceived:d\r\n\r\n", 4, 3, false, false, true, false,
         53},
        {"Dates: x\r\nDat: x\r\nX-Date: x\r\n\r\n", 3, 0, false, false, true, false, 29},
        {"text without a header\r\n\r\nDate: x\r\n", 0, 0, false, false, false, true, 0},
        {" folded: first\r\n\r\n", 0, 0, false, false, false, true, 0},
        {": no name\r\n\r\n", 0, 0, false, false, false, true, 0},
        {"Subject: x\r\nno field\r\nDate: x\r\n\r\n", 1, 0, false, false, false, true, 12},
        {"Subj\xc3\xa9: x\r\n\r\n", 0, 0, false, false, false, true, 0},
        {"From a@b Sun Nov 22\r\nDate: x\r\n\r\n", 0, 0, false, false, false, true, 0},
        {"A:\r\nDate:\r\n\r\n", 2, 0, true, false, true, false, 11},
        {"A: b\nDate: in A\r\n\r\n", 1, 0, false, false, true, false, 17},
        {"Date: x", 1, 0, true, false, false, false, 7},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct header_facts facts = header_scan(slice_text(cases[i].content));
        CU_ASSERT_EQUAL(facts.fields, cases[i].fields);
        CU_ASSERT_EQUAL(facts.received, cases[i].received);
        CU_ASSERT_EQUAL(facts.date, cases[i].date);
        CU_ASSERT_EQUAL(facts.message_id, cases[i].message_id);
        CU_ASSERT_EQUAL(facts.closed, cases[i].closed);
        CU_ASSERT_EQUAL(facts.invalid, cases[i].invalid);
        CU_ASSERT_EQUAL(facts.size, cases[i].size);
    }
}

static void test_names(void)
{
    CU_ASSERT(header_is_name(SLICE_LITERAL("X-KumoRef")));
    CU_ASSERT(!header_is_name(SLICE_LITERAL("")));
    CU_ASSERT(!header_is_name(SLICE_LITERAL("X:")));
    CU_ASSERT(!header_is_name(SLICE_LITERAL("X Y")));
    CU_ASSERT(!header_is_name(SLICE_LITERAL("X\r\nY")));
    CU_ASSERT(!header_is_name(SLICE_LITERAL("\xc3\xa9")));
}

static void test_folding(void)
{
    static const struct {
        const char *header, *folded;
        size_t longest;
    } cases[] = {
        {"A: b c\r\n", "A: b c\r\n", 6},
        {"To: a@b, c@d, e@f\r\nX: y\r\n", "To: a@b,\r\n c@d, e@f\r\nX: y\r\n", 9},
        {"Subject: thelongwordhere x\r\n", "Subject:\r\n thelongwordhere\r\n x\r\n", 16},
        {"Nothing:tofoldatallhere\r\n", "Nothing:tofoldatallhere\r\n", 23},
        {"Blanks: at the end        \r\n", "Blanks: at\r\n the\r\n end        \r\n", 12},
        {"", "", 0},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct buf out = {0};
        CU_ASSERT_EQUAL(header_fold(slice_text(cases[i].header), 10, &out), cases[i].longest);
        CU_ASSERT(slice_equal(buf_slice(&out), slice_text(cases[i].folded)));
        buf_release(&out);
    }
}

/* RFC 8601 section 5: nobody else's field may look like this server's. */
static void test_forged_results(void)
{
    static const struct {
        const char *header;
        bool dropped;
    } cases[] = {
        {"Authentication-Results: mx.example; auth=pass\r\n", true},
        {"authentication-results : MX.Example;\r\n\tauth=pass\r\n", true},
        {"Authentication-Results:\r\n mx.example 1; auth=pass\r\n", true},
        {"Authentication-Results: (a (b) \\) ;) mx.example(c); auth=pass\r\n", true},
        {"Authentication-Results: \"mx.\\example\" ; auth=pass\r\n", true},
        {"Authentication-Results: mx.example/1; auth=pass\r\n", true},
        {"Authentication-Results: mx.example", true},
        {"Authentication-Results: (mx.example; auth=pass\r\n", true},
        {"Authentication-Results: ; auth=pass\r\n", true},
        {"Authentication-Results:", true},
        {"Authentication-Results: other.example; auth=pass\r\n", false},
        {"Authentication-Results: mx.example.org; auth=pass\r\n", false},
        {"Authentication-Results: mx.exampl; auth=pass\r\n", false},
        {"X-Authentication-Results: mx.example; auth=pass\r\n", false},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct buf header = {0}, out = {0};
        buf_append_text(&header, "Subject: x\r\n y\r\n");
        buf_append_text(&header, cases[i].header);
        CU_ASSERT(header_scan(buf_slice(&header)).results != (cases[i].header[0] == 'X'));
        CU_ASSERT_EQUAL(header_drop_results(buf_slice(&header), SLICE_LITERAL("mx.example"), &out),
                        cases[i].dropped);
        CU_ASSERT(slice_equal(buf_slice(&out),
                              cases[i].dropped ? SLICE_LITERAL("Subject: x\r\n y\r\n") : buf_slice(&header)));
        buf_release(&header);
        buf_release(&out);
    }
}

/* The JSON in the field; NULL when it is none. Each line ends with CR LF, and all but the first are folded.
 */
static json_t *decode(struct buf *field, const char *name)
{
    char base64[2000] = "";
    size_t size = 0;
    unsigned char json[1500];
    struct slice rest = buf_slice(field), line;
    CU_ASSERT(slice_starts_nocase(rest, slice_text(name)));
    rest = slice_of(rest.data + strlen(name) + 1, rest.size - strlen(name) - 1);
    while (slice_next(&rest, '\n', &line)) {
        CU_ASSERT(line.size > 2 && line.size <= 74 && line.data[0] == ' ' &&
                  line.data[line.size - 1] == '\r');
        memcpy(base64 + size, line.data + 1, line.size - 2);
        size += line.size - 2;
    }
    int written = EVP_DecodeBlock(json, (unsigned char *)base64, (int)size);
    CU_ASSERT_FATAL(written > 0);
    return json_loadb((char *)json, strlen((char *)json), 0, NULL);
}

static void test_supplemental(void)
{
    char *metas[] = {"tenant", "none"};
    struct supplemental_rules rules = {"X-Ref", metas, 2};
    struct buf field = {0};
    supplemental_append(
        &rules, SLICE_LITERAL("user@rcpt.example"),
        SLICE_LITERAL("secret\0no\0tenant\0a \"name\" of some length, so that there are two lines\0"),
        &field);
    json_t *object = decode(&field, "X-Ref");
    CU_ASSERT_PTR_NOT_NULL_FATAL(object);
    CU_ASSERT_EQUAL(json_object_size(object), 3);
    CU_ASSERT_STRING_EQUAL(json_string_value(json_object_get(object, "_@_")), "\\_/");
    CU_ASSERT_STRING_EQUAL(json_string_value(json_object_get(object, "recipient")), "user@rcpt.example");
    CU_ASSERT_STRING_EQUAL(json_string_value(json_object_get(object, "tenant")),
                           "a \"name\" of some length, so that there are two lines");
    json_decref(object);
    buf_release(&field);
}

/* KumoMTA's manual, trace_headers: the same recipient gives the same text. */
static void test_supplemental_is_kumomtas(void)
{
    struct supplemental_rules rules = {"X-KumoRef", NULL, 0};
    struct buf field = {0};
    supplemental_append(&rules, SLICE_LITERAL("test@example.com"), slice_of(NULL, 0), &field);
    CU_ASSERT(slice_equal(buf_slice(&field),
                          SLICE_LITERAL("X-KumoRef: eyJfQF8iOiJcXF8vIiwicmVjaXBpZW50IjoidGVzdEBleGFtcGxlL"
                                        "mNvbSJ9\r\n")));
    buf_release(&field);
}

int main(void)
{
    CU_TestInfo tests[] = {
        {"fields and the end", test_fields},
        {"names", test_names},
        {"folding", test_folding},
        {"forged results", test_forged_results},
        {"supplemental header", test_supplemental},
        {"supplemental header as KumoMTA has it", test_supplemental_is_kumomtas},
        CU_TEST_INFO_NULL,
    };
    return unit_run("header", tests);
}
