/*
 * transaction_envelopes: creates one envelope for each recipient of an accepted message.
 *
 * Recipients that a hook rejected come last, with ENVELOPE_REFUSED; if their senders are not to be notified,
 * they get no envelope.
 */
#include "smtp/server/transaction_private.h"

#include "base/id.h"
#include "base/mem.h"
#include "message/supplemental.h"
#include "spool/intake.h"

/*
 * Writes what only this recipient's copy contains: the supplemental trace header, and the edits of hooks that
 * were called for the recipient. Returns true if the result is a sealed table of edits, false if it is header
 * fields.
 */
static bool append_own(const struct smtps_transaction *t, struct message_recipient *recipient,
                       struct slice context, struct buf *out)
{
    const struct supplemental_rules *supplemental = t->session->policy->supplemental;
    struct buf fields = {0};
    bool edited = recipient->edited && !edits_are_none(&recipient->edits);
    if (supplemental)
        supplemental_append(supplemental, slice_text(recipient->address), context, edited ? &fields : out);
    if (edited) {
        edits_prepend(&recipient->edits, buf_slice(&fields));
        edits_seal(&recipient->edits, out);
    }
    buf_release(&fields);
    return edited;
}

static struct envelope *create_envelope(const struct smtps_transaction *t,
                                        struct message_recipient *recipient)
{
    struct buf parameters = {0}, header = {0}, context = {0};
    recipient_context_pairs(recipient, &context);
    transaction_append_parameters(t, recipient, &parameters);
    bool edited = append_own(t, recipient, buf_slice(&context), &header);
    struct envelope_facts facts = {
        .reverse_path = slice_text(t->message->sender),
        .recipient = slice_text(recipient->address),
        .binding = slice_text(recipient->binding ? recipient->binding : "default"),
        .binding_group = slice_text(recipient->group ? recipient->group : "default"),
        .context = buf_slice(&context),
        .parameters = buf_slice(&parameters),
        .header = buf_slice(&header),
        .origin = t->peer,
        .id = id_next(),
        .batch_id = t->message->id,
        .connection_id = t->connection_id,
        .received_us = t->received_us,
        .flags = t->message->flags | recipient->flags | (recipient->refusal ? ENVELOPE_REFUSED : 0) |
                 (edited ? ENVELOPE_OWN_EDITS : 0),
    };
    struct envelope *envelope = envelope_create(&facts, t->message->body);
    buf_release(&parameters);
    buf_release(&header);
    buf_release(&context);
    return envelope;
}

void transaction_create_envelopes(struct smtps_transaction *t)
{
    const struct esmtp_policy *policy = t->session->policy;
    size_t accepted = t->message->recipient_count - t->refused_count, next_accepted = 0,
           next_refused = accepted;
    t->envelopes = mem_array(t->message->recipient_count, sizeof *t->envelopes);
    for (size_t i = 0; i < t->message->recipient_count; i++) {
        struct message_recipient *recipient = t->message->recipients[i];
        if (!recipient->refusal)
            t->envelopes[next_accepted++] = create_envelope(t, recipient);
        else if (policy->bounce_refused_recipients)
            t->envelopes[next_refused++] = create_envelope(t, recipient);
    }
    t->envelope_count = next_refused;
    if (policy->batch_handling == BATCH_BY_DOMAIN && accepted > 1)
        intake_mark_batches(t->envelopes, accepted);
}
