/*
 * test_message_header: the header of a message that arrives, read and edited field by field: in memory and in the
 * spool, for all recipients and for one; and what that costs.
 */
#include <CUnit/Basic.h>
#include <errno.h>
#include "base/mem.h"
#include "message/message_copy.h"
#include "message_harness.h"
#include "on_loop.h"
#include "unit.h"

#define S(text) SLICE_LITERAL(text)

/* ---- header fields ----------------------------------------------------------------------------------- */

static void edit_header(struct message *message)
{
    struct header_place place;
    CU_ASSERT_EQUAL(header_count(message, NULL), 6);
    CU_ASSERT_EQUAL(header_count(message, "x"), 3);
    CU_ASSERT_EQUAL(header_find(message, "X", -1, &place), 0);
    CU_ASSERT(slice_equal(place.value, S(" 3\r\n")));
    CU_ASSERT_EQUAL(header_find(message, "X", 3, &place), -ENOENT);
    CU_ASSERT_EQUAL(header_find(message, "X", -4, &place), -ENOENT);
    CU_ASSERT_EQUAL(header_remove(message, "x", 1), 0);
    CU_ASSERT_EQUAL(header_add(message, HEADER_FRONT, NULL, 0, "A", S("first")), 0);
    CU_ASSERT_EQUAL(header_add(message, HEADER_END, NULL, 0, "Z", S("last\r\n\tline")), 0);
    CU_ASSERT_EQUAL(header_add(message, HEADER_BEFORE, "received", 0, "B", S("b")), 0);
    CU_ASSERT_EQUAL(header_add(message, HEADER_BEHIND, "RECEIVED", 0, "C", S("")), 0);
    CU_ASSERT_EQUAL(header_replace(message, "subject", 0, S("two")), 0);
    CU_ASSERT_EQUAL(header_add(message, HEADER_BEFORE, "nonesuch", 0, "B", S("b")), -ENOENT);
    CU_ASSERT(header_is(
        message, "A: first\r\nB: b\r\nReceived: x\r\n\ty\r\nC: \r\nFrom: a@b\r\nSubject: two\r\nX: 1\r\n"
                 "X: 3\r\nZ: last\r\n\tline\r\n"));
    CU_ASSERT_EQUAL(header_remove_all(message, "X"), 2);
    CU_ASSERT_EQUAL(header_remove_all(message, "X"), 0);
}

static void test_header_fields(void)
{
    for (unsigned chunks = 0; chunks < 3; chunks++) {
        struct spool_of_blocks blocks;
        struct buf content = {0};
        content_fill(&content, chunks * BODY_CHUNK + 1000);
        struct message *message = blocks_message(&blocks, buf_slice(&content), chunks);
        edit_header(message);
        const char *body = memmem(buf_slice(&content).data, buf_size(&content), "\r\n\r\n", 4);
        size_t header = (size_t)(body - buf_slice(&content).data) + 2;
        struct buf expected = {0};
        buf_append_slice(&expected, message_header(message));
        buf_append(&expected, body + 2, buf_size(&content) - header);
        CU_ASSERT(message_is(message, buf_slice(&expected)));
        CU_ASSERT_EQUAL(message_body_offset(message), message_header(message).size + 2);
        buf_release(&expected);
        blocks_end(message, &blocks);
        buf_release(&content);
    }
}

