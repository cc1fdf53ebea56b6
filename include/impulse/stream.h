/*
 * impulse/stream.h: connections that do not block: TCP and Unix sockets, with or without TLS.
 *
 * A stream belongs to the loop on whose thread it is made, and all functions here are for that thread only. Its owner
 * is told what happens by the functions of a struct imp_stream_events, never from within a call. The last of them is
 * `closed`, which comes exactly once, whatever happened; the stream is gone when it returns.
 *
 * A stream does not keep its instance: when that ends, its streams are closed before teardown, with IMP_STREAM_ENDED.
 *
 * Example: asks a policy service, which answers one line.
 *
 *     static void connected(struct imp_stream *stream, void *closure)
 *     {
 *         imp_stream_write(stream, "check\n", 6);
 *     }
 *     static void readable(struct imp_stream *stream, void *closure)
 *     {
 *         size_t size;
 *         const char *data = imp_stream_data(stream, &size), *end = memchr(data, '\n', size);
 *         if (end) {
 *             ... read the line ...
 *             imp_stream_close(stream);
 *         } else if (imp_stream_at_end(stream)) {
 *             imp_stream_close(stream);
 *         }
 *     }
 *     static void closed(struct imp_stream *stream, enum imp_stream_end why, const char *text, void *closure)
 *     {
 *         ... resume the session, free(closure) ...
 *     }
 *     ...
 *     static const struct imp_stream_events events = {sizeof events, connected, readable, NULL, NULL, closed};
 *     struct imp_stream_target target = {.size = sizeof target, .host = "policy.example.com", .port = 10031};
 *     struct imp_stream *stream = imp_stream_connect(module, &target, &events, question);
 *     imp_stream_set_deadline(stream, 5000);
 */
#ifndef IMPULSE_STREAM_H
#define IMPULSE_STREAM_H

#include "impulse/module.h"

