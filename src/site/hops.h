/*
 * hops: from a queue's routing options to the addresses to connect to, in order.
 *
 * Source of the order: Momentum 4 manual, routes; RFC 5321 section 5.1; RFC 7505 (null MX).
 */
#ifndef IMPULSE_SITE_HOPS_H
#define IMPULSE_SITE_HOPS_H

#include "dns/dns.h"
#include "net/addr.h"
#include "queue/queue.h"

enum { HOPS_LIMIT = 64 }; /* addresses tried for one connection */

struct hop {
    struct net_addr address; /* with port; AF_UNIX: see path */
    char *path;              /* owned; NULL unless AF_UNIX */
    uint64_t order;          /* the lower is tried first */
};

struct hops { /* zero-initialised is empty */
    struct hop items[HOPS_LIMIT];
    size_t count;
};
void hops_release(struct hops *hops);

struct hop_search {
    struct hops hops;
    /* Why there are none: what the queue's envelopes are to be told; set when hops.count is 0. */
    enum queue_verdict verdict;
    const char *response;
    /* Called once, on the loop; possibly within hop_search_start. */
    void (*done)(struct hop_search *search);
    void *closure; /* the asker's */

    /* the search's own: */
    struct resolver *resolver;
    uint16_t default_port;
    unsigned turn;
    unsigned pending;
    bool any_preference;
    bool no_domain, null_mx, lookup_failed, routed;
};

/*
 * Looks up where `queue` delivers to, and calls done. `turn` counts connections: hosts of equal preference
 * take turns at being the first. The search must stay alive until done; nothing stops it earlier but
 * resolver_free, after which done is not called.
 */
void hop_search_start(struct hop_search *search, struct resolver *resolver, struct queue *queue,
                      uint16_t default_port, unsigned turn);

#endif
