/*
 * stream: a connected non-blocking socket on a loop, with an input buffer and an output buffer.
 *
 * The seam under which TLS sits: whoever uses a stream consumes `in` and appends to `out`, both plain text,
 * and never sees the socket. The loop's thread only. A stream lives inside its owner's object.
 */
#ifndef IMPULSE_NET_STREAM_H
#define IMPULSE_NET_STREAM_H

#include <uv.h>
#include "base/buf.h"
#include "event/loop.h"

struct stream;
struct stream_tls;
struct tls_client;
struct tls_context;
struct tls_facts;

struct stream_handler {
    /*
     * The socket is readable (or at its end): call stream_fill. Only while reading is on, and once more when
     * output that waited could not be sent: the connection is broken, and stream_flush says so from then on.
     */
    void (*readable)(struct stream *stream);
    /* Everything written is with the kernel; only after a stream_flush that could not finish at once. */
    void (*drained)(struct stream *stream);
    /* The other side has closed its end, or the connection is broken: once after stream_watch_end. */
    void (*ended)(struct stream *stream);
    /* Connecting (stream_connect) ended: 0 or a negative errno. */
    void (*connected)(struct stream *stream, int error);
    /* After stream_close: the object may be freed now. */
    void (*closed)(struct stream *stream);
    /*
     * The handshake that stream_start_tls began is over, in a later turn: 0, or a negative errno (-EPROTO: it
     * failed, stream_tls_reason says why), after which the stream can only be closed.
     */
    void (*secured)(struct stream *stream, int error);
};

struct stream {
    uv_poll_t poll;
    struct loop *loop;
    const struct stream_handler *handler;
    int fd;
    int events;        /* what poll watches now */
    int handles;       /* that are being closed */
    bool reading;      /* the owner wants `readable` */
    bool watching_end; /* the owner wants `ended` */
    bool connecting;
    bool blocked; /* output waits for the socket */
    bool closing;
    int error;              /* why nothing can be sent any more, a negative errno; 0: it can */
    struct stream_tls *tls; /* NULL: plain text */
    struct buf in;          /* received, not yet consumed by the owner */
    struct buf out;         /* appended by the owner, not yet taken by the kernel */
};

/* Takes over a connected fd; reading is off. 0 or a negative errno (the fd is then still the caller's). */
int stream_open(struct stream *stream, struct loop *loop, int fd, const struct stream_handler *handler);
/* Takes over a fd whose connect() returned 0 or EINPROGRESS; `connected` is called in a later turn. */
int stream_connect(struct stream *stream, struct loop *loop, int fd, const struct stream_handler *handler);

void stream_read_start(struct stream *stream);
void stream_read_stop(struct stream *stream);
/* Calls `ended` when the other side has nothing more to send, also while reading is off and input waits. */
void stream_watch_end(struct stream *stream);
void stream_unwatch_end(struct stream *stream);
/*
 * One read of up to `size` bytes, appended to `in`. Bytes read (> 0), 0 at the end of the stream, -EAGAIN
 * when there is nothing now, or another negative errno.
 */
ssize_t stream_fill(struct stream *stream, size_t size);
/*
 * Copies up to `size` bytes that have come, and leaves them where they are: for the next stream_fill of that
 * size, or for the TLS handshake. Returns as stream_fill.
 */
ssize_t stream_peek(struct stream *stream, void *bytes, size_t size);
/*
 * Sends `out`. 1: all with the kernel; 0: the rest follows (also while connecting), `drained` will be called;
 * a negative errno: broken, `out` is dropped.
 */
int stream_flush(struct stream *stream);
/* Gives both buffers' memory back if they are empty, that of `in` to the next stream of the loop that reads. */
void stream_trim(struct stream *stream);
/*
 * From here on the stream is encrypted, we being the server: what is in `out` is still sent as it is, then
 * the handshake runs, and `secured` is called. Until then neither `readable` nor `drained` is, and what is
 * written waits. `in` is left alone: that nothing unencrypted is taken for encrypted is the owner's care (RFC
 * 3207 section 6). Once. 0 or a negative errno: the stream is as
 * it was.
 */
int stream_start_tls(struct stream *stream, struct tls_context *context);
/*
 * The same, we being the client, of a server that has to be `name` (tls_client_converse). -EINVAL: it is no name.
 */
int stream_start_tls_client(struct stream *stream, const struct tls_client *client, const char *name);
/* stream_start_tls was called and `secured` not yet. */
bool stream_is_securing(const struct stream *stream);
/* NULL unless the stream is encrypted. They live until `closed`. */
const struct tls_facts *stream_tls_facts(const struct stream *stream);
/* Why TLS failed, in OpenSSL's words; static. */
const char *stream_tls_reason(const struct stream *stream);
/*
 * Tells the other side that nothing more will be sent (close_notify where there is TLS, FIN); reading goes
 * on. When all output is with the kernel.
 */
void stream_finish(struct stream *stream);
/* Closes the socket; no callback but `closed` follows, in a later turn. Twice is harmless. */
void stream_close(struct stream *stream);

#endif
