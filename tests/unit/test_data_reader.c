/* The reader of DATA and BDAT: where a message ends, and what its content is, however the bytes arrive. */
#include "unit.h"

#include "base/mem.h"
#include "content_reference.h"

static const struct data_rules as_it_comes = {.line_endings = {LINE_ENDINGS_REJECT, LINE_ENDINGS_REJECT},
                                              .dot_stuffed = true};
static const struct data_rules repaired = {.line_endings = {LINE_ENDINGS_FIX, LINE_ENDINGS_FIX},
                                           .dot_stuffed = true};

static const struct {
    const char *input, *content;
    size_t rest; /* bytes behind the end */
    bool end, bare;
    const struct data_rules *rules;
} cases[] = {
    {".\r\n", "", 0, true, false, &as_it_comes},
    {"a\r\n.\r\n", "a\r\n", 0, true, false, &as_it_comes},
    {"a\r\n..b\r\n.\r\nQUIT\r\n", "a\r\n.b\r\n", 6, true, false, &as_it_comes},
    {"..\r\n.\r\n", ".\r\n", 0, true, false, &as_it_comes},
    {".a\r\n.\r\n", "a\r\n", 0, true, false, &as_it_comes},
    {"a\r\nb.\r\n.c\r\n.\r\n", "a\r\nb.\r\nc\r\n", 0, true, false, &as_it_comes},
    {"\r\n\r\n.\r\n", "\r\n\r\n", 0, true, false, &as_it_comes},
    /* What is not the end: every mixture with a bare CR or a bare LF. */
    {"a\n.\nb\r\n.\r\n", "a\n.\nb\r\n", 0, true, true, &as_it_comes},
    {"a\n.\r\nb\r\n.\r\n", "a\n.\r\nb\r\n", 0, true, true, &as_it_comes},
    {"a\r\n.\nb\r\n.\r\n", "a\r\n\nb\r\n", 0, true, true, &as_it_comes},
    {"a\r.\r\nb\r\n.\r\n", "a\r.\r\nb\r\n", 0, true, true, &as_it_comes},
    {"a\r\n.\rb\r\n.\r\n", "a\r\n\rb\r\n", 0, true, true, &as_it_comes},
    {"a\r\r\n.\r\n", "a\r\r\n", 0, true, true, &as_it_comes},
    {"a\r\n.\r\r\n.\r\n", "a\r\n\r\r\n", 0, true, true, &as_it_comes},
    {"\n.\r\n.\r\n", "\n.\r\n", 0, true, true, &as_it_comes},
    /* Repaired. */
    {"a\n.\nb\r\n.\r\n", "a\r\n.\r\nb\r\n", 0, true, true, &repaired},
    {"a\rb\r\r\n.\r\n", "a\r\nb\r\n\r\n", 0, true, true, &repaired},
};

static void test_cases(void)
{
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct slice input = slice_text(cases[i].input);
        for (size_t piece = 1; piece <= input.size; piece++) {
            struct content_outcome got = content_read(input, cases[i].rules, piece);
            CU_ASSERT_EQUAL(got.end, cases[i].end);
            CU_ASSERT_EQUAL(got.bare[CONTENT_HEADER] || got.bare[CONTENT_BODY], cases[i].bare);
            CU_ASSERT_EQUAL(got.used, input.size - cases[i].rest);
            CU_ASSERT(slice_equal(buf_slice(&got.content), slice_text(cases[i].content)));
            buf_release(&got.content);
        }
    }
}

/* ---- against the reference -------------------------------------------------------------------------------
 */

/* Every policy, for a header and a body alike or not, after DATA or BDAT, lines broken or not, binary or not.
 */
static size_t make_rules(struct data_rules *rules)
{
    size_t count = 0;
    for (unsigned i = 0; i < 9 * 2 * 2 * 2; i++)
        rules[count++] = (struct data_rules){
            .line_endings = {i % 3, i / 3 % 3},
            .dot_stuffed = i / 9 % 2 && i < 36,
            .break_lines = i / 18 % 2 ? 3 : 0,
            .binary = i / 36,
        };
    return count;
}

