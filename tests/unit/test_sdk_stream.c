/* Modules' streams: TCP, Unix, TLS; several addresses, bounds, deadlines, and their ends. */
#include "sdk_harness.h"

#include <arpa/inet.h>
#include <errno.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <signal.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include "base/mem.h"
#include "metrics/budget.h"
#include "sdk/sdk_dns.h"
#include "sdk/sdk_stream.h"
#include "tls/tls_client.h"
#include "tls/tls_self_signed.h"

/* ---- a server: a thread with one connection ---------------------------------------------------------- */

enum way { ECHOING, SILENT, FLOOD, SINK, STARTTLS };
enum { FLOOD_SIZE = 1000000 };

static char folder[UNIT_PATH_SIZE], ca_file[UNIT_PATH_SIZE + 16], key_file[UNIT_PATH_SIZE + 16];
static EVP_PKEY *key;
static X509 *certificate;

struct server {
    enum way way;
    bool tls, wants_certificate;
    int max_version;
    int listener;
    uint16_t port;
    char path[UNIT_PATH_SIZE + 16];
    pthread_t thread;
    struct unit_counter go; /* SILENT, SINK: until then nothing is read */
    size_t received;
    char client[64]; /* the common name of its certificate */
};

static int any_certificate(int verified, X509_STORE_CTX *store)
{
    (void)verified, (void)store;
    return 1;
}

static SSL *make_ssl(const struct server *server, int fd)
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

static void serve(struct server *server, SSL *ssl, int fd)
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
    struct server *server = argument;
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

static void server_start(struct server *server, bool unix_socket)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    struct sockaddr_un path = {.sun_family = AF_UNIX};
    socklen_t size = sizeof address;
    server->go = (struct unit_counter)UNIT_COUNTER;
    server->listener = socket(unix_socket ? AF_UNIX : AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    snprintf(server->path, sizeof server->path, "%s/socket", folder);
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

static void server_stop(struct server *server)
{
    unit_count(&server->go, 1);
    shutdown(server->listener, SHUT_RDWR);
    pthread_join(server->thread, NULL);
    close(server->listener);
}

/* ---- a client on the first event loop ---------------------------------------------------------------- */

struct client {
    struct sdk_house *house;
    struct imp_stream_target target;
    const char *says; /* once connected */
    bool hoards;      /* consumes nothing */
    bool starts_tls;
    bool keeps_open; /* at the other side's end */
    uint64_t deadline;
    struct imp_tls *starttls;
    struct imp_stream *stream;
    int error, written, refused;
    bool facts_known;
    struct imp_tls_facts facts;
    char received[64], subject_cn[64], unverified[128], peer[120], text[256];
    size_t total, most;
    enum imp_stream_end why;
    struct unit_counter connected, secured, read, drained, ended, closed;
};

static void note_facts(struct client *client)
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
    struct client *client = closure;
    note_facts(client);
    snprintf(client->peer, sizeof client->peer, "%s", imp_stream_peer(stream));
    if (client->says)
        client->written = imp_stream_write(stream, client->says, strlen(client->says));
    unit_count(&client->connected, 1);
}

static void on_secured(struct imp_stream *stream, void *closure)
{
    struct client *client = closure;
    note_facts(client);
    imp_stream_write(stream, "secret", 6);
    unit_count(&client->secured, 1);
}

static void on_readable(struct imp_stream *stream, void *closure)
{
    struct client *client = closure;
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
    if (imp_stream_at_end(stream))
        unit_count(&client->ended, 1);
    if (imp_stream_at_end(stream) && !client->keeps_open)
        imp_stream_close(stream);
    unit_count(&client->read, (int)size);
}

static void on_drained(struct imp_stream *stream, void *closure)
{
    (void)stream;
    unit_count(&((struct client *)closure)->drained, 1);
}

static void on_closed(struct imp_stream *stream, enum imp_stream_end why, const char *text, void *closure)
{
    struct client *client = closure;
    CU_ASSERT_PTR_EQUAL(stream, client->stream);
    client->why = why;
    snprintf(client->text, sizeof client->text, "%s", text);
    unit_count(&client->closed, 1);
}

static const struct imp_stream_events events = {sizeof events, on_connected, on_readable,
                                                on_drained,    on_secured,   on_closed};

