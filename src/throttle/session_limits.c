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

/*
 * Returns the first level of `chain` that sets `option`, among the Peers (`peer`) or among all other scopes;
 * NULL if none does.
 */
static const struct conf_scope *level_of(const struct conf_chain *chain, const char *option, bool peer)
{
    for (size_t i = 0; i < chain->count; i++) {
        bool is_peer = strcmp(conf_scope_kind(chain->levels[i]), "peer") == 0;
        if (is_peer == peer && conf_scope_value(chain->levels[i], option))
            return chain->levels[i];
    }
    return NULL;
}

static int64_t number_of(const struct conf_scope *scope, const char *option)
{
    return scope ? conf_scope_value(scope, option)->number : 0;
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

static void add_listener_sessions(struct session_limits *limits, const struct conf_chain *chain,
                                  const struct conf_scope *listener, bool peer)
{
    const struct conf_scope *level = level_of(chain, "listener_sessions", peer);
    if (level)
        add(limits, listener_key(level, listener), number_of(level, "listener_sessions"),
            SESSION_LIMIT_SESSIONS);
}

static void add_service_sessions(struct session_limits *limits, const struct conf_chain *chain, bool peer)
{
    const struct conf_scope *level = level_of(chain, "service_sessions", peer);
    if (!peer)
        add(limits, mem_dup("service_sessions"), number_of(level, "service_sessions"),
            SESSION_LIMIT_SESSIONS);
    else if (level)
        add(limits, mem_printf("service_sessions\n%s", conf_scope_key(level)),
            number_of(level, "service_sessions"), SESSION_LIMIT_SESSIONS);
}

void session_limits_resolve(struct session_limits *limits, const struct conf_chain *chain,
                            const struct conf_scope *listener, const struct conf_scope *listen)
{
    limits->count = 0;
    add_listener_sessions(limits, chain, listener, true);
    add_service_sessions(limits, chain, true);
    add_listener_sessions(limits, chain, listener, false);
    add(limits, scope_state_key("max_connections", listen), conf_chain_int(chain, "max_connections"),
        SESSION_LIMIT_CONNECTIONS);
    add_service_sessions(limits, chain, false);
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
