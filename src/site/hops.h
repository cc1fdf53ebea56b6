/*
 * hops.h: turns a queue's routing options into an ordered list of addresses to connect to.
 *
 * Source of the order: Momentum 4 manual, routes; RFC 5321 section 5.1; RFC 7505 (null MX).
 */
#ifndef IMPULSE_SITE_HOPS_H
#define IMPULSE_SITE_HOPS_H

#include "dns/dns.h"
#include "net/addr.h"
#include "queue/queue.h"

enum { HOPS_LIMIT = 64 }; /* maximum number of addresses tried for one connection */

struct hop {
    struct net_addr address; /* with port; for AF_UNIX see path */
    char *path;              /* owned; NULL unless AF_UNIX */
    char *host; /* owned; its name in DNS, or its address where that is all that is known; NULL: AF_UNIX */
    uint64_t order; /* lower values are tried first */
};

struct hops { /* an all-zero struct is an empty list */
    struct hop items[HOPS_LIMIT];
    size_t count;
};
/* Frees the texts and empties the list. Any thread. */
void hops_release(struct hops *hops);

struct hop_search {
    struct hops hops;
    /*
     * If hops.count is 0: the reason, as verdict and response for the queue's envelopes. `response` is a
     * static string.
     */
    enum queue_verdict verdict;
    const char *response;
    /*
     * If hops.count is 0: what this machine lacks for lookups, a text that lives until `done` returns. The messages
     * were not tried. NULL: nothing.
     */
    const char *obstacle;
    /* Called once, on the resolver's loop; possibly from within hop_search_start. */
    void (*done)(struct hop_search *search);
    void *closure; /* for the caller; not used here */

    /* private to the search: */
    struct resolver *resolver;
    uint16_t default_port;
    unsigned turn;
    unsigned pending;
    bool any_preference;
    bool no_domain, null_mx, lookup_failed, routed;
};

/*
 * Looks up the addresses that `queue` delivers to and then calls search->done. The caller has set `done` and
 * `closure` and zeroed the rest. `default_port` is used where a route has no port. `turn` is the number of
 * the connection: hosts of equal preference take turns at being tried first. `search` must stay allocated
 * until done is called; afterwards the caller releases search->hops with hops_release. Only resolver_free
 * ends a search early; done is then not called. Called on the resolver's loop.
 */
void hop_search_start(struct hop_search *search, struct resolver *resolver, struct queue *queue,
                      uint16_t default_port, unsigned turn);

#endif
