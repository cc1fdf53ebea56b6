/*
 * tls_identity.h: the server's identity: its certificate, the chain from it to an authority, and its key;
 * private to src/tls.
 */
#ifndef IMPULSE_TLS_TLS_IDENTITY_H
#define IMPULSE_TLS_TLS_IDENTITY_H

#include <openssl/evp.h>
#include <openssl/x509.h>
#include "tls/tls.h"

struct tls_identity {
    EVP_PKEY *key;
    X509 *certificate;
    STACK_OF(X509) * chain; /* without `certificate`; NULL: none */
};

/*
 * Reads the certificate and key that the settings name, or generates them. The caller releases `identity`.
 * Returns false with one line in error[] in the form of tls_context_create. Blocks like that function. Any
 * thread.
 */
bool tls_identity_load(const struct tls_settings *settings, struct tls_identity *identity, char *error,
                       size_t error_size);
/* Drops the references to key, certificate and chain. */
void tls_identity_release(struct tls_identity *identity);
/* Returns whether both have the same key, certificate and chain. */
bool tls_identity_equal(const struct tls_identity *one, const struct tls_identity *other);

/* Returns whether the settings name a certificate; otherwise one is generated. */
bool tls_identity_is_configured(const struct tls_settings *settings);
/* Returns whether the certificate or the key is in Vault. */
bool tls_identity_is_in_vault(const struct tls_settings *settings);

/*
 * Returns the content of a regular file of at most 1 MiB, NUL-terminated, which the caller frees with free().
 * Returns NULL with a line "OPTION: ..." in error[] on failure.
 */
char *tls_read_file(const char *option, const char *path, char *error, size_t error_size);

#endif