static void connect_client(void *closure)
{
    struct client *client = closure;
    client->target.size = sizeof client->target;
    client->stream = imp_stream_connect(client->house->module, &client->target, &events, client);
    client->error = client->stream ? 0 : errno;
    if (client->deadline)
        imp_stream_set_deadline(client->stream, client->deadline);
    CU_ASSERT(client->stream == NULL || imp_stream_write(client->stream, "x", 1) == -1);
}

static void close_client(void *closure)
{
    imp_stream_close(((struct client *)closure)->stream);
    imp_stream_close(((struct client *)closure)->stream);
}

static void finish_client(void *closure)
{
    struct client *client = closure;
    imp_stream_finish(client->stream);
    CU_ASSERT(imp_stream_write(client->stream, "x", 1) == -1 && errno == EPIPE);
}

#define CLIENT(...)                                                                                          \
    {                                                                                                        \
        .house = &house, .connected = UNIT_COUNTER, .secured = UNIT_COUNTER, .read = UNIT_COUNTER,           \
        .drained = UNIT_COUNTER, .ended = UNIT_COUNTER, .closed = UNIT_COUNTER, __VA_ARGS__                  \
    }

static void start(struct client *client)
{
    sdk_house_on(client->house, imp_loop_at(1), connect_client, client);
    CU_ASSERT_PTR_NOT_NULL_FATAL(client->stream);
}

static void await(struct unit_counter *counter, int value)
{
    CU_ASSERT_EQUAL(unit_wait(counter, value, 20) >= value, true);
}

static struct resolvers *resolvers;

static void open_house(struct sdk_house *house)
{
    static const struct resolver_settings settings;
    sdk_house_open(house);
    struct loop *loops[] = {loop_group_at(house->main, 0), loop_group_at(house->group, 0),
                            loop_group_at(house->group, 1)};
    house->resolvers = resolvers = resolvers_create(loops, 3, &settings);
    sdk_dns_set_resolvers(resolvers);
}

/* ---- plain ------------------------------------------------------------------------------------------- */

/* Says a word, hears it again, ends its half, hears the end. */
static void converse(struct client *client)
{
    client->says = "hello, policy";
    start(client);
    await(&client->read, 13);
    CU_ASSERT_STRING_EQUAL(client->received, "hello, policy");
    CU_ASSERT_EQUAL(unit_wait(&client->connected, 1, 0), 1);
    CU_ASSERT(client->written == 0 || unit_wait(&client->drained, 1, 10) == 1);
    sdk_house_on(client->house, imp_loop_at(1), finish_client, client);
    await(&client->closed, 1);
    CU_ASSERT(client->why == IMP_STREAM_CLOSED && !*client->text && unit_wait(&client->ended, 1, 0) == 1);
}

static void test_plain(void)
{
    static const char *const hosts[] = {"127.0.0.1", "localhost", NULL};
    struct sdk_house house;
    open_house(&house);
    for (int i = 0; i < 3; i++) {
        struct server server = {.way = ECHOING};
        server_start(&server, !hosts[i]);
        struct client client = CLIENT(.target.host = hosts[i], .target.port = server.port);
        if (!hosts[i])
            client.target = (struct imp_stream_target){.path = server.path};
        converse(&client);
        CU_ASSERT(!client.facts_known &&
                  strstr(hosts[i] ? client.peer : client.peer + 1, hosts[i] ? "127.0.0.1:" : "/"));
        server_stop(&server);
    }
    sdk_house_close(&house);
}

