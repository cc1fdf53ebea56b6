/*
 * test_message: bodies and envelopes, and the record of an envelope: what comes back, and what must not.
 */
#include <CUnit/Basic.h>
#include "base/buf.h"
#include "base/mem.h"
#include "message/edits.h"
#include "message/envelope.h"

static const char context[] = "name\0value\0empty\0";
static const char parameters[] = "ENVID\0QQ314159\0ORCPT\0rfc822;Bob@Example.COM";

static struct envelope *make_envelope(struct body *body)
{
    struct envelope_facts facts = {
        .reverse_path = SLICE_LITERAL("\"odd@local\"@Sender.Example"),
        .recipient = SLICE_LITERAL("Someone@Example.COM"),
        .binding = SLICE_LITERAL("vip"),
        .binding_group = SLICE_LITERAL("group"),
        .context = slice_of(context, sizeof context),
        .parameters = slice_of(parameters, sizeof parameters),
        .header = SLICE_LITERAL("X-Ref: 1\r\n"),
        .origin = {.family = AF_INET6, .port = 40001, .scope_id = 3, .bytes = {0x20, 1, [15] = 9}},
        .id = 0x1122334455667788,
        .batch_id = 77,
        .connection_id = 78,
        .received_us = 1234567890123456,
        .flags = ENVELOPE_EIGHT_BIT | ENVELOPE_BOUNCE,
    };
    return envelope_create(&facts, body);
}

static bool is_text(struct slice slice, const char *text)
{
    return slice_equal(slice, slice_text(text)) && slice.data[slice.size] == '\0';
}

static void test_body(void)
{
    struct body *body = body_create(5, mem_dup("abc"), 3);
    CU_ASSERT_EQUAL(body->chunks, 1);
    CU_ASSERT_PTR_EQUAL(body_ref(body), body);
    body_unref(body);
    CU_ASSERT_STRING_EQUAL(body->memory, "abc");
    body_unref(body);
}

/* Who may share a transaction: what MAIL says and the content are the same, what RCPT says need not be. */
static void test_may_share(void)
{
    static const struct {
        const char *id, *original;
        uint32_t flags;
        bool may_share;
    } rows[] = {
        {"1", "rfc822;a@b", ENVELOPE_BATCH, true},
        {"1", "rfc822;c@d", ENVELOPE_BATCH | ENVELOPE_NOTIFY_NEVER, true},
        {"2", "rfc822;a@b", ENVELOPE_BATCH, false},
        {"1", "rfc822;a@b", ENVELOPE_BATCH | ENVELOPE_RET_FULL, false},
        {"1", "rfc822;a@b", 0, false},
    };
    struct body *body = body_create(5, NULL, 3), *other = body_create(6, NULL, 3);
    struct envelope *first = NULL;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        char said[64];
        int size = snprintf(said, sizeof said, "ENVID%c%s%cORCPT%c%s", 0, rows[i].id, 0, 0, rows[i].original);
        struct envelope_facts facts = {.recipient = SLICE_LITERAL("a@b"),
                                       .parameters = slice_of(said, (size_t)size + 1),
                                       .flags = rows[i].flags};
        struct envelope *envelope = envelope_create(&facts, body),
                        *elsewhere = envelope_create(&facts, other);
        first = first ? first : envelope;
        CU_ASSERT_EQUAL(envelope_may_share(first, envelope), rows[i].may_share);
        CU_ASSERT_EQUAL(envelope_may_share(envelope, first), rows[i].may_share);
        CU_ASSERT_FALSE(envelope_may_share(first, elsewhere));
        envelope_free(elsewhere);
        if (envelope != first)
            envelope_free(envelope);
    }
    envelope_free(first);
    body_unref(body);
    body_unref(other);
}

static void test_create(void)
{
    struct body *body = body_create(5, NULL, 3);
    struct envelope *envelope = make_envelope(body);
    CU_ASSERT(is_text(envelope->reverse_path, "\"odd@local\"@Sender.Example"));
    CU_ASSERT(is_text(envelope->sender_domain, "Sender.Example"));
    CU_ASSERT(is_text(envelope->recipient, "Someone@Example.COM"));
    CU_ASSERT(is_text(envelope->recipient_domain, "example.com"));
    CU_ASSERT(is_text(envelope->binding, "vip"));
    CU_ASSERT(slice_equal(envelope_parameter(envelope, "ENVID"), SLICE_LITERAL("QQ314159")));
    CU_ASSERT(slice_equal(envelope_parameter(envelope, "ORCPT"), SLICE_LITERAL("rfc822;Bob@Example.COM")));
    CU_ASSERT_EQUAL(envelope_parameter(envelope, "QQ314159").size, 0);
    CU_ASSERT_EQUAL(envelope_size(envelope), 13);
    CU_ASSERT(is_text(envelope->binding_group, "group"));
    CU_ASSERT_EQUAL(envelope->retries, 0);
    CU_ASSERT_EQUAL(body->undelivered, 1);
    CU_ASSERT_EQUAL(body->references, 2);
    envelope_free(envelope);
    CU_ASSERT_EQUAL(body->references, 1);
    body_unref(body);
    envelope_free(NULL);
}

