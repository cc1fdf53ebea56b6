/*
 * sdk_stream_private.h: what the files of a module's streams share.
 *
 *   sdk_stream.c     connecting, time, the end
 *   sdk_stream_io.c  reading, writing, TLS
 */
#ifndef IMPULSE_SDK_SDK_STREAM_PRIVATE_H
#define IMPULSE_SDK_SDK_STREAM_PRIVATE_H

#include "base/list.h"
#include "impulse/stream.h"
#include "net/addr.h"
#include "net/stream.h"
#include "sdk/sdk_loop.h"

enum {
    ADDRESSES = 16,  /* that are tried */
    PEER_SIZE = 112, /* an address with its port, or a path */
    TEXT_SIZE = 256,
};

enum stage {
    RESOLVING,  /* or waiting for the first turn */
    CONNECTING, /* to an address, or between two */
    SECURING,
    OPEN,
    ENDING, /* `closed` will be called when all handles are closed */
};

struct imp_stream {
    struct sdk_open open;
    struct stream stream;
    uv_timer_t timer;
    enum stage stage;
    bool stream_open, timer_open;
    bool paused, at_end, finished, told_connected;
    struct imp_stream_events events;
    void *closure;
    struct runner runner;
    char *path, *host, *source, *tls_name;
    struct tls_client *tls;
    uint16_t port;
    uint64_t connect_ms, attempt_due, deadline; /* loop time; due and deadline: 0 for none */
    size_t read_limit, write_limit;
    struct lookup *lookups[2]; /* AAAA and A, under way */
    struct net_addr addresses[ADDRESSES];
    size_t address_count, next_address;
    enum imp_stream_end why;
    char peer[PEER_SIZE], text[TEXT_SIZE];
    void (*gone)(void *closure); /* NULL: nobody is told */
    void *gone_closure;
};

static inline struct imp_stream *sdk_stream_of(struct stream *stream)
{
    return container_of(stream, struct imp_stream, stream);
}

/* Calls a function of the owner, if it has that one. */
#define SDK_STREAM_TELL(s, event, ...)                                                                       \
    do {                                                                                                     \
        if ((s)->events.event) {                                                                             \
            const struct runner *outer = runner_enter(&(s)->runner);                                         \
            (s)->events.event(s, __VA_ARGS__);                                                               \
            runner_leave(outer);                                                                             \
        }                                                                                                    \
    } while (0)

/* Begins to close the stream; `closed` will say why. `text` may be s->text. Once; then harmless. */
void sdk_stream_end(struct imp_stream *s, enum imp_stream_end why, const char *text);
/* Starts the timer for whichever comes first, the end of the attempt or the deadline. */
void sdk_stream_set_timer(struct imp_stream *s);

/* Of the handler: sdk_stream_io.c. */
void sdk_stream_on_readable(struct stream *stream);
void sdk_stream_on_drained(struct stream *stream);

#endif
