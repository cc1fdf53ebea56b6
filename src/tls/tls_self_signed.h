/*
 * tls_self_signed.h: the certificate of a server that has none configured; private to src/tls. Clients that
 * deliver mail opportunistically do not verify it (RFC 7435), and are protected against passive
 * eavesdropping.
 */
#ifndef IMPULSE_TLS_TLS_SELF_SIGNED_H
#define IMPULSE_TLS_TLS_SELF_SIGNED_H

#include <stdbool.h>
#include <openssl/evp.h>
#include <openssl/x509.h>

/*
 * Returns a key and a certificate for `hostname`, generated on the first call and the same for the life of
 * the process. The caller owns a reference to each. Returns false if OpenSSL fails. Any thread.
 */
bool tls_self_signed(const char *hostname, EVP_PKEY **key, X509 **certificate);

#endif
