/*
 * envelope_codec: the spool's form of an envelope.
 *
 * One version byte, numbers of fixed width, then texts as length and bytes; little-endian throughout. A
 * record is read whole or not at all: a wrong version, a length that does not fit, or a byte left over makes
 * it no record. Retry state is not part of it, because it changes and the record does not: see
 * src/spool/layout.h.
 */
#include "message/envelope.h"

#include <endian.h>
#include "base/buf.h"
#include "message/edits.h"

enum {
    RECORD_EDITED = 3, /* the body or this copy has edits, which what reads version 2 would lose */
    RECORD_VERSION = 2,
    RECORD_PLAIN = 1,   /* the version before: without parameters and header */
    BODY_EIGHT_BIT = 1, /* what is said of the body */
    BODY_EDITED = 2,    /* only in RECORD_EDITED */
};

/* The address families as numbers that do not depend on the platform. */
static const sa_family_t families[] = {AF_UNSPEC, AF_INET, AF_INET6, AF_UNIX};
enum { FAMILY_COUNT = sizeof families / sizeof families[0] };

static void put_number(struct buf *out, uint64_t value, size_t width)
{
    uint64_t little = htole64(value);
    buf_append(out, &little, width);
}

static void put_text(struct buf *out, struct slice text)
{
    put_number(out, text.size, 4);
    buf_append_slice(out, text);
}

static uint64_t family_number(sa_family_t family)
{
    for (unsigned i = 0; i < FAMILY_COUNT; i++)
        if (families[i] == family)
            return i;
    return 0;
}

void envelope_encode(const struct envelope *envelope, struct buf *out)
{
    const struct body *body = envelope->body;
    bool edited = body->edits || (envelope->flags & ENVELOPE_OWN_EDITS);
    put_number(out, edited ? RECORD_EDITED : RECORD_VERSION, 1);
    put_number(out, envelope->id, 8);
    put_number(out, envelope->batch_id, 8);
    put_number(out, envelope->connection_id, 8);
    put_number(out, envelope->received_us, 8);
    put_number(out, envelope->flags & ~(uint32_t)ENVELOPE_DEFERRED, 4);
    put_number(out, family_number(envelope->origin.family), 1);
    put_number(out, envelope->origin.port, 2);
    put_number(out, envelope->origin.scope_id, 4);
    buf_append(out, envelope->origin.bytes, sizeof envelope->origin.bytes);
    put_number(out, body->id, 8);
    put_number(out, body->size, 8);
    put_number(out, body->chunks, 4);
    put_number(out, (body->eight_bit ? BODY_EIGHT_BIT : 0) | (body->edits ? BODY_EDITED : 0), 1);
    put_text(out, envelope->reverse_path);
    put_text(out, envelope->recipient);
    put_text(out, envelope->binding);
    put_text(out, envelope->binding_group);
    put_text(out, envelope->context);
    put_text(out, envelope->parameters);
    put_text(out, envelope->header);
}

/* Reads from the front of `rest`; after the first read that does not fit, `torn` stays set and reads give
 * zeros. */
struct record_reader {
    struct slice rest;
    bool torn;
};

static inline struct slice get_bytes(struct record_reader *reader, size_t size)
{
    if (reader->torn || reader->rest.size < size) {
        reader->torn = true;
        return slice_of(NULL, 0);
    }
    struct slice bytes = slice_of(reader->rest.data, size);
    reader->rest = slice_of(reader->rest.data + size, reader->rest.size - size);
    return bytes;
}

/* Inlined, so that `width` is a constant and the copy is one instruction: recovery reads millions of them. */
static inline __attribute__((always_inline)) uint64_t get_number(struct record_reader *reader, size_t width)
{
    uint64_t little = 0;
    struct slice bytes = get_bytes(reader, width);
    if (bytes.size)
        memcpy(&little, bytes.data, bytes.size);
    return le64toh(little);
}

static struct slice get_text(struct record_reader *reader)
{
    return get_bytes(reader, get_number(reader, 4));
}

static struct net_addr get_origin(struct record_reader *reader)
{
    struct net_addr origin = {0};
    uint64_t family = get_number(reader, 1);
    if (family < FAMILY_COUNT)
        origin.family = families[family];
    else
        reader->torn = true;
    origin.port = (uint16_t)get_number(reader, 2);
    origin.scope_id = (uint32_t)get_number(reader, 4);
    struct slice bytes = get_bytes(reader, sizeof origin.bytes);
    if (bytes.size)
        memcpy(origin.bytes, bytes.data, bytes.size);
    return origin;
}

struct envelope *envelope_decode(struct slice record, struct body_facts *body)
{
    struct record_reader reader = {.rest = record};
    struct envelope_facts facts = {0};
    uint64_t version = get_number(&reader, 1);
    if (version < RECORD_PLAIN || version > RECORD_EDITED)
        return NULL;
    facts.id = get_number(&reader, 8);
    facts.batch_id = get_number(&reader, 8);
    facts.connection_id = get_number(&reader, 8);
    facts.received_us = get_number(&reader, 8);
    facts.flags = (uint32_t)get_number(&reader, 4);
    facts.origin = get_origin(&reader);
    body->id = get_number(&reader, 8);
    body->size = get_number(&reader, 8);
    body->chunks = (uint32_t)get_number(&reader, 4);
    uint64_t facts_of_body = get_number(&reader, 1);
    body->eight_bit = facts_of_body & BODY_EIGHT_BIT;
    body->edited = version == RECORD_EDITED && (facts_of_body & BODY_EDITED);
    facts.reverse_path = get_text(&reader);
    facts.recipient = get_text(&reader);
    facts.binding = get_text(&reader);
    facts.binding_group = get_text(&reader);
    facts.context = get_text(&reader);
    if (version != RECORD_PLAIN) {
        facts.parameters = get_text(&reader);
        facts.header = get_text(&reader);
    }
    struct edits_view own;
    if (reader.torn || reader.rest.size != 0 || body->chunks == 0)
        return NULL;
    if ((facts.flags & ENVELOPE_OWN_EDITS) && (version != RECORD_EDITED || !edits_open(facts.header, &own)))
        return NULL;
    return envelope_create(&facts, NULL);
}