static void check(struct slice input, const struct data_rules *rules, size_t piece)
{
    struct content_outcome expected = content_reference(input, rules),
                           got = content_read(input, rules, piece);
    if (!content_outcome_equal(&got, &expected, rules)) {
        CU_FAIL("another outcome than the reference's");
        printf("\ninput ");
        for (size_t i = 0; i < input.size && i < 200; i++)
            printf("%02x ", (unsigned char)input.data[i]);
        printf("\nin pieces of %zu, endings %d %d, dots %d, break %u, binary %d\n", piece,
               rules->line_endings[0], rules->line_endings[1], rules->dot_stuffed, rules->break_lines,
               rules->binary);
    }
    buf_release(&expected.content);
    buf_release(&got.content);
}

/* Every sequence of the bytes that mean something, up to a length, cut at every byte. */
static void test_every_sequence(void)
{
    enum { LONGEST = 6 };
    static const char letters[] = {'\r', '\n', '.', '\xc3'}; /* which begins a character of two bytes */
    struct data_rules rules[72];
    size_t count = make_rules(rules);
    char text[LONGEST];
    for (size_t size = 0; size <= LONGEST; size++)
        for (unsigned which = 0; which < 1u << (2 * size); which++) {
            for (size_t i = 0; i < size; i++)
                text[i] = letters[which >> (2 * i) & 3];
            for (size_t i = 0; i < count; i++) {
                check(slice_of(text, size), &rules[i], 1);
                check(slice_of(text, size), &rules[i], LONGEST);
            }
        }
}

/* What is known to have been taken for the end of a message by some server, within one, at every split. */
static void test_every_end_variant(void)
{
    static const char *const ends[] = {
        "\n.\n",       "\n.\r\n",   "\r.\r",     "\r.\r\n",     "\r\n.\n",        "\r\n.\r",     "\n\n.\r\n",
        "\r\n.\r\r\n", "\n.\r",     "\r.\n",     "\r\r\n.\r\n", "\r\n\n.",        "\r\n\r.\r\n", "\r\n..\r\n",
        "\r\n. \r\n",  "\r\n.\r\n", "\n\r.\r\n", "\r\n.\n\r\n", "\r\n.\r\n.\r\n",
    };
    struct data_rules rules[72];
    size_t count = make_rules(rules);
    for (size_t e = 0; e < sizeof ends / sizeof *ends; e++) {
        char text[200];
        size_t size =
            (size_t)snprintf(text, sizeof text, "A: b\r\n\r\nc\xc3\xa9%sMAIL FROM:<x@y>\r\n.\r\n", ends[e]);
        for (size_t i = 0; i < count; i++)
            for (size_t piece = 1; piece <= size; piece++)
                check(slice_of(text, size), &rules[i], piece);
    }
}

/* NUL is a byte like any other, next to an end, too. */
static void test_nul(void)
{
    static const char text[] = "A: b\r\n\r\n\0c\r\n\0.\r\n.\0\r\n\r\0\n.\r\n.\r\n";
    struct data_rules rules[72];
    size_t count = make_rules(rules);
    for (size_t i = 0; i < count; i++)
        for (size_t piece = 1; piece < sizeof text; piece++)
            check(slice_of(text, sizeof text - 1), &rules[i], piece);
}

static unsigned random_below(unsigned *state, unsigned bound)
{
    *state = *state * 1103515245 + 12345;
    return *state / 65536 % bound;
}