static void test_unreachable(void)
{
    struct sdk_house house;
    struct server server = {.way = ECHOING};
    open_house(&house);
    server_start(&server, false);
    server_stop(&server); /* its port is closed now */
    struct client refused = CLIENT(.target.host = "127.0.0.1", .target.port = server.port);
    struct client missing = CLIENT(.target.path = "/nonexistent/socket");
    struct client unknown = CLIENT(.target.host = "nonesuch.invalid", .target.port = 25);
    struct client foreign =
        CLIENT(.target = {.host = "127.0.0.1", .port = server.port, .source = "192.0.2.1"});
    start(&refused);
    start(&missing);
    start(&unknown);
    start(&foreign);
    await(&refused.closed, 1);
    await(&missing.closed, 1);
    await(&unknown.closed, 1);
    await(&foreign.closed, 1);
    CU_ASSERT(refused.why == IMP_STREAM_UNREACHABLE && strstr(refused.text, "Connection refused"));
    CU_ASSERT_STRING_EQUAL(missing.text, "/nonexistent/socket: No such file or directory");
    CU_ASSERT(unknown.why == IMP_STREAM_UNREACHABLE && strncmp(unknown.text, "nonesuch.invalid: ", 18) == 0);
    CU_ASSERT(foreign.why == IMP_STREAM_UNREACHABLE &&
              strstr(foreign.text, "Cannot assign requested address"));
    CU_ASSERT_EQUAL(unit_wait(&refused.connected, 1, 0), 0);
    sdk_house_close(&house);
}

static void *connect_elsewhere(void *closure)
{
    connect_client(closure);
    return NULL;
}

static void test_refused_calls(void)
{
    struct sdk_house house;
    pthread_t thread;
    open_house(&house);
    struct client nowhere = CLIENT(.deadline = 0), no_port = CLIENT(.target.host = "localhost"),
                  bad = CLIENT(.target = {.host = "a b", .port = 1}),
                  elsewhere = CLIENT(.target = {.host = "127.0.0.1", .port = 1});
    sdk_house_on(&house, imp_loop_at(1), connect_client, &nowhere);
    sdk_house_on(&house, imp_loop_at(1), connect_client, &no_port);
    sdk_house_on(&house, imp_loop_at(1), connect_client, &bad);
    pthread_create(&thread, NULL, connect_elsewhere, &elsewhere);
    pthread_join(thread, NULL);
    CU_ASSERT(nowhere.error == EINVAL && no_port.error == EINVAL && bad.error == EINVAL);
    CU_ASSERT(elsewhere.error == ENOTSUP);
    sdk_house_close(&house);
}

/* ---- bounds ------------------------------------------------------------------------------------------ */

static void limit_streams(uint64_t most)
{
    uint64_t limits[BUDGETS];
    for (unsigned i = 0; i < BUDGETS; i++)
        limits[i] = budget_limit(i);
    limits[BUDGET_STREAMS] = most;
    budgets_set(limits);
}

static void test_number_of_streams(void)
{
    struct sdk_house house;
    struct server server = {.way = ECHOING};
    server_start(&server, false);
    open_house(&house);
    struct client first = CLIENT(.target = {.host = "127.0.0.1", .port = server.port}),
                  second = CLIENT(.target = {.host = "127.0.0.1", .port = server.port});
    limit_streams(1);
    sdk_house_on(&house, imp_loop_at(1), connect_client, &first);
    sdk_house_on(&house, imp_loop_at(1), connect_client, &second);
    CU_ASSERT(first.error == 0 && second.error == EAGAIN);
    CU_ASSERT_EQUAL(unit_wait(&first.connected, 1, 30), 1);
    sdk_house_on(&house, imp_loop_at(1), close_client, &first);
    CU_ASSERT_EQUAL(unit_wait(&first.closed, 1, 30), 1);
    limit_streams(10000);
    sdk_house_close(&house);
    CU_ASSERT_EQUAL(budget_used(BUDGET_STREAMS), 0);
    server_stop(&server);
}

static void consume_all(void *closure)
{
    struct client *client = closure;
    client->hoards = false;
    on_readable(client->stream, client);
}

static void test_reading_is_bounded(void)
{
    struct sdk_house house;
    struct server server = {.way = FLOOD};
    open_house(&house);
    server_start(&server, false);
    struct client client = CLIENT(.hoards = true, .target = {.host = "127.0.0.1", .read_limit = 10000});
    client.target.port = server.port;
    start(&client);
    await(&client.read, 10000);
    usleep(50000); /* more would have come by now */
    sdk_house_on(&house, imp_loop_at(1), consume_all, &client);
    await(&client.closed, 1);
    CU_ASSERT_EQUAL(client.total, FLOOD_SIZE);
    CU_ASSERT(client.most >= 10000 && client.most < 10000 + 16384);
    server_stop(&server);
    sdk_house_close(&house);
}

