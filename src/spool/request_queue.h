/*
 * request_queue: the requests that the committer has taken over, oldest first, linked by `next`.
 */
#ifndef IMPULSE_SPOOL_REQUEST_QUEUE_H
#define IMPULSE_SPOOL_REQUEST_QUEUE_H

#include "spool/spool.h"

/* Of one thread. It owns no request. */
struct request_queue {
    struct spool_request *first, **end;
    size_t count;
};

void request_queue_init(struct request_queue *queue);
void request_queue_append(struct request_queue *queue, struct spool_request *request);
/* Takes the oldest one out; NULL: there is none. */
struct spool_request *request_queue_pop(struct request_queue *queue);
/* Moves all of `from` in front of those of `to`. */
void request_queue_prepend(struct request_queue *to, struct request_queue *from);

#endif
