/*
 * tls_private.h: shared by the files of src/tls that use OpenSSL.
 *
 *   tls_context.c      shared contexts, and reading changed files again
 *   tls_setup.c        creates one SSL_CTX from settings
 *   tls_identity.c     certificate and key: from files, Vault (tls_vault.c), or generated (tls_self_signed.c)
 *   tls_reason.c       the reason of a failure
 *   tls_tickets.c      keys of session tickets
 *   tls_connection.c   one connection;  tls_facts.c  facts about it
 */
#ifndef IMPULSE_TLS_TLS_PRIVATE_H
#define IMPULSE_TLS_TLS_PRIVATE_H

#include <openssl/ssl.h>
#include "tls/tls.h"

/*
 * Creates the SSL of a new connection, with the context's current certificate. Returns NULL if there is no
 * memory. Any thread.
 */
SSL *tls_context_converse(struct tls_context *context);

/*
 * Returns the reason of OpenSSL's first error in this thread's queue, and empties the queue. Static; never
 * NULL.
 */
const char *tls_take_reason(void);

/* Returns the facts of a completed handshake in one block, which the caller frees with free(). */
struct tls_facts *tls_facts_create(SSL *ssl);

#endif
