/* What is UTF-8, by the table of RFC 3629, section 4. */
#include "base/utf8.h"
#include "unit.h"

static void test_sequences(void)
{
    static const struct {
        const char *bytes;
        size_t size;
    } cases[] = {
        {"a", 1},
        {"\x7f", 1},
        {"\xc3\xa4", 2},
        {"\xe2\x82\xac", 3},
        {"\xf0\x9f\x93\xa8", 4},
        {"\xf4\x8f\xbf\xbf", 4},
        {"", 0},
        {"\x80", 0},             /* a continuation alone */
        {"\xc0\xaf", 0},         /* longer than need be */
        {"\xe0\x9f\xbf", 0},     /* longer than need be */
        {"\xed\xa0\x80", 0},     /* a surrogate */
        {"\xf4\x90\x80\x80", 0}, /* beyond U+10FFFF */
        {"\xf5\x80\x80\x80", 0}, /* no such lead */
        {"\xc3", 0},             /* cut short */
        {"\xe2\x82", 0},         /* cut short */
        {"\xf0\x9f\x93", 0},     /* cut short */
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        CU_ASSERT_EQUAL(utf8_sequence(cases[i].bytes, strlen(cases[i].bytes)), cases[i].size);
    CU_ASSERT_EQUAL(utf8_sequence("\xc3\xa4", 1), 0); /* it goes on after what is looked at */
}

static void test_clean(void)
{
    static const struct {
        const char *bytes, *clean;
    } cases[] = {
        {"", ""},
        {"plain", "plain"},
        {"\xc3\xa4\xff", "\xc3\xa4\xef\xbf\xbd"},
        {"a\xe2\x82z", "a\xef\xbf\xbd\xef\xbf\xbdz"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char *clean = utf8_clean(cases[i].bytes);
        CU_ASSERT_STRING_EQUAL(clean, cases[i].clean);
        free(clean);
    }
}

int main(void)
{
    CU_TestInfo tests[] = {
        {"sequences", test_sequences},
        {"clean texts", test_clean},
        CU_TEST_INFO_NULL,
    };
    return unit_run("utf8", tests);
}
