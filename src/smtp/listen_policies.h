/*
 * listen_policies.h: the policies of one Listen: one without a Peer, one for each Peer block that applies to
 * it. Immutable once made; any thread.
 */
#ifndef IMPULSE_SMTP_LISTEN_POLICIES_H
#define IMPULSE_SMTP_LISTEN_POLICIES_H

#include "net/addr.h"
#include "smtp/policy_table.h"

struct listen_policies;

/* `listen` may not be NULL. The policies are the table's. NULL with one line in error[]. Main thread. */
struct listen_policies *listen_policies_create(const struct conf *conf, const struct conf_scope *listener,
                                               const struct conf_scope *listen, struct module_set *modules,
                                               struct policy_table *table, char *error, size_t error_size);
void listen_policies_free(struct listen_policies *policies); /* NULL is harmless */
/* The Listen as logs name it: "*:25", "127.0.0.1:25", "/tmp/smtp"; NUL-terminated. */
void listen_policies_endpoint(const struct listen_policies *policies, char text[NET_ADDR_TEXT_SIZE]);
/* The policy for a client at `peer` (the longest block that holds it). Never NULL. */
const struct esmtp_policy *listen_policies_find(const struct listen_policies *policies,
                                                const struct net_addr *peer);

#endif
