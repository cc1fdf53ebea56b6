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
 * Makes a handle for an attempt to deliver. Its recipients are those of `count` envelopes (at least 1) that may
 * share a transaction. Its content can be edited until message_settle; the edits belong to the handle and change
 * nothing that is stored. Cursors on a loop read through `on_loop`, those on other threads through `blocking`.
 */
struct message *message_of_attempt(struct envelope *const *envelopes, size_t count,
                                   struct content_reader *on_loop, struct content_reader *blocking);
/*
 * Takes the first part of the content (from malloc; see cursor_take_first) and keeps it until message_end, so that
 * the header can be read and edited on a loop.
 */
void message_keep_first(struct message *message, char *chunk, size_t size);
/* Makes the content read-only: the attempt is made with it as it is. */
void message_settle(struct message *message);

#endif
