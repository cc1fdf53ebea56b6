/*
 * envelope: making and freeing. The struct and all its text are one allocation, because a busy queue holds a
 * million of them. The spool's form is in envelope_codec.c.
 */
#include "message/envelope.h"

#include "base/mem.h"
#include "message/edits.h"

/* What follows the last '@', or an empty slice. A quoted local part may hold an '@' too; a domain cannot. */
static struct slice domain_of(struct slice address)
{
    const char *at = address.size ? memrchr(address.data, '@', address.size) : NULL;
    size_t used = at ? (size_t)(at + 1 - address.data) : address.size;
    return slice_of(address.data ? address.data + used : NULL, address.size - used);
}

/* Copies `text` and a NUL to *room, moves *room past them, and returns the copy. */
static struct slice place(char **room, struct slice text)
{
    struct slice placed = slice_of(*room, text.size);
    if (text.size)
        memcpy(*room, text.data, text.size);
    *room += text.size + 1; /* the block is zeroed, so the NUL is there */
    return placed;
}

struct envelope *envelope_create(const struct envelope_facts *facts, struct body *body)
{
    struct slice binding = facts->binding.size ? facts->binding : SLICE_LITERAL("default");
    struct slice domain = domain_of(facts->recipient);
    size_t text_size = facts->reverse_path.size + facts->recipient.size + domain.size + binding.size +
                       facts->binding_group.size + facts->context.size + facts->parameters.size +
                       facts->header.size + 8;
    struct envelope *envelope = mem_zalloc(sizeof *envelope + text_size);
    envelope->id = facts->id;
    envelope->batch_id = facts->batch_id;
    envelope->connection_id = facts->connection_id;
    envelope->received_us = facts->received_us;
    envelope->flags = facts->flags;
    envelope->origin = facts->origin;
    envelope->text = (char *)(envelope + 1);
    char *room = envelope->text;
    envelope->reverse_path = place(&room, facts->reverse_path);
    envelope->sender_domain = domain_of(envelope->reverse_path);
    envelope->recipient = place(&room, facts->recipient);
    envelope->recipient_domain = place(&room, domain);
    for (size_t i = 0; i < domain.size; i++)
        envelope->text[envelope->recipient_domain.data - envelope->text + (ptrdiff_t)i] =
            ascii_lower(domain.data[i]);
    envelope->binding = place(&room, binding);
    envelope->binding_group = place(&room, facts->binding_group);
    envelope->context = place(&room, facts->context);
    envelope->parameters = place(&room, facts->parameters);
    envelope->header = place(&room, facts->header);
    if (body)
        envelope_attach(envelope, body);
    return envelope;
}

struct envelope_facts envelope_facts_of(const struct envelope *envelope)
{
    return (struct envelope_facts){
        .reverse_path = envelope->reverse_path,
        .recipient = envelope->recipient,
        .binding = envelope->binding,
        .binding_group = envelope->binding_group,
        .context = envelope->context,
        .parameters = envelope->parameters,
        .header = envelope->header,
        .origin = envelope->origin,
        .id = envelope->id,
        .batch_id = envelope->batch_id,
        .connection_id = envelope->connection_id,
        .received_us = envelope->received_us,
        .flags = envelope->flags,
    };
}

struct slice envelope_parameter(const struct envelope *envelope, const char *name)
{
    struct slice rest = envelope->parameters, key, value;
    while (slice_next(&rest, '\0', &key) && slice_next(&rest, '\0', &value))
        if (slice_equal(key, slice_text(name)))
            return value;
    return slice_of(NULL, 0);
}

bool envelope_may_share(const struct envelope *a, const struct envelope *b)
{
    uint32_t of_mail = ~(uint32_t)(ENVELOPE_NOTIFY | ENVELOPE_DEFERRED); /* NOTIFY is RCPT's */
    return a->body == b->body && (a->flags & ENVELOPE_BATCH) &&
           (a->flags & of_mail) == (b->flags & of_mail) && slice_equal(a->reverse_path, b->reverse_path) &&
           slice_equal(a->header, b->header) &&
           slice_equal(envelope_parameter(a, "ENVID"), envelope_parameter(b, "ENVID"));
}

uint64_t envelope_size(const struct envelope *envelope)
{
    if (envelope->flags & ENVELOPE_OWN_EDITS)
        return edits_sealed_size(envelope->header);
    return body_edited_size(envelope->body) + envelope->header.size;
}

bool envelope_has_eight_bit(const struct envelope *envelope)
{
    struct edits_view own;
    if (!(envelope->flags & ENVELOPE_OWN_EDITS) || !edits_open(envelope->header, &own))
        return envelope->body->eight_bit;
    return own.eight_bit || (!own.judged && envelope->body->eight_bit);
}

void envelope_attach(struct envelope *envelope, struct body *body)
{
    envelope->body = body_ref(body);
    atomic_fetch_add_explicit(&body->undelivered, 1, memory_order_relaxed);
}

void envelope_free(struct envelope *envelope)
{
    if (!envelope)
        return;
    if (envelope->body)
        body_unref(envelope->body);
    free(envelope);
}
