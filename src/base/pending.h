/*
 * pending: a count of what other threads still do for somebody who wants to go away, and a way to wait for
 * them.
 */
#ifndef IMPULSE_BASE_PENDING_H
#define IMPULSE_BASE_PENDING_H

#include <pthread.h>
#include <stdint.h>

struct pending {
    pthread_mutex_t lock;
    pthread_cond_t none;
    uint64_t count;
};

void pending_init(struct pending *pending);
/* Before handing something out, and when it will not be touched by the other thread any more. Any thread. */
void pending_begin(struct pending *pending);
void pending_end(struct pending *pending);
/* Blocks until nothing is pending; nobody may begin any more. Then it may be destroyed. */
void pending_wait(struct pending *pending);
void pending_destroy(struct pending *pending);

#endif
