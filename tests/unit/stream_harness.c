/* stream_harness: see stream_harness.h. */
#include "stream_harness.h"

#include <arpa/inet.h>
#include <errno.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <signal.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include "sdk/sdk_dns.h"
#include "sdk/sdk_stream.h"
#include "tls/tls_self_signed.h"

char stream_folder[UNIT_PATH_SIZE], stream_ca_file[UNIT_PATH_SIZE + 16], stream_key_file[UNIT_PATH_SIZE + 16];

static EVP_PKEY *key;
static X509 *certificate;

void stream_tests_begin(void)
{
    unit_directory(stream_folder);
    signal(SIGPIPE, SIG_IGN);
    snprintf(stream_ca_file, sizeof stream_ca_file, "%s/ca.pem", stream_folder);
    snprintf(stream_key_file, sizeof stream_key_file, "%s/key.pem", stream_folder);
    CU_ASSERT_FATAL(tls_self_signed("policy.test", &key, &certificate));
    FILE *file = fopen(stream_ca_file, "w");
    PEM_write_X509(file, certificate);
    fclose(file);
    file = fopen(stream_key_file, "w");
    PEM_write_PrivateKey(file, key, NULL, NULL, 0, NULL, NULL);
    fclose(file);
}

void stream_tests_finish(void)
{
    EVP_PKEY_free(key);
    X509_free(certificate);
    unit_directory_remove(stream_folder);
}

/* ---- the server -------------------------------------------------------------------------------------- */

static int any_certificate(int verified, X509_STORE_CTX *store)
{
    (void)verified, (void)store;
    return 1;
}

static SSL *make_ssl(const struct stream_server *server, int fd)
{
    SSL_CTX *context = SSL_CTX_new(TLS_server_method());
    SSL_CTX_use_certificate(context, certificate);
    SSL_CTX_use_PrivateKey(context, key);
    SSL_CTX_set_max_proto_version(context, server->max_version);
    if (server->wants_certificate)
        SSL_CTX_set_verify(context, SSL_VERIFY_PEER, any_certificate);
    SSL *ssl = SSL_new(context);
    SSL_CTX_free(context);
    SSL_set_fd(ssl, fd);
    if (SSL_accept(ssl) == 1)
        return ssl;
    SSL_free(ssl);
    return NULL;
}

static int get(SSL *ssl, int fd, char *room, int size)
{
    return ssl ? SSL_read(ssl, room, size) : (int)read(fd, room, (size_t)size);
}

static int put(SSL *ssl, int fd, const char *data, int size)
{
    return ssl ? SSL_write(ssl, data, size) : (int)send(fd, data, (size_t)size, MSG_NOSIGNAL);
}

static void serve(struct stream_server *server, SSL *ssl, int fd)
{
    char data[4096] = "";
    int got;
    if (server->way == SILENT || server->way == SINK)
        unit_wait(&server->go, 1, 30);
    if (server->way == SILENT) {
        SSL_free(ssl);
        return;
    }
    for (int sent = 0; server->way == FLOOD && sent < FLOOD_SIZE; sent += 1000)
        put(ssl, fd, data, 1000);
    while (server->way != FLOOD && (got = get(ssl, fd, data, sizeof data)) > 0) {
        server->received += (size_t)got;
        if (server->way == ECHOING)
            put(ssl, fd, data, got);
        if (server->way == STARTTLS) {
            put(ssl, fd, "go\n", 3);
            ssl = make_ssl(server, fd);
            server->way = ECHOING;
        }
    }
    if (ssl) {
        SSL_shutdown(ssl);
        SSL_free(ssl);
    }
}

static void *serve_one(void *argument)
{
    struct stream_server *server = argument;
    int fd = accept(server->listener, NULL, NULL);
    if (fd < 0)
        return NULL;
    SSL *ssl = server->tls ? make_ssl(server, fd) : NULL;
    if (ssl && SSL_get0_peer_certificate(ssl))
        X509_NAME_get_text_by_NID(X509_get_subject_name(SSL_get0_peer_certificate(ssl)), NID_commonName,
                                  server->client, sizeof server->client);
    if (ssl || !server->tls)
        serve(server, ssl, fd);
    close(fd);
    return NULL;
}

void stream_server_start(struct stream_server *server, bool unix_socket)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    struct sockaddr_un path = {.sun_family = AF_UNIX};
    socklen_t size = sizeof address;
    server->go = (struct unit_counter)UNIT_COUNTER;
    server->listener = socket(unix_socket ? AF_UNIX : AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    snprintf(server->path, sizeof server->path, "%s/socket", stream_folder);
    memcpy(path.sun_path, server->path, strlen(server->path) + 1);
    unlink(server->path);
    if (unix_socket)
        CU_ASSERT_EQUAL_FATAL(bind(server->listener, (struct sockaddr *)&path, sizeof path), 0)
    else
        CU_ASSERT_EQUAL_FATAL(bind(server->listener, (struct sockaddr *)&address, sizeof address), 0);
    listen(server->listener, 5);
    getsockname(server->listener, (struct sockaddr *)&address, &size);
    server->port = ntohs(address.sin_port);
    pthread_create(&server->thread, NULL, serve_one, server);
}

