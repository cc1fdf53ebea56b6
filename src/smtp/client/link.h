/*
 * link: a connection to the first of several next hops that answers, with one deadline.
 *
 * Its user is told when a hop is connected (`up`), may find that hop wanting (link_give_up_hop: the next one
 * is tried), and reads and writes through link->stream meanwhile. The loop's thread only.
 */
#ifndef IMPULSE_SMTP_CLIENT_LINK_H
#define IMPULSE_SMTP_CLIENT_LINK_H

#include "site/hops.h"
#include "net/stream.h"

struct link;

enum {
    LINK_PEER_SIZE = 112, /* an address or the path of a socket */
    LINK_RESPONSE_SIZE = 512,
};

struct link_user {
    void (*up)(struct link *link); /* connected to link->peer; reading is on */
    void (*unreachable)(
        struct link *link); /* no hop is left; link->failure says why the last one was not it */
    void (*readable)(struct link *link);
    void (*drained)(struct link *link);
    void (*timed_out)(struct link *link); /* after `up`: the deadline passed */
    void (*closed)(struct link *link);    /* after link_close: it may be freed now */
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
    char peer[LINK_PEER_SIZE]; /* of the hop that is tried or connected */
    struct link_failure failure;
    uint64_t deadline, timer_due; /* loop time in ms; 0: none */
    bool stream_open, up, closing, timer_closed;
};

/* Prepares; nothing is called back before link_try. */
void link_init(struct link *link, struct loop *loop, const struct link_user *user);
/* Tries the hops in order. `hops` is borrowed until up was called for the last time or unreachable. */
void link_try(struct link *link, const struct hops *hops, const char *bind_address, unsigned connect_timeout);
/* The connected hop is of no use: closes it, notes why, and tries the next in a later turn. */
void link_give_up_hop(struct link *link, unsigned stage, struct slice response);
/* `timed_out` is called unless the deadline is set anew within `seconds`. */
void link_set_deadline(struct link *link, unsigned seconds);
/* Closes everything; `closed` follows in a later turn. Twice is harmless. */
void link_close(struct link *link);

#endif
