/*
 * wire: one end of a TCP or Unix connection on a libuv loop, in plain text or under TLS, for either side.
 *
 * Input is given to the owner as it comes, in one buffer that all wires of a thread share; a wire keeps only
 * what the owner could not use yet. Output is a queue of pieces: short ones are copied, long ones are sent
 * from where they are. So a connection that is idle holds no buffers. All functions are called on the loop's thread.
 */
#ifndef IMPULSE_TOOLS_LOAD_WIRE_H
#define IMPULSE_TOOLS_LOAD_WIRE_H

#include <openssl/ssl.h>
#include <sys/socket.h>
#include <uv.h>
#include "base/buf.h"

struct wire;

enum wire_event {
    WIRE_CONNECTED, /* the connection is established */
    WIRE_SECURED,   /* the TLS handshake is done */
    WIRE_DRAINED,   /* all output that had to wait has been sent */
    WIRE_LOST       /* the connection failed or was closed by the peer; wire->problem says how */
};

struct wire_owner {
    void (*event)(struct wire *wire, enum wire_event event);
    /* Uses as much of `input` as it can and returns how many bytes that were. The rest comes again, before
     * what is received next. It may close or pause the wire. */
    size_t (*input)(struct wire *wire, struct slice input);
    /* After wire_close: the wire's memory is the owner's again. */
    void (*closed)(struct wire *wire);
};

struct wire_piece {
    const char *data; /* NULL: the next `size` bytes of wire->text */
    size_t size;
};

enum { WIRE_PIECES = 8, WIRE_PROBLEM = 160 };

struct wire {
    uv_poll_t poll;
    const struct wire_owner *owner;
    SSL *ssl; /* NULL: plain text */
    int fd;
    int awaited;                   /* the UV_READABLE ... that are polled for */
    bool connecting, shaking;      /* the connection, the TLS handshake is under way */
    bool paused, closing, blocked; /* no input is taken; wire_close was called; output waits for the peer */
    uint8_t first, count;          /* of the pieces that are not sent */
    struct wire_piece pieces[WIRE_PIECES];
    struct buf text, rest; /* copied output; input that was not used yet */
    uint64_t received;     /* bytes of plain text so far */
    char *problem;         /* or NULL; the wire's */
};

/*
 * Begins to connect, from `source` unless that is NULL. Returns 0, and WIRE_CONNECTED or WIRE_LOST follows; or a
 * negative errno, and the wire was not opened and need not be closed.
 */
int wire_connect(struct wire *wire, uv_loop_t *loop, const struct wire_owner *owner,
                 const struct sockaddr_storage *to, const struct sockaddr_storage *source);
/* Takes over a socket that was accepted. Returns 0; or a negative errno, and the socket is closed. */
int wire_accept(struct wire *wire, uv_loop_t *loop, const struct wire_owner *owner, int fd);
/* Begins the TLS handshake, as client or server. WIRE_SECURED or WIRE_LOST follow. `name` (SNI) may be NULL. */
void wire_secure(struct wire *wire, SSL_CTX *context, bool server, const char *name);

/* Queues a copy of the text. */
void wire_say(struct wire *wire, const char *text, size_t size);
/* Queues the bytes at `data`, which must stay there until they have been sent. Called only while wire_has_room. */
void wire_put(struct wire *wire, const char *data, size_t size);
bool wire_has_room(const struct wire *wire);
/*
 * Sends what can be sent now. The rest is sent later, and then WIRE_DRAINED follows. Returns false if the connection is
 * lost; wire->problem says how, and no WIRE_LOST follows.
 */
bool wire_flush(struct wire *wire);
/* Returns true if everything has been handed to the kernel. */
bool wire_drained(const struct wire *wire);

/* Takes no input until wire_resume, which gives the owner what is there before it returns. If the peer closes the
 * connection meanwhile, WIRE_LOST follows. */
void wire_pause(struct wire *wire);
void wire_resume(struct wire *wire);

/* Closes the connection, with a TCP reset if `reset`, and calls owner->closed later. Called once. */
void wire_close(struct wire *wire, bool reset);

#endif
