/*
 * tls_self_signed.h: the certificate for a server that has none; private to src/net. Clients that deliver
 * mail opportunistically do not verify it (RFC 7435), and are protected from whoever only listens.
 */
#ifndef IMPULSE_TLS_TLS_SELF_SIGNED_H
#define IMPULSE_TLS_TLS_SELF_SIGNED_H

#include <stdbool.h>
#include <openssl/evp.h>
#include <openssl/x509.h>

/*
 * A key and a certificate for `hostname`, made when first asked for and the same as long as the process
 * lives. The caller has a reference to each. False when OpenSSL refuses. Any thread.
 */
bool tls_self_signed(const char *hostname, EVP_PKEY **key, X509 **certificate);

#endif
