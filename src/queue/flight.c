/*
 * flight: how many envelopes of a shard delivery or a bounce has in hand, and draining, which waits for them.
 */
#include "queue/flight.h"

static void shard_drained(struct shard *shard)
{
    struct queue_set *set = shard->set;
    if (atomic_fetch_sub(&set->shards_in_flight, 1) == 1)
        set->drained(set->drained_argument);
}

void shard_drain(struct shard *shard)
{
    shard->draining = true;
    if (shard->in_flight == 0)
        shard_drained(shard);
}

void shard_flight_begin(struct shard *shard)
{
    shard->in_flight++;
}

/*
 * A shard that drains has its last flight once: nothing is taken and nothing falls due any more, and a bounce
 * that settling an envelope makes begins before that envelope's own flight ends.
 */
void shard_flight_end(struct shard *shard)
{
    if (--shard->in_flight == 0 && shard->draining)
        shard_drained(shard);
}
