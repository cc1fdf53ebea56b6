/*
 * message: the handle, its recipients and its contexts.
 */
#include "message/message.h"

#include "base/mem.h"
#include "metrics/budget.h"

struct message *message_create(uint64_t id, char *sender, const char *sender_domain)
{
    struct message *message = mem_new(struct message);
    atomic_init(&message->references, 1);
    message->id = id;
    list_init(&message->cursors);
    message->sender = sender;
    message->sender_domain = sender_domain;
    return message;
}

struct message *message_ref(struct message *message)
{
    atomic_fetch_add_explicit(&message->references, 1, memory_order_relaxed);
    return message;
}

void message_seal(struct message *message)
{
    message->readable = false;
    if (message->close_cursors)
        message->close_cursors(message);
    if (message->end_replacement)
        message->end_replacement(message);
    if (message->fixed)
        message->release_fixed(message);
}

static void release_content(struct message *message)
{
    buf_release(&message->content);
    budget_give(BUDGET_EDITS, message->budgeted);
    message->budgeted = 0;
    buf_release(&message->header);
    buf_release(&message->part_flags);
    edits_release(&message->edits);
    free(message->head);
    message->head = NULL;
    if (message->body)
        body_unref(message->body);
    message->body = NULL;
    message->stored = 0;
    message->edited = false;
}

void message_end(struct message *message)
{
    message_seal(message);
    message->ended = true;
    release_content(message);
    message->in_question = NULL;
    for (size_t i = 0; i < message->recipient_count; i++)
        recipient_free(message->recipients[i]);
    free(message->recipients);
    message->recipients = NULL;
    message->recipient_count = message->recipient_room = 0;
    recipient_free(message->proposed);
    message->proposed = NULL;
    attachments_clear(&message->attached);
    context_clear(&message->context);
    buf_release(&message->parameters);
    free(message->sender);
    message->sender = NULL;
    message->sender_domain = NULL;
}

void message_unref(struct message *message)
{
    if (!message || atomic_fetch_sub_explicit(&message->references, 1, memory_order_acq_rel) != 1)
        return;
    message_end(message);
    free(message);
}

/* ---- recipients -------------------------------------------------------------------------------------- */

struct message_recipient *recipient_create(struct message *message, char *address, const char *domain)
{
    struct message_recipient *recipient = mem_new(struct message_recipient);
    recipient->message = message;
    recipient->address = address;
    recipient->domain = domain;
    return recipient;
}

void recipient_free(struct message_recipient *recipient)
{
    if (!recipient)
        return;
    attachments_clear(&recipient->attached);
    edits_release(&recipient->edits);
    context_clear(&recipient->context);
    buf_release(&recipient->parameters);
    free(recipient->address);
    free(recipient->given);
    free(recipient->orcpt);
    free(recipient->binding);
    free(recipient->group);
    free(recipient->refusal);
    free(recipient);
}

void message_add_recipient(struct message *message, struct message_recipient *recipient)
{
    if (message->recipient_count == message->recipient_room) {
        message->recipient_room = message->recipient_room ? message->recipient_room * 2 : 4;
        message->recipients =
            mem_resize(message->recipients, message->recipient_room * sizeof *message->recipients);
    }
    message->recipients[message->recipient_count++] = recipient;
}

bool message_remove_recipient(struct message *message, struct message_recipient *recipient)
{
    for (size_t i = 0; i < message->recipient_count; i++) {
        if (message->recipients[i] != recipient)
            continue;
        message->recipient_count--;
        memmove(&message->recipients[i], &message->recipients[i + 1],
                (message->recipient_count - i) * sizeof recipient);
        recipient_free(recipient);
        return true;
    }
    return false;
}

/* ---- parameters -------------------------------------------------------------------------------------- */

const char *parameter_find(const struct buf *parameters, const char *name)
{
    struct slice rest = buf_slice(parameters), key, value, command;
    while (name && slice_next(&rest, '\0', &key) && slice_next(&rest, '\0', &value))
        if (slice_next(&key, ' ', &command) && slice_equal_nocase(key, slice_text(name)))
            return value.data;
    return NULL;
}

/* ---- contexts ---------------------------------------------------------------------------------------- */

struct context *message_context(struct message *message)
{
    struct message_recipient *recipient = message->in_question;
    return recipient && recipient->own_context ? &recipient->context : &message->context;
}

void recipient_context_pairs(const struct message_recipient *recipient, struct buf *out)
{
    if (!recipient->own_context && buf_size(&recipient->context.pairs) == 0) {
        buf_append_slice(out, context_pairs(&recipient->message->context));
        return;
    }
    if (recipient->own_context) {
        buf_append_slice(out, context_pairs(&recipient->context));
        return;
    }
    struct context both = {0};
    buf_append_slice(&both.pairs, context_pairs(&recipient->message->context));
    struct slice rest = context_pairs(&recipient->context), name, value;
    while (slice_next(&rest, '\0', &name) && slice_next(&rest, '\0', &value))
        context_set(&both, name.data, value.data);
    buf_append_slice(out, context_pairs(&both));
    context_clear(&both);
}

void message_select(struct message *message, struct message_recipient *recipient)
{
    message->in_question = recipient;
    message->changes++; /* each has edits of its own */
    if (!recipient || recipient->own_context)
        return;
    struct buf pairs = {0};
    recipient_context_pairs(recipient, &pairs);
    context_clear(&recipient->context);
    recipient->context.pairs = pairs;
    recipient->own_context = true;
}