void stream_server_stop(struct stream_server *server)
{
    unit_count(&server->go, 1);
    shutdown(server->listener, SHUT_RDWR);
    pthread_join(server->thread, NULL);
    close(server->listener);
}

/* ---- the client -------------------------------------------------------------------------------------- */

static void note_facts(struct stream_client *client)
{
    client->facts.size = sizeof client->facts;
    client->facts_known = imp_stream_tls(client->stream, &client->facts);
    if (!client->facts_known)
        return;
    snprintf(client->subject_cn, sizeof client->subject_cn, "%s", client->facts.subject_cn);
    snprintf(client->unverified, sizeof client->unverified, "%s", client->facts.unverified);
}

static void on_connected(struct imp_stream *stream, void *closure)
{
    struct stream_client *client = closure;
    note_facts(client);
    snprintf(client->peer, sizeof client->peer, "%s", imp_stream_peer(stream));
    if (client->says)
        client->written = imp_stream_write(stream, client->says, strlen(client->says));
    unit_count(&client->connected, 1);
}

static void on_secured(struct imp_stream *stream, void *closure)
{
    struct stream_client *client = closure;
    note_facts(client);
    imp_stream_write(stream, "secret", 6);
    unit_count(&client->secured, 1);
}

static void on_readable(struct imp_stream *stream, void *closure)
{
    struct stream_client *client = closure;
    size_t size;
    const char *data = imp_stream_data(stream, &size);
    client->most = size > client->most ? size : client->most;
    if (client->starts_tls && size == 3) {
        errno = 0;
        CU_ASSERT(imp_stream_start_tls(stream, client->starttls, "policy.test") == -1 && errno == EBUSY);
        imp_stream_consume(stream, 3);
        CU_ASSERT_EQUAL(imp_stream_start_tls(stream, client->starttls, "policy.test"), 0);
        CU_ASSERT(imp_stream_write(stream, "x", 1) == -1 && errno == ENOTCONN);
        client->starts_tls = false;
        return;
    }
    if (!client->hoards) {
        if (client->total + size < sizeof client->received)
            memcpy(client->received + client->total, data, size);
        client->total += size;
        imp_stream_consume(stream, size);
    }
    if (imp_stream_at_end(stream)) {
        unit_count(&client->ended, 1);
        imp_stream_close(stream);
    }
    unit_count(&client->read, (int)size);
}

static void on_drained(struct imp_stream *stream, void *closure)
{
    (void)stream;
    unit_count(&((struct stream_client *)closure)->drained, 1);
}

static void on_closed(struct imp_stream *stream, enum imp_stream_end why, const char *text, void *closure)
{
    struct stream_client *client = closure;
    CU_ASSERT_PTR_EQUAL(stream, client->stream);
    client->why = why;
    snprintf(client->text, sizeof client->text, "%s", text);
    unit_count(&client->closed, 1);
}

const struct imp_stream_events stream_client_events = {
    sizeof stream_client_events, on_connected, on_readable, on_drained, on_secured, on_closed};

void stream_client_connect(void *closure)
{
    struct stream_client *client = closure;
    client->target.size = sizeof client->target;
    client->stream =
        imp_stream_connect(client->house->module, &client->target, &stream_client_events, client);
    client->error = client->stream ? 0 : errno;
    if (client->deadline)
        imp_stream_set_deadline(client->stream, client->deadline);
    CU_ASSERT(client->stream == NULL || imp_stream_write(client->stream, "x", 1) == -1);
}

void stream_client_close(void *closure)
{
    imp_stream_close(((struct stream_client *)closure)->stream);
    imp_stream_close(((struct stream_client *)closure)->stream);
}

void stream_client_finish(void *closure)
{
    struct stream_client *client = closure;
    imp_stream_finish(client->stream);
    CU_ASSERT(imp_stream_write(client->stream, "x", 1) == -1 && errno == EPIPE);
}

void stream_client_start(struct stream_client *client)
{
    sdk_house_on(client->house, imp_loop_at(1), stream_client_connect, client);
    CU_ASSERT_PTR_NOT_NULL_FATAL(client->stream);
}

void stream_await(struct unit_counter *counter, int value)
{
    CU_ASSERT_EQUAL(unit_wait(counter, value, 20) >= value, true);
}

void stream_house_open(struct sdk_house *house)
{
    static const struct resolver_settings settings;
    sdk_house_open(house);
    struct loop *loops[] = {loop_group_at(house->main, 0), loop_group_at(house->group, 0),
                            loop_group_at(house->group, 1)};
    house->resolvers = resolvers_create(loops, 3, &settings);
    sdk_dns_set_resolvers(house->resolvers);
}

struct imp_tls *stream_make_tls(struct sdk_house *house, struct imp_tls_settings settings)
{
    settings.size = sizeof settings;
    struct imp_tls *tls = imp_tls_create(house->module, &settings);
    CU_ASSERT_PTR_NOT_NULL_FATAL(tls);
    return tls;
}