static void write_much(void *closure)
{
    struct client *client = closure;
    static char block[50000];
    int result;
    while ((result = imp_stream_write(client->stream, block, sizeof block)) >= 0)
        client->total += sizeof block;
    client->refused = errno;
    client->most = imp_stream_waiting(client->stream);
}

static void test_writing_is_bounded(void)
{
    struct sdk_house house;
    struct server server = {.way = SINK};
    open_house(&house);
    server_start(&server, false);
    struct client client = CLIENT(.target = {.host = "127.0.0.1", .write_limit = 120000});
    client.target.port = server.port;
    start(&client);
    await(&client.connected, 1);
    sdk_house_on(&house, imp_loop_at(1), write_much, &client);
    CU_ASSERT(client.refused == EAGAIN && client.most > 70000 && client.most <= 120000);
    CU_ASSERT_EQUAL(unit_wait(&client.drained, 1, 0), 0);
    size_t written = client.total;
    sdk_house_on(&house, imp_loop_at(1), finish_client, &client);
    unit_count(&server.go, 1);
    await(&client.drained, 1);
    await(&client.closed, 1);
    server_stop(&server);
    CU_ASSERT_EQUAL(server.received, written);
    sdk_house_close(&house);
}

static void test_deadline(void)
{
    struct sdk_house house;
    struct server server = {.way = SILENT};
    open_house(&house);
    server_start(&server, false);
    struct client client = CLIENT(.says = "anybody?", .deadline = 100, .target.host = "127.0.0.1");
    client.target.port = server.port;
    start(&client);
    await(&client.closed, 1);
    CU_ASSERT(client.why == IMP_STREAM_TIMED_OUT && *client.text);
    CU_ASSERT_EQUAL(unit_wait(&client.connected, 1, 0), 1);
    server_stop(&server);
    sdk_house_close(&house);
}

/* ---- TLS --------------------------------------------------------------------------------------------- */

static struct imp_tls *make_tls(struct sdk_house *house, struct imp_tls_settings settings)
{
    settings.size = sizeof settings;
    struct imp_tls *tls = imp_tls_create(house->module, &settings);
    CU_ASSERT_PTR_NOT_NULL_FATAL(tls);
    return tls;
}

/* One conversation over TLS; the client as it is afterwards. */
static struct client secured(struct sdk_house *house, struct server *server, struct imp_tls *tls,
                             const char *name)
{
    server->tls = true;
    server_start(server, false);
    struct client client = {
        .house = house,
        .target = {.host = "127.0.0.1", .port = server->port, .tls = tls, .tls_name = name},
        .connected = UNIT_COUNTER,
        .secured = UNIT_COUNTER,
        .read = UNIT_COUNTER,
        .drained = UNIT_COUNTER,
        .ended = UNIT_COUNTER,
        .closed = UNIT_COUNTER,
        .says = "hello, policy"};
    start(&client);
    if (unit_wait(&client.read, 13, 2) >= 13)
        sdk_house_on(house, imp_loop_at(1), finish_client, &client);
    await(&client.closed, 1);
    server_stop(server);
    return client;
}

