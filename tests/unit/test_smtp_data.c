/* The DATA reader: where a message ends, and what its content is, however the bytes arrive. */
#include "unit.h"

#include "base/mem.h"
#include "smtp/data_reader.h"

struct outcome {
    struct buf content;
    size_t used;
    bool end, bare, eight_bit;
};

/* Feeds `input` in pieces of `step` bytes until the end is found. */
static struct outcome read_in_steps(const char *input, size_t size, size_t step, bool fix)
{
    struct data_reader reader;
    struct outcome outcome = {0};
    data_reader_init(&reader, fix);
    while (outcome.used < size && !outcome.end) {
        size_t piece = size - outcome.used < step ? size - outcome.used : step;
        /* A copy of just these bytes, so that a read past them is seen by a sanitizer. */
        char *exact = mem_copy_text(input + outcome.used, piece);
        outcome.used += data_reader_feed(&reader, slice_of(exact, piece), &outcome.content, &outcome.end);
        free(exact);
    }
    outcome.bare = reader.bare;
    outcome.eight_bit = reader.eight_bit;
    return outcome;
}

static const struct {
    const char *input, *content;
    size_t rest; /* bytes behind the end */
    bool end, bare, fix;
} cases[] = {
    {".\r\n", "", 0, true, false, false},
    {"a\r\n.\r\n", "a\r\n", 0, true, false, false},
    {"a\r\n..b\r\n.\r\nQUIT\r\n", "a\r\n.b\r\n", 6, true, false, false},
    {"..\r\n.\r\n", ".\r\n", 0, true, false, false},
    {".a\r\n.\r\n", "a\r\n", 0, true, false, false},
    {"a\r\nb.\r\n.c\r\n.\r\n", "a\r\nb.\r\nc\r\n", 0, true, false, false},
    {"\r\n\r\n.\r\n", "\r\n\r\n", 0, true, false, false},
    /* What is not the end: every mixture with a bare CR or a bare LF. */
    {"a\n.\nb\r\n.\r\n", "a\n.\nb\r\n", 0, true, true, false},
    {"a\n.\r\nb\r\n.\r\n", "a\n.\r\nb\r\n", 0, true, true, false},
    {"a\r\n.\nb\r\n.\r\n", "a\r\n\nb\r\n", 0, true, true, false},
    {"a\r.\r\nb\r\n.\r\n", "a\r.\r\nb\r\n", 0, true, true, false},
    {"a\r\n.\rb\r\n.\r\n", "a\r\n\rb\r\n", 0, true, true, false},
    {"a\r\r\n.\r\n", "a\r\r\n", 0, true, true, false},
    {"a\r\n.\r\r\n.\r\n", "a\r\n\r\r\n", 0, true, true, false},
    {"\n.\r\n.\r\n", "\n.\r\n", 0, true, true, false},
    {"a\r\n.", "a\r\n", 0, false, false, false},
    {"a\r\n.\r", "a\r\n", 0, false, false, false},
    /* Repaired. */
    {"a\n.\nb\r\n.\r\n", "a\r\n.\r\nb\r\n", 0, true, true, true},
    {"a\rb\r\r\n.\r\n", "a\r\nb\r\n\r\n", 0, true, true, true},
};

static void test_cases(void)
{
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        size_t size = strlen(cases[i].input);
        for (size_t step = 1; step <= size; step++) {
            struct outcome got = read_in_steps(cases[i].input, size, step, cases[i].fix);
            struct slice content = buf_slice(&got.content);
            CU_ASSERT_EQUAL(got.end, cases[i].end);
            CU_ASSERT_EQUAL(got.bare, cases[i].bare);
            CU_ASSERT_EQUAL(got.used, size - cases[i].rest);
            CU_ASSERT(slice_equal(content, slice_text(cases[i].content)));
            buf_release(&got.content);
        }
    }
}

/* A long message of every kind of line gives the same content whatever the size of the pieces. */
static void test_long_content(void)
{
    struct buf wire = {0}, expected = {0};
    for (int i = 0; i < 3000; i++) {
        char line[120];
        int size = snprintf(line, sizeof line, "%sline %d%.*s%s\r\n", i % 7 == 0 ? "." : "", i, i % 60,
                            "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx",
                            i % 11 == 0 ? "\xc3\xa9" : "");
        if (line[0] == '.')
            buf_append(&wire, ".", 1);
        buf_append(&wire, line, (size_t)size);
        buf_append(&expected, line, (size_t)size);
    }
    buf_append_text(&wire, ".\r\n");
    static const size_t steps[] = {1, 7, 100, 4096, 65536, 1000000};
    for (size_t i = 0; i < sizeof steps / sizeof *steps; i++) {
        struct outcome got = read_in_steps(buf_slice(&wire).data, buf_size(&wire), steps[i], false);
        CU_ASSERT(got.end && !got.bare && got.eight_bit);
        CU_ASSERT(slice_equal(buf_slice(&got.content), buf_slice(&expected)));
        buf_release(&got.content);
    }
    buf_release(&wire);
    buf_release(&expected);
}

static void test_content_that_is_not_kept(void)
{
    struct data_reader reader;
    struct buf out = {0};
    bool end;
    data_reader_init(&reader, false);
    reader.keep = false;
    CU_ASSERT_EQUAL(data_reader_feed(&reader, SLICE_LITERAL("abc\r\n..d\r\n.\r\nX"), &out, &end), 13);
    CU_ASSERT(end && buf_size(&out) == 0);
}

int main(void)
{
    CU_TestInfo tests[] = {
        {"ends and contents at every split", test_cases},
        {"long content in pieces", test_long_content},
        {"content that is not kept", test_content_that_is_not_kept},
        CU_TEST_INFO_NULL,
    };
    return unit_run("smtp data reader", tests);
}
