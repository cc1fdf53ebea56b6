/*
 * chain: the parts of a fallback chain that are named outright, for chains that follow from a path (path.c)
 * instead of from a message. See confparse.h for the order of the levels. Pure; any thread.
 */
#ifndef IMPULSE_CONFPARSE_CHAIN_H
#define IMPULSE_CONFPARSE_CHAIN_H

#include "confparse/confparse.h"

struct conf_block {
    bool known; /* false: no address, which no Peer and no Via covers */
    uint8_t address[16];
    unsigned bits;
};

struct conf_clients {                           /* who connects, and where to */
    const struct conf_scope *listener, *listen; /* each may be NULL */
    struct conf_block local, peer;
};

/* conf_chain_inbound for all of two blocks: asks the Vias and Peers that cover all of them. */
void conf_chain_clients(struct conf_chain *chain, const struct conf *conf,
                        const struct conf_clients *clients);

/* What an outbound chain is made of; each may be NULL. */
struct conf_route {
    const struct conf_scope *group;  /* Binding_Group */
    const struct conf_scope *nested; /* the binding that stands in the group */
    const struct conf_scope *alone;  /* the binding of that name that stands in the global scope */
    const char *domain;
};

/* The Binding of that name (not NULL or "") and the group it is in. */
void conf_route_of(struct conf_route *route, const struct conf *conf, const char *binding);
/* conf_chain_outbound for that route. */
void conf_chain_route(struct conf_chain *chain, const struct conf *conf, const struct conf_route *route);
/*
 * The levels of a Host, which have a fallback of their own: binding_group::binding::host,
 * binding_group::host, binding::host, host. No other level is asked (Momentum 4 manual,
 * "outbound_throttle_messages", "max_outbound_connections"). In each, the exact name comes before regular
 * expressions in order of the file.
 */
void conf_chain_host(struct conf_chain *chain, const struct conf *conf, const struct conf_route *route,
                     const char *host);

/*
 * conf_chain_value for the chain of a Host: max_outbound_connections is -1, unlimited, when no Host sets it
 * (Momentum 4 manual, "max_outbound_connections").
 */
const struct conf_value *conf_chain_host_value(const struct conf_chain *chain, const char *option);

/* The levels of a Pathway and its group, without a listener. */
void conf_chain_pathway(struct conf_chain *chain, const struct conf *conf, const struct conf_scope *group,
                        const char *pathway);

#endif
