/*
 * outbox: what a loop submits to the committer in one turn, handed over at its end.
 */
#ifndef IMPULSE_SPOOL_OUTBOX_H
#define IMPULSE_SPOOL_OUTBOX_H

#include "spool/committer.h"

/*
 * As committer_submit; on the thread of a loop the committer gets the request with the others of the turn, so that
 * they share a commit. The requests of a thread are applied in their order. Any thread; never blocks.
 */
void outbox_submit(struct committer *committer, struct spool_request *request);

#endif
