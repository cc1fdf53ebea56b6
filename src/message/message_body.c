/*
 * message_body: edits of the body, and another body in its place.
 *
 * The new body is gathered behind a copy of the header. When it is more than fits into memory it goes to the
 * spool a chunk at a time, under an id of its own, as content does that arrives; in the end it is the
 * message's content, and what was there before is given back to the spool with the transaction.
 */
#include "message/message_content.h"

#include <errno.h>
#include "base/id.h"
#include "base/mem.h"

struct replacement {
    struct buf content; /* what is not in the spool */
    uint64_t stored;
    struct body *body; /* from the first chunk */
    char *head;
    struct buf part_flags;
    bool eight_bit, after_cr;
};

/* ---- lines ------------------------------------------------------------------------------------------- */

/* Is every CR followed by an LF, and every LF behind a CR? *after_cr: the byte before was a CR. */
static bool are_lines(struct slice text, bool *after_cr)
{
    bool cr = *after_cr;
    for (size_t i = 0; i < text.size; i++) {
        char c = text.data[i];
        if (cr != (c == '\n'))
            return false;
        cr = c == '\r';
    }
    *after_cr = cr;
    return true;
}

/* Is this the byte at that offset? False also where it cannot be read here. */
static bool is_byte(struct message_cursor *cursor, uint64_t at, char byte)
{
    cursor_seek(cursor, at);
    return cursor_fetch(cursor) == 1 && *cursor->run.data == byte;
}

/* Is the offset between the CR and the LF of a line end? */
static bool is_within_line_end(struct message *message, uint64_t at)
{
    struct message_cursor cursor;
    message_read_here(message, &cursor);
    bool within = at > 0 && is_byte(&cursor, at, '\n') && is_byte(&cursor, at - 1, '\r');
    cursor_close(&cursor);
    return within;
}

/* Would a CR of the message lose its LF, or an LF its CR, because the range begins or ends between them? */
static bool divides_line_end(struct message *message, uint64_t at, uint64_t removed, struct slice text)
{
    bool begins_within = is_within_line_end(message, at);
    bool ends_within = is_within_line_end(message, at + removed);
    if (begins_within && ends_within && text.size == 0)
        return false; /* one line end is left of two */
    return begins_within || ends_within;
}

int body_splice(struct message *message, uint64_t at, uint64_t removed, struct slice text)
{
    bool after_cr = false;
    if (!message_is_editable(message))
        return -EPERM;
    uint64_t begins = message_body_offset(message);
    if (message->header_error)
        return message->header_error; /* the body begins later */
    if (at < begins)
        return -ERANGE;
    if (!(message->flags & ENVELOPE_BINARY) && (!are_lines(text, &after_cr) || after_cr))
        return -EINVAL;
    if (at > message_size(message) || removed > message_size(message) - at)
        return -ERANGE;
    if (!(message->flags & ENVELOPE_BINARY) && (removed > 0 || text.size > 0) &&
        divides_line_end(message, at, removed, text))
        return -EINVAL;
    return message_splice(message, at, removed, text);
}

/* ---- another body ------------------------------------------------------------------------------------ */

static void replacement_free(struct message *message)
{
    struct replacement *replacement = message->replacement;
    if (!replacement)
        return;
    if (replacement->body) {
        message->keeper->discard(message, replacement->body);
        body_unref(replacement->body);
    }
    free(replacement->head);
    buf_release(&replacement->content);
    buf_release(&replacement->part_flags);
    free(replacement);
    message->replacement = NULL;
}

/* The header of the message, with the empty line that ends it. */
static void copy_header(struct message *message, struct slice header, struct buf *out)
{
    buf_append_slice(out, header);
    if (header.size >= 2 && header.data[header.size - 1] != '\n')
        buf_append_text(out, "\r\n");
    buf_append_text(out, "\r\n");
    message->copied += header.size;
}

int body_replace_begin(struct message *message)
{
    bool own = message->in_question && message->in_question->own_context;
    if (!message->readable || message->fixed || message->replacement || own)
        return -EPERM;
    struct slice header = message_header(message);
    if (message->header_error)
        return message->header_error; /* what is not seen of it would be lost */
    message->replacement = mem_new(struct replacement);
    message->end_replacement = replacement_free;
    copy_header(message, header, &message->replacement->content);
    message->replacement->eight_bit = !slice_is_ascii(buf_slice(&message->replacement->content));
    return 0;
}

/* Hands full chunks to the spool. 0 or -EAGAIN. */
static int spill(struct message *message, struct replacement *replacement)
{
    struct buf *content = &replacement->content;
    const struct message_keeper *keeper = message->keeper;
    if (!keeper || (!replacement->body && buf_size(content) <= keeper->threshold(message)))
        return 0;
    while (buf_size(content) > BODY_CHUNK) {
        if (!replacement->body) {
            replacement->body = body_create(id_next(), NULL, 0);
            replacement->body->chunks = 0; /* counted as they go */
        }
        int error = keeper->store(message, replacement->body, buf_slice(content).data);
        if (error)
            return error;
        if (replacement->stored == 0) {
            replacement->head = mem_resize(NULL, BODY_CHUNK);
            memcpy(replacement->head, buf_slice(content).data, BODY_CHUNK);
        }
        char flag = !slice_is_ascii(slice_of(buf_slice(content).data, BODY_CHUNK));
        buf_append(&replacement->part_flags, &flag, 1);
        replacement->stored += BODY_CHUNK;
        buf_consume(content, BODY_CHUNK);
    }
    return 0;
}

int body_replace_append(struct message *message, struct slice part)
{
    struct replacement *replacement = message->replacement;
    if (!replacement)
        return -EPERM;
    int error = spill(message, replacement); /* before anything is taken */
    bool after_cr = replacement->after_cr;
    if (error)
        return error;
    if (!(message->flags & ENVELOPE_BINARY) && !are_lines(part, &after_cr))
        return -EINVAL;
    replacement->after_cr = after_cr;
    replacement->eight_bit |= !slice_is_ascii(part);
    buf_append_slice(&replacement->content, part);
    error = spill(message, replacement);
    return error == -EAGAIN ? 0 : error;
}

int body_replace_end(struct message *message)
{
    struct replacement *replacement = message->replacement;
    if (!replacement)
        return -EPERM;
    if (replacement->after_cr && !(message->flags & ENVELOPE_BINARY))
        return -EINVAL;
    int error = spill(message, replacement);
    if (!error && message->keeper)
        error = message->keeper->settle(message);
    if (error)
        return error;
    if (message->body) {
        message->keeper->discard(message, message->body);
        body_unref(message->body);
    }
    free(message->head);
    buf_release(&message->content);
    buf_release(&message->part_flags);
    edits_release(&message->edits);
    message->content = replacement->content;
    message->part_flags = replacement->part_flags;
    message->stored = replacement->stored;
    message->body = replacement->body;
    message->head = replacement->head;
    message->eight_bit = replacement->eight_bit;
    message->edited = false;
    message->replaced = true;
    message->original_size = 0;
    message->changes++;
    free(replacement);
    message->replacement = NULL;
    return 0;
}

void body_replace_cancel(struct message *message)
{
    replacement_free(message);
}
