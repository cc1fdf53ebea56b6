/*
 * listen_policies: which policy a client of a Listen gets, by its address.
 */
#include "smtp/listen_policies.h"

#include <stdio.h>
#include <stdlib.h>
#include "base/mem.h"
#include "confparse/chain.h"
#include "net/cidr.h"

struct listen_policies {
    const char *endpoint;       /* the stanza's name; the configuration's */
    struct cidr_table *by_peer; /* values: struct esmtp_policy of the table */
    const struct esmtp_policy *general;
};

struct making { /* what the steps of making them share */
    const struct conf *conf;
    const struct conf_scope *listener, *listen;
    struct module_set *modules;
    struct policy_table *table;
    struct listen_policies *policies;
    char *error;
    size_t error_size;
};

static const struct esmtp_policy *find_policy(const struct making *making, const uint8_t *address,
                                              unsigned bits)
{
    struct conf_chain chain;
    struct conf_clients clients = {.listener = making->listener, .listen = making->listen};
    clients.peer.known = address != NULL;
    clients.peer.bits = bits;
    if (address)
        memcpy(clients.peer.address, address, sizeof clients.peer.address);
    conf_chain_clients(&chain, making->conf, &clients);
    return policy_table_find(making->table, &chain, making->modules, making->error, making->error_size);
}

static void set_block(struct listen_policies *policies, const uint8_t address[16], unsigned bits,
                      const struct esmtp_policy *policy)
{
    cidr_table_set(policies->by_peer, address, bits, (void *)policy);
}

/* One policy for each Peer block below `scope`. */
static bool add_peers(const struct making *making, const struct conf_scope *scope)
{
    for (const struct conf_scope *peer = NULL; (peer = conf_scope_next(scope, "peer", peer));) {
        uint8_t address[16];
        unsigned bits;
        if (!conf_parse_cidr(conf_scope_name(peer), address, &bits))
            continue; /* the load refused it already */
        const struct esmtp_policy *policy = find_policy(making, address, bits);
        if (!policy)
            return false;
        set_block(making->policies, address, bits, policy);
    }
    return true;
}

static bool add_all(const struct making *making)
{
    static const uint8_t ipv4[16] = {[10] = 0xff, [11] = 0xff};
    struct listen_policies *policies = making->policies;
    policies->general = find_policy(making, NULL, 0);
    if (!policies->general)
        return false;
    set_block(policies, ipv4, 96, policies->general); /* a Peer "::/0" holds no IPv4 client */
    return add_peers(making, making->listener) && add_peers(making, making->listen);
}

struct listen_policies *listen_policies_create(const struct conf *conf, const struct conf_scope *listener,
                                               const struct conf_scope *listen, struct module_set *modules,
                                               struct policy_table *table, char *error, size_t error_size)
{
    struct listen_policies *policies = mem_new(struct listen_policies);
    struct making making = {conf, listener, listen, modules, table, policies, error, error_size};
    policies->endpoint = conf_scope_name(listen);
    policies->by_peer = cidr_table_create();
    if (add_all(&making))
        return policies;
    listen_policies_free(policies);
    return NULL;
}

void listen_policies_free(struct listen_policies *policies)
{
    if (!policies)
        return;
    cidr_table_free(policies->by_peer);
    free(policies);
}

const struct esmtp_policy *listen_policies_find(const struct listen_policies *policies,
                                                const struct net_addr *peer)
{
    if (peer->family != AF_INET && peer->family != AF_INET6)
        return policies->general;
    uint8_t mapped[16];
    net_addr_mapped(peer, mapped);
    const struct esmtp_policy *policy = cidr_table_find(policies->by_peer, mapped);
    return policy ? policy : policies->general;
}

void listen_policies_endpoint(const struct listen_policies *policies, char text[NET_ADDR_TEXT_SIZE])
{
    const char *any = policies->endpoint[0] == ':' ? "*" : "";
    snprintf(text, NET_ADDR_TEXT_SIZE, "%s%s", any, policies->endpoint);
}
