/*
 * message_content: reading and editing the content of a message that arrives, or of a copy that leaves.
 *
 * Once all content is there (message->readable) it can be read and edited, by one hook after the other, each
 * of which sees what those before it made. Content that is still in memory is edited in place. What is in the
 * spool in parts is not touched: the edits are a piece table (edits.h) that is stored with the body. While
 * hooks are asked about one recipient (message_select) edits are that recipient's copy's alone. Those of a copy
 * that leaves (message_copy.h) are of one attempt to deliver it.
 *
 * Offsets count from the first byte of the message, header included, as it is with the edits so far. The
 * thread that the message belongs to at the moment.
 */
#ifndef IMPULSE_MESSAGE_MESSAGE_CONTENT_H
#define IMPULSE_MESSAGE_MESSAGE_CONTENT_H

#include "message/cursor.h"
#include "message/message.h"

enum {
    MESSAGE_OWN_EDITS = 1024 * 1024, /* bytes that the edits of all recipients of a message may hold */
    MESSAGE_FIELD = 64 * 1024,       /* bytes of a header field that is put in */
};

/*
 * What the functions below answer when they cannot: 0, or negative
 *   -EPERM   the content is not there yet, or there is no message any more
 *   -ERANGE  the range is not within the content
 *   -E2BIG   a bound of edits would be passed
 *   -ENOBUFS the edits of all messages would be too large (BUDGET_EDITS)
 *   -EINVAL  what is put in is not what can stand there
 *   -ENOENT  there is no such field
 *   -EAGAIN  it would have to wait for the spool
 *   -EIO     the spool fails
 */

uint64_t message_size(const struct message *message);
/* Its beginning: all of a small message, the first chunk of one that is in the spool in parts, the header of
 * one whose parts were edited. Until the next edit. */
struct slice message_beginning(struct message *message);
/* May the content be edited now? Otherwise edits return -EPERM. */
bool message_is_editable(const struct message *message);
/* The content as the next reader of it sees it. */
void message_source(struct message *message, struct content_source *source);
/*
 * Opens a cursor for the calling thread to use at once and to close. It waits for the spool; on a loop it sees only
 * what is in memory.
 */
void message_read_here(struct message *message, struct message_cursor *cursor);

/* ---- cursors ----------------------------------------------------------------------------------------- */

struct content_cursor {
    struct message_cursor cursor; /* read with cursor_* after content_cursor_sync */
    struct message *message;
    struct list_node node; /* in message->cursors */
    uint32_t changes;
};

/* Opens; on a loop it reads through the keeper's reader for loops. 0 or -EPERM. */
int content_cursor_open(struct content_cursor *cursor, struct message *message, void (*arrived)(void *owner),
                        void *owner);
/* Before each use: follows edits that were made meanwhile. False when the message is gone. */
bool content_cursor_sync(struct content_cursor *cursor);
void content_cursor_close(struct content_cursor *cursor);

/* ---- edits ------------------------------------------------------------------------------------------- */

/* `text` takes the place of `removed` bytes from `at` on. What is put in is not looked at. */
int message_splice(struct message *message, uint64_t at, uint64_t removed, struct slice text);
/* Removes the ranges, which are as edits_cut wants them, in one pass: all of them, or none and an error. */
int message_cut(struct message *message, const struct edits_range *ranges, size_t count);

/*
 * The header: all fields, without the empty line. Valid until the next edit. On a loop it may end in what is in memory:
 * message->header_error is then -EAGAIN, and a thread that may block gets the whole.
 */
struct slice message_header(struct message *message);
/* Bytes from the first of the message to the first of its body. */
uint64_t message_body_offset(struct message *message);

struct header_place {         /* a field of the header */
    uint64_t offset, size;    /* of all its lines, CR LF included */
    struct slice name, value; /* value: folded, with what is behind the colon; until the next edit */
};

/* How many fields of that name; NULL or "": of any. Of those that can be read. */
unsigned header_count(struct message *message, const char *name);
/* The field `index` of that name: from 0 on, or from the end (-1 the last). 0, -ENOENT, -EAGAIN or -EIO. */
int header_find(struct message *message, const char *name, int index, struct header_place *place);

enum header_position {
    HEADER_FRONT,  /* before all fields */
    HEADER_END,    /* behind all fields */
    HEADER_BEFORE, /* the field `index` of the name `beside` */
    HEADER_BEHIND,
};
int header_add(struct message *message, enum header_position position, const char *beside, int index,
               const char *name, struct slice value);
/* Gives the field `index` of that name another value; its name keeps its case. */
int header_replace(struct message *message, const char *name, int index, struct slice value);
int header_remove(struct message *message, const char *name, int index);
/* Removes all of that name in one pass; returns how many, or a negative number when none was removed. */
int header_remove_all(struct message *message, const char *name);

/* In the body alone. Lines end with CR LF, unless the message is binary: neither the text nor the range may divide one
 * (the range as far as the bytes beside it can be seen: on a loop not in the spool). */
int body_splice(struct message *message, uint64_t at, uint64_t removed, struct slice text);

/* ---- another body ------------------------------------------------------------------------------------ */

/*
 * A body that takes the place of the whole one, in parts; one at a time. What is more than fits into memory
 * goes to the spool while it comes. Nothing changes before body_replace_end. On a thread that may block
 * body_replace_append waits for the spool; on a loop it answers -EAGAIN, with nothing taken.
 */
int body_replace_begin(struct message *message);
int body_replace_append(struct message *message, struct slice part);
/* -EAGAIN: call again later; what was appended is kept. */
int body_replace_end(struct message *message);
void body_replace_cancel(struct message *message);

#endif
