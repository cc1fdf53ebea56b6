/*
 * tls_identity.h: who the server is: its certificate, those that lead from it to an authority, and its key;
 * private to src/net.
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
 * Reads what the settings name, or makes it. False with one line in error[], as tls_context_create has it.
 * Blocks as that does. Any thread.
 */
bool tls_identity_load(const struct tls_settings *settings, struct tls_identity *identity, char *error,
                       size_t error_size);
void tls_identity_release(struct tls_identity *identity);
bool tls_identity_equal(const struct tls_identity *one, const struct tls_identity *other);

/* The settings name a certificate; else one is made. */
bool tls_identity_is_configured(const struct tls_settings *settings);
/* The settings name a certificate or a key that is in Vault. */
bool tls_identity_is_in_vault(const struct tls_settings *settings);

/*
 * The content of a regular file of at most a MiB, NUL-terminated, to be freed with free(). NULL with a line
 * "OPTION: ..." in error[].
 */
char *tls_read_file(const char *option, const char *path, char *error, size_t error_size);

#endif