static void test_fields_of_one_recipient(void)
{
    struct spool_of_blocks blocks;
    struct buf content = {0}, before = {0};
    content_fill(&content, 3 * BODY_CHUNK);
    for (unsigned chunks = 0; chunks < 3; chunks += 2) {
        struct message *message = blocks_message(&blocks, buf_slice(&content), chunks);
        struct message_recipient *a = recipient_create(message, mem_dup("a@b"), "b"),
                                 *b = recipient_create(message, mem_dup("c@d"), "d");
        message_add_recipient(message, a);
        message_add_recipient(message, b);
        CU_ASSERT_EQUAL(header_replace(message, "Subject", 0, S("for all")), 0);
        buf_clear(&before);
        buf_append_slice(&before, message_header(message));
        buf_append(&before, "", 1);
        message_select(message, a);
        edit_header(message);
        message_select(message, b);
        CU_ASSERT(header_is(message, buf_slice(&before).data));
        CU_ASSERT_FALSE(b->edited);
        message_select(message, NULL);
        CU_ASSERT(header_is(message, buf_slice(&before).data));
        blocks_end(message, &blocks);
    }
    buf_release(&content);
    buf_release(&before);
}

static void test_what_is_no_field(void)
{
    static const struct {
        const char *name, *value;
    } rows[] = {
        {"", "a"},
        {"A B", "a"},
        {"A:", "a"},
        {"A\r\nB", "a"},
        {"\xc3\xa4", "a"},
        {"A", "a\r\nB: c"},
        {"A", "a\r\n\r\nb"},
        {"A", "a\nb"},
        {"A", "a\rb"},
        {"A", "a\r\n"},
        {"A", "a\r\n \r\nB"},
        {"A", "a\r\n \t"},
        {"A", "a\r\n\r\n b"},
        {"A", "a\001b"},
        {"A", "a\x7f"},
    };
    struct spool_of_blocks blocks;
    struct buf content = {0};
    content_fill(&content, 100);
    struct message *message = blocks_message(&blocks, buf_slice(&content), 0);
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        CU_ASSERT_EQUAL(header_add(message, HEADER_FRONT, NULL, 0, rows[i].name, slice_text(rows[i].value)),
                        -EINVAL);
    CU_ASSERT_EQUAL(header_add(message, HEADER_FRONT, NULL, 0, "A", slice_of("a\0b", 3)), -EINVAL);
    char *long_word = mem_zalloc(2000);
    memset(long_word, 'x', 1999);
    CU_ASSERT_EQUAL(header_add(message, HEADER_FRONT, NULL, 0, "A", slice_text(long_word)), -EINVAL);
    CU_ASSERT(message_is(message, buf_slice(&content)));
    long_word[900] = long_word[1800] = ' ';
    CU_ASSERT_EQUAL(header_add(message, HEADER_FRONT, NULL, 0, "A", slice_text(long_word)), 0);
    free(long_word);
    blocks_end(message, &blocks);
    buf_release(&content);
}

/* What is no header gets one. */
static void test_without_a_header(void)
{
    static const char *const contents[] = {"", "\r\n", "no header\r\n", "\r\nbody\r\n", "A: b", "A: b\r\n"};
    static const char *const expected[] = {
        "N: 1\r\n\r\n",         "N: 1\r\n\r\n",     "N: 1\r\n\r\nno header\r\n",
        "N: 1\r\n\r\nbody\r\n", "A: b\r\nN: 1\r\n", "A: b\r\nN: 1\r\n"};
    for (size_t i = 0; i < sizeof contents / sizeof *contents; i++) {
        struct spool_of_blocks blocks;
        struct message *message = blocks_message(&blocks, slice_text(contents[i]), 0);
        CU_ASSERT_EQUAL(header_add(message, HEADER_END, NULL, 0, "N", S("1")), 0);
        if (!message_is(message, slice_text(expected[i])))
            printf("row %zu: %.*s\n", i, (int)buf_size(&message->content), buf_slice(&message->content).data);
        CU_ASSERT(message_is(message, slice_text(expected[i])));
        blocks_end(message, &blocks);
    }
}

/* ---- a header that goes on in the spool ----------------------------------------------------------------- */

