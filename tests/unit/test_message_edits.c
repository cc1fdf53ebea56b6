/*
 * test_message_edits: the content of a message that arrives, read and edited through its handle: in memory
 * and in the spool, for all recipients and for one, against a reference that is slow and obvious: one flat
 * buffer.
 */
#include <CUnit/Basic.h>
#include <errno.h>
#include "base/mem.h"
#include "message/message_copy.h"
#include "on_loop.h"
#include "unit.h"

/* ---- a keeper whose spool is a row of blocks
 * --------------------------------------------------------------- */

enum { BLOCKS = 64 };

struct spool_of_blocks {
    struct content_reader reader;
    char *blocks[BLOCKS];
    uint64_t body_id; /* whose they are */
    unsigned discards;
    bool full;
};

static int read_block(void *spool, const struct body *body, uint32_t chunk, char **data, size_t *size)
{
    struct spool_of_blocks *blocks = spool;
    if (blocks->body_id != body->id || !blocks->blocks[chunk])
        return -ENOENT;
    *size = BODY_CHUNK;
    *data = mem_copy_text(blocks->blocks[chunk], BODY_CHUNK);
    return 0;
}

static struct spool_of_blocks *blocks_of(const struct message *message)
{
    return message->owner;
}

static struct content_reader *reader(struct message *message)
{
    return &blocks_of(message)->reader;
}

static uint64_t threshold(const struct message *message)
{
    (void)message;
    return BODY_CHUNK;
}

static int store(struct message *message, struct body *body, const char *bytes)
{
    struct spool_of_blocks *blocks = blocks_of(message);
    if (blocks->full)
        return -EAGAIN;
    if (blocks->body_id != body->id)
        for (unsigned i = 0; i < BLOCKS; i++) {
            free(blocks->blocks[i]);
            blocks->blocks[i] = NULL;
        }
    blocks->body_id = body->id;
    blocks->blocks[body->chunks++] = mem_copy_text(bytes, BODY_CHUNK);
    return 0;
}

static int settle(struct message *message)
{
    return blocks_of(message)->full ? -EAGAIN : 0;
}

static void discard(struct message *message, struct body *body)
{
    (void)body;
    blocks_of(message)->discards++;
}

static const struct message_keeper keeper = {
    .on_loop = reader,
    .blocking = reader,
    .threshold = threshold,
    .store = store,
    .settle = settle,
    .discard = discard,
};

/* A message whose content has arrived; `chunks` of it are in the spool. */
static struct message *make(struct spool_of_blocks *blocks, struct slice content, unsigned chunks)
{
    struct message *message = message_create(1, mem_dup("a@b"), "b");
    *blocks = (struct spool_of_blocks){0};
    content_reader_init(&blocks->reader, read_block, blocks);
    message->keeper = &keeper;
    message->owner = blocks;
    for (unsigned i = 0; i < chunks; i++) {
        if (i == 0) {
            message->body = body_create(7, NULL, 0);
            message->body->chunks = 0;
            message->head = mem_copy_text(content.data, BODY_CHUNK);
        }
        message_note_part(message, !slice_is_ascii(slice_of(content.data + message->stored, BODY_CHUNK)));
        store(message, message->body, content.data + message->stored);
        message->stored += BODY_CHUNK;
    }
    buf_append(&message->content, content.data + message->stored, content.size - message->stored);
    message->readable = true;
    return message;
}

static void end(struct message *message, struct spool_of_blocks *blocks)
{
    message_end(message);
    message_unref(message);
    for (unsigned i = 0; i < BLOCKS; i++)
        free(blocks->blocks[i]);
}

static void fill(struct buf *content, size_t size)
{
    buf_append_text(content,
                    "Received: x\r\n\ty\r\nFrom: a@b\r\nSubject: one\r\nX: 1\r\nx: 2\r\nX: 3\r\n\r\n");
    while (buf_size(content) < size)
        buf_printf(content, "line %zu of the body\r\n", buf_size(content));
}

