/*
 * listen_policies.h: the terms of one Listen, for each combination of a Via block, or none, and a Peer block,
 * or none. Immutable after creation; any thread.
 */
#ifndef IMPULSE_SMTP_SERVER_LISTEN_POLICIES_H
#define IMPULSE_SMTP_SERVER_LISTEN_POLICIES_H

#include "net/addr.h"
#include "policy/policy_table.h"
#include "smtp/server/listen_terms.h"
#include "smtp/server/policy.h"

struct listen_policies;

/*
 * Creates the terms of `listen`, which must not be NULL. `table` owns the policies and must live longer.
 * Returns NULL with one line in error[] on failure. Main thread.
 */
struct listen_policies *listen_policies_create(const struct conf *conf, const struct conf_scope *listener,
                                               const struct conf_scope *listen, struct module_set *modules,
                                               struct policy_table *table, char *error, size_t error_size);
void listen_policies_free(struct listen_policies *policies); /* NULL is allowed */
/* Does any client of the Listen get a policy with deferred_spool? */
bool listen_policies_defer(const struct listen_policies *policies);
/* Writes the name of the Listen as used in logs: "*:25", "127.0.0.1:25", "/tmp/smtp"; NUL-terminated. */
void listen_policies_endpoint(const struct listen_policies *policies, char text[NET_ADDR_TEXT_SIZE]);
/*
 * Returns the terms for a client at `peer` that connected to `local`: those of the longest blocks that
 * contain the two addresses. Never NULL; valid as long as `policies`.
 */
const struct listen_terms *listen_policies_find(const struct listen_policies *policies,
                                                const struct net_addr *local, const struct net_addr *peer);

#endif
