/*
 * test_cursor: edits and the cursor against a reference that is slow and obvious: one flat buffer.
 */
#include <CUnit/Basic.h>
#include <errno.h>
#include "base/mem.h"
#include "message/cursor.h"
#include "unit.h"

/* ---- a spool of one body ----------------------------------------------------------------------------- */

struct store {
    struct slice content;
    unsigned reads, fail_at; /* fail_at: the read that fails; 0: none */
};

static int read_store(void *spool, const struct body *body, uint32_t chunk, char **data, size_t *size)
{
    struct store *store = spool;
    size_t start = body->chunks > 1 ? (size_t)chunk * BODY_CHUNK : 0, left = store->content.size - start;
    if (++store->reads == store->fail_at)
        return -ENOENT;
    *size = body->chunks > 1 && left > BODY_CHUNK ? BODY_CHUNK : left;
    *data = mem_copy_text(store->content.data + start, *size);
    return 0;
}

/* ---- the reference ----------------------------------------------------------------------------------- */

static unsigned draw(unsigned limit)
{
    return limit ? (unsigned)random() % limit : 0;
}

static void fill(struct buf *out, size_t size)
{
    static const char letters[] = "abcdefgh: \r\n";
    for (size_t i = 0; i < size; i++)
        buf_append(out, &letters[draw(sizeof letters - 1)], 1);
}

/* The same edit on the table and on the flat copy. */
static void edit(struct edits *edits, struct buf *flat)
{
    struct buf text = {0};
    uint64_t at = draw((unsigned)buf_size(flat) + 1), left = buf_size(flat) - at;
    uint64_t removed = draw((unsigned)(left < 5000 ? left : 5000) + 1);
    if (draw(3))
        fill(&text, draw(300));
    if (draw(5) == 0)
        removed = 0;
    enum edits_outcome outcome = edits_splice(edits, at, removed, buf_slice(&text));
    CU_ASSERT_EQUAL(outcome, EDITS_OK);
    buf_replace(flat, at, removed, buf_slice(&text));
    CU_ASSERT_EQUAL(edits->size, buf_size(flat));
    buf_release(&text);
}

static void require_content(struct message_cursor *cursor, struct slice expected)
{
    int got;
    CU_ASSERT_EQUAL(cursor_size(cursor), expected.size);
    while ((got = cursor_fetch(cursor)) == 1) {
        uint64_t size = 1 + draw((unsigned)cursor->run.size);
        CU_ASSERT_FATAL(cursor->at + size <= expected.size);
        CU_ASSERT_FATAL(memcmp(cursor->run.data, expected.data + cursor->at, size) == 0);
        cursor_consume(cursor, size);
    }
    CU_ASSERT_EQUAL(got, 0);
    CU_ASSERT_EQUAL(cursor->at, expected.size);
}

static void require_seek(struct message_cursor *cursor, struct slice expected)
{
    for (unsigned i = 0; i < 20; i++) {
        uint64_t at = draw((unsigned)expected.size + 1);
        cursor_seek(cursor, at);
        CU_ASSERT_EQUAL(cursor_fetch(cursor), at < expected.size);
        if (at < expected.size)
            CU_ASSERT_EQUAL(cursor->run.data[0], expected.data[at]);
    }
}

static void require_lines(struct message_cursor *cursor, struct slice expected)
{
    struct slice line;
    cursor_seek(cursor, 0);
    while (cursor_line(cursor, &line) == 1) {
        const char *feed = memchr(expected.data, '\n', expected.size);
        size_t size = feed ? (size_t)(feed + 1 - expected.data) : expected.size;
        CU_ASSERT_TRUE_FATAL(slice_equal(line, slice_of(expected.data, size)));
        expected = slice_of(expected.data + size, expected.size - size);
    }
    CU_ASSERT_EQUAL(expected.size, 0);
}

static struct envelope *envelope_with(struct body *body, struct slice header, uint32_t flags)
{
    struct envelope_facts facts = {
        .recipient = SLICE_LITERAL("b@example.net"), .header = header, .flags = flags};
    return envelope_create(&facts, body);
}

