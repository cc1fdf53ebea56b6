/*
 * test_message_attempt: edits of one attempt to deliver, on top of everything else that has become of a message,
 * against a flat buffer: in memory and in the spool, with fields or edits of the copy and without.
 */
#include <CUnit/Basic.h>
#include <errno.h>
#include <stdlib.h>
#include "base/mem.h"
#include "message/message_copy.h"
#include "unit.h"

#define S(text) SLICE_LITERAL(text)

enum { SIZE = 3 * BODY_CHUNK + 1234 };

struct stored { /* a spool with one body */
    struct content_reader reader;
    struct buf content;
    unsigned reads;
};

static int read_part(void *spool, const struct body *body, uint32_t chunk, char **data, size_t *size)
{
    struct stored *stored = spool;
    uint64_t start = body->chunks > 1 ? (uint64_t)chunk * BODY_CHUNK : 0, left = body->size - start;
    *size = body->chunks > 1 && left > BODY_CHUNK ? BODY_CHUNK : left;
    *data = mem_copy_text(buf_slice(&stored->content).data + start, *size);
    stored->reads++;
    return 0;
}

static void fill(struct stored *stored, size_t size)
{
    *stored = (struct stored){0};
    content_reader_init(&stored->reader, read_part, stored);
    buf_append_text(&stored->content, "Received: x\r\nFrom: a@b\r\nX: 1\r\nSubject: one\r\nX: 2\r\n\r\n");
    while (buf_size(&stored->content) < size)
        buf_printf(&stored->content, "line %zu of the body\r\n", buf_size(&stored->content));
    buf_truncate(&stored->content, size);
}

/* ---- what there is before the attempt ---------------------------------------------------------------- */

enum { IN_MEMORY = 1, BODY_EDITS = 2, OWN_FIELDS = 4, OWN_EDITS = 8, KINDS = 16 };

static void seal(struct edits *edits, struct buf *out)
{
    edits_splice(edits, 13, 0, S("Y: put in\r\n"));
    edits_splice(edits, edits->size - 1000, 500, S("in the place of 500 bytes\r\n"));
    edits_seal(edits, out);
    edits_release(edits);
}

static struct envelope *make_envelope(const struct stored *stored, unsigned kind)
{
    uint64_t size = buf_size(&stored->content);
    struct body *body =
        body_create(7, kind & IN_MEMORY ? mem_copy_text(buf_slice(&stored->content).data, size) : NULL, size);
    struct envelope_facts facts = {.recipient = S("b@c"), .context = slice_of("name\0value", 11)};
    struct edits edits;
    struct buf sealed = {0}, own = {0};
    body->chunks = (uint32_t)((size + BODY_CHUNK - 1) / BODY_CHUNK);
    if (kind & BODY_EDITS) {
        edits_init(&edits, size);
        seal(&edits, &sealed);
        body_set_edits(body, mem_copy_text(buf_slice(&sealed).data, buf_size(&sealed)),
                       (uint32_t)buf_size(&sealed));
    }
    if (kind & OWN_EDITS) {
        facts.flags = ENVELOPE_OWN_EDITS;
        edits_init(&edits, body_edited_size(body));
        seal(&edits, &own);
        facts.header = buf_slice(&own);
    } else if (kind & OWN_FIELDS) {
        facts.header = S("Delivered-To: b@c\r\nX: own\r\n");
    }
    struct envelope *envelope = envelope_create(&facts, body);
    body_unref(body);
    buf_release(&sealed);
    buf_release(&own);
    return envelope;
}

/* ---- comparing --------------------------------------------------------------------------------------- */

static void read_all(struct message_cursor *cursor, struct buf *out)
{
    while (cursor_fetch(cursor) == 1) {
        buf_append_slice(out, cursor->run);
        cursor_consume(cursor, cursor->run.size);
    }
    cursor_close(cursor);
}

static bool is_content(struct message *message, struct content_reader *reader, const struct buf *expected)
{
    struct content_source source;
    struct message_cursor cursor;
    struct buf content = {0};
    message_source(message, &source);
    cursor_open_source(&cursor, &source, reader, NULL, NULL);
    bool same = cursor_size(&cursor) == buf_size(expected) && message_size(message) == buf_size(expected);
    read_all(&cursor, &content);
    same = same && slice_equal(buf_slice(&content), buf_slice(expected));
    buf_release(&content);
    return same;
}

static void edit(struct message *message, struct buf *expected)
{
    static const char text[] = "some text that is put in, of a length that varies\r\n";
    for (unsigned i = 0; i < 300; i++) {
        uint64_t size = buf_size(expected), at = (uint64_t)random() % (size + 1),
                 removed = (uint64_t)random() % 100;
        if (i % 10 == 0)
            removed = (uint64_t)random() % 50000;
        if (removed > size - at)
            removed = size - at;
        struct slice put = slice_of(text, (size_t)random() % sizeof text);
        CU_ASSERT_EQUAL(message_splice(message, at, removed, put), 0);
        buf_replace(expected, at, removed, put);
    }
}

/* ---- tests ------------------------------------------------------------------------------------------- */

