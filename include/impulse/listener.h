/*
 * impulse/listener.h: a listener of a module's own protocol.
 *
 * The module's stanza holds Listen stanzas, as ESMTP_Listener does, with their options (listen_backlog, concurrency,
 * event_loop, file_mode, max_connections, enable, ...). Its manifest says so, because sockets are opened, as root where
 * that is needed, before modules are set up:
 *
 *     [echo]
 *     kind = singleton
 *     provides = listener
 *
 *     echo { Listen "127.0.0.1:7" { max_connections = 100 } }
 *
 * and in C:
 *
 *     static size_t received(struct imp_connection *connection, const char *data, size_t size, void *closure)
 *     {
 *         imp_connection_write(connection, data, size);
 *         return size;
 *     }
 *
 *     static void accepted(struct imp_connection *connection, void *closure)
 *     {
 *         static const struct imp_connection_handler handler = {.size = sizeof handler, .received = received};
 *         imp_connection_start(connection, &handler, NULL);
 *     }
 *     ... in setup:
 *     return imp_listener_add(module, &(struct imp_listener){.size = sizeof(struct imp_listener), .accepted = accepted});
 *
 * Thread: a connection belongs to one event loop for life; its functions are called, and may only be called, on that
 * loop's thread. They must not block.
 *
 * Reload: the sockets of Listens that stay are kept, with the connections that wait in them. New connections are handed
 * to the new instance; those that are open go on with the one that has accepted them, which stays until they are
 * closed. Without an instance that takes them (the stanza is disabled, or the module registers none) the start, or the
 * reload, fails. The end of the daemon closes connections at once.
 */
#ifndef IMPULSE_LISTENER_H
#define IMPULSE_LISTENER_H

#include "impulse/module.h"
#include "impulse/stream.h"

#ifdef __cplusplus
extern "C" {
#endif

struct imp_connection; /* an accepted connection; the daemon's, valid until `closed` has returned */

/* A client has connected; `closure` is the listener's. Without imp_connection_stream or imp_connection_start it is
 * hung up on when this returns. */
typedef void imp_accepted_fn(struct imp_connection *connection, void *closure);

struct imp_listener {
    size_t size;               /* sizeof(struct imp_listener) */
    imp_accepted_fn *accepted; /* required */
    void *closure;             /* lives as long as the instance */
};

/* Takes the connections of the Listens in this instance's stanza; only from setup, once; the struct is copied. 0, or -1
 * with a line in imp_module_error. */
IMP_API int imp_listener_add(struct imp_module *module, const struct imp_listener *listener);

/*
 * Takes the connection as a stream (stream.h), which may be encrypted, and has deadlines: `connected` is called in a
 * later turn, then the others. It counts as a connection of its Listen until it is closed, and keeps its instance
 * until then. Once, from `accepted`, instead of imp_connection_start; `connection` is invalid when `accepted` returns.
 * NULL with errno set as imp_stream_connect, and no function is called.
 */
IMP_API struct imp_stream *imp_connection_stream(struct imp_connection *connection,
                                                 const struct imp_stream_events *events, void *closure);

/* ---- or without a stream: the simplest way to serve --------------------------------------------------------- */

struct imp_connection_handler {
    size_t size; /* sizeof(struct imp_connection_handler) */
    /*
     * Bytes have come: returns how many of them it has used; the rest is given once more with what comes next. 64 KiB
     * that are not used, and nothing used, end the connection. Required.
     */
    size_t (*received)(struct imp_connection *connection, const char *data, size_t size, void *closure);
    /* The client says no more; it may still read. NULL: the connection is closed once what was written is sent. */
    void (*ended)(struct imp_connection *connection, void *closure);
    /* All that was written is with the kernel, after imp_connection_write returned 1. May be NULL. */
    void (*drained)(struct imp_connection *connection, void *closure);
    /* The last call: the connection is closed, by whichever side. Release what belongs to it. May be NULL. */
    void (*closed)(struct imp_connection *connection, void *closure);
};

/* Begins to read; once, from `accepted`. The handler is copied. */
IMP_API void imp_connection_start(struct imp_connection *connection,
                                  const struct imp_connection_handler *handler, void *closure);
/*
 * Sends; what the kernel does not take at once is kept in memory. 0: sent or kept; 1: kept, and more than 64 KiB wait:
 * nothing is read from the client, and no more should be written, before `drained`; -1: the connection is broken or
 * being closed.
 */
IMP_API int imp_connection_write(struct imp_connection *connection, const void *data, size_t size);
/* Closes once what was written is with the kernel; 30 seconds at most. No function but `closed` is called afterwards. */
IMP_API void imp_connection_close(struct imp_connection *connection);

/* "10.0.0.1", "unix"; "10.0.0.5:25", or the path; valid as long as the connection. */
IMP_API const char *imp_connection_peer_text(const struct imp_connection *connection);
IMP_API const char *imp_connection_local_text(const struct imp_connection *connection);
/* The peer as 16 bytes in network order, IPv4 as ::ffff:a.b.c.d. False for a Unix socket. */
IMP_API bool imp_connection_peer_address(const struct imp_connection *connection, uint8_t address[16]);
/* The name of the Listen that it came in by, as the configuration writes it; valid as long as the connection. */
IMP_API const char *imp_connection_listen(const struct imp_connection *connection);

#ifdef __cplusplus
}
#endif
#endif
