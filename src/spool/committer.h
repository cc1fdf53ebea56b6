/*
 * committer: the thread that settles requests, many with one write.
 *
 * It takes everything that waits, makes one batch of it and commits that, durably if it stores a message;
 * what arrives meanwhile is the next batch. So the busier it is, the more messages share a flush of the disk.
 *
 * When a commit fails the backend is revived, which also tells whether the batch was kept after all. If not,
 * its requests are tried one by one, because one that is too big for the disk shall not fail the others. What
 * keeps content is refused in the end; removals, updates and discards are held until they succeed, since a
 * removal that was forgotten is a message delivered twice.
 */
#ifndef IMPULSE_SPOOL_COMMITTER_H
#define IMPULSE_SPOOL_COMMITTER_H

#include "spool/backend.h"
#include "spool/reclaimer.h"
#include "spool/room.h"

struct committer;

/* Starts the thread; the others outlive it. NULL with errno set. */
struct committer *committer_start(struct spool_backend *backend, struct room *room,
                                  struct reclaimer *reclaimer);
/* Tells how many messages were found at the start. Called before the first request. */
void committer_found(struct committer *committer, uint64_t messages);
/* Any thread; never blocks. */
void committer_submit(struct committer *committer, struct spool_request *request);
/* Submits several requests. `next` links them from `newest`, which is applied last, to `oldest`. */
void committer_push(struct committer *committer, struct spool_request *newest, struct spool_request *oldest);
/* Returns how many removals, updates and replacements were submitted and are not settled. Any thread. */
uint64_t committer_unrecorded(const struct committer *committer);
/* Is a change held back because the disk fails, or do more than a bounded number wait? Any thread. */
bool committer_is_behind(const struct committer *committer);
/* From here on, what the disk does not take after one more attempt is settled with SPOOL_ERROR and no longer held. */
void committer_let_go(struct committer *committer);
/* Settles everything, makes it durable, ends the thread. What is submitted later is not answered.
 * committer_stop frees afterwards; a process that ends at once need not call it. */
void committer_finish(struct committer *committer);
/* Settles everything, makes it durable, ends the thread, frees. Nobody submits any more. */
void committer_stop(struct committer *committer);

#endif