static void check_edits(unsigned kind, size_t size)
{
    struct stored stored;
    struct message_cursor cursor;
    struct buf before = {0}, expected = {0};
    fill(&stored, size);
    struct envelope *envelope = make_envelope(&stored, kind);
    cursor_open(&cursor, envelope, &stored.reader, NULL, NULL);
    read_all(&cursor, &before);
    buf_append_slice(&expected, buf_slice(&before));
    for (unsigned attempt = 0; attempt < 2; attempt++) {
        struct message *message = message_of_attempt(&envelope, 1, NULL, &stored.reader);
        CU_ASSERT(is_content(message, &stored.reader, &before)); /* nothing of an attempt before */
        buf_clear(&expected);
        buf_append_slice(&expected, buf_slice(&before));
        edit(message, &expected);
        CU_ASSERT(is_content(message, &stored.reader, &expected));
        message_settle(message);
        CU_ASSERT_EQUAL(message_splice(message, 0, 1, S("")), -EPERM);
        CU_ASSERT_EQUAL(header_add(message, HEADER_FRONT, NULL, 0, "A", S("b")), -EPERM);
        CU_ASSERT(is_content(message, &stored.reader, &expected));
        CU_ASSERT_EQUAL(envelope_size(envelope), buf_size(&before));
        message_end(message);
        message_unref(message);
    }
    envelope_free(envelope);
    buf_release(&before);
    buf_release(&expected);
    buf_release(&stored.content);
}

static void test_edits_of_an_attempt(void)
{
    srandom(1);
    for (unsigned kind = 0; kind < KINDS; kind++) {
        check_edits(kind, SIZE);
        check_edits(kind, 5000);
    }
}

/* With the first part kept, as it is on a loop: nothing more of the spool is read, and no body is copied. */
static void test_the_header_on_a_loop(void)
{
    for (unsigned kind = 0; kind < KINDS; kind++) {
        struct stored stored;
        struct message_cursor cursor;
        struct content_source source;
        struct header_place place;
        size_t size = 0;
        fill(&stored, SIZE);
        struct envelope *envelope = make_envelope(&stored, kind);
        struct message *message = message_of_attempt(&envelope, 1, NULL, &stored.reader);
        message_source(message, &source);
        cursor_open_source(&cursor, &source, &stored.reader, NULL, NULL);
        CU_ASSERT_EQUAL(cursor_prepare(&cursor), 1);
        char *first = cursor_take_first(&cursor, &size);
        CU_ASSERT_EQUAL(first != NULL, !(kind & IN_MEMORY));
        CU_ASSERT_PTR_NULL(cursor_take_first(&cursor, &size));
        if (first)
            message_keep_first(message, first, size);
        cursor_close(&cursor);
        unsigned reads = stored.reads;
        unsigned fields = header_count(message, NULL);
        CU_ASSERT_EQUAL(header_add(message, HEADER_FRONT, NULL, 0, "A", S("first")), 0);
        CU_ASSERT_EQUAL(header_replace(message, "Subject", 0, S("two")), 0);
        CU_ASSERT_EQUAL(header_remove_all(message, "X"), kind & OWN_FIELDS && !(kind & OWN_EDITS) ? 3 : 2);
        CU_ASSERT_EQUAL(header_find(message, "Subject", 0, &place), 0);
        CU_ASSERT(slice_equal(place.value, S(" two\r\n")));
        CU_ASSERT_EQUAL(header_count(message, NULL),
                        fields + 1 - (kind & OWN_FIELDS && !(kind & OWN_EDITS) ? 3 : 2));
        CU_ASSERT_EQUAL(stored.reads, reads);
        CU_ASSERT(message->copied < 65536);
        message_end(message);
        message_unref(message);
        envelope_free(envelope);
        buf_release(&stored.content);
    }
}

static void test_bounds(void)
{
    struct stored stored;
    fill(&stored, 5000);
    struct envelope *envelope = make_envelope(&stored, IN_MEMORY);
    struct message *message = message_of_attempt(&envelope, 1, NULL, NULL);
    char *text = mem_zalloc(EDITS_TEXT);
    CU_ASSERT_EQUAL(message_splice(message, 5001, 0, S("x")), -ERANGE);
    CU_ASSERT_EQUAL(message_splice(message, 0, 0, slice_of(text, EDITS_TEXT)), 0);
    CU_ASSERT_EQUAL(message_splice(message, 0, 0, S("x")), -E2BIG);
    CU_ASSERT_EQUAL(message_size(message), EDITS_TEXT + 5000);
    CU_ASSERT_EQUAL(body_replace_begin(message), -EPERM);
    message_end(message);
    message_unref(message);
    envelope_free(envelope);
    free(text);
    buf_release(&stored.content);
}

static void test_recipients_of_an_attempt(void)
{
    struct stored stored;
    fill(&stored, 5000);
    struct envelope *envelopes[] = {make_envelope(&stored, IN_MEMORY), make_envelope(&stored, IN_MEMORY)};
    struct message *message = message_of_attempt(envelopes, 2, NULL, NULL);
    envelope_free(envelopes[0]); /* none of them need outlive it */
    envelope_free(envelopes[1]);
    CU_ASSERT_EQUAL(message->recipient_count, 2);
    CU_ASSERT_STRING_EQUAL(message->recipients[1]->address, "b@c");
    CU_ASSERT_STRING_EQUAL(message->recipients[1]->domain, "c");
    CU_ASSERT_STRING_EQUAL(context_get(&message->recipients[1]->context, "name"), "value");
    CU_ASSERT_STRING_EQUAL(context_get(message_context(message), "name"), "value");
    CU_ASSERT_EQUAL(header_count(message, "X"), 2);
    message_end(message);
    message_unref(message);
    buf_release(&stored.content);
}

int main(void)
{
    CU_TestInfo tests[] = {
        {"edits of an attempt", test_edits_of_an_attempt},
        {"the header on a loop", test_the_header_on_a_loop},
        {"bounds", test_bounds},
        {"recipients of an attempt", test_recipients_of_an_attempt},
        CU_TEST_INFO_NULL,
    };
    return unit_run("message attempt", tests);
}
