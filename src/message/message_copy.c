/*
 * message_copy: a struct message around one envelope, or several of one transaction.
 */
#include "message/message_copy.h"

#include "base/mem.h"

/* What the content is made of; the message's `fixed`. */
struct copy_source {
    struct content_source source; /* first */
    char *own;                    /* owned: the envelope's fields or edits */
    char *first;                  /* owned: the first part, read back; NULL: not */
    bool pinned;
    struct content_reader *on_loop, *blocking; /* on_loop NULL: there only what is in memory can be read */
};

static struct content_reader *reader_on_loop(struct message *message)
{
    return message->owner ? ((struct copy_source *)message->owner)->on_loop : NULL;
}

static struct content_reader *reader_that_blocks(struct message *message)
{
    return message->owner ? ((struct copy_source *)message->owner)->blocking : NULL;
}

static const struct message_keeper copy_keeper = {.on_loop = reader_on_loop, .blocking = reader_that_blocks};

static void release(struct message *message)
{
    struct copy_source *copy = message->owner;
    if (copy->pinned)
        body_unpin(copy->source.body);
    body_unref(copy->source.body);
    free(copy->own);
    free(copy->first);
    free(copy);
    message->owner = NULL;
    message->fixed = NULL;
}

static struct copy_source *make_source(const struct envelope *envelope)
{
    struct copy_source *copy = mem_new(struct copy_source);
    copy->own = content_source_of(&copy->source, envelope, &copy->pinned);
    copy->source.size = envelope_size(envelope);
    body_ref(envelope->body);
    return copy;
}

static char *copy_text(struct slice text)
{
    return mem_copy_text(text.size ? text.data : "", text.size);
}

/* The parameters of `command`, "MAIL " or "RCPT ", that modules added; those of the server have names without a space. */
static void keep_added(const struct envelope *envelope, const char *command, struct buf *out)
{
    struct slice rest = envelope->parameters, name, value;
    while (slice_next(&rest, '\0', &name) && slice_next(&rest, '\0', &value)) {
        if (!slice_starts_nocase(name, slice_text(command)))
            continue;
        buf_append(out, name.data, name.size + 1);
        buf_append(out, value.data, value.size + 1);
    }
}

static void add_recipient(struct message *message, const struct envelope *envelope)
{
    char *address = copy_text(envelope->recipient);
    struct message_recipient *recipient = recipient_create(
        message, address, address + envelope->recipient.size - envelope->recipient_domain.size);
    recipient->binding = copy_text(envelope->binding);
    recipient->group = copy_text(envelope->binding_group);
    buf_append_slice(&recipient->context.pairs, envelope->context);
    keep_added(envelope, "RCPT ", &recipient->parameters);
    message_add_recipient(message, recipient);
}

static struct message *make_message(const struct envelope *envelope, struct content_reader *on_loop,
                                    struct content_reader *blocking)
{
    char *sender = copy_text(envelope->reverse_path);
    struct message *message = message_create(
        envelope->batch_id, sender, sender + envelope->reverse_path.size - envelope->sender_domain.size);
    struct copy_source *copy = make_source(envelope);
    copy->on_loop = on_loop;
    copy->blocking = blocking;
    message->flags = envelope->flags;
    message->keeper = &copy_keeper;
    message->owner = copy;
    message->fixed = &copy->source;
    message->release_fixed = release;
    message->readable = true;
    buf_append_slice(&message->context.pairs, envelope->context);
    keep_added(envelope, "MAIL ", &message->parameters);
    return message;
}

struct message *message_of_copy(const struct envelope *envelope, struct content_reader *reader)
{
    struct message *message = make_message(envelope, NULL, reader);
    add_recipient(message, envelope);
    return message;
}

struct message *message_of_attempt(struct envelope *const *envelopes, size_t count,
                                   struct content_reader *on_loop, struct content_reader *blocking)
{
    struct message *message = make_message(envelopes[0], on_loop, blocking);
    for (size_t i = 0; i < count; i++)
        add_recipient(message, envelopes[i]);
    message->leaving = true;
    return message;
}

void message_keep_first(struct message *message, char *chunk, size_t size)
{
    struct copy_source *copy = message->owner;
    copy->first = chunk;
    copy->source.head = slice_of(chunk, size);
}

void message_settle(struct message *message)
{
    message->leaving = false;
}