static void test_least(void)
{
    struct envelope_facts facts = {.recipient = SLICE_LITERAL("postmaster")};
    struct envelope *envelope = envelope_create(&facts, NULL);
    CU_ASSERT(is_text(envelope->reverse_path, ""));
    CU_ASSERT_EQUAL(envelope->sender_domain.size, 0);
    CU_ASSERT(is_text(envelope->recipient, "postmaster"));
    CU_ASSERT(is_text(envelope->recipient_domain, ""));
    CU_ASSERT(is_text(envelope->binding, "default"));
    CU_ASSERT(is_text(envelope->binding_group, ""));
    CU_ASSERT_PTR_NULL(envelope->body);
    envelope_free(envelope);
}

static struct buf encode_one(void)
{
    struct buf record = {0};
    struct body *body = body_create(5, NULL, (uint64_t)1 << 33);
    body->chunks = 32768;
    body->eight_bit = true;
    struct envelope *envelope = make_envelope(body);
    envelope_encode(envelope, &record);
    envelope_free(envelope);
    body_unref(body);
    return record;
}

static void test_round_trip(void)
{
    struct buf record = encode_one();
    struct body_facts facts = {0};
    struct envelope *expected = make_envelope(NULL);
    struct envelope *envelope = envelope_decode(buf_slice(&record), &facts);
    CU_ASSERT_PTR_NOT_NULL_FATAL(envelope);
    CU_ASSERT_EQUAL(facts.id, 5);
    CU_ASSERT_EQUAL(facts.size, (uint64_t)1 << 33);
    CU_ASSERT_EQUAL(facts.chunks, 32768);
    CU_ASSERT(facts.eight_bit);
    CU_ASSERT_PTR_NULL(envelope->body);
    CU_ASSERT_EQUAL(envelope->id, expected->id);
    CU_ASSERT_EQUAL(envelope->batch_id, expected->batch_id);
    CU_ASSERT_EQUAL(envelope->connection_id, expected->connection_id);
    CU_ASSERT_EQUAL(envelope->received_us, expected->received_us);
    CU_ASSERT_EQUAL(envelope->flags, expected->flags);
    CU_ASSERT_EQUAL(envelope->origin.family, AF_INET6);
    CU_ASSERT_EQUAL(envelope->origin.port, 40001);
    CU_ASSERT_EQUAL(envelope->origin.scope_id, 3);
    CU_ASSERT_EQUAL(memcmp(envelope->origin.bytes, expected->origin.bytes, 16), 0);
    CU_ASSERT(slice_equal(envelope->reverse_path, expected->reverse_path));
    CU_ASSERT(slice_equal(envelope->recipient, expected->recipient));
    CU_ASSERT(slice_equal(envelope->recipient_domain, expected->recipient_domain));
    CU_ASSERT(slice_equal(envelope->sender_domain, expected->sender_domain));
    CU_ASSERT(slice_equal(envelope->binding, expected->binding));
    CU_ASSERT(slice_equal(envelope->binding_group, expected->binding_group));
    CU_ASSERT(slice_equal(envelope->context, expected->context));
    CU_ASSERT(slice_equal(envelope->parameters, expected->parameters));
    CU_ASSERT(slice_equal(envelope->header, expected->header));
    envelope_free(envelope);
    envelope_free(expected);
    buf_release(&record);
}

/* A record of the version before: it ends after the context. */
static void test_record_before(void)
{
    struct body_facts facts = {0};
    struct buf record = encode_one();
    size_t added = 4 + sizeof parameters + 4 + strlen("X-Ref: 1\r\n");
    char *bytes = (char *)buf_slice(&record).data;
    bytes[0] = 1;
    struct envelope *envelope = envelope_decode(slice_of(bytes, buf_size(&record) - added), &facts);
    CU_ASSERT_PTR_NOT_NULL_FATAL(envelope);
    CU_ASSERT_EQUAL(envelope->context.size, sizeof context);
    CU_ASSERT_EQUAL(envelope->parameters.size, 0);
    CU_ASSERT_EQUAL(envelope->header.size, 0);
    CU_ASSERT_PTR_NULL(envelope_decode(buf_slice(&record), &facts));
    envelope_free(envelope);
    buf_release(&record);
}

