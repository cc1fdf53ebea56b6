/*
 * sdk_inject_private.h: what the files of injected messages share: sdk_inject.c checks what is asked and begins,
 * sdk_inject_store.c brings the content into the spool and ends, sdk_inject_budget.c bounds both.
 */
#ifndef IMPULSE_SDK_SDK_INJECT_PRIVATE_H
#define IMPULSE_SDK_SDK_INJECT_PRIVATE_H

#include <pthread.h>
#include "base/pending.h"
#include "impulse/inject.h"
#include "metrics/metric.h"
#include "module/set.h"
#include "sdk/sdk_inject.h"
#include "smtp/wire/data_reader.h"
#include "spool/intake.h"

enum {
    PARTS_OUTSTANDING = 4,                             /* at the committer, of one message */
    READ_BYTES = BODY_CHUNK * (PARTS_OUTSTANDING + 2), /* what a message in parts may hold in memory */
};

struct sdk_injector {
    struct queue_set *queues;
    struct queue_dependencies dependencies;
    char *hostname;
    struct pending pending; /* open while messages are taken */
    struct metric *injected, *busy, *full, *failed, *cancelled;
};
extern struct sdk_injector sdk_injector;

struct message_injection {
    struct imp_injection asked; /* its read, done and closure; the rest is not looked at later */
    struct module_set *modules; /* a reference */
    struct runner runner;
    struct loop *home;
    struct loop_task task;
    struct pool_job job;
    uint64_t bytes; /* of the budget */
    uint64_t batch_id;
    uint64_t *ids; /* of the envelopes, which are the queue's when `done` is called */
    enum imp_inject_status status;
    struct envelope **envelopes; /* without a body until it is complete */
    size_t count;
    /* content */
    char *copy; /* of `content` that is read on a pool */
    size_t copy_size;
    struct data_reader reader;
    struct buf content; /* what is not in the spool yet */
    uint64_t stored;    /* bytes that are, in parts */
    struct body *body;
    struct spool_request request;
    /* parts at the committer */
    pthread_mutex_t lock;
    pthread_cond_t settled;
    unsigned outstanding;
    enum spool_status part_status;
};

/* ---- sdk_inject_budget.c ---- */

/* A message of so many bytes begins: 0, or an errno. Any thread. */
int sdk_inject_enter_budget(uint64_t bytes);
/* After that, when there is no room on the disk. Returns ENOSPC. */
int sdk_inject_leave_again(uint64_t bytes);
/* The message is not under way any more. Any thread. */
void sdk_inject_leave_budget(uint64_t bytes);

/* ---- sdk_inject_store.c ---- */

/* All content was read: gives it to the spool with the envelopes. Any thread. */
void sdk_inject_store(struct message_injection *injection);
/* Reads all content, then stores it. The work of injection->job, on a pool's thread. */
void sdk_inject_feed_all(struct pool_job *job);
/* The injection ends with `status`, on its loop. Any thread; the injection may be gone when this returns. */
void sdk_inject_settle(struct message_injection *injection, enum imp_inject_status status);

#endif