static void seal_into(struct body *body, const struct edits *edits)
{
    struct buf sealed = {0};
    size_t size;
    edits_seal(edits, &sealed);
    char *memory = buf_take(&sealed, &size);
    body_set_edits(body, memory, (uint32_t)size);
}

/* `size` bytes, in memory or in chunks, edited `count` times, and then for one recipient. */
static void check(size_t size, unsigned count, bool in_memory)
{
    struct buf content = {0}, flat = {0}, own = {0};
    struct edits edits, upon;
    struct message_cursor cursor;
    struct content_reader reader;
    fill(&content, size);
    buf_append_slice(&flat, buf_slice(&content));
    edits_init(&edits, size);
    for (unsigned i = 0; i < count; i++)
        edit(&edits, &flat);
    struct body *body =
        body_create(1, in_memory ? mem_copy_text(buf_slice(&content).data, size) : NULL, size);
    body->chunks = in_memory || size == 0 ? 1 : (uint32_t)((size + BODY_CHUNK - 1) / BODY_CHUNK);
    if (!edits_are_none(&edits))
        seal_into(body, &edits);
    CU_ASSERT_EQUAL(body_edited_size(body), buf_size(&flat));
    struct store store = {.content = buf_slice(&content)};
    content_reader_init(&reader, read_store, &store);

    struct envelope *envelope = envelope_with(body, SLICE_LITERAL("X: y\r\n"), 0);
    buf_replace(&flat, 0, 0, SLICE_LITERAL("X: y\r\n"));
    cursor_open(&cursor, envelope, &reader, NULL, NULL);
    envelope_free(envelope);
    require_content(&cursor, buf_slice(&flat));
    require_seek(&cursor, buf_slice(&flat));
    require_lines(&cursor, buf_slice(&flat));
    cursor_close(&cursor);
    buf_consume(&flat, 6);

    edits_init(&upon, edits.size);
    for (unsigned i = 0; i < count; i++)
        edit(&upon, &flat);
    edits_seal(&upon, &own);
    envelope = envelope_with(body, buf_slice(&own), ENVELOPE_OWN_EDITS);
    CU_ASSERT_EQUAL(envelope_size(envelope), buf_size(&flat));
    cursor_open(&cursor, envelope, &reader, NULL, NULL);
    require_content(&cursor, buf_slice(&flat));
    require_seek(&cursor, buf_slice(&flat));
    cursor_close(&cursor);
    envelope_free(envelope);
    body_unref(body);
    edits_release(&edits);
    edits_release(&upon);
    buf_release(&content);
    buf_release(&flat);
    buf_release(&own);
}

static void test_random_edits(void)
{
    srandom(1);
    for (unsigned i = 0; i < 300; i++)
        check(draw(3000), draw(40), i % 2);
    for (unsigned i = 0; i < 12; i++)
        check(draw(5) * BODY_CHUNK + draw(3), draw(30), i % 3 == 0);
}

/* ---- bounds ------------------------------------------------------------------------------------------ */

