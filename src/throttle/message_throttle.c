/*
 * message_throttle: keeps the times of the last N messages in a ring.
 *
 * Message k may begin one period after message k - N began. Each place of the ring therefore allows one
 * message per period, and N places allow N, in whatever order the sessions run. Places are assigned in turn.
 * If the rate has more messages than PLACES_MAX, the ring has PLACES_MAX places and the period is shortened
 * in proportion.
 */
#include "throttle/message_throttle.h"

#include <stdatomic.h>
#include <stdlib.h>
#include "base/mem.h"
#include "throttle/inbound_limits.h"
#include "throttle/scope_state.h"

enum { PLACES_MAX = 65536 };

struct message_throttle {
    struct scope_state state;
    uint32_t places;
    uint64_t period;         /* microseconds */
    _Atomic uint64_t turn;   /* number of the next message; its place is turn % places */
    _Atomic uint64_t last[]; /* time at which the last message in each place began or will begin; 0: never */
};

struct message_throttle *message_throttle_resolve(const struct conf_chain *chain)
{
    struct inbound_limits limits;
    inbound_limits_fill(&limits, chain);
    const struct conf_value *rate = limits.messages.value;
    if (!rate || rate->number <= 0 || rate->seconds <= 0)
        return NULL;
    uint32_t places = rate->number < PLACES_MAX ? (uint32_t)rate->number : PLACES_MAX;
    double period = rate->seconds * 1e6 * ((double)places / (double)rate->number);
    char *path = scope_state_key("inbound_throttle_messages", chain->levels[limits.messages.level]);
    char *key = mem_printf("%s\n%u\t%.0f", path, places, period);
    struct message_throttle *throttle;
    throttle =
        (struct message_throttle *)scope_state_get(key, sizeof *throttle + places * sizeof throttle->last[0]);
    if (!throttle->places) { /* otherwise it exists, with the same rate */
        throttle->places = places;
        throttle->period = (uint64_t)period + 1;
    }
    free(key);
    free(path);
    return throttle;
}

void message_throttle_unref(struct message_throttle *throttle)
{
    scope_state_unref(throttle ? &throttle->state : NULL);
}

/*
 * Returns the earliest time for the next message in a place whose last message begins at `last` (0: never).
 */
static uint64_t earliest(const struct message_throttle *throttle, uint64_t last, uint64_t now)
{
    uint64_t free_again = last ? last + throttle->period : 0;
    return free_again > now ? free_again : now;
}

bool message_throttle_reserve(struct message_throttle *throttle, uint64_t now, uint64_t *when)
{
    uint64_t latest = now + (uint64_t)THROTTLE_WAIT_MAX * 1000000;
    uint64_t turn = atomic_load(&throttle->turn);
    do { /* take a turn only if the message can use it */
        uint64_t last = atomic_load(&throttle->last[turn % throttle->places]);
        if (earliest(throttle, last, now) > latest)
            return false;
    } while (!atomic_compare_exchange_weak(&throttle->turn, &turn, turn + 1));
    _Atomic uint64_t *place = &throttle->last[turn % throttle->places];
    uint64_t last = atomic_load(place);
    do { /* the ring may have wrapped: another thread may have taken the same place meanwhile */
        *when = earliest(throttle, last, now);
        if (*when > latest)
            return false;
    } while (!atomic_compare_exchange_weak(place, &last, *when));
    return true;
}