static void test_tls(void)
{
    struct sdk_house house;
    open_house(&house);
    struct imp_tls *trusting = make_tls(&house, (struct imp_tls_settings){.ca_file = ca_file});
    struct imp_tls *strange = make_tls(&house, (struct imp_tls_settings){.ca_path = folder});
    struct imp_tls *careless =
        make_tls(&house, (struct imp_tls_settings){.ca_path = folder, .accept_unverified = true});
    struct imp_tls *modern =
        make_tls(&house, (struct imp_tls_settings){.ca_file = ca_file, .protocols = "+ALL:-TLSv1.2"});
    struct imp_tls *known = make_tls(
        &house, (struct imp_tls_settings){.ca_file = ca_file, .certificate = ca_file, .key = key_file});
    struct server server = {.way = ECHOING};
    struct client good = secured(&house, &server, trusting, "policy.test");
    CU_ASSERT(good.why == IMP_STREAM_CLOSED && strcmp(good.received, "hello, policy") == 0);
    CU_ASSERT(good.facts_known && good.facts.verified && strcmp(good.subject_cn, "policy.test") == 0);
    CU_ASSERT_STRING_EQUAL(good.facts.protocol, "TLSv1.3");
    CU_ASSERT_STRING_EQUAL(good.unverified, "");
    struct client misnamed = secured(&house, &(struct server){.way = ECHOING}, trusting, "other.test");
    CU_ASSERT(misnamed.why == IMP_STREAM_TLS_FAILED && strstr(misnamed.text, "ostname mismatch"));
    struct client address = secured(&house, &(struct server){.way = ECHOING}, trusting, NULL);
    CU_ASSERT(address.why == IMP_STREAM_TLS_FAILED && strstr(address.text, "IP address mismatch"));
    struct client unknown = secured(&house, &(struct server){.way = ECHOING}, strange, "policy.test");
    CU_ASSERT(unknown.why == IMP_STREAM_TLS_FAILED && strstr(unknown.text, "self-signed certificate"));
    CU_ASSERT_EQUAL(unit_wait(&unknown.connected, 1, 0), 0);
    struct client taken = secured(&house, &(struct server){.way = ECHOING}, careless, "policy.test");
    CU_ASSERT(taken.why == IMP_STREAM_CLOSED && !taken.facts.verified &&
              strstr(taken.unverified, "self-signed"));
    struct client old = secured(&house, &(struct server){.way = ECHOING, .max_version = TLS1_2_VERSION},
                                modern, "policy.test");
    CU_ASSERT(old.why == IMP_STREAM_TLS_FAILED && *old.text);
    server = (struct server){.way = ECHOING, .wants_certificate = true, .max_version = TLS1_2_VERSION};
    struct client certified = secured(&house, &server, known, "policy.test");
    CU_ASSERT(certified.why == IMP_STREAM_CLOSED && strcmp(server.client, "policy.test") == 0);
    CU_ASSERT_STRING_EQUAL(certified.facts.protocol, "TLSv1.2");
    imp_tls_free(trusting);
    imp_tls_free(strange);
    imp_tls_free(careless);
    imp_tls_free(modern);
    imp_tls_free(known);
    sdk_house_close(&house);
}

static void test_starttls(void)
{
    struct sdk_house house;
    struct server server = {.way = STARTTLS};
    open_house(&house);
    server_start(&server, false);
    struct client client = CLIENT(.says = "STARTTLS", .starts_tls = true, .target.host = "127.0.0.1");
    client.target.port = server.port;
    client.starttls = make_tls(&house, (struct imp_tls_settings){.ca_file = ca_file});
    start(&client);
    await(&client.secured, 1);
    await(&client.read, 6);
    CU_ASSERT(strcmp(client.received, "secret") == 0 && client.facts.verified);
    sdk_house_on(&house, imp_loop_at(1), finish_client, &client);
    await(&client.closed, 1);
    server_stop(&server);
    imp_tls_free(client.starttls);
    sdk_house_close(&house);
}

static void test_bad_tls(void)
{
    static const struct imp_tls_settings bad[] = {
        {.ca_file = "/nonexistent"},  {.certificate = "/nonexistent"},
        {.ciphers = "none of these"}, {.protocols = "+SSLv9"},
        {.ciphersuites = "none"},     {.certificate = ca_file, .key = ca_file},
    };
    struct sdk_house house;
    open_house(&house);
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        struct imp_tls_settings settings = bad[i];
        settings.size = sizeof settings;
        house.module->error[0] = '\0';
        CU_ASSERT_PTR_NULL(imp_tls_create(house.module, &settings));
        CU_ASSERT(house.module->error[0] != '\0');
    }
    imp_tls_free(NULL);
    sdk_house_close(&house);
}

/* ---- ends -------------------------------------------------------------------------------------------- */

static void test_ends_with_instance(void)
{
    struct sdk_house house;
    struct server server = {.way = SILENT};
    open_house(&house);
    server_start(&server, false);
    struct client open = CLIENT(.target.host = "127.0.0.1"),
                  resolving = CLIENT(.target = {.host = "localhost", .port = 1});
    open.target.port = server.port;
    start(&open);
    await(&open.connected, 1);
    start(&resolving);
    sdk_house_end_module(&house);
    CU_ASSERT(unit_wait(&open.closed, 1, 0) == 1 && open.why == IMP_STREAM_ENDED);
    CU_ASSERT(unit_wait(&resolving.closed, 1, 0) == 1);
    server_stop(&server);
    sdk_house_close(&house);
}