static void test_bounds(void)
{
    struct edits edits;
    char *text = mem_zalloc(EDITS_TEXT + 1);
    edits_init(&edits, 100);
    CU_ASSERT_TRUE(edits_are_none(&edits));
    CU_ASSERT_EQUAL(edits_splice(&edits, 101, 0, slice_of("x", 1)), EDITS_OUT_OF_RANGE);
    CU_ASSERT_EQUAL(edits_splice(&edits, 50, 51, slice_of("x", 1)), EDITS_OUT_OF_RANGE);
    CU_ASSERT_EQUAL(edits_splice(&edits, UINT64_MAX, 2, slice_of("x", 1)), EDITS_OUT_OF_RANGE);
    CU_ASSERT_EQUAL(edits_splice(&edits, 0, 0, slice_of(text, EDITS_TEXT + 1)), EDITS_TOO_MUCH);
    CU_ASSERT_TRUE(edits_are_none(&edits));
    /* What an edit takes away is room for the next: only what the edited form holds is counted. */
    for (unsigned i = 0; i < 10; i++) {
        CU_ASSERT_EQUAL(edits_splice(&edits, 0, 0, slice_of(text, EDITS_TEXT)), EDITS_OK);
        CU_ASSERT_EQUAL(edits_splice(&edits, 0, 0, slice_of(text, 1)), EDITS_TOO_MUCH);
        CU_ASSERT_EQUAL(edits_splice(&edits, 0, EDITS_TEXT, slice_of(NULL, 0)), EDITS_OK);
    }
    CU_ASSERT_TRUE(edits_are_none(&edits));
    CU_ASSERT(edits.text.capacity < 4 * EDITS_TEXT);
    edits_release(&edits);

    edits_init(&edits, 1000000);
    enum edits_outcome outcome = EDITS_OK;
    for (unsigned i = 0; i < EDITS_PIECES && outcome == EDITS_OK; i++)
        outcome = edits_splice(&edits, 2 + i * 3, 0, slice_of("x", 1));
    CU_ASSERT_EQUAL(outcome, EDITS_TOO_MUCH);
    CU_ASSERT(edits.count <= EDITS_PIECES);
    edits_release(&edits);
    free(text);
}

/* Fields that are added one behind the other are one piece. */
static void test_neighbours_join(void)
{
    struct edits edits;
    edits_init(&edits, 1000);
    for (unsigned i = 0; i < 1000; i++)
        CU_ASSERT_EQUAL(edits_splice(&edits, 100 + i * 6, 0, slice_of("A: b\r\n", 6)), EDITS_OK);
    CU_ASSERT_EQUAL(edits.count, 3);
    edits_release(&edits);
}

/* A sealed table that was changed in any byte is refused, or at least read within bounds. */
static void test_damaged_tables(void)
{
    struct edits edits;
    struct buf sealed = {0};
    struct edits_view view;
    edits_init(&edits, 1000);
    edits_splice(&edits, 10, 5, slice_of("hello", 5));
    edits_splice(&edits, 500, 0, slice_of("\xc3\xa4", 2));
    edits_seal(&edits, &sealed);
    CU_ASSERT_TRUE(edits_open(buf_slice(&sealed), &view));
    CU_ASSERT_TRUE(view.eight_bit);
    CU_ASSERT_EQUAL(view.size, 1002);
    CU_ASSERT_EQUAL(edits_sealed_size(buf_slice(&sealed)), 1002);
    for (size_t size = 0; size < buf_size(&sealed); size++) {
        char *torn =
            mem_copy_text(buf_slice(&sealed).data, size); /* of exactly that size, for AddressSanitizer */
        CU_ASSERT_FALSE(edits_open(slice_of(torn, size), &view));
        free(torn);
    }
    for (size_t i = 0; i < buf_size(&sealed); i++) {
        char *damaged = mem_copy_text(buf_slice(&sealed).data, buf_size(&sealed));
        damaged[i] ^= (char)0x80;
        struct edits_place place = {0};
        if (edits_open(slice_of(damaged, buf_size(&sealed)), &view))
            for (uint64_t at = 0; at < view.size;) {
                struct edits_run run = edits_find(&view, at, &place);
                CU_ASSERT(run.text ? run.offset + run.size <= view.text.size
                                   : run.offset + run.size <= view.base);
                at += run.size;
            }
        free(damaged);
    }
    buf_release(&sealed);
    edits_release(&edits);
}

/* ---- what a cursor says of the spool ------------------------------------------------------------------- */

