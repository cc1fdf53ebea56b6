/*
 * queue_accept: moves an envelope into its queue, from any thread.
 *
 * queue_accept runs for every message received. It looks up the settings in the thread's own cache, handles a
 * blackholed envelope at once, and pushes any other envelope onto its shard's inbox with one
 * compare-and-swap. A push that finds the inbox empty wakes the loop, which continues in shard.c, unless the
 * task that wakes it is still to run: drain empties the inbox as well.
 */
#include <zlib.h>
#include "queue/queue_private.h"
#include "queue/queue_records.h"
#include "queue/spooling.h"
#include "queue/view.h"

/*
 * Returns the shard of a queue's name. It is the same for the life of the process, so envelopes that several
 * threads push for one name arrive in one inbox.
 */
static struct shard *shard_of(struct queue_set *set, const struct envelope *envelope)
{
    if (set->shard_count == 1)
        return set->shards[0];
    uLong sum =
        crc32(0, (const Bytef *)envelope->recipient_domain.data, (uInt)envelope->recipient_domain.size);
    sum = crc32(sum, (const Bytef *)envelope->binding.data, (uInt)envelope->binding.size);
    return set->shards[sum % set->shard_count];
}

static void drop_blackholed(struct queue_set *set, struct generation *generation,
                            const struct queue_settings *settings, struct envelope *envelope)
{
    static const struct queue_outcome blackholed = {
        .verdict = QUEUE_PERMANENT,
        .response = {"554 5.7.0 [internal] Blackholed", sizeof "554 5.7.0 [internal] Blackholed" - 1},
    };
    record_outcome(generation, settings, RECORD_PERMANENT, envelope, &blackholed);
    envelope_finish(set, envelope);
}

void queue_accept(struct queue_set *set, struct envelope *envelope)
{
    struct view *view = view_of(set);
    const struct queue_settings *settings =
        view_settings(view, envelope->binding, envelope->recipient_domain);
    if (settings->blackhole != BLACKHOLE_NO && !(envelope->flags & ENVELOPE_REFUSED)) {
        drop_blackholed(set, view_generation(view), settings, envelope);
        return;
    }
    record_moment(view_generation(view), settings, POINT_ENQUEUED, envelope, NULL);
    atomic_fetch_add_explicit(&set->count, 1, memory_order_relaxed);
    struct shard *shard = shard_of(set, envelope);
    struct envelope *head = atomic_load_explicit(&shard->inbox, memory_order_relaxed);
    do
        envelope->link.next = head ? &head->link : NULL;
    while (!atomic_compare_exchange_weak_explicit(&shard->inbox, &head, envelope, memory_order_acq_rel,
                                                  memory_order_relaxed));
    if (!head && !atomic_exchange(&shard->inbox_posted, true)) /* pairs with the exchange in take_inbox */
        loop_post(shard->loop, &shard->inbox_task);
}
