/*
 * intake: how a message gets into the spool, whoever makes it: reception, notifications, modules.
 *
 * A small message is one request. A large one is stored in parts of BODY_CHUNK while it arrives, each a
 * request of its own; the last one brings what is left and the envelopes. The caller owns the requests and is
 * told by `done` (spool.h).
 */
#ifndef IMPULSE_SPOOL_INTAKE_H
#define IMPULSE_SPOOL_INTAKE_H

#include "base/buf.h"
#include "spool/spool.h"

typedef void intake_done_fn(struct spool_request *request);

/* The request for the next part of a large message. *body is made for the first one, without memory. The
 * caller keeps `part` until it is done. */
void intake_part(struct spool_request *request, struct body **body, struct slice part, intake_done_fn *done);

/*
 * The request for all of a message, or for what is left behind its `stored` bytes of parts: makes *body of
 * `rest` when there were none, else the caller keeps `rest` until it is done. *body is then complete, for the
 * envelopes that intake_envelopes adds.
 */
void intake_rest(struct spool_request *request, struct body **body, struct buf *rest, uint64_t stored,
                 bool eight_bit);
/* The same for a body that is in memory. */
void intake_whole(struct spool_request *request, struct body *body);

/* Whom the message is for; the array stays until it is done. */
void intake_envelopes(struct spool_request *request, struct envelope **envelopes, size_t count,
                      intake_done_fn *done);

/*
 * Marks those envelopes of one message that go to one queue: they share their transactions out
 * (ENVELOPE_BATCH). The order stays.
 */
void intake_mark_batches(struct envelope **envelopes, size_t count);

/* The spool forgets the parts of a body that nobody will have. Any thread. */
void intake_discard(struct spool *spool, struct body *body);

#endif
