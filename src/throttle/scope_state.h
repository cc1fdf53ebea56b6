/*
 * scope_state.h: counters of a configuration scope that survive reloads. The new generation finds the
 * counters of the old one under the same key while anything still refers to them. Used by src/throttle, on
 * behalf of src/smtp/server.
 *
 * A lookup takes a lock and is meant for configuration loading. The users of a state synchronise access to
 * its contents themselves.
 */
#ifndef IMPULSE_THROTTLE_SCOPE_STATE_H
#define IMPULSE_THROTTLE_SCOPE_STATE_H

#include <stddef.h>
#include "confparse/confparse.h"

struct scope_state { /* first member of each shared struct */
    char *key;       /* owned */
    unsigned references;
};

/*
 * Returns the state under `key`, with one more reference, which the caller owns. If there is none, allocates
 * `size` zeroed bytes. All users of a key must pass the same size. Any thread.
 */
struct scope_state *scope_state_get(const char *key, size_t size);
void scope_state_unref(struct scope_state *state); /* drops a reference, the last one frees the state; any
                                                      thread; NULL is allowed */

/*
 * Returns the key under which `purpose` keeps a state for `scope`. It is the same for the same scope in every
 * generation. The caller frees it. Any thread.
 */
char *scope_state_key(const char *purpose, const struct conf_scope *scope);

#endif