static bool is_content(struct message *message, struct slice expected)
{
    struct content_cursor cursor = {0};
    bool same = message_size(message) == expected.size;
    if (content_cursor_open(&cursor, message, NULL, NULL) != 0)
        return false;
    while (same && cursor_fetch(&cursor.cursor) == 1) {
        struct slice run = cursor.cursor.run;
        same = cursor.cursor.at + run.size <= expected.size &&
               memcmp(run.data, expected.data + cursor.cursor.at, run.size) == 0;
        cursor_consume(&cursor.cursor, run.size);
    }
    same = same && cursor.cursor.at == expected.size;
    content_cursor_close(&cursor);
    return same;
}

static bool is_header(struct message *message, const char *expected)
{
    struct slice header = message_header(message);
    bool same = slice_equal(header, slice_text(expected));
    if (!same)
        printf("%.*s-- instead of:\n%s", (int)header.size, header.data, expected);
    return same;
}

#define S(text) SLICE_LITERAL(text)

/* ---- header fields ----------------------------------------------------------------------------------------
 */

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
    CU_ASSERT(is_header(
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
        fill(&content, chunks * BODY_CHUNK + 1000);
        struct message *message = make(&blocks, buf_slice(&content), chunks);
        edit_header(message);
        const char *body = memmem(buf_slice(&content).data, buf_size(&content), "\r\n\r\n", 4);
        size_t header = (size_t)(body - buf_slice(&content).data) + 2;
        struct buf expected = {0};
        buf_append_slice(&expected, message_header(message));
        buf_append(&expected, body + 2, buf_size(&content) - header);
        CU_ASSERT(is_content(message, buf_slice(&expected)));
        CU_ASSERT_EQUAL(message_body_offset(message), message_header(message).size + 2);
        buf_release(&expected);
        end(message, &blocks);
        buf_release(&content);
    }
}

static void test_fields_of_one_recipient(void)
{
    struct spool_of_blocks blocks;
    struct buf content = {0}, before = {0};
    fill(&content, 3 * BODY_CHUNK);
    for (unsigned chunks = 0; chunks < 3; chunks += 2) {
        struct message *message = make(&blocks, buf_slice(&content), chunks);
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
        CU_ASSERT(is_header(message, buf_slice(&before).data));
        CU_ASSERT_FALSE(b->edited);
        message_select(message, NULL);
        CU_ASSERT(is_header(message, buf_slice(&before).data));
        end(message, &blocks);
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
    fill(&content, 100);
    struct message *message = make(&blocks, buf_slice(&content), 0);
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        CU_ASSERT_EQUAL(header_add(message, HEADER_FRONT, NULL, 0, rows[i].name, slice_text(rows[i].value)),
                        -EINVAL);
    CU_ASSERT_EQUAL(header_add(message, HEADER_FRONT, NULL, 0, "A", slice_of("a\0b", 3)), -EINVAL);
    char *long_word = mem_zalloc(2000);
    memset(long_word, 'x', 1999);
    CU_ASSERT_EQUAL(header_add(message, HEADER_FRONT, NULL, 0, "A", slice_text(long_word)), -EINVAL);
    CU_ASSERT(is_content(message, buf_slice(&content)));
    long_word[900] = long_word[1800] = ' ';
    CU_ASSERT_EQUAL(header_add(message, HEADER_FRONT, NULL, 0, "A", slice_text(long_word)), 0);
    free(long_word);
    end(message, &blocks);
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
        struct message *message = make(&blocks, slice_text(contents[i]), 0);
        CU_ASSERT_EQUAL(header_add(message, HEADER_END, NULL, 0, "N", S("1")), 0);
        if (!is_content(message, slice_text(expected[i])))
            printf("row %zu: %.*s\n", i, (int)buf_size(&message->content), buf_slice(&message->content).data);
        CU_ASSERT(is_content(message, slice_text(expected[i])));
        end(message, &blocks);
    }
}