/* On a loop nothing blocks, and so nothing behind the first chunk can be read. */
static void ask_on_loop(void *argument)
{
    struct message *message = argument;
    struct header_place place;
    CU_ASSERT_EQUAL(header_find(message, "First", 0, &place), 0);
    CU_ASSERT_EQUAL(header_find(message, "Last", 0, &place), -EAGAIN);
    CU_ASSERT_EQUAL(header_find(message, "Last", -1, &place), -EAGAIN);
    CU_ASSERT_EQUAL(header_remove_all(message, "Last"), -EAGAIN);
    CU_ASSERT_EQUAL(header_add(message, HEADER_END, NULL, 0, "Z", S("z")), -EAGAIN);
    CU_ASSERT_EQUAL(body_replace_begin(message), -EAGAIN);
    CU_ASSERT_EQUAL(body_splice(message, BODY_CHUNK + 10000, 0, S("x\r\n")), -EAGAIN);
    header_add(message, HEADER_FRONT, NULL, 0, "Front", S("f"));
    CU_ASSERT_EQUAL(header_find(message, "Last", 0, &place), -EAGAIN);
}

static void test_a_header_that_goes_on(void)
{
    struct spool_of_blocks blocks;
    struct buf content = {0};
    struct header_place place;
    buf_append_text(&content, "First: 1\r\n");
    while (buf_size(&content) < BODY_CHUNK + 1000)
        buf_append_text(&content, "X: yyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyy\r\n");
    buf_append_text(&content, "Last: 1\r\n\r\n");
    while (buf_size(&content) < 2 * BODY_CHUNK + 1000)
        buf_append_text(&content, "a line of the body\r\n");
    struct message *message = blocks_message(&blocks, buf_slice(&content), 2);
    struct loop_group *group = loop_group_create("test", 1);
    loop_group_start(group);
    on_loop_of(group, ask_on_loop, message);
    loop_group_stop(group);
    loop_group_free(group);
    CU_ASSERT_EQUAL(header_find(message, "Last", -1, &place), 0);
    CU_ASSERT_EQUAL(header_add(message, HEADER_END, NULL, 0, "Z", S("z")), 0);
    CU_ASSERT_EQUAL(header_find(message, NULL, -1, &place), 0);
    CU_ASSERT(slice_equal(place.name, S("Z")));
    blocks_end(message, &blocks);
    buf_release(&content);
}

/* ---- cost -------------------------------------------------------------------------------------------- */

static void test_a_header_edit_copies_no_body(void)
{
    struct spool_of_blocks blocks;
    struct buf content = {0};
    content_fill(&content, 10 * 1024 * 1024);
    struct message *message = blocks_message(&blocks, buf_slice(&content), 39);
    CU_ASSERT_EQUAL(header_add(message, HEADER_FRONT, NULL, 0, "DKIM-Signature", S("v=1; a=rsa-sha256")), 0);
    CU_ASSERT_EQUAL(header_replace(message, "Subject", 0, S("another")), 0);
    CU_ASSERT_EQUAL(header_remove(message, "X", 0), 0);
    printf("three header edits on %u bytes copied %u\n", (unsigned)buf_size(&content),
           (unsigned)message->copied);
    CU_ASSERT(message->copied > 0 && message->copied < 64 * 1024);
    CU_ASSERT(buf_size(&message->content) < 2 * BODY_CHUNK);
    blocks_end(message, &blocks);
    buf_release(&content);
}

/* `pairs` times fields X and A, then a body; the sizes of both headers, before and after the removal of X. */
static void fill_pairs(struct buf *content, struct buf *without, size_t pairs, size_t size)
{
    for (size_t i = 0; i < pairs; i++) {
        buf_append_text(content, "X: 1\r\nA: 2\r\n");
        buf_append_text(without, "A: 2\r\n");
    }
    buf_append_text(content, "\r\n");
    while (buf_size(content) < size)
        buf_append_text(content, "line\r\n");
}

