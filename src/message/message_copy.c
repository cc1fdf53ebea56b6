/*
 * message_copy: a struct message around an envelope.
 */
#include "message/message_copy.h"

#include "base/mem.h"

/* What the content is made of; the message's `fixed`. */
struct copy_source {
    struct content_source source; /* first */
    char *own;                    /* owned: the envelope's fields or edits */
    bool pinned;
    struct content_reader *reader;
};

static struct content_reader *reader_of(struct message *message)
{
    return message->owner ? ((struct copy_source *)message->owner)->reader : NULL;
}

static struct content_reader *no_reader(struct message *message)
{
    (void)message;
    return NULL;
}

static const struct message_keeper copy_keeper = {.on_loop = no_reader, .blocking = reader_of};

static void release(struct message *message)
{
    struct copy_source *copy = message->owner;
    if (copy->pinned)
        body_unpin(copy->source.body);
    body_unref(copy->source.body);
    free(copy->own);
    free(copy);
    message->owner = NULL;
    message->fixed = NULL;
}

static struct copy_source *make_source(const struct envelope *envelope, struct content_reader *reader)
{
    struct copy_source *copy = mem_new(struct copy_source);
    struct content_source *source = &copy->source;
    struct slice edits = body_edits(envelope->body), own = envelope->header;
    const char *memory = body_pin(envelope->body);
    copy->reader = reader;
    copy->pinned = memory != NULL;
    source->body = body_ref(envelope->body);
    if (memory)
        source->tail = slice_of(memory, envelope->body->size);
    else
        source->stored = envelope->body->size;
    source->edited = edits.size > 0 && edits_open(edits, &source->edits);
    if (own.size > 0) {
        copy->own = mem_copy_text(own.data, own.size);
        own.data = copy->own;
        if (envelope->flags & ENVELOPE_OWN_EDITS)
            source->own = edits_open(own, &source->own_edits);
        else
            source->fields = own;
    }
    source->size = envelope_size(envelope);
    return copy;
}

static char *copy_text(struct slice text)
{
    return mem_copy_text(text.size ? text.data : "", text.size);
}

/* The parameters that modules added; those of the server have names without a space. */
static void keep_added(const struct envelope *envelope, struct message *message,
                       struct message_recipient *recipient)
{
    struct slice rest = envelope->parameters, name, value;
    while (slice_next(&rest, '\0', &name) && slice_next(&rest, '\0', &value)) {
        bool of_mail = slice_starts_nocase(name, SLICE_LITERAL("MAIL "));
        if (!of_mail && !slice_starts_nocase(name, SLICE_LITERAL("RCPT ")))
            continue;
        struct buf *out = of_mail ? &message->parameters : &recipient->parameters;
        buf_append(out, name.data, name.size + 1);
        buf_append(out, value.data, value.size + 1);
    }
}

struct message *message_of_copy(const struct envelope *envelope, struct content_reader *reader)
{
    char *sender = copy_text(envelope->reverse_path), *address = copy_text(envelope->recipient);
    struct message *message = message_create(
        envelope->batch_id, sender, sender + envelope->reverse_path.size - envelope->sender_domain.size);
    struct copy_source *copy = make_source(envelope, reader);
    message->flags = envelope->flags;
    message->keeper = &copy_keeper;
    message->owner = copy;
    message->fixed = &copy->source;
    message->release_fixed = release;
    message->readable = true;
    buf_append_slice(&message->context.pairs, envelope->context);
    struct message_recipient *recipient = recipient_create(
        message, address, address + envelope->recipient.size - envelope->recipient_domain.size);
    recipient->binding = copy_text(envelope->binding);
    recipient->group = copy_text(envelope->binding_group);
    keep_added(envelope, message, recipient);
    message_add_recipient(message, recipient);
    return message;
}