/* ---- any edits --------------------------------------------------------------------------------------------
 */

static void splice_both(struct message *message, struct buf *flat)
{
    char text[300];
    size_t size = (size_t)random() % sizeof text;
    uint64_t at = (uint64_t)random() % (buf_size(flat) + 1), left = buf_size(flat) - at;
    uint64_t removed = (uint64_t)random() % (left < 2000 ? left + 1 : 2000);
    for (size_t i = 0; i < size; i++)
        text[i] = "ab:\r\n"[random() % 5];
    CU_ASSERT_EQUAL(message_splice(message, at, removed, slice_of(text, size)), 0);
    buf_replace(flat, at, removed, slice_of(text, size));
}

static void cut_both(struct message *message, struct buf *flat)
{
    struct edits_range ranges[20];
    size_t count = 0;
    for (uint64_t at = (uint64_t)random() % 300; count < 20;) {
        ranges[count] = (struct edits_range){at, 1 + (uint64_t)random() % 300};
        at += ranges[count].size + (random() % 3 ? (uint64_t)random() % 300 : 0);
        if (ranges[count].at + ranges[count].size > buf_size(flat))
            break;
        count++;
    }
    CU_ASSERT_EQUAL(message_cut(message, ranges, count), 0);
    while (count-- > 0)
        buf_replace(flat, ranges[count].at, ranges[count].size, slice_of(NULL, 0));
}

