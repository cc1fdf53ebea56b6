/*
 * tls_setup.h: OpenSSL's context, made of settings; private to src/net.
 */
#ifndef IMPULSE_TLS_TLS_SETUP_H
#define IMPULSE_TLS_TLS_SETUP_H

#include <openssl/ssl.h>
#include "tls/tls_identity.h"

/* NULL with one line in error[], as tls_context_create has it. Reads files. Any thread. */
SSL_CTX *tls_setup_create(const struct tls_settings *settings, const struct tls_identity *identity,
                          char *error, size_t error_size);
/* Whether the settings can be, as far as they can be judged before any file is read. One line in error[]. Any
 * thread. */
bool tls_setup_check(const struct tls_settings *settings, char *error, size_t error_size);
/* Says in the paniclog what of the settings OpenSSL does not know and passes over. */
void tls_setup_warn(const struct tls_settings *settings);

#endif
