/*
 * listen_policies: finds the terms for a client of a Listen by its address and the one that it connected to.
 */
#include "smtp/server/listen_policies.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "base/mem.h"
#include "confparse/chain.h"
#include "net/cidr.h"
#include "throttle/message_throttle.h"

/*
 * There are terms for each pair of Via and Peer. More than this many for one Listen are a configuration
 * error.
 */
enum { TERMS_MAX = 2000000 };

struct client_terms { /* terms for the clients that connect to one block of local addresses */
    struct cidr_table *by_peer;
    const struct listen_terms *general;
};

struct listen_policies {
    const char *endpoint; /* the stanza's name; owned by the configuration */
    struct client_terms general;
    struct cidr_table *by_local; /* values: struct client_terms; NULL: no Via applies */
    struct client_terms **vias;
    size_t via_count;
    struct listen_terms **terms; /* all terms, for freeing */
    size_t count, room;
};

struct making { /* shared by the functions that create the terms */
    const struct conf *conf;
    const struct conf_scope *listener, *listen;
    struct module_set *modules;
    struct policy_table *table;
    struct listen_policies *policies;
    char *error;
    size_t error_size;
};

static const struct conf_block no_block = {.known = false};
static const uint8_t ipv4[16] = {[10] = 0xff, [11] = 0xff};

static struct listen_terms *add_terms(const struct making *making, const struct conf_block *local,
                                      const struct conf_block *peer)
{
    struct listen_policies *policies = making->policies;
    struct conf_clients clients = {making->listener, making->listen, *local, *peer};
    struct conf_chain chain;
    conf_chain_clients(&chain, making->conf, &clients);
    if (policies->count == TERMS_MAX) {
        snprintf(making->error, making->error_size,
                 "Listen \"%s\": its Vias and Peers make more than %d combinations",
                 conf_scope_name(making->listen), TERMS_MAX);
        return NULL;
    }
    struct esmtp_policy_making modules = {making->modules, making->error, making->error_size};
    const struct esmtp_policy *policy = policy_table_find(making->table, &chain, &modules);
    if (!policy)
        return NULL;
    if (policies->count == policies->room) {
        policies->room = policies->room ? 2 * policies->room : 8;
        policies->terms = mem_resize(policies->terms, policies->room * sizeof *policies->terms);
    }
    struct listen_terms *terms = mem_new(struct listen_terms);
    policies->terms[policies->count++] = terms;
    terms->policy = policy;
    session_limits_resolve(&terms->limits, &chain, making->listener, making->listen);
    terms->throttle = message_throttle_resolve(&chain);
    return terms;
}

static struct conf_block block_of(const struct conf_scope *scope)
{
    struct conf_block block = {.known = false};
    block.known = conf_parse_cidr(conf_scope_key(scope), block.address, &block.bits);
    return block; /* invalid blocks were rejected when the file was loaded */
}

/* Adds terms for each Peer block in `scope`. */
static bool add_peers(const struct making *making, struct client_terms *clients,
                      const struct conf_block *local, const struct conf_scope *scope)
{
    for (const struct conf_scope *stanza = NULL; (stanza = conf_scope_next(scope, "peer", stanza));) {
        struct conf_block peer = block_of(stanza);
        struct listen_terms *terms = add_terms(making, local, &peer);
        if (!terms)
            return false;
        cidr_table_set(clients->by_peer, peer.address, peer.bits, terms);
    }
    return true;
}

