/*
 * tls_client: the client's side of TLS: whom to believe, and as whom to come.
 *
 * A context is made once for many connections and is immutable: files are read when it is made. A stream that
 * was given to stream_start_tls_client (net/stream.h) verifies the server's certificate against the name it
 * is given, and tells the result as facts (tls.h).
 */
#ifndef IMPULSE_TLS_TLS_CLIENT_H
#define IMPULSE_TLS_TLS_CLIENT_H

#include <openssl/ssl.h>
#include "tls/tls.h"

struct tls_client; /* reference-counted */

enum tls_client_verify {
    TLS_CLIENT_REQUIRE, /* a certificate that does not verify, or is for another name, ends the handshake */
    TLS_CLIENT_ASK,     /* the handshake goes on; the facts say whether it verified and why not */
};

struct tls_client_settings { /* texts are borrowed for the call; NULL: not set */
    enum tls_client_verify verify;
    const char *ca_file;      /* PEM bundle of authorities */
    const char *ca_path;      /* folder of them, hashed (c_rehash); neither: the system's authorities */
    const char *certificate;  /* PEM file: ours, and its chain, for servers that ask */
    const char *key;          /* PEM file; NULL: the certificate's */
    const char *ciphers;      /* OpenSSL's list for TLS 1.2 and below */
    const char *ciphersuites; /* of TLS 1.3 */
    const char *protocols;    /* as TLS_Protocols; not set: TLS 1.2 and 1.3 */
};

/* One reference. NULL with one line in error[], which names the file or word at fault. Any thread; blocks on
 * files. */
struct tls_client *tls_client_create(const struct tls_client_settings *settings, char *error,
                                     size_t error_size);
struct tls_client *tls_client_ref(struct tls_client *client); /* any thread */
void tls_client_unref(struct tls_client *client);             /* any thread; NULL is harmless */

/*
 * A new conversation. `name` is the host name or address that the certificate must be for, and what is sent
 * as the server name (RFC 6066; not for an address); NULL: any name will do, and none is sent. NULL when
 * OpenSSL has no memory or `name` is no name. Any thread.
 */
SSL *tls_client_converse(const struct tls_client *client, const char *name);

#endif