static void test_unreadable(void)
{
    struct body *body = body_create(1, NULL, 3 * BODY_CHUNK);
    char *text = mem_zalloc(3 * BODY_CHUNK);
    struct store store = {.content = {text, 3 * BODY_CHUNK}, .fail_at = 2};
    struct content_reader reader;
    struct message_cursor cursor;
    body->chunks = 3;
    content_reader_init(&reader, read_store, &store);
    struct envelope *envelope = envelope_with(body, SLICE_LITERAL("X: y\r\n"), 0);
    cursor_open(&cursor, envelope, &reader, NULL, NULL);
    CU_ASSERT_EQUAL(cursor_prepare(&cursor), 1);
    CU_ASSERT_EQUAL(store.reads, 1);
    CU_ASSERT_EQUAL(cursor_fetch(&cursor), 1);
    CU_ASSERT_TRUE(cursor.added);
    cursor_consume(&cursor, cursor.run.size);
    CU_ASSERT_EQUAL(cursor_fetch(&cursor), 1);
    CU_ASSERT_FALSE(cursor.added);
    CU_ASSERT_EQUAL(store.reads, 1);
    cursor_consume(&cursor, cursor.run.size);
    CU_ASSERT_EQUAL(cursor_fetch(&cursor), -ENOENT);
    CU_ASSERT_EQUAL(cursor_fetch(&cursor), -ENOENT);
    cursor_close(&cursor);
    cursor_close(&cursor);
    store = (struct store){.content = {text, 3 * BODY_CHUNK - 1}}; /* its last row is too short */
    cursor_open(&cursor, envelope, &reader, NULL, NULL);
    cursor_seek(&cursor, 2 * BODY_CHUNK + 10);
    CU_ASSERT_EQUAL(cursor_fetch(&cursor), -EIO);
    cursor_close(&cursor);
    cursor_open(&cursor, envelope, NULL, NULL, NULL);
    CU_ASSERT_EQUAL(cursor_prepare(&cursor), -ENOENT);
    cursor_close(&cursor);
    envelope_free(envelope);
    body_unref(body);
    free(text);
}

static void test_header_is_ascii(void)
{
    static const struct {
        const char *content;
        bool ascii;
    } rows[] = {
        {"", true},
        {"A: b\r\n\r\n\xc3\xa4", true},
        {"A: \xc3\xa4\r\n\r\nb", false},
        {"\r\n\xc3\xa4\r\n\r\n", true}, /* it is empty */
        {"A: b\r\n\r\r\n\xc3\xa4\r\n\r\n", false},
        {"A: b\r\nC: \xc3\xa4", false},
        {"A: b\n\n\xc3\xa4\r\n\r\nx\r\n", false},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct body *body = body_create(1, mem_dup(rows[i].content), strlen(rows[i].content));
        struct envelope *envelope = envelope_with(body, slice_of(NULL, 0), 0);
        struct message_cursor cursor;
        cursor_open(&cursor, envelope, NULL, NULL, NULL);
        cursor_prepare(&cursor);
        CU_ASSERT_EQUAL(cursor_header_is_ascii(&cursor, true), rows[i].ascii);
        cursor_close(&cursor);
        envelope_free(envelope);
        body_unref(body);
    }
    /* Who knows what follows the first chunk? */
    char *text = mem_zalloc(2 * BODY_CHUNK);
    struct store store = {.content = {text, 2 * BODY_CHUNK}};
    struct content_reader reader;
    struct message_cursor cursor;
    struct body *body = body_create(1, NULL, 2 * BODY_CHUNK);
    body->chunks = 2;
    struct envelope *envelope = envelope_with(body, slice_of(NULL, 0), 0);
    content_reader_init(&reader, read_store, &store);
    cursor_open(&cursor, envelope, &reader, NULL, NULL);
    cursor_prepare(&cursor);
    CU_ASSERT_FALSE(cursor_header_is_ascii(&cursor, true));
    CU_ASSERT_TRUE(cursor_header_is_ascii(&cursor, false));
    cursor_close(&cursor);
    envelope_free(envelope);
    body_unref(body);
    free(text);
}

int main(void)
{
    CU_TestInfo tests[] = {
        {"random edits", test_random_edits},
        {"bounds", test_bounds},
        {"neighbours join", test_neighbours_join},
        {"damaged tables", test_damaged_tables},
        {"what cannot be read", test_unreadable},
        {"is the header ASCII", test_header_is_ascii},
        CU_TEST_INFO_NULL,
    };
    return unit_run("cursor", tests);
}
