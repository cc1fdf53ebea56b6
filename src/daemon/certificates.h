/*
 * certificates.h: certificates are read again when they change. Main thread.
 */
#ifndef IMPULSE_DAEMON_CERTIFICATES_H
#define IMPULSE_DAEMON_CERTIFICATES_H

#include <stdatomic.h>
#include "event/pool.h"

struct certificates { /* zero-initialised */
    uint64_t seconds; /* since the start */
    struct pool_job job;
    _Atomic bool asking; /* the job is queued or runs */
};

/* Once a second: looks at files every few seconds, and has Vault asked by a thread of `pools` every few
 * minutes. */
void certificates_tick(struct certificates *certificates, struct pool_set *pools);

#endif
