/*
 * message_copy: the handle of a message that was accepted: one recipient's copy, as it waits or is delivered.
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

#endif