static void remove_all(unsigned chunks, size_t pairs, bool own, int expected)
{
    struct spool_of_blocks blocks;
    struct buf content = {0}, without = {0};
    fill_pairs(&content, &without, pairs, chunks * BODY_CHUNK + 1000);
    struct message *message = blocks_message(&blocks, buf_slice(&content), chunks);
    struct message_recipient *recipient = recipient_create(message, mem_dup("a@b"), "b");
    message_add_recipient(message, recipient);
    message_select(message, own ? recipient : NULL);
    CU_ASSERT_EQUAL(header_remove_all(message, "x"), expected);
    CU_ASSERT_EQUAL(header_count(message, "A"), pairs); /* however many pieces it is in */
    /* a few passes, not one for each field */
    printf("removal from %zu fields, %u chunks: %zu bytes of header, %zu looked at, %zu copied\n", 2 * pairs,
           chunks, pairs * 12, (size_t)message->scanned, (size_t)message->copied);
    CU_ASSERT(message->scanned < 16 * (pairs * 12 + 4096));
    CU_ASSERT(message->copied < 16 * (pairs * 12 + 4096));
    if (expected > 0)
        buf_replace(&content, 0, pairs * 12, buf_slice(&without));
    CU_ASSERT(message_is(message, buf_slice(&content)));
    blocks_end(message, &blocks);
    buf_release(&content);
    buf_release(&without);
}

static void test_all_fields_of_a_name_at_once(void)
{
    remove_all(0, 17000, false, 17000);
    remove_all(2, 4000, false, 4000);
    remove_all(0, 4000, true, 4000);
    remove_all(2, 8000, false, -E2BIG); /* then none of them */
    remove_all(2, 8000, true, -E2BIG);
    remove_all(0, 8000, true, -E2BIG);
}

/* One field after the other, as a hook that looks at all of them does. */
static void test_fields_one_after_the_other(void)
{
    enum { PAIRS = 8000, HEADER = PAIRS * 12 };
    struct spool_of_blocks blocks;
    struct buf content = {0}, without = {0};
    struct header_place place;
    fill_pairs(&content, &without, PAIRS, HEADER + 1000);
    struct message *message = blocks_message(&blocks, buf_slice(&content), 0);
    unsigned wrong = 0;
    for (int i = 0; i < 2 * PAIRS; i++)
        wrong += header_find(message, NULL, i, &place) != 0 || place.offset != (uint64_t)i * 6;
    for (int i = 0; i < PAIRS; i++)
        wrong +=
            header_find(message, i % 2 ? "a" : "A", i, &place) != 0 || place.offset != (uint64_t)i * 12 + 6;
    CU_ASSERT_EQUAL(wrong, 0);
    CU_ASSERT_EQUAL(header_find(message, "A", PAIRS, &place), -ENOENT);
    CU_ASSERT_EQUAL(header_find(message, "A", 3, &place), 0); /* and back */
    CU_ASSERT_EQUAL(place.offset, 3 * 12 + 6);
    CU_ASSERT(message->scanned < 8 * HEADER);
    CU_ASSERT_EQUAL(header_remove(message, "X", 0), 0); /* what was found is somewhere else then */
    CU_ASSERT_EQUAL(header_find(message, "A", 3, &place), 0);
    CU_ASSERT_EQUAL(place.offset, 3 * 12);
    blocks_end(message, &blocks);
    buf_release(&content);
    buf_release(&without);
}

int main(void)
{
    CU_TestInfo tests[] = {
        {"header fields", test_header_fields},
        {"header fields of one recipient", test_fields_of_one_recipient},
        {"what is no field", test_what_is_no_field},
        {"without a header", test_without_a_header},
        {"a header that goes on in the spool", test_a_header_that_goes_on},
        {"a header edit copies no body", test_a_header_edit_copies_no_body},
        {"all fields of a name at once", test_all_fields_of_a_name_at_once},
        {"fields one after the other", test_fields_one_after_the_other},
        CU_TEST_INFO_NULL,
    };
    return unit_run("message header", tests);
}
