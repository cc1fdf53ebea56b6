/*
 * tls_tickets.h: session tickets (RFC 5077, RFC 8446 section 4.6.1), so that a client that comes back need
 * not do the whole handshake; private to src/net. What they are encrypted with is the process's own, is made
 * anew every hour and forgotten an hour after that: neither all loops nor all contexts need to be told, and
 * what was said cannot be read with a key that is found later.
 */
#ifndef IMPULSE_TLS_TLS_TICKETS_H
#define IMPULSE_TLS_TLS_TICKETS_H

#include <stdbool.h>
#include <openssl/ssl.h>

enum { TLS_TICKET_LIFE = 3600 }; /* seconds that a client may keep one */

/* False when OpenSSL refuses. */
bool tls_tickets_enable(SSL_CTX *context);

#endif
