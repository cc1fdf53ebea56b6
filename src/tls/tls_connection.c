/*
 * tls_connection: one TLS connection over a non-blocking socket.
 *
 * OpenSSL reads and writes through a BIO of this file instead of its socket BIO, so that writing to a closed
 * connection returns an error instead of raising a signal.
 */
#include "tls/tls_connection.h"

#include <errno.h>
#include <openssl/err.h>
#include <pthread.h>
#include <string.h>
#include <sys/socket.h>
#include "base/mem.h"
#include "tls/tls_client.h"
#include "tls/tls_private.h"

struct tls_connection {
    SSL *ssl;
    int fd;
    enum tls_wants wants;
    int io_error; /* errno of the socket's last failure */
    int failed;   /* a negative errno: OpenSSL must not be called any more */
    bool finished;
    const char *reason;
    struct tls_facts *facts;
};

/* ---- the socket for OpenSSL ------------------------------------------------------------------- */

static int bio_read(BIO *bio, char *data, int size)
{
    struct tls_connection *connection = BIO_get_data(bio);
    ssize_t got;
    BIO_clear_flags(bio, BIO_FLAGS_RWS | BIO_FLAGS_SHOULD_RETRY | BIO_FLAGS_IN_EOF);
    do {
        got = recv(connection->fd, data, (size_t)size, 0);
    } while (got < 0 && errno == EINTR);
    if (got == 0)
        BIO_set_flags(bio, BIO_FLAGS_IN_EOF);
    else if (got < 0 && (errno == EAGAIN || errno == EWOULDBLOCK))
        BIO_set_retry_read(bio);
    else if (got < 0)
        connection->io_error = errno;
    return (int)got;
}

static int bio_write(BIO *bio, const char *data, int size)
{
    struct tls_connection *connection = BIO_get_data(bio);
    ssize_t sent;
    BIO_clear_retry_flags(bio);
    do {
        sent = send(connection->fd, data, (size_t)size, MSG_NOSIGNAL);
    } while (sent < 0 && errno == EINTR);
    if (sent < 0 && (errno == EAGAIN || errno == EWOULDBLOCK))
        BIO_set_retry_write(bio);
    else if (sent < 0)
        connection->io_error = errno;
    return (int)sent;
}

static long bio_control(BIO *bio, int command, long number, void *pointer)
{
    (void)number;
    (void)pointer;
    if (command == BIO_CTRL_EOF)
        return BIO_test_flags(bio, BIO_FLAGS_IN_EOF) != 0;
    return command == BIO_CTRL_FLUSH;
}

static BIO_METHOD *method;

static void make_method(void)
{
    method = BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, "impulse");
    if (!method)
        return;
    BIO_meth_set_read(method, bio_read);
    BIO_meth_set_write(method, bio_write);
    BIO_meth_set_ctrl(method, bio_control);
}

/* ---- creating and freeing --------------------------------------------------------------------- */

/* Takes over `ssl`, which may be NULL. */
static struct tls_connection *create(SSL *ssl, int fd)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    pthread_once(&once, make_method);
    BIO *bio = method && ssl ? BIO_new(method) : NULL;
    if (!bio) {
        SSL_free(ssl);
        tls_take_reason();
        return NULL;
    }
    struct tls_connection *connection = mem_new(struct tls_connection);
    connection->fd = fd;
    connection->reason = "connection closed";
    connection->ssl = ssl;
    BIO_set_data(bio, connection);
    BIO_set_init(bio, 1);
    SSL_set_bio(ssl, bio, bio);
    return connection;
}

struct tls_connection *tls_connection_create(struct tls_context *context, int fd)
{
    struct tls_connection *connection = create(tls_context_converse(context), fd);
    if (connection)
        SSL_set_accept_state(connection->ssl);
    return connection;
}

struct tls_connection *tls_connection_create_client(const struct tls_client *client, const char *name, int fd)
{
    struct tls_connection *connection = create(tls_client_converse(client, name), fd);
    if (connection)
        connection->wants = TLS_WANTS_WRITE; /* we begin */
    return connection;
}

void tls_connection_free(struct tls_connection *connection)
{
    if (!connection)
        return;
    SSL_free(connection->ssl);
    free(connection->facts);
    free(connection);
}

/* ---- reading and writing ---------------------------------------------------------------------- */

static bool begin(struct tls_connection *connection)
{
    ERR_clear_error(); /* SSL_get_error reads the thread's error queue */
    connection->io_error = 0;
    return connection->failed == 0;
}

/* Notes a failure of the connection itself, not of TLS. */
static int fail(struct tls_connection *connection, int error)
{
    ERR_clear_error();
    connection->reason = strerror(error);
    return connection->failed = -error;
}

/* Returns the result for an OpenSSL call that did not succeed; 0 at the end of the connection. */
static int outcome(struct tls_connection *connection, int result)
{
    switch (SSL_get_error(connection->ssl, result)) {
    case SSL_ERROR_WANT_READ:
        connection->wants = TLS_WANTS_READ;
        return -EAGAIN;
    case SSL_ERROR_WANT_WRITE:
        connection->wants = TLS_WANTS_WRITE;
        return -EAGAIN;
    case SSL_ERROR_ZERO_RETURN:
        return 0;
    case SSL_ERROR_SYSCALL:
        return fail(connection, connection->io_error ? connection->io_error : ECONNRESET);
    default:
        if (ERR_GET_REASON(ERR_peek_error()) == SSL_R_UNEXPECTED_EOF_WHILE_READING)
            return fail(connection, ECONNRESET);
        connection->failed = -EPROTO;
        connection->reason = tls_take_reason();
        if (!SSL_is_server(connection->ssl) && SSL_get_verify_result(connection->ssl) != X509_V_OK)
            connection->reason = X509_verify_cert_error_string(SSL_get_verify_result(connection->ssl));
        return connection->failed;
    }
}

int tls_connection_handshake(struct tls_connection *connection)
{
    if (!begin(connection))
        return connection->failed;
    int result = SSL_do_handshake(connection->ssl);
    if (result != 1) {
        int error = outcome(connection, result);
        if (error == 0) /* the client closed during the handshake */
            error = fail(connection, ECONNRESET);
        return error;
    }
    connection->facts = tls_facts_create(connection->ssl);
    return 0;
}

ssize_t tls_connection_read(struct tls_connection *connection, char *room, size_t size)
{
    size_t got;
    if (!begin(connection))
        return connection->failed;
    int result = SSL_read_ex(connection->ssl, room, size, &got);
    return result == 1 ? (ssize_t)got : outcome(connection, result);
}

ssize_t tls_connection_write(struct tls_connection *connection, struct slice data)
{
    size_t taken;
    if (!begin(connection))
        return connection->failed;
    int result = SSL_write_ex(connection->ssl, data.data, data.size, &taken);
    if (result == 1)
        return (ssize_t)taken;
    int error = outcome(connection, result);
    return error ? error : -EPIPE;
}

bool tls_connection_has_input(const struct tls_connection *connection)
{
    return SSL_has_pending(connection->ssl);
}

void tls_connection_finish(struct tls_connection *connection)
{
    if (connection->finished || !SSL_is_init_finished(connection->ssl) || !begin(connection))
        return;
    connection->finished = true;
    SSL_shutdown(connection->ssl);
    ERR_clear_error();
}

enum tls_wants tls_connection_wants(const struct tls_connection *connection)
{
    return connection->wants;
}

const char *tls_connection_reason(const struct tls_connection *connection)
{
    return connection->reason;
}

const struct tls_facts *tls_connection_facts(const struct tls_connection *connection)
{
    return connection->facts;
}
