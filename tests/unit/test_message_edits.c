/*
 * test_message_edits: the content of a message that arrives, read and edited through its handle: in memory
 * and in the spool, for all recipients and for one, against a reference that is slow and obvious: one flat
 * buffer.
 */
#include <CUnit/Basic.h>
#include <errno.h>
#include "base/mem.h"
#include "message/message_copy.h"
#include "message_harness.h"
#include "unit.h"

#define S(text) SLICE_LITERAL(text)

/* ---- any edits --------------------------------------------------------------------------------------- */

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
        content_fill(&content, chunks * BODY_CHUNK + (size_t)random() % 5000);
        struct message *message = blocks_message(&blocks, buf_slice(&content), chunks);
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
        CU_ASSERT_TRUE(message_is(message, buf_slice(&flat)));
        buf_append_slice(&own, buf_slice(&flat));
        message_select(message, recipient);
        for (unsigned i = 0; i < 20; i++)
            (i % 4 ? splice_both : cut_both)(message, &own);
        CU_ASSERT_TRUE(message_is(message, buf_slice(&own)));
        message_select(message, NULL);
        CU_ASSERT_TRUE(message_is(message, buf_slice(&flat)));
        if (round % 2)
            content_cursor_close(&open);
        blocks_end(message, &blocks);
        if (round % 2 == 0) { /* the message is gone, and the cursor knows */
            CU_ASSERT_FALSE(content_cursor_sync(&open));
            content_cursor_close(&open);
        }
        buf_release(&content);
        buf_release(&flat);
        buf_release(&own);
    }
}

/* ---- bytes above 127 --------------------------------------------------------------------------------- */

/* ASCII but for three bytes: in the first chunk, in the second, and behind them. */
static void fill_eight_bit(struct buf *content)
{
    content_fill(content, 2 * BODY_CHUNK + 1000);
    char *bytes = (char *)(uintptr_t)buf_slice(content).data;
    bytes[1000] = bytes[BODY_CHUNK + 1000] = bytes[2 * BODY_CHUNK + 500] = '\xe4';
}

static void test_eight_bit_content(void)
{
    struct spool_of_blocks blocks;
    struct buf content = {0};
    fill_eight_bit(&content);
    struct message *message = blocks_message(&blocks, buf_slice(&content), 2);
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
    blocks_end(message, &blocks);
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
    struct message *message = blocks_message(&blocks, buf_slice(&content), 2);
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
    blocks_end(message, &blocks);
    buf_release(&content);
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
        content_fill(&content, chunks * BODY_CHUNK + 3000);
        struct message *message = blocks_message(&blocks, buf_slice(&content), chunks);
        for (unsigned i = 0; i <= chunks; i++) /* from the end, so that what is before stays in its place */
            try_dividing(message, line_end(&content, (chunks - i) * BODY_CHUNK + 1000));
        uint64_t one = line_end(&content, 500), next = line_end(&content, one + 2);
        CU_ASSERT_EQUAL(body_splice(message, one + 1, next - one, S("")), 0); /* from CR to CR: a line less */
        message->flags |= ENVELOPE_BINARY;
        CU_ASSERT_EQUAL(body_splice(message, one + 1, 0, S("x")), 0);
        blocks_end(message, &blocks);
        buf_release(&content);
    }
}

/* ---- another body ------------------------------------------------------------------------------------ */

static void test_another_body(void)
{
    for (unsigned chunks = 0; chunks < 3; chunks += 2)
        for (size_t size = 0; size < 3 * BODY_CHUNK; size += BODY_CHUNK - 7) {
            struct spool_of_blocks blocks;
            struct buf content = {0}, body = {0}, expected = {0};
            content_fill(&content, chunks * BODY_CHUNK + 1000);
            while (buf_size(&body) < size)
                buf_printf(&body, "another line %zu\r\n", buf_size(&body));
            struct message *message = blocks_message(&blocks, buf_slice(&content), chunks);
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
            CU_ASSERT_TRUE(message_is(message, buf_slice(&expected)));
            CU_ASSERT_EQUAL(blocks.discards, chunks > 0);
            CU_ASSERT_EQUAL(header_remove(message, "A", 0), 0);
            CU_ASSERT_EQUAL(body_splice(message, message_size(message), 0, S("the end\r\n")), 0);
            buf_append_text(&expected, "the end\r\n");
            buf_consume(&expected, strlen("A: first\r\n"));
            CU_ASSERT_TRUE(message_is(message, buf_slice(&expected)));
            blocks_end(message, &blocks);
            buf_release(&content);
            buf_release(&body);
            buf_release(&expected);
        }
}

static void test_a_spool_that_is_behind(void)
{
    struct spool_of_blocks blocks;
    struct buf content = {0}, text = {0};
    content_fill(&content, 1000);
    while (buf_size(&text) < 3 * BODY_CHUNK)
        buf_append_text(&text, "another line\r\n");
    struct message *message = blocks_message(&blocks, buf_slice(&content), 0);
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
    blocks_end(message, &blocks);
    buf_release(&content);
    buf_release(&text);
}

/* ---- a copy that was accepted ------------------------------------------------------------------------ */

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
        content_reader_init(&blocks.reader, blocks_read, &blocks);
        struct body *body = body_create(7, stored ? NULL : mem_copy_text(block, BODY_CHUNK), BODY_CHUNK);
        struct envelope *envelope = envelope_create(&facts, body);
        struct message *message = message_of_copy(envelope, &blocks.reader);
        envelope_free(envelope);
        CU_ASSERT_EQUAL(message->id, 9);
        CU_ASSERT_EQUAL(message_size(message), BODY_CHUNK + 12);
        CU_ASSERT_STRING_EQUAL(message->sender_domain, "sender.example");
        CU_ASSERT_STRING_EQUAL(message->recipients[0]->domain, "Rcpt.example");
        CU_ASSERT_STRING_EQUAL(context_get(message_context(message), "name"), "value");
        CU_ASSERT(header_is(message, "Own: field\r\nSubject: one\r\nX: 1\r\n"));
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
        {"random edits", test_random_edits},
        {"bytes above 127", test_eight_bit_content},
        {"bytes above 127 in copies", test_eight_bit_copies},
        {"line ends of the body stay whole", test_line_ends_stay_whole},
        {"another body", test_another_body},
        {"a spool that is behind", test_a_spool_that_is_behind},
        {"a copy that was accepted", test_a_copy},
        CU_TEST_INFO_NULL,
    };
    return unit_run("message edits", tests);
}
