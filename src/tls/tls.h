/*
 * tls: TLS under a stream, over OpenSSL: the server's side.
 *
 * A context is what several connections have in common: certificate, protocols, ciphers, whom to trust. It is
 * made once for all policies that ask for the same, and is immutable but for what its files hold, which is
 * read again when they change. A stream that was given to stream_start_tls (stream.h) is encrypted from then
 * on; whoever uses it goes on as before.
 */
#ifndef IMPULSE_TLS_TLS_H
#define IMPULSE_TLS_TLS_H

#include <stdbool.h>
#include <stddef.h>

struct tls_context; /* reference-counted */

enum tls_verify_mode {                      /* TLS_Verify_Mode (Momentum 4 manual), in the order of
                                               options.def */
                       TLS_VERIFY_OPTIONAL, /* not set: a client certificate is asked for and verified;
                                               nothing follows from it by itself */
                       TLS_VERIFY_NONE,     /* none is asked for */
                       TLS_VERIFY_REQUIRE,  /* without one, or with one that does not verify, the handshake
                                               fails */
};

struct tls_settings {        /* texts as the options have them; NULL: not set. Borrowed for the call */
    const char *certificate; /* PEM file, which may hold the key, too; or vault: URI; NULL or "none": one that
                                is made at start, self-signed, for `hostname` */
    const char *key;
    const char *ciphers;            /* TLS_Ciphers: OpenSSL's list for TLS 1.2 and below */
    const char *ciphersuites;       /* TLSv13_Ciphersuites */
    const char *protocols;          /* TLS_Protocols: "+ALL:-TLSv1.0" */
    const char *curves;             /* TLS_EC_Curve_Names */
    const char *dh_parameters_file; /* TLS_DHParams_File */
    const char *client_ca;          /* PEM bundle; NULL: client certificates cannot be verified */
    const char *hostname;           /* of the self-signed certificate; never NULL */
    enum tls_verify_mode verify_mode;
    bool enable_dhe;          /* TLS_Enable_DHE_Ciphers */
    bool allow_renegotiation; /* TLS_Allow_Renegotiation: by the client, TLS 1.2 and below */
};

/*
 * The context for these settings: one that is there already, else a new one. NULL with one line in error[],
 * which begins with the name of the option at fault and ": ", and says which file or word is wrong and
 * OpenSSL's reason. Blocks on files (and on Vault, for at most a few seconds). Main thread.
 */
struct tls_context *tls_context_create(const struct tls_settings *settings, char *error, size_t error_size);
void tls_context_unref(struct tls_context *context); /* any thread; NULL is harmless */
/*
 * Reads the files of every context anew that changed, of those with something from Vault or those without;
 * connections from then on have what was read. What cannot be used is left, and tried again now and then. The
 * paniclog has one line for all contexts that share a file, and one that cannot be used is not said again
 * while it stays so. Main thread, or a pool thread for what comes from Vault; blocks as tls_context_create
 * does.
 */
void tls_refresh_all(bool from_vault);

/* What is known of an encrypted connection after its handshake; texts live as long as the stream is open. */
struct tls_facts {
    const char *protocol;    /* "TLSv1.3" */
    const char *cipher;      /* "TLS_AES_256_GCM_SHA384" */
    unsigned algorithm_bits; /* of the cipher's algorithm, and used of them */
    unsigned used_bits;
    /* Of the other side's certificate: the client's, or where we are the client (tls_client.h) the server's. */
    const char *client_subject, *client_subject_cn; /* "" without a certificate */
    const char *client_issuer, *client_issuer_cn;
    bool client_certificate; /* it sent one */
    bool client_verified;    /* and it leads to an authority we believe, is valid now and for the expected name */
    const char *unverified;  /* why the certificate does not verify, in OpenSSL's words; static. "": it does, or none was sent */
    bool resumed;
};

#endif