/* Long content, so that whole runs of lines are copied, with something unusual here and there. */
static void test_long_content(void)
{
    static const char *const unusual[] = {"\r",           "\n",     "\r\r\n", ".\r\n.",           "\r\n\r\n",
                                          "\xe2\x82\xac", "\r\n..", ".",      "\xf0\x9f\x93\xa7", "\r\n"};
    static const size_t pieces[] = {1, 7, 100, 4096, 65536, 1000000};
    struct data_rules rules[72];
    size_t count = make_rules(rules);
    unsigned seed = 4;
    for (int round = 0; round < 40; round++) {
        struct buf wire = {0};
        buf_append_text(&wire, "Subject: long\r\n\r\n");
        for (int i = 0; i < 400; i++) {
            if (random_below(&seed, 100) < (unsigned)round % 8)
                buf_append_text(&wire, unusual[random_below(&seed, sizeof unusual / sizeof *unusual)]);
            buf_printf(&wire, "line %d %.*s\r\n", i, (int)random_below(&seed, 60),
                       "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx");
        }
        buf_append_text(&wire, ".\r\n");
        struct data_rules *one = &rules[random_below(&seed, (unsigned)count)];
        one->break_lines = one->break_lines ? 50 : 0;
        for (size_t i = 0; i < sizeof pieces / sizeof *pieces; i++)
            check(buf_slice(&wire), one, pieces[i]);
        buf_release(&wire);
    }
}

/* ---- the rest --------------------------------------------------------------------------------------------
 */

static void test_content_that_is_not_kept(void)
{
    struct data_reader reader;
    struct buf out = {0};
    bool end;
    data_reader_init(&reader, &as_it_comes);
    reader.keep = false;
    CU_ASSERT_EQUAL(data_reader_feed(&reader, SLICE_LITERAL("abc\r\n..d\r\n.\r\nX"), &out, &end), 13);
    CU_ASSERT(end && buf_size(&out) == 0);
    CU_ASSERT_EQUAL(reader.size, 9);
}

/* A line of the body is broken between characters, one of the header is left to be folded. */
static void test_broken_lines(void)
{
    struct data_rules rules = {.break_lines = 5, .dot_stuffed = true};
    struct slice input = SLICE_LITERAL("Subject: x\r\n\r\nabcdefghijkl\r\n12345\r\nabc\xe2\x82\xac"
                                       "d\r\n.\r\n");
    struct content_outcome got = content_read(input, &rules, 3);
    CU_ASSERT(
        slice_equal(buf_slice(&got.content),
                    SLICE_LITERAL("Subject: x\r\n\r\nabcde\r\nfghij\r\nkl\r\n12345\r\nabc\r\n\xe2\x82\xac"
                                  "d\r\n")));
    CU_ASSERT_EQUAL(got.longest_line[CONTENT_HEADER], 10);
    CU_ASSERT_EQUAL(got.longest_line[CONTENT_BODY], 5);
    buf_release(&got.content);
}

/* What a client sends cannot make the reader slow: the same work for each byte, whatever they are. */
static void test_hostile_content_is_not_slow(void)
{
    enum { SIZE = 1024 * 1024 };
    static const char *const units[] = {"\r",  "\n", "\rA",      "a\rb\r\n", "\r\n..",
                                        "\nA", "A",  "\r\n.\rb", "a\n\r\n"};
    for (size_t u = 0; u < sizeof units / sizeof *units; u++) {
        struct buf wire = {0};
        while (buf_size(&wire) < SIZE)
            buf_append_text(&wire, units[u]);
        struct content_outcome got = content_read(buf_slice(&wire), &repaired, SIZE);
        CU_ASSERT(got.used >= SIZE && !got.end); /* a quadratic reader takes minutes for it */
        buf_release(&got.content);
        buf_release(&wire);
    }
}

int main(void)
{
    CU_TestInfo tests[] = {
        {"ends and contents at every split", test_cases},
        {"every sequence of CR, LF, dot and letter", test_every_sequence},
        {"every variant of an end", test_every_end_variant},
        {"NUL", test_nul},
        {"long content in pieces", test_long_content},
        {"content that is not kept", test_content_that_is_not_kept},
        {"lines broken", test_broken_lines},
        {"hostile content is not slow", test_hostile_content_is_not_slow},
        CU_TEST_INFO_NULL,
    };
    return unit_run("data reader", tests);
}
