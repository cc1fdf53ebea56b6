/*
 * scope_state.h: what is counted for a scope of the configuration, and survives reloads: the next generation
 * finds the counters of the one before under the same key, whoever still uses them. For src/smtp/server.
 *
 * Finding takes a lock, and is for loading a configuration; what is in the state is its owner's business.
 */
#ifndef IMPULSE_THROTTLE_SCOPE_STATE_H
#define IMPULSE_THROTTLE_SCOPE_STATE_H

#include <stddef.h>
#include "confparse/confparse.h"

struct scope_state { /* the first member of what is shared */
    char *key;       /* owned */
    unsigned references;
};

/*
 * The state under `key`, with one more reference; one of `size` zeroed bytes is made if there is none. All
 * users of a key ask for the same size. Any thread.
 */
struct scope_state *scope_state_get(const char *key, size_t size);
void scope_state_unref(struct scope_state *state); /* any thread; NULL is harmless */

/*
 * A key for what `purpose` counts in `scope`: the same for the same scope of every generation. The caller
 * frees it.
 */
char *scope_state_key(const char *purpose, const struct conf_scope *scope);

#endif
