/*
 * tls_connection.h: one TLS connection over a non-blocking socket. Only stream.c in src/net uses it; the
 * result of each call tells it which socket event to wait for. Never blocks, never closes the socket. One
 * thread at a time.
 */
#ifndef IMPULSE_TLS_TLS_CONNECTION_H
#define IMPULSE_TLS_TLS_CONNECTION_H

#include <sys/types.h>
#include "base/slice.h"
#include "tls/tls.h"

struct tls_client;
struct tls_connection;

enum tls_wants { /* what a call that returned -EAGAIN waits for; TLS may read in order to write */
                 TLS_WANTS_READ,
                 TLS_WANTS_WRITE,
};

/*
 * Creates the server's side of a connection on `fd`, which stays the caller's. Takes its own reference to the
 * context. Returns NULL if OpenSSL has no memory.
 */
struct tls_connection *tls_connection_create(struct tls_context *context, int fd);
/*
 * Creates the client's side of a connection on `fd`, which stays the caller's. The server is expected to be
 * `name` (tls_client_converse). Returns NULL like tls_connection_create.
 */
struct tls_connection *tls_connection_create_client(const struct tls_client *client, const char *name,
                                                    int fd);
void tls_connection_free(struct tls_connection *connection); /* NULL is allowed */

/*
 * Continues the handshake. Returns 0 when it is done, -EAGAIN, or another negative errno on failure;
 * tls_connection_reason then has the reason.
 */
int tls_connection_handshake(struct tls_connection *connection);
/*
 * Returns the number of plain-text bytes read, at most one record; 0 at the end of the connection; -EAGAIN;
 * or another negative errno. The end counts with or without close_notify: SMTP marks the end of messages
 * itself, so a forged end cannot truncate one.
 */
ssize_t tls_connection_read(struct tls_connection *connection, char *room, size_t size);
/*
 * Returns the number of bytes taken, at least one; -EAGAIN; or another negative errno. After -EAGAIN the next
 * call must begin with the same bytes, at any address, and may add more.
 */
ssize_t tls_connection_write(struct tls_connection *connection, struct slice data);
/*
 * Returns whether input was read from the socket and not returned yet, so that the socket need not become
 * readable.
 */
bool tls_connection_has_input(const struct tls_connection *connection);
/* Sends close_notify if the socket takes it at once. Further calls have no effect. */
void tls_connection_finish(struct tls_connection *connection);

/* Returns what the last call that returned -EAGAIN waits for. */
enum tls_wants tls_connection_wants(const struct tls_connection *connection);
/* Returns OpenSSL's text for the failure; never NULL, static. */
const char *tls_connection_reason(const struct tls_connection *connection);
/* Returns the facts, or NULL before the handshake is done. Valid as long as the connection. */
const struct tls_facts *tls_connection_facts(const struct tls_connection *connection);

#endif
