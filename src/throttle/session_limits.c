/*
 * session_limits: finds the budgets that a session counts against, and takes and returns their slots.
 *
 * The narrowest budget is tried first, so that a source that has reached its own limit does not take slots of
 * the budgets that it shares with others.
 */
#include "throttle/session_limits.h"

#include <stdatomic.h>
#include <stdlib.h>
#include "base/mem.h"
#include "throttle/inbound_limits.h"
#include "throttle/scope_state.h"

struct session_budget {
    struct scope_state state;
    _Atomic uint32_t used;
};

/* ---- finding the budgets ---------------------------------------------------------------------- */

static void add(struct session_limits *limits, char *key, int64_t most, enum session_limit_kind kind)
{
    struct session_limit *limit = &limits->items[limits->count++];
    limit->budget = (struct session_budget *)scope_state_get(key, sizeof *limit->budget);
    limit->most = conf_u32(most);
    limit->kind = kind;
    free(key);
}

/* The options as the Peers set them, or as all other scopes do, and the levels that were asked. */
struct side {
    struct conf_chain chain;
    struct inbound_limits limits;
};

static void read_side(struct side *side, const struct conf_chain *chain, bool peers)
{
    side->chain.conf = chain->conf;
    side->chain.count = 0;
    for (size_t i = 0; i < chain->count; i++)
        if ((strcmp(conf_scope_kind(chain->levels[i]), "peer") == 0) == peers)
            side->chain.levels[side->chain.count++] = chain->levels[i];
    inbound_limits_fill(&side->limits, &side->chain);
}

/* Returns the scope that sets the option; NULL: none does. */
static const struct conf_scope *setter(const struct side *side, const struct policy_setting *setting)
{
    return setting->level < side->chain.count ? side->chain.levels[setting->level] : NULL;
}

/* A pathway serves several listeners. Each of them has a counter of its own. */
static char *listener_key(const struct conf_scope *level, const struct conf_scope *listener)
{
    char *key = scope_state_key("listener_sessions", level);
    if (conf_scope_outermost(level) == listener)
        return key;
    char *own = scope_state_key(key, listener);
    free(key);
    return own;
}

static void add_listener_sessions(struct session_limits *limits, const struct side *side,
                                  const struct conf_scope *listener)
{
    const struct policy_setting *setting = &side->limits.listener_sessions;
    const struct conf_scope *level = setter(side, setting);
    if (level)
        add(limits, listener_key(level, listener), setting->value->number, SESSION_LIMIT_SESSIONS);
}

/* Of a Peer, if one sets it. */
static void add_peer_sessions(struct session_limits *limits, const struct side *peers)
{
    const struct policy_setting *setting = &peers->limits.service_sessions;
    const struct conf_scope *level = setter(peers, setting);
    if (level)
        add(limits, mem_printf("service_sessions\n%s", conf_scope_key(level)), setting->value->number,
            SESSION_LIMIT_SESSIONS);
}

void session_limits_resolve(struct session_limits *limits, const struct conf_chain *chain,
                            const struct conf_scope *listener, const struct conf_scope *listen)
{
    struct side peers, others;
    read_side(&peers, chain, true);
    read_side(&others, chain, false);
    limits->count = 0;
    add_listener_sessions(limits, &peers, listener);
    add_peer_sessions(limits, &peers);
    add_listener_sessions(limits, &others, listener);
    add(limits, scope_state_key("max_connections", listen), others.limits.max_connections,
        SESSION_LIMIT_CONNECTIONS);
    add(limits, mem_dup("service_sessions"), others.limits.service_sessions.value->number,
        SESSION_LIMIT_SESSIONS);
}

void session_limits_release(struct session_limits *limits)
{
    while (limits->count > 0)
        scope_state_unref(&limits->items[--limits->count].budget->state);
}

/* ---- taking and returning slots --------------------------------------------------------------- */

static bool take(const struct session_limit *limit)
{
    _Atomic uint32_t *used = &limit->budget->used;
    uint32_t seen = atomic_load_explicit(used, memory_order_relaxed);
    do {
        if (limit->most && seen >= limit->most)
            return false;
    } while (!atomic_compare_exchange_weak_explicit(used, &seen, seen + 1, memory_order_acq_rel,
                                                    memory_order_relaxed));
    return true;
}

static void give(const struct session_limit *limit)
{
    atomic_fetch_sub_explicit(&limit->budget->used, 1, memory_order_acq_rel);
}

static bool has(const struct session_limits *limits, const struct session_budget *budget)
{
    for (unsigned i = 0; limits && i < limits->count; i++)
        if (limits->items[i].budget == budget)
            return true;
    return false;
}

/* Returns the slots of the first `count` budgets, except those that are also in `kept`. */
static void give_some(const struct session_limits *limits, unsigned count, const struct session_limits *kept)
{
    for (unsigned i = 0; i < count; i++)
        if (!has(kept, limits->items[i].budget))
            give(&limits->items[i]);
}

enum session_limit_kind session_limits_take(const struct session_limits *limits,
                                            const struct session_limits *held)
{
    for (unsigned i = 0; i < limits->count; i++) {
        if (has(held, limits->items[i].budget) || take(&limits->items[i]))
            continue;
        give_some(limits, i, held);
        return limits->items[i].kind;
    }
    if (held)
        give_some(held, held->count, limits);
    return SESSION_LIMIT_NONE;
}

void session_limits_give(const struct session_limits *limits)
{
    give_some(limits, limits->count, NULL);
}

uint32_t session_budget_used(const struct session_budget *budget)
{
    return atomic_load(&budget->used);
}
