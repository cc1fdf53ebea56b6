/*
 * recover: reading everything back at start.
 */
#ifndef IMPULSE_SPOOL_RECOVER_H
#define IMPULSE_SPOOL_RECOVER_H

#include "spool/backend.h"
#include "spool/spool.h"

/* spool_recover on a backend that nobody else uses yet. */
int recover(struct spool_backend *backend, bool remove_damaged,
            void (*take)(struct envelope *envelope, void *closure), void *closure,
            struct spool_recovered *result);

#endif
