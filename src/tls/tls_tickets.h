/*
 * tls_tickets.h: session tickets (RFC 5077, RFC 8446 section 4.6.1), with which a returning client skips the
 * full handshake; private to src/tls. The process encrypts them with a key of its own, which it replaces
 * every hour and discards one hour later. All loops and contexts share the keys, and a key that leaks later
 * does not reveal older traffic.
 */
#ifndef IMPULSE_TLS_TLS_TICKETS_H
#define IMPULSE_TLS_TLS_TICKETS_H

#include <stdbool.h>
#include <openssl/ssl.h>

enum { TLS_TICKET_LIFE = 3600 }; /* seconds that a ticket is valid */

/* Enables tickets. Returns false if OpenSSL fails. */
bool tls_tickets_enable(SSL_CTX *context);

#endif