/* Decodes a copy that is exactly as large as `record`, so that a read behind it does not go unseen. */
static struct envelope *decode_copy(struct slice record)
{
    struct body_facts facts;
    char *copy = mem_resize(NULL, record.size);
    if (record.size)
        memcpy(copy, record.data, record.size);
    struct envelope *envelope = envelope_decode(slice_of(copy, record.size), &facts);
    free(copy);
    return envelope;
}

static void test_torn(void)
{
    struct buf record = encode_one();
    size_t accepted = 0;
    for (size_t size = 0; size < buf_size(&record); size++)
        accepted += decode_copy(slice_of(record.memory, size)) != NULL;
    CU_ASSERT_EQUAL(accepted, 0);
    buf_append(&record, "", 1);
    CU_ASSERT_PTR_NULL(decode_copy(buf_slice(&record)));
    buf_release(&record);
}

static void test_foreign_version(void)
{
    struct buf record = encode_one();
    record.memory[0] = 4;
    CU_ASSERT_PTR_NULL(decode_copy(buf_slice(&record)));
    buf_release(&record);
}

/* Where there are edits the record has a version that older programs refuse, instead of losing them. */
static void test_edited(void)
{
    struct edits edits;
    struct buf record = {0}, own = {0}, sealed = {0};
    struct body_facts facts;
    size_t size;
    edits_init(&edits, 3);
    edits_splice(&edits, 1, 1, slice_of("xyz", 3));
    edits_seal(&edits, &sealed);
    edits_release(&edits);
    edits_init(&edits, 5);
    edits_splice(&edits, 0, 0, slice_of("A: b\r\n", 6));
    edits_seal(&edits, &own);
    struct body *body = body_create(5, mem_dup("abc"), 3);
    char *memory = buf_take(&sealed, &size);
    body_set_edits(body, memory, (uint32_t)size);
    struct envelope_facts of = {
        .recipient = SLICE_LITERAL("a@b"), .header = buf_slice(&own), .flags = ENVELOPE_OWN_EDITS};
    struct envelope *envelope = envelope_create(&of, body);
    CU_ASSERT_EQUAL(envelope_size(envelope), 11);
    envelope_encode(envelope, &record);
    envelope_free(envelope);
    CU_ASSERT_EQUAL(record.memory[0], 3);
    envelope = envelope_decode(buf_slice(&record), &facts);
    CU_ASSERT_PTR_NOT_NULL_FATAL(envelope);
    CU_ASSERT(facts.edited && facts.size == 3);
    CU_ASSERT(slice_equal(envelope->header, buf_slice(&own)));
    envelope_free(envelope);
    record.memory[0] = 2; /* as if fields were what is edits */
    CU_ASSERT_PTR_NULL(envelope_decode(buf_slice(&record), &facts));
    body_unref(body);
    edits_release(&edits);
    buf_release(&own);
    buf_release(&record);
}

/* Whatever a record says, reading it stays within bounds; the sanitizers watch. */
static void test_corruption(void)
{
    enum { ROUNDS = 20000 };
    struct buf record = encode_one();
    char *original = mem_copy_text(record.memory, buf_size(&record));
    srandom(11);
    for (int round = 0; round < ROUNDS; round++) {
        memcpy(record.memory, original, buf_size(&record));
        for (int i = 0; i <= round % 4; i++)
            record.memory[(size_t)random() % buf_size(&record)] = (char)random();
        envelope_free(decode_copy(buf_slice(&record)));
    }
    CU_PASS("no crash");
    free(original);
    buf_release(&record);
}

int main(void)
{
    CU_initialize_registry();
    CU_pSuite suite = CU_add_suite("message", NULL, NULL);
    CU_add_test(suite, "body", test_body);
    CU_add_test(suite, "create", test_create);
    CU_add_test(suite, "may share a transaction", test_may_share);
    CU_add_test(suite, "least envelope", test_least);
    CU_add_test(suite, "round trip", test_round_trip);
    CU_add_test(suite, "record of the version before", test_record_before);
    CU_add_test(suite, "torn record", test_torn);
    CU_add_test(suite, "foreign version", test_foreign_version);
    CU_add_test(suite, "edited", test_edited);
    CU_add_test(suite, "corrupt record", test_corruption);
    CU_basic_run_tests();
    unsigned failures = CU_get_number_of_failures();
    CU_cleanup_registry();
    return failures ? 1 : 0;
}
