/*
 * retry: when a failed envelope is tried again, and when it is given up. Arithmetic only; any thread.
 *
 * Source: Momentum 4 manual, retry_interval, max_retry_interval, max_retries, message_expiration.
 */
#ifndef IMPULSE_QUEUE_RETRY_H
#define IMPULSE_QUEUE_RETRY_H

#include <stdbool.h>
#include <stdint.h>
#include "queue/queue.h"

/* Seconds to wait after the `failures`th failed attempt (from 1): retry_interval, doubled each time, capped.
 */
uint64_t retry_delay(const struct queue_settings *settings, unsigned failures);

/* Is the envelope to be given up after its `failures`th failed attempt, by never_retry or max_retries? */
bool retry_exhausted(const struct queue_settings *settings, unsigned failures);

/* The wall clock time in microseconds at which an envelope received at `received_us` expires. */
uint64_t retry_expiry(const struct queue_settings *settings, uint64_t received_us);

#endif