static void test_ends_with_process(void)
{
    struct sdk_house house;
    struct server server = {.way = SILENT, .tls = true};
    open_house(&house);
    server_start(&server, false);
    struct imp_tls *tls = make_tls(&house, (struct imp_tls_settings){.ca_file = ca_file});
    struct client open = CLIENT(.target = {.host = "127.0.0.1", .tls = tls, .tls_name = "policy.test"});
    struct client on_main = CLIENT(.target = {.host = "127.0.0.1", .port = 1});
    open.target.port = server.port;
    start(&open);
    await(&open.connected, 1);
    connect_client(&on_main);
    sdk_house_close(&house);
    CU_ASSERT(unit_wait(&open.closed, 1, 0) == 1 && open.why == IMP_STREAM_ENDED);
    CU_ASSERT(unit_wait(&on_main.closed, 1, 0) == 1);
    imp_tls_free(tls);
    server_stop(&server);
}

struct accepting {
    struct client client;
    int fd;
};

static void accept_client(void *closure)
{
    struct accepting *accepting = closure;
    struct net_addr peer;
    net_addr_parse(&peer, "192.0.2.7");
    accepting->client.stream = sdk_stream_accepted(accepting->client.house->module, accepting->fd, &peer,
                                                   &events, &accepting->client);
}

/* The same handle for a connection that somebody else made. */
static void test_accepted(void)
{
    struct sdk_house house;
    int pair[2];
    char data[16] = "";
    open_house(&house);
    CU_ASSERT_EQUAL_FATAL(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair), 0);
    fcntl(pair[0], F_SETFL, O_NONBLOCK);
    struct accepting accepting = {.client = CLIENT(.says = "welcome"), .fd = pair[0]};
    sdk_house_on(&house, imp_loop_at(2), accept_client, &accepting);
    CU_ASSERT_EQUAL(read(pair[1], data, sizeof data), 7);
    CU_ASSERT_STRING_EQUAL(data, "welcome");
    CU_ASSERT_EQUAL(write(pair[1], "thanks", 6), 6);
    await(&accepting.client.read, 6);
    sdk_house_on(&house, imp_loop_at(2), close_client, &accepting.client);
    await(&accepting.client.closed, 1);
    CU_ASSERT_STRING_EQUAL(accepting.client.received, "thanks");
    CU_ASSERT_STRING_EQUAL(accepting.client.peer, "192.0.2.7:0");
    close(pair[1]);
    sdk_house_close(&house);
}

/* ---- certificates ------------------------------------------------------------------------------------ */

static void begin(void)
{
    unit_directory(folder);
    signal(SIGPIPE, SIG_IGN);
    snprintf(ca_file, sizeof ca_file, "%s/ca.pem", folder);
    snprintf(key_file, sizeof key_file, "%s/key.pem", folder);
    CU_ASSERT_FATAL(tls_self_signed("policy.test", &key, &certificate));
    FILE *file = fopen(ca_file, "w");
    PEM_write_X509(file, certificate);
    fclose(file);
    file = fopen(key_file, "w");
    PEM_write_PrivateKey(file, key, NULL, NULL, 0, NULL, NULL);
    fclose(file);
}

static void finish(void)
{
    EVP_PKEY_free(key);
    X509_free(certificate);
    unit_directory_remove(folder);
}

int main(void)
{
    CU_TestInfo tests[] = {
        {"begin", begin},
        {"plain", test_plain},
        {"unreachable", test_unreachable},
        {"calls that are refused", test_refused_calls},
        {"number of streams", test_number_of_streams},
        {"reading is bounded", test_reading_is_bounded},
        {"writing is bounded", test_writing_is_bounded},
        {"deadline", test_deadline},
        {"TLS", test_tls},
        {"STARTTLS", test_starttls},
        {"TLS settings that cannot be used", test_bad_tls},
        {"ends with its instance", test_ends_with_instance},
        {"ends with the process", test_ends_with_process},
        {"accepted", test_accepted},
        {"finish", finish},
        CU_TEST_INFO_NULL,
    };
    return unit_run("sdk_stream", tests);
}
