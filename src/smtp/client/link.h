/*
 * link.h: connects to the first of several next hops that answers, with one deadline.
 *
 * The user is told when a hop is connected (`up`). It reads and writes through link->stream, and may reject
 * the hop with link_give_up_hop, whereupon the next hop is tried. On the loop's thread only.
 */
#ifndef IMPULSE_SMTP_CLIENT_LINK_H
#define IMPULSE_SMTP_CLIENT_LINK_H

#include "site/hops.h"
#include "net/stream.h"

struct link;

enum {
    LINK_PEER_SIZE = 112, /* an address, or the path of a Unix socket */
    LINK_RESPONSE_SIZE = 512,
};

struct link_user {
    void (*up)(struct link *link); /* connected to link->peer; reading has started */
    void (*unreachable)(
        struct link *link); /* all hops failed; link->failure has the reason of the last one */
    /*
     * No connection can be begun, because this machine lacks something: `error` is a negative errno
     * (error_is_local). No further hop is tried, unless it is a port that was lacking: then none of them was of use.
     */
    void (*obstructed)(struct link *link, int error);
    void (*readable)(struct link *link);
    void (*drained)(struct link *link);
    void (*timed_out)(struct link *link); /* the deadline passed; only after `up` */
    void (*closed)(struct link *link);    /* follows link_close: the link may be freed now */
};

struct link_failure {
    unsigned stage; /* Momentum's connection stage */
    size_t size;
    char response[LINK_RESPONSE_SIZE];
};

struct link {
    struct stream stream;
    uv_timer_t timer;
    struct loop *loop;
    const struct link_user *user;
    const struct hops *hops;
    size_t next_hop;
    const char *bind_address;  /* NULL: the kernel chooses; borrowed until up or unreachable */
    unsigned connect_timeout;  /* seconds */
    char peer[LINK_PEER_SIZE]; /* address of the current hop */
    char *host;                /* its host (struct hop), owned; NULL: none */
    struct link_failure failure;
    uint64_t deadline, timer_due; /* loop time in ms; 0: none */
    int obstacle; /* negative errno for `obstructed`: a hop that could not be tried; 0: none */
    bool stream_open, up, closing, timer_closed;
};

/*
 * Initialises `link`. No function of `user` is called before link_try. `user` is borrowed as long as the link
 * exists.
 */
void link_init(struct link *link, struct loop *loop, const struct link_user *user);
/*
 * Tries the hops in order, each for up to `connect_timeout` seconds. `hops` and `bind_address` (NULL: the
 * kernel chooses the source address) are borrowed until unreachable or obstructed is called, or until the user needs no
 * further hop after `up`.
 */
void link_try(struct link *link, const struct hops *hops, const char *bind_address, unsigned connect_timeout);
/*
 * Closes the connected hop, records `stage` (Momentum's connection stage) and `response`, which it copies,
 * and tries the next hop in a later turn of the loop.
 */
void link_give_up_hop(struct link *link, unsigned stage, struct slice response);
/* Sets the deadline: timed_out is called after `seconds` unless a new deadline is set before. */
void link_set_deadline(struct link *link, unsigned seconds);
/* Closes everything; `closed` is called in a later turn of the loop. A second call has no effect. */
void link_close(struct link *link);

#endif
