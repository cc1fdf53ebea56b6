/*
 * tls_private.h: what the files of src/net that speak to OpenSSL share.
 *
 *   tls_context.c      contexts: who has which, and what happens when files change
 *   tls_setup.c        one SSL_CTX from settings
 *   tls_identity.c     certificate and key: from files, Vault (tls_vault.c), or made here (tls_self_signed.c)
 *   tls_reason.c       why something failed
 *   tls_tickets.c      keys of session tickets
 *   tls_connection.c   one conversation;  tls_facts.c  what is known of it
 */
#ifndef IMPULSE_TLS_TLS_PRIVATE_H
#define IMPULSE_TLS_TLS_PRIVATE_H

#include <openssl/ssl.h>
#include "tls/tls.h"

/* A new conversation with the context's newest certificate; NULL when there is no memory. Any thread. */
SSL *tls_context_converse(struct tls_context *context);

/*
 * The reason of OpenSSL's first error on this thread's queue, which is emptied. Static; never NULL.
 */
const char *tls_take_reason(void);

/* Facts of a finished handshake, in one block to be freed with free(). */
struct tls_facts *tls_facts_create(SSL *ssl);

#endif