/* Adds all terms for clients that connect to `local`. */
static bool add_clients(const struct making *making, struct client_terms *clients,
                        const struct conf_block *local)
{
    struct conf_clients anybody = {making->listener, making->listen, *local, no_block};
    struct conf_chain chain;
    conf_chain_clients(&chain, making->conf, &anybody);
    struct listen_terms *general = add_terms(making, local, &no_block);
    clients->by_peer = cidr_table_create();
    clients->general = general;
    if (!general)
        return false;
    /* so that a Peer "::/0" does not include IPv4 clients */
    cidr_table_set(clients->by_peer, ipv4, 96, general);
    for (size_t i = 0; i < chain.count; i++)
        if (strcmp(conf_scope_kind(chain.levels[i]), "via") == 0 &&
            !add_peers(making, clients, local, chain.levels[i]))
            return false;
    return add_peers(making, clients, local, making->listener) &&
           add_peers(making, clients, local, making->listen);
}

/* Adds all terms for each Via block in `scope`. */
static bool add_vias(const struct making *making, const struct conf_scope *scope)
{
    struct listen_policies *policies = making->policies;
    for (const struct conf_scope *stanza = NULL; (stanza = conf_scope_next(scope, "via", stanza));) {
        struct conf_block local = block_of(stanza);
        if (!policies->by_local) {
            policies->by_local = cidr_table_create();
            cidr_table_set(policies->by_local, ipv4, 96, &policies->general);
        }
        struct client_terms *clients = mem_new(struct client_terms);
        policies->vias = mem_resize(policies->vias, (policies->via_count + 1) * sizeof *policies->vias);
        policies->vias[policies->via_count++] = clients;
        cidr_table_set(policies->by_local, local.address, local.bits, clients);
        if (!add_clients(making, clients, &local))
            return false;
    }
    return true;
}

struct listen_policies *listen_policies_create(const struct conf *conf, const struct conf_scope *listener,
                                               const struct conf_scope *listen, struct module_set *modules,
                                               struct policy_table *table, char *error, size_t error_size)
{
    struct listen_policies *policies = mem_new(struct listen_policies);
    struct making making = {conf, listener, listen, modules, table, policies, error, error_size};
    policies->endpoint = conf_scope_name(listen);
    if (add_clients(&making, &policies->general, &no_block) && add_vias(&making, listener) &&
        add_vias(&making, listen))
        return policies;
    listen_policies_free(policies);
    return NULL;
}

bool listen_policies_defer(const struct listen_policies *policies)
{
    for (size_t i = 0; i < policies->count; i++)
        if (policies->terms[i]->policy->deferred_spool)
            return true;
    return false;
}

void listen_policies_free(struct listen_policies *policies)
{
    if (!policies)
        return;
    for (size_t i = 0; i < policies->count; i++) {
        session_limits_release(&policies->terms[i]->limits);
        message_throttle_unref(policies->terms[i]->throttle);
        free(policies->terms[i]);
    }
    for (size_t i = 0; i < policies->via_count; i++) {
        cidr_table_free(policies->vias[i]->by_peer);
        free(policies->vias[i]);
    }
    cidr_table_free(policies->general.by_peer);
    if (policies->by_local)
        cidr_table_free(policies->by_local);
    free(policies->terms);
    free(policies->vias);
    free(policies);
}

/* Returns the value of the longest block that contains `address`, or NULL. */
static void *find_block(const struct cidr_table *table, const struct net_addr *address)
{
    uint8_t mapped[16];
    if (!table || (address->family != AF_INET && address->family != AF_INET6))
        return NULL;
    net_addr_mapped(address, mapped);
    return cidr_table_find(table, mapped);
}

const struct listen_terms *listen_policies_find(const struct listen_policies *policies,
                                                const struct net_addr *local, const struct net_addr *peer)
{
    const struct client_terms *clients = find_block(policies->by_local, local);
    if (!clients)
        clients = &policies->general;
    const struct listen_terms *terms = find_block(clients->by_peer, peer);
    return terms ? terms : clients->general;
}

void listen_policies_endpoint(const struct listen_policies *policies, char text[NET_ADDR_TEXT_SIZE])
{
    const char *any = policies->endpoint[0] == ':' ? "*" : "";
    snprintf(text, NET_ADDR_TEXT_SIZE, "%s%s", any, policies->endpoint);
}
