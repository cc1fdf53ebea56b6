/*
 * tls_setup.h: creates OpenSSL's context from settings; private to src/tls.
 */
#ifndef IMPULSE_TLS_TLS_SETUP_H
#define IMPULSE_TLS_TLS_SETUP_H

#include <openssl/ssl.h>
#include "tls/tls_identity.h"

/*
 * Returns the context, owned by the caller, or NULL with one line in error[] in the form of
 * tls_context_create. Reads files. Any thread.
 */
SSL_CTX *tls_setup_create(const struct tls_settings *settings, const struct tls_identity *identity,
                          char *error, size_t error_size);
/*
 * Returns whether the settings are valid, as far as that is known without reading files. If not, writes one
 * line to error[]. Any thread.
 */
bool tls_setup_check(const struct tls_settings *settings, char *error, size_t error_size);
/* Logs to the paniclog the words in the settings that OpenSSL does not know and ignores. */
void tls_setup_warn(const struct tls_settings *settings);

#endif
