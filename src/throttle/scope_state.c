/*
 * scope_state: a process-wide tree of shared states, found by key.
 */
#include "throttle/scope_state.h"

#include <pthread.h>
#include <search.h>
#include <stdlib.h>
#include <string.h>
#include "base/mem.h"
#include "net/listener.h"

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static void *tree; /* nodes of tsearch: struct scope_state, protected by lock */

static int compare_states(const void *left, const void *right)
{
    const struct scope_state *a = left, *b = right;
    return strcmp(a->key, b->key);
}

struct scope_state *scope_state_get(const char *key, size_t size)
{
    struct scope_state *fresh = mem_zalloc(size);
    fresh->key = mem_dup(key);
    pthread_mutex_lock(&lock);
    struct scope_state **found = tsearch(fresh, &tree, compare_states);
    if (!found)
        abort(); /* out of memory: end the process, as mem_* does */
    struct scope_state *state = *found;
    state->references++;
    pthread_mutex_unlock(&lock);
    if (state != fresh) {
        free(fresh->key);
        free(fresh);
    }
    return state;
}

void scope_state_unref(struct scope_state *state)
{
    if (!state)
        return;
    pthread_mutex_lock(&lock);
    bool last = --state->references == 0;
    if (last)
        tdelete(state, &tree, compare_states);
    pthread_mutex_unlock(&lock);
    if (!last)
        return;
    free(state->key);
    free(state);
}

/*
 * Appends the path of `scope`, outermost stanza first, to `key`, which it frees. The parts are separated by
 * control characters, which names do not contain.
 */
static char *join_path(char *key, const struct conf_scope *scope)
{
    if (!conf_scope_parent(scope))
        return key;
    char endpoint[LISTENER_KEY_SIZE];
    const char *kind = conf_scope_kind(scope), *name = conf_scope_key(scope);
    if (strcmp(kind, "listen") == 0) {
        listener_endpoint_key(name, endpoint);
        name = endpoint;
    }
    key = join_path(key, conf_scope_parent(scope));
    char *longer = mem_printf("%s\n%s\t%s", key, kind, name);
    free(key);
    return longer;
}

char *scope_state_key(const char *purpose, const struct conf_scope *scope)
{
    return join_path(mem_dup(purpose), scope);
}
