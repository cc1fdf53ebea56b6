/*
 * tls.h: TLS under a stream, over OpenSSL. This is the server's role; tls_client.h has the client's.
 *
 * A context holds what connections have in common: certificate, protocols, ciphers, trusted authorities. All
 * policies with the same settings share one context. It is immutable, except that its files are read again
 * when they change. After stream_start_tls (stream.h) a stream is encrypted; its user continues to use it as
 * before.
 */
#ifndef IMPULSE_TLS_TLS_H
#define IMPULSE_TLS_TLS_H

#include <stdbool.h>
#include <stddef.h>

struct tls_context; /* reference-counted */

enum tls_verify_mode {                      /* TLS_Verify_Mode (Momentum 4 manual), in the order of
                                               options.def */
                       TLS_VERIFY_OPTIONAL, /* not set: requests and verifies a client certificate, without
                                               further consequence */
                       TLS_VERIFY_NONE,     /* requests none */
                       TLS_VERIFY_REQUIRE,  /* the handshake fails without a certificate that verifies */
};

/* TLS_Engine, in the order of options.def: the library whose syntax TLS_Ciphers has. TLS itself is always OpenSSL's. */
enum tls_engine { TLS_ENGINE_OPENSSL = 1, TLS_ENGINE_GNUTLS };

struct tls_settings {        /* texts as in the options; NULL: not set; borrowed for the call */
    const char *certificate; /* PEM file, which may contain the key, or a vault: URI; NULL or "none": a
                                self-signed one for `hostname` */
    const char *key;
    const char *ciphers;            /* TLS_Ciphers: OpenSSL cipher list for TLS 1.2 and below */
    const char *ciphersuites;       /* TLSv13_Ciphersuites */
    const char *protocols;          /* TLS_Protocols: "+ALL:-TLSv1.0" */
    const char *curves;             /* TLS_EC_Curve_Names */
    const char *dh_parameters_file; /* TLS_DHParams_File */
    const char *client_ca;          /* PEM bundle; NULL: client certificates cannot be verified */
    const char *hostname;           /* name in the self-signed certificate; never NULL */
    enum tls_verify_mode verify_mode;
    enum tls_engine engine;   /* read where `ciphers` is filled */
    bool enable_dhe;          /* TLS_Enable_DHE_Ciphers */
    bool allow_renegotiation; /* TLS_Allow_Renegotiation: by the client, TLS 1.2 and below */
};

/*
 * Returns the context for these settings, an existing one or a new one, with a reference that the caller
 * owns. Returns NULL on failure with one line in error[], which begins with the name of the faulty option and
 * ": ", and gives the file or word and OpenSSL's reason. Blocks on files, and on Vault for a few seconds at
 * most. Main thread.
 */
struct tls_context *tls_context_create(const struct tls_settings *settings, char *error, size_t error_size);
void tls_context_unref(struct tls_context *context); /* any thread; NULL is allowed */
/*
 * Reads the changed files of every context again, either of those that use Vault or of the others; new
 * connections use the result. A file that cannot be used is ignored and tried again from time to time. The
 * paniclog gets one line for all contexts that share a file, and no further lines while the same error
 * persists. Main thread, or a pool thread for contexts that use Vault; blocks like tls_context_create.
 */
void tls_refresh_all(bool from_vault);

/* Facts about an encrypted connection after its handshake. The texts live as long as the stream is open. */
struct tls_facts {
    const char *protocol;    /* "TLSv1.3" */
    const char *cipher;      /* "TLS_AES_256_GCM_SHA384" */
    unsigned algorithm_bits; /* bits of the cipher's algorithm, and those used */
    unsigned used_bits;
    /* The other side's certificate: the client's, or, for a client (tls_client.h), the server's. */
    const char *client_subject, *client_subject_cn; /* "" without a certificate */
    const char *client_issuer, *client_issuer_cn;
    bool client_certificate; /* the other side sent one */
    /* it leads to a trusted authority, is valid now, and has the expected name */
    bool client_verified;
    /* OpenSSL's reason why it does not verify; static; "": it does verify, or none was sent */
    const char *unverified;
    bool resumed;
};

#endif
