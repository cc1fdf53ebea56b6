/*
 * message_copy: the handle of a message that was accepted: copies of it, as they wait or are delivered.
 */
#ifndef IMPULSE_MESSAGE_MESSAGE_COPY_H
#define IMPULSE_MESSAGE_MESSAGE_COPY_H

#include "message/message_content.h"

/*
 * Makes a handle with one reference, on the content with all edits; it can be read, not changed (-EPERM).
 * `reader` blocks: it is for threads that may; on a loop only what is in memory can be read. The envelope
 * need not outlive the call; `reader` outlives the handle. End it with message_end and message_unref. Any
 * thread; one at a time.
 */
struct message *message_of_copy(const struct envelope *envelope, struct content_reader *reader);

/*
 * The same for an attempt to deliver: its recipients are those of `count` envelopes (at least one) that may
 * share a transaction, and its content can be edited until message_settle. The edits are of this attempt: what
 * is stored stays as it is. Cursors on a loop read through `on_loop`, those elsewhere through `blocking`.
 */
struct message *message_of_attempt(struct envelope *const *envelopes, size_t count,
                                   struct content_reader *on_loop, struct content_reader *blocking);
/*
 * Gives the message the first part of content that is not in memory (from malloc; cursor_take_first), which is
 * kept until message_end: the header can be read and edited on a loop then.
 */
void message_keep_first(struct message *message, char *chunk, size_t size);
/* The attempt is about to be made: nothing can be edited any more. */
void message_settle(struct message *message);

#endif