#ifdef __cplusplus
extern "C" {
#endif

struct imp_stream;

/* ---- TLS: whom to believe ------------------------------------------------------------------------------------- */

struct imp_tls; /* what many connections have in common; immutable */

struct imp_tls_settings { /* texts are borrowed for the call; NULL: not set */
    size_t size;          /* sizeof(struct imp_tls_settings) */
    /*
     * By default a server whose certificate does not lead to an authority, is not valid now or is for another name is
     * refused. True: it is taken, and imp_stream_tls says whether it verified.
     */
    bool accept_unverified;
    const char *ca_file;      /* PEM bundle of authorities */
    const char *ca_path;      /* a folder of them, as c_rehash makes it; neither: the system's authorities */
    const char *certificate;  /* PEM file: our own and its chain, for servers that ask for one */
    const char *key;          /* PEM file of its key, not encrypted; NULL: in the same file */
    const char *protocols;    /* as the option TLS_Protocols, "+ALL:-TLSv1.2"; not set: TLS 1.2 and 1.3 */
    const char *ciphers;      /* OpenSSL's list for TLS 1.2 and below */
    const char *ciphersuites; /* of TLS 1.3 */
};

/*
 * Reads the files. NULL with a line in imp_module_error when one cannot be used. Blocks on files: for setup, which a
 * reload repeats. Free it in teardown, or any time after the last imp_stream_connect with it; any thread.
 */
IMP_API struct imp_tls *imp_tls_create(struct imp_module *module, const struct imp_tls_settings *settings);
IMP_API void imp_tls_free(struct imp_tls *tls); /* NULL is harmless */

struct imp_tls_facts {    /* what is known of an encrypted connection; texts live as long as the stream */
    size_t size;          /* sizeof(struct imp_tls_facts), set by the caller */
    const char *protocol; /* "TLSv1.3" */
    const char *cipher;   /* "TLS_AES_256_GCM_SHA384" */
    bool verified;        /* the other side's certificate leads to an authority, is valid, and for the name */
    const char *unverified; /* why not, in OpenSSL's words; "" when it is, or when there is no certificate */
    const char *subject, *subject_cn, *issuer, *issuer_cn; /* of that certificate; "" without one */
};

/* ---- events --------------------------------------------------------------------------------------------------- */

enum imp_stream_end {
    IMP_STREAM_CLOSED,      /* imp_stream_close was called */
    IMP_STREAM_UNREACHABLE, /* the name does not resolve, or no address accepts a connection */
    IMP_STREAM_TLS_FAILED,  /* the handshake failed: the certificate is refused, or something else */
    IMP_STREAM_TIMED_OUT,   /* the deadline has passed */
    IMP_STREAM_BROKEN,      /* reading or writing failed */
    IMP_STREAM_ENDED,       /* the instance or the process ends: begin nothing */
};

struct imp_stream_events { /* NULL members are not called; copied */
    size_t size;           /* sizeof(struct imp_stream_events) */
    /* The connection is there, and encrypted if it was to be. From here on it can be read and written. */
    void (*connected)(struct imp_stream *stream, void *closure);
    /* More has come (imp_stream_data), or the other side has said that nothing more will (imp_stream_at_end). */
    void (*readable)(struct imp_stream *stream, void *closure);
    /* All that was written is with the kernel, after imp_stream_write returned 1. */
    void (*drained)(struct imp_stream *stream, void *closure);
    /* The handshake that imp_stream_start_tls began has succeeded. */
    void (*secured)(struct imp_stream *stream, void *closure);
    /* The end. `text` says in one line what happened; "" for IMP_STREAM_CLOSED and IMP_STREAM_ENDED. Required. */
    void (*closed)(struct imp_stream *stream, enum imp_stream_end why, const char *text, void *closure);
};

/* ---- connecting ----------------------------------------------------------------------------------------------- */

struct imp_stream_target { /* texts are copied */
    size_t size;           /* sizeof(struct imp_stream_target) */
    const char *path;      /* of a Unix socket; else NULL, and: */
    const char
        *host; /* a name, whose addresses are tried in turn, or an address: "192.0.2.1", "::1", "[::1]" */
    uint16_t port;
    const char *source;  /* the address to connect from; NULL: the system's choice */
    struct imp_tls *tls; /* not NULL: TLS begins at once */
    /* The name that the certificate must be for, sent as SNI; NULL: host. For a Unix socket it must be given. */
    const char *tls_name;
    unsigned connect_timeout_ms; /* for each address, with its handshake; 0: 10,000 */
    size_t read_limit;           /* bytes that may wait to be consumed before reading pauses; 0: 65,536 */
    size_t write_limit;          /* bytes that may wait to be sent; 0: 1,048,576 */
};

/*
 * Begins to connect; `connected` or `closed` follows. NULL with errno set, and no function is called: EINVAL neither
 * path nor host and port, a name that is none, events without `closed`; ENOTSUP the thread has no loop; EAGAIN as many
 * streams are open as module_max_streams allows; ESHUTDOWN the instance or the process ends.
 */
IMP_API struct imp_stream *imp_stream_connect(struct imp_module *module,
                                              const struct imp_stream_target *target,
                                              const struct imp_stream_events *events, void *closure);
/*
 * Encrypts a connection that is not (STARTTLS): what was written is still sent as it is; `secured` or `closed` follows,
 * and until then nothing can be written. 0, or -1 with errno: EBUSY when input waits that came before, which must not
 * be taken for encrypted; EINVAL.
 */
IMP_API int imp_stream_start_tls(struct imp_stream *stream, struct imp_tls *tls, const char *name);

/* ---- reading -------------------------------------------------------------------------------------------------- */

/* What has come and was not consumed: *size bytes, not NUL-terminated; valid until the next call about the stream. */
IMP_API const char *imp_stream_data(const struct imp_stream *stream, size_t *size);
/* Forgets the first `size` bytes of it; reading goes on when it had paused at read_limit. */
IMP_API void imp_stream_consume(struct imp_stream *stream, size_t size);
/* Will nothing come after imp_stream_data? True when the other side has ended its half of the connection. */
IMP_API bool imp_stream_at_end(const struct imp_stream *stream);
/* `readable` is not called, and what comes stays with the kernel, until it is called with false. */
IMP_API void imp_stream_pause(struct imp_stream *stream, bool pause);

/* ---- writing -------------------------------------------------------------------------------------------------- */

/*
 * Writes all of `data`, which is copied as far as it must wait. 0: it is with the kernel. 1: some of it waits,
 * `drained` will be called. -1 with errno, and nothing is taken: ENOTCONN before `connected`, and during a handshake;
 * EAGAIN more than write_limit would wait, go on after `drained`; EPIPE the connection is broken or imp_stream_finish
 * was called.
 */
IMP_API int imp_stream_write(struct imp_stream *stream, const void *data, size_t size);
/* How many bytes wait to be sent. */
IMP_API size_t imp_stream_waiting(const struct imp_stream *stream);
/* Tells the other side, behind all that was written, that nothing more will be; reading goes on. */
IMP_API void imp_stream_finish(struct imp_stream *stream);

/* ---- the rest ------------------------------------------------------------------------------------------------- */

/*
 * The stream is closed with IMP_STREAM_TIMED_OUT in `ms` milliseconds, unless a later call sets another time; 0: never.
 * It covers connecting, too.
 */
IMP_API void imp_stream_set_deadline(struct imp_stream *stream, uint64_t ms);
/* "192.0.2.1:25", "[2001:db8::1]:25" or the path: what is connected, or tried. Lives as long as the stream. */
IMP_API const char *imp_stream_peer(const struct imp_stream *stream);
/* Fills in *facts. False when the stream is not encrypted. */
IMP_API bool imp_stream_tls(const struct imp_stream *stream, struct imp_tls_facts *facts);
/*
 * Closes it; what waits to be sent is dropped. `closed` follows in a later turn, and no other function before it. Twice
 * is harmless, and so is NULL.
 */
IMP_API void imp_stream_close(struct imp_stream *stream);

#ifdef __cplusplus
}
#endif
#endif
