/*
 * pending: a count of what other threads still do for somebody who wants to go away, and a way to wait for
 * them.
 */
#ifndef IMPULSE_BASE_PENDING_H
#define IMPULSE_BASE_PENDING_H

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

struct pending {
    pthread_mutex_t lock;
    pthread_cond_t none;
    uint64_t count;
    bool open; /* for pending_enter */
};

/* Initialises one that lives as long as the process; it is closed. */
#define PENDING_STATIC                                                                                       \
    {                                                                                                        \
        PTHREAD_MUTEX_INITIALIZER, PTHREAD_COND_INITIALIZER, 0, false                                        \
    }

void pending_init(struct pending *pending);
/* Before handing something out, and when it will not be touched by the other thread any more. Any thread. */
void pending_begin(struct pending *pending);
void pending_end(struct pending *pending);
/* Blocks until nothing is pending; nobody may begin any more. Then it may be destroyed. */
void pending_wait(struct pending *pending);
void pending_destroy(struct pending *pending);

/*
 * For a service that may be asked at any time, but serves only between pending_open and pending_close.
 * pending_enter does what pending_begin does; outside of that time it does nothing and returns false.
 * pending_close also waits, as pending_wait does. Any thread.
 */
void pending_open(struct pending *pending);
bool pending_enter(struct pending *pending);
void pending_close(struct pending *pending);

#endif
