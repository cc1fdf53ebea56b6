/*
 * retry: the exponential back-off.
 */
#include "queue/retry.h"

uint64_t retry_delay(const struct queue_settings *settings, unsigned failures)
{
    uint64_t delay = settings->retry_interval;
    uint64_t cap = settings->max_retry_interval;
    for (unsigned i = 1; i < failures && delay > 0 && delay < cap; i++)
        delay *= 2; /* below cap, so below 2^32: it cannot overflow */
    return delay < cap ? delay : cap;
}

/*
 * How many retries fit into message_expiration, and one more: on the normal schedule the envelope expires
 * before it reaches that limit, which only attempts out of schedule can.
 */
static unsigned automatic_limit(const struct queue_settings *settings)
{
    uint64_t elapsed = 0;
    unsigned retries = 0;
    for (;;) {
        uint64_t delay = retry_delay(settings, retries + 1);
        elapsed += delay ? delay : 1;
        if (elapsed > settings->message_expiration)
            return retries + 1;
        retries++;
    }
}

bool retry_exhausted(const struct queue_settings *settings, unsigned failures)
{
    if (settings->never_retry)
        return true;
    if (settings->max_retries == QUEUE_RETRIES_NONE)
        return false;
    if (settings->max_retries == QUEUE_RETRIES_AUTO)
        return failures > automatic_limit(settings);
    return failures > (unsigned)settings->max_retries;
}

uint64_t retry_expiry(const struct queue_settings *settings, uint64_t received_us)
{
    return received_us + settings->message_expiration * UINT64_C(1000000);
}
