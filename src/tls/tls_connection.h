/*
 * tls_connection.h: one TLS conversation over a non-blocking socket; private to src/net. stream.c is the only
 * one that uses it, and decides from what is said here what it watches the socket for. Never blocks, never
 * closes the socket. One thread at a time.
 */
#ifndef IMPULSE_TLS_TLS_CONNECTION_H
#define IMPULSE_TLS_TLS_CONNECTION_H

#include <sys/types.h>
#include "base/slice.h"
#include "tls/tls.h"

struct tls_client;
struct tls_connection;

enum tls_wants { /* what the last call that said -EAGAIN waits for; TLS may read in order to write */
                 TLS_WANTS_READ,
                 TLS_WANTS_WRITE,
};

/* The server's side of a conversation. Holds on to what it needs of the context. NULL when OpenSSL has no
 * memory.
 */
struct tls_connection *tls_connection_create(struct tls_context *context, int fd);
/* The client's side, with a server that is expected to be `name` (tls_client_converse). */
struct tls_connection *tls_connection_create_client(const struct tls_client *client, const char *name,
                                                    int fd);
void tls_connection_free(struct tls_connection *connection); /* NULL is harmless */

/* 0: done; -EAGAIN; another negative errno: it failed, tls_connection_reason says why. */
int tls_connection_handshake(struct tls_connection *connection);
/*
 * Bytes of plain text, at most those of one record; 0 at the end (with close_notify or without: SMTP ends its
 * messages by itself, so that an end that somebody else made up cannot shorten one); -EAGAIN; another
 * negative errno.
 */
ssize_t tls_connection_read(struct tls_connection *connection, char *room, size_t size);
/*
 * Bytes taken, at least one; -EAGAIN; another negative errno. After -EAGAIN the next call must begin with the
 * same bytes, wherever they are then, and may have more of them.
 */
ssize_t tls_connection_write(struct tls_connection *connection, struct slice data);
/* Input was taken from the socket and not yet given out, so the socket need not become readable for it. */
bool tls_connection_has_input(const struct tls_connection *connection);
/* Says that nothing more will be written (close_notify), if the socket takes it at once. Once; then harmless.
 */
void tls_connection_finish(struct tls_connection *connection);

enum tls_wants tls_connection_wants(const struct tls_connection *connection);
/* OpenSSL's word for the failure; never NULL, static. */
const char *tls_connection_reason(const struct tls_connection *connection);
/* NULL before the handshake is done. As long as the connection. */
const struct tls_facts *tls_connection_facts(const struct tls_connection *connection);

#endif