static void test_random_edits(void)
{
    srandom(3);
    for (unsigned round = 0; round < 60; round++) {
        struct spool_of_blocks blocks;
        struct buf content = {0}, flat = {0}, own = {0};
        unsigned chunks = round % 3;
        fill(&content, chunks * BODY_CHUNK + (size_t)random() % 5000);
        struct message *message = make(&blocks, buf_slice(&content), chunks);
        struct message_recipient *recipient = recipient_create(message, mem_dup("a@b"), "b");
        message_add_recipient(message, recipient);
        buf_append_slice(&flat, buf_slice(&content));
        struct content_cursor open = {0};
        content_cursor_open(&open, message, NULL, NULL);
        for (unsigned i = 0; i < 20; i++) {
            splice_both(message, &flat);
            if (i % 4 == 0)
                cut_both(message, &flat);
            /* A cursor that was open before goes on in the new form. */
            uint64_t at = (uint64_t)random() % (buf_size(&flat) + 1);
            CU_ASSERT_TRUE(content_cursor_sync(&open));
            cursor_seek(&open.cursor, at);
            bool there = cursor_fetch(&open.cursor) == 1;
            CU_ASSERT_EQUAL(there, at < buf_size(&flat));
            CU_ASSERT(!there || open.cursor.run.data[0] == buf_slice(&flat).data[at]);
        }
        CU_ASSERT_TRUE(is_content(message, buf_slice(&flat)));
        buf_append_slice(&own, buf_slice(&flat));
        message_select(message, recipient);
        for (unsigned i = 0; i < 20; i++)
            (i % 4 ? splice_both : cut_both)(message, &own);
        CU_ASSERT_TRUE(is_content(message, buf_slice(&own)));
        message_select(message, NULL);
        CU_ASSERT_TRUE(is_content(message, buf_slice(&flat)));
        if (round % 2)
            content_cursor_close(&open);
        end(message, &blocks);
        if (round % 2 == 0) { /* the message is gone, and the cursor knows */
            CU_ASSERT_FALSE(content_cursor_sync(&open));
            content_cursor_close(&open);
        }
        buf_release(&content);
        buf_release(&flat);
        buf_release(&own);
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
    struct message *message = make(&blocks, buf_slice(&content), 2);
    struct loop_group *group = loop_group_create("test", 1);
    loop_group_start(group);
    on_loop_of(group, ask_on_loop, message);
    loop_group_stop(group);
    loop_group_free(group);
    CU_ASSERT_EQUAL(header_find(message, "Last", -1, &place), 0);
    CU_ASSERT_EQUAL(header_add(message, HEADER_END, NULL, 0, "Z", S("z")), 0);
    CU_ASSERT_EQUAL(header_find(message, NULL, -1, &place), 0);
    CU_ASSERT(slice_equal(place.name, S("Z")));
    end(message, &blocks);
    buf_release(&content);
}

/* ---- bytes above 127 --------------------------------------------------------------------------------- */

/* ASCII but for three bytes: in the first chunk, in the second, and behind them. */
static void fill_eight_bit(struct buf *content)
{
    fill(content, 2 * BODY_CHUNK + 1000);
    char *bytes = (char *)(uintptr_t)buf_slice(content).data;
    bytes[1000] = bytes[BODY_CHUNK + 1000] = bytes[2 * BODY_CHUNK + 500] = '\xe4';
}

static void test_eight_bit_content(void)
{
    struct spool_of_blocks blocks;
    struct buf content = {0};
    fill_eight_bit(&content);
    struct message *message = make(&blocks, buf_slice(&content), 2);
    CU_ASSERT(message_has_eight_bit(message, true));
    CU_ASSERT_EQUAL(message_splice(message, 2 * BODY_CHUNK + 500, 1, S("a")), 0);
    CU_ASSERT(message_has_eight_bit(message, true));
    CU_ASSERT_EQUAL(message_splice(message, BODY_CHUNK - 1, BODY_CHUNK + 1, S("\xc3\xa4")), 0);
    CU_ASSERT_EQUAL(message_splice(message, BODY_CHUNK - 1, 2, S("ae")), 0);
    CU_ASSERT(message_has_eight_bit(message, true));
    CU_ASSERT_EQUAL(message_splice(message, 1000, 1, S("a")), 0);
    CU_ASSERT_FALSE(message_has_eight_bit(message, true));
    CU_ASSERT_EQUAL(message_splice(message, 500, 0, S("\xc3\xa4")), 0);
    CU_ASSERT(message_has_eight_bit(message, true));
    CU_ASSERT_EQUAL(message_splice(message, 500, 2, S("ae")), 0);
    CU_ASSERT_FALSE(message_has_eight_bit(message, true));
    end(message, &blocks);
    buf_release(&content);
}

/* Does the copy whose edits are `edits` have one, when the content underneath has? */
static bool copy_has_eight_bit(const struct edits *edits, const struct message *message)
{
    struct buf sealed = {0};
    edits_seal(edits, &sealed);
    struct envelope_facts facts = {.recipient = S("a@b"),
                                   .binding = S("default"),
                                   .header = buf_slice(&sealed),
                                   .flags = ENVELOPE_OWN_EDITS};
    struct body *body = body_create(9, NULL, 0);
    body->eight_bit = message_has_eight_bit(message, true);
    struct envelope *envelope = envelope_create(&facts, body);
    bool has = envelope_has_eight_bit(envelope);
    envelope_free(envelope);
    body_unref(body);
    buf_release(&sealed);
    return has;
}

static void test_eight_bit_copies(void)
{
    struct spool_of_blocks blocks;
    struct buf content = {0};
    fill_eight_bit(&content);
    struct message *message = make(&blocks, buf_slice(&content), 2);
    struct message_recipient *recipient = recipient_create(message, mem_dup("a@b"), "b");
    message_add_recipient(message, recipient);
    CU_ASSERT_EQUAL(message_splice(message, 2 * BODY_CHUNK + 500, 1, S("a")), 0);
    message_select(message, recipient);
    CU_ASSERT_EQUAL(message_splice(message, 1000, 1, S("ae")), 0);
    message_judge_copies(message);
    CU_ASSERT(copy_has_eight_bit(&recipient->edits, message));
    CU_ASSERT_EQUAL(message_splice(message, BODY_CHUNK + 1, BODY_CHUNK, S("")), 0);
    message_judge_copies(message);
    CU_ASSERT_FALSE(copy_has_eight_bit(&recipient->edits, message));
    end(message, &blocks);
    buf_release(&content);
}

/* ---- cost -------------------------------------------------------------------------------------------------
 */

static void test_a_header_edit_copies_no_body(void)
{
    struct spool_of_blocks blocks;
    struct buf content = {0};
    fill(&content, 10 * 1024 * 1024);
    struct message *message = make(&blocks, buf_slice(&content), 39);
    CU_ASSERT_EQUAL(header_add(message, HEADER_FRONT, NULL, 0, "DKIM-Signature", S("v=1; a=rsa-sha256")), 0);
    CU_ASSERT_EQUAL(header_replace(message, "Subject", 0, S("another")), 0);
    CU_ASSERT_EQUAL(header_remove(message, "X", 0), 0);
    printf("three header edits on %u bytes copied %u\n", (unsigned)buf_size(&content),
           (unsigned)message->copied);
    CU_ASSERT(message->copied > 0 && message->copied < 64 * 1024);
    CU_ASSERT(buf_size(&message->content) < 2 * BODY_CHUNK);
    end(message, &blocks);
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
    struct message *message = make(&blocks, buf_slice(&content), chunks);
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
    CU_ASSERT(is_content(message, buf_slice(&content)));
    end(message, &blocks);
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
    struct message *message = make(&blocks, buf_slice(&content), 0);
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
    end(message, &blocks);
    buf_release(&content);
    buf_release(&without);
}

/* ---- line ends of the body ---------------------------------------------------------------------------- */

/* An edit that divided a line end would leave a bare CR or LF in what is sent. */
static void try_dividing(struct message *message, uint64_t at)
{
    CU_ASSERT_EQUAL(body_splice(message, at + 1, 0, S("x\r\n")), -EINVAL);  /* between CR and LF */
    CU_ASSERT_EQUAL(body_splice(message, at + 1, 1, S("")), -EINVAL);       /* the LF alone */
    CU_ASSERT_EQUAL(body_splice(message, at, 1, S("")), -EINVAL);           /* the CR alone */
    CU_ASSERT_EQUAL(body_splice(message, at - 3, 4, S("x")), -EINVAL);      /* up to the CR */
    CU_ASSERT_EQUAL(body_splice(message, at + 1, 10, S("x\r\n")), -EINVAL); /* from the LF on */
    CU_ASSERT_EQUAL(body_splice(message, at + 1, UINT64_MAX, S("")), -ERANGE);
    CU_ASSERT_EQUAL(body_splice(message, at + 1, 0, S("")), 0); /* nothing */
    CU_ASSERT_EQUAL(body_splice(message, at - 3, 3, S("x")), 0);
    CU_ASSERT_EQUAL(body_splice(message, at - 2, 2, S("\r\n")), 0);
}

static uint64_t line_end(const struct buf *content, uint64_t from)
{
    const char *data = buf_slice(content).data;
    return (uint64_t)((const char *)memchr(data + from, '\r', buf_size(content) - from) - data);
}

static void test_line_ends_stay_whole(void)
{
    for (unsigned chunks = 0; chunks < 3; chunks += 2) {
        struct spool_of_blocks blocks;
        struct buf content = {0};
        fill(&content, chunks * BODY_CHUNK + 3000);
        struct message *message = make(&blocks, buf_slice(&content), chunks);
        for (unsigned i = 0; i <= chunks; i++) /* from the end, so that what is before stays in its place */
            try_dividing(message, line_end(&content, (chunks - i) * BODY_CHUNK + 1000));
        uint64_t one = line_end(&content, 500), next = line_end(&content, one + 2);
        CU_ASSERT_EQUAL(body_splice(message, one + 1, next - one, S("")), 0); /* from CR to CR: a line less */
        message->flags |= ENVELOPE_BINARY;
        CU_ASSERT_EQUAL(body_splice(message, one + 1, 0, S("x")), 0);
        end(message, &blocks);
        buf_release(&content);
    }
}

/* ---- another body -----------------------------------------------------------------------------------------
 */

static void test_another_body(void)
{
    for (unsigned chunks = 0; chunks < 3; chunks += 2)
        for (size_t size = 0; size < 3 * BODY_CHUNK; size += BODY_CHUNK - 7) {
            struct spool_of_blocks blocks;
            struct buf content = {0}, body = {0}, expected = {0};
            fill(&content, chunks * BODY_CHUNK + 1000);
            while (buf_size(&body) < size)
                buf_printf(&body, "another line %zu\r\n", buf_size(&body));
            struct message *message = make(&blocks, buf_slice(&content), chunks);
            CU_ASSERT_EQUAL(header_add(message, HEADER_FRONT, NULL, 0, "A", S("first")), 0);
            buf_append_slice(&expected, message_header(message));
            buf_append_text(&expected, "\r\n");
            buf_append_slice(&expected, buf_slice(&body));
            CU_ASSERT_EQUAL(body_replace_begin(message), 0);
            CU_ASSERT_EQUAL(body_replace_begin(message), -EPERM);
            CU_ASSERT_EQUAL(body_replace_append(message, S("x\n")), -EINVAL);
            for (size_t at = 0; at < buf_size(&body); at += 10007) {
                size_t left = buf_size(&body) - at;
                CU_ASSERT_EQUAL(body_replace_append(message, slice_of(buf_slice(&body).data + at,
                                                                      left < 10007 ? left : 10007)),
                                0);
            }
            CU_ASSERT_EQUAL(body_replace_end(message), 0);
            CU_ASSERT_TRUE(is_content(message, buf_slice(&expected)));
            CU_ASSERT_EQUAL(blocks.discards, chunks > 0);
            CU_ASSERT_EQUAL(header_remove(message, "A", 0), 0);
            CU_ASSERT_EQUAL(body_splice(message, message_size(message), 0, S("the end\r\n")), 0);
            buf_append_text(&expected, "the end\r\n");
            buf_consume(&expected, strlen("A: first\r\n"));
            CU_ASSERT_TRUE(is_content(message, buf_slice(&expected)));
            end(message, &blocks);
            buf_release(&content);
            buf_release(&body);
            buf_release(&expected);
        }
}

static void test_a_spool_that_is_behind(void)
{
    struct spool_of_blocks blocks;
    struct buf content = {0}, text = {0};
    fill(&content, 1000);
    while (buf_size(&text) < 3 * BODY_CHUNK)
        buf_append_text(&text, "another line\r\n");
    struct message *message = make(&blocks, buf_slice(&content), 0);
    CU_ASSERT_EQUAL(body_replace_begin(message), 0);
    blocks.full = true;
    CU_ASSERT_EQUAL(body_replace_append(message, buf_slice(&text)), 0);
    CU_ASSERT_EQUAL(body_replace_append(message, S("more\r\n")), -EAGAIN);
    CU_ASSERT_EQUAL(body_replace_end(message), -EAGAIN);
    blocks.full = false;
    CU_ASSERT_EQUAL(body_replace_append(message, S("more\r\n")), 0);
    CU_ASSERT_EQUAL(body_replace_end(message), 0);
    CU_ASSERT_EQUAL(message_size(message), message_body_offset(message) + buf_size(&text) + 6);
    CU_ASSERT_EQUAL(body_replace_begin(message), 0); /* the end of the message ends it */
    CU_ASSERT_EQUAL(body_replace_append(message, buf_slice(&text)), 0);
    end(message, &blocks);
    buf_release(&content);
    buf_release(&text);
}

/* ---- a copy that was accepted ---------------------------------------------------------------------------
 */

static void test_a_copy(void)
{
    static const char text[] = "Subject: one\r\nX: 1\r\n\r\nbody\r\n", context[] = "name\0value";
    struct envelope_facts facts = {
        .reverse_path = S("a@sender.example"),
        .recipient = S("b@Rcpt.example"),
        .context = slice_of(context, sizeof context),
        .header = S("Own: field\r\n"),
        .batch_id = 9,
    };
    for (unsigned stored = 0; stored < 2; stored++) {
        struct spool_of_blocks blocks = {.body_id = 7};
        char *block = mem_zalloc(BODY_CHUNK); /* its one row is a block */
        memset(block, 'x', BODY_CHUNK);
        memcpy(block, text, sizeof text - 1);
        blocks.blocks[0] = block;
        content_reader_init(&blocks.reader, read_block, &blocks);
        struct body *body = body_create(7, stored ? NULL : mem_copy_text(block, BODY_CHUNK), BODY_CHUNK);
        struct envelope *envelope = envelope_create(&facts, body);
        struct message *message = message_of_copy(envelope, &blocks.reader);
        envelope_free(envelope);
        CU_ASSERT_EQUAL(message->id, 9);
        CU_ASSERT_EQUAL(message_size(message), BODY_CHUNK + 12);
        CU_ASSERT_STRING_EQUAL(message->sender_domain, "sender.example");
        CU_ASSERT_STRING_EQUAL(message->recipients[0]->domain, "Rcpt.example");
        CU_ASSERT_STRING_EQUAL(context_get(message_context(message), "name"), "value");
        CU_ASSERT(is_header(message, "Own: field\r\nSubject: one\r\nX: 1\r\n"));
        CU_ASSERT_EQUAL(header_count(message, NULL), 3);
        CU_ASSERT_EQUAL(message_body_offset(message), 12 + strlen("Subject: one\r\nX: 1\r\n\r\n"));
        CU_ASSERT_EQUAL(header_add(message, HEADER_FRONT, NULL, 0, "A", S("b")), -EPERM);
        CU_ASSERT_EQUAL(header_remove(message, "X", 0), -EPERM);
        CU_ASSERT_EQUAL(body_splice(message, 50, 0, S("a\r\n")), -EPERM);
        CU_ASSERT_EQUAL(body_replace_begin(message), -EPERM);
        struct content_cursor cursor = {0};
        struct slice line;
        CU_ASSERT_EQUAL(content_cursor_open(&cursor, message, NULL, NULL), 0);
        CU_ASSERT_EQUAL(cursor_seek_body(&cursor.cursor), 1);
        CU_ASSERT_EQUAL(cursor_line(&cursor.cursor, &line), 1);
        CU_ASSERT(slice_equal(line, S("body\r\n")));
        message_end(message);
        CU_ASSERT_FALSE(content_cursor_sync(&cursor));
        content_cursor_close(&cursor);
        message_unref(message);
        body_unref(body);
        free(block);
    }
}

int main(void)
{
    CU_TestInfo tests[] = {
        {"header fields", test_header_fields},
        {"header fields of one recipient", test_fields_of_one_recipient},
        {"what is no field", test_what_is_no_field},
        {"without a header", test_without_a_header},
        {"random edits", test_random_edits},
        {"a header that goes on in the spool", test_a_header_that_goes_on},
        {"bytes above 127", test_eight_bit_content},
        {"bytes above 127 in copies", test_eight_bit_copies},
        {"a header edit copies no body", test_a_header_edit_copies_no_body},
        {"all fields of a name at once", test_all_fields_of_a_name_at_once},
        {"fields one after the other", test_fields_one_after_the_other},
        {"line ends of the body stay whole", test_line_ends_stay_whole},
        {"another body", test_another_body},
        {"a spool that is behind", test_a_spool_that_is_behind},
        {"a copy that was accepted", test_a_copy},
        CU_TEST_INFO_NULL,
    };
    return unit_run("message edits", tests);
}
