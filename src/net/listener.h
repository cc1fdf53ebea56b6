/*
 * listener: a listening socket with its options, and the ways its connections reach an event loop.
 *
 * One Listen stanza is one socket (Momentum 4 manual, esmtp-listener: "Listen stanzas map 1:1 to an underlying
 * socket"). Without a thread pool every loop of the group polls that socket and accepts one connection a turn, so
 * the idle loop takes the work. With one, `concurrency` acceptor threads of the pool accept and hand over to the
 * loops in turn through a bounded queue.
 */
#ifndef IMPULSE_NET_LISTENER_H
#define IMPULSE_NET_LISTENER_H

#include "event/loop.h"
#include "event/pool.h"
#include "net/addr.h"

struct listener;

struct listener_settings { /* borrowed for listener_open, which copies what it keeps */
    const char *endpoint;  /* the Listen stanza's name: ":25", "10.0.0.1:25", "[::1]:25", "[*]:25", "/path" */
    int backlog;           /* Listen_Backlog, default 500 */
    int recv_buffer;       /* TCP_Recv_Buffer_Size in bytes for SO_RCVBUF; 0: leave to the kernel */
    int send_buffer;       /* TCP_Send_Buffer_Size likewise */
    bool no_delay;         /* Disable_Nagle_Algorithm: TCP_NODELAY on each connection */
    unsigned file_mode;    /* File_Mode of a Unix socket, default 0660 */
    unsigned concurrency;  /* acceptor threads; 0: the loops accept */
    struct pool *pool;     /* where acceptor threads run; needed when concurrency > 0 */
    unsigned
        accept_queue_backlog; /* Accept_Queue_Backlog: connections accepted and not yet taken by a loop, for
                                       each loop; 0: no limit but the kernel's */
    unsigned events_per_iter; /* Events_Per_Iter: of those, taken per turn of a loop; below 1 counts as 1 */
};

/*
 * Called on the thread of `loop` with a connected, non-blocking, close-on-exec socket, which is the callee's from
 * then on. `local` and `peer` are valid during the call.
 */
typedef void listener_accept_fn(struct loop *loop, int fd, const struct net_addr *local,
                                const struct net_addr *peer, void *argument);

/* Is `endpoint` an address that a Listen stanza may have? On false, error[] says what was expected. */
bool listener_endpoint_check(const char *endpoint, char *error, size_t error_size);
/*
 * Writes the same text for all endpoints that are the same address: ":25" and "*:25". Port 0 is a port of its own
 * each time, so such an endpoint stays as it is written.
 */
enum { LISTENER_KEY_SIZE = 128 };
void listener_endpoint_key(const char *endpoint, char key[LISTENER_KEY_SIZE]);

/*
 * Opens, configures and binds the socket, and listens. Runs before root is dropped. NULL on failure with one line
 * in error[]: what was tried and the system's reason. A stale Unix socket (nobody answers) is replaced; one that
 * answers is an error.
 */
struct listener *listener_open(const struct listener_settings *settings, char *error, size_t error_size);
/* Begins to accept. The group (and pool) must be running. accept is called until listener_stop returns. Main thread. */
void listener_start(struct listener *listener, struct loop_group *group, listener_accept_fn *accept,
                    void *argument);
/*
 * Stops accepting, waits until no loop or acceptor uses the socket any more. Connections queued in a loop's accept
 * queue are still delivered first. The group (and pool) must still be running. It may be started again. Main thread.
 */
void listener_stop(struct listener *listener);
/*
 * Makes of an open socket what `settings` says, whose endpoint must be the same address. Who accepts is replaced
 * when that is what changed; meanwhile connections wait in the kernel. False with one line in error[] about what
 * this socket cannot become; the rest is done. Started or not. Main thread.
 */
bool listener_change(struct listener *listener, const struct listener_settings *settings, char *error,
                     size_t error_size);
/* Closes the socket (and removes a Unix socket's file) and frees. Stopped or never started. */
void listener_close(struct listener *listener);
/*
 * The same for a listener that is started: stops, and hands the connections that wait in the kernel to the loops, so
 * that nobody who was let in is hung up on. Returns when the loops have them. Main thread.
 */
void listener_retire(struct listener *listener);
/* The listening socket, for who accepts in a way of its own; it stays the listener's. */
int listener_descriptor(const struct listener *listener);
const char *listener_endpoint(const struct listener *listener);
/* The bound address, with the real port when port 0 was asked for. */
const struct net_addr *listener_address(const struct listener *listener);

#endif
