/* Modules' streams: TCP and Unix; several addresses, bounds, deadlines, and their ends. */
#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include "budget_limit.h"
#include "sdk/sdk_stream.h"
#include "stream_harness.h"

/* ---- plain ------------------------------------------------------------------------------------------- */

/* Says a word, hears it again, ends its half, hears the end. */
static void converse(struct stream_client *client)
{
    client->says = "hello, policy";
    stream_client_start(client);
    stream_await(&client->read, 13);
    CU_ASSERT_STRING_EQUAL(client->received, "hello, policy");
    CU_ASSERT_EQUAL(unit_wait(&client->connected, 1, 0), 1);
    CU_ASSERT(client->written == 0 || unit_wait(&client->drained, 1, 10) == 1);
    sdk_house_on(client->house, imp_loop_at(1), stream_client_finish, client);
    stream_await(&client->closed, 1);
    CU_ASSERT(client->why == IMP_STREAM_CLOSED && !*client->text && unit_wait(&client->ended, 1, 0) == 1);
}

static void test_plain(void)
{
    static const char *const hosts[] = {"127.0.0.1", "localhost", NULL};
    struct sdk_house house;
    stream_house_open(&house);
    for (int i = 0; i < 3; i++) {
        struct stream_server server = {.way = ECHOING};
        stream_server_start(&server, !hosts[i]);
        struct stream_client client = CLIENT(.target.host = hosts[i], .target.port = server.port);
        if (!hosts[i])
            client.target = (struct imp_stream_target){.path = server.path};
        converse(&client);
        CU_ASSERT(!client.facts_known &&
                  strstr(hosts[i] ? client.peer : client.peer + 1, hosts[i] ? "127.0.0.1:" : "/"));
        stream_server_stop(&server);
    }
    sdk_house_close(&house);
}

static void test_unreachable(void)
{
    struct sdk_house house;
    struct stream_server server = {.way = ECHOING};
    stream_house_open(&house);
    stream_server_start(&server, false);
    stream_server_stop(&server); /* its port is closed now */
    struct stream_client refused = CLIENT(.target.host = "127.0.0.1", .target.port = server.port);
    struct stream_client missing = CLIENT(.target.path = "/nonexistent/socket");
    struct stream_client unknown = CLIENT(.target.host = "nonesuch.invalid", .target.port = 25);
    struct stream_client foreign =
        CLIENT(.target = {.host = "127.0.0.1", .port = server.port, .source = "192.0.2.1"});
    stream_client_start(&refused);
    stream_client_start(&missing);
    stream_client_start(&unknown);
    stream_client_start(&foreign);
    stream_await(&refused.closed, 1);
    stream_await(&missing.closed, 1);
    stream_await(&unknown.closed, 1);
    stream_await(&foreign.closed, 1);
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
    stream_client_connect(closure);
    return NULL;
}

static void test_refused_calls(void)
{
    struct sdk_house house;
    pthread_t thread;
    stream_house_open(&house);
    struct stream_client nowhere = CLIENT(.deadline = 0), no_port = CLIENT(.target.host = "localhost"),
                         bad = CLIENT(.target = {.host = "a b", .port = 1}),
                         elsewhere = CLIENT(.target = {.host = "127.0.0.1", .port = 1});
    sdk_house_on(&house, imp_loop_at(1), stream_client_connect, &nowhere);
    sdk_house_on(&house, imp_loop_at(1), stream_client_connect, &no_port);
    sdk_house_on(&house, imp_loop_at(1), stream_client_connect, &bad);
    pthread_create(&thread, NULL, connect_elsewhere, &elsewhere);
    pthread_join(thread, NULL);
    CU_ASSERT(nowhere.error == EINVAL && no_port.error == EINVAL && bad.error == EINVAL);
    CU_ASSERT(elsewhere.error == ENOTSUP);
    sdk_house_close(&house);
}

/* ---- bounds ------------------------------------------------------------------------------------------ */

static void test_number_of_streams(void)
{
    struct sdk_house house;
    struct stream_server server = {.way = ECHOING};
    stream_server_start(&server, false);
    stream_house_open(&house);
    struct stream_client first = CLIENT(.target = {.host = "127.0.0.1", .port = server.port}),
                         second = CLIENT(.target = {.host = "127.0.0.1", .port = server.port});
    budget_limit_to(BUDGET_STREAMS, 1);
    sdk_house_on(&house, imp_loop_at(1), stream_client_connect, &first);
    sdk_house_on(&house, imp_loop_at(1), stream_client_connect, &second);
    CU_ASSERT(first.error == 0 && second.error == EAGAIN);
    CU_ASSERT_EQUAL(unit_wait(&first.connected, 1, 30), 1);
    sdk_house_on(&house, imp_loop_at(1), stream_client_close, &first);
    CU_ASSERT_EQUAL(unit_wait(&first.closed, 1, 30), 1);
    budget_limit_to(BUDGET_STREAMS, 10000);
    sdk_house_close(&house);
    CU_ASSERT_EQUAL(budget_used(BUDGET_STREAMS), 0);
    stream_server_stop(&server);
}

static void consume_all(void *closure)
{
    struct stream_client *client = closure;
    client->hoards = false;
    stream_client_events.readable(client->stream, client);
}

static void test_reading_is_bounded(void)
{
    struct sdk_house house;
    struct stream_server server = {.way = FLOOD};
    stream_house_open(&house);
    stream_server_start(&server, false);
    struct stream_client client =
        CLIENT(.hoards = true, .target = {.host = "127.0.0.1", .read_limit = 10000});
    client.target.port = server.port;
    stream_client_start(&client);
    stream_await(&client.read, 10000);
    usleep(50000); /* more would have come by now */
    sdk_house_on(&house, imp_loop_at(1), consume_all, &client);
    stream_await(&client.closed, 1);
    CU_ASSERT_EQUAL(client.total, FLOOD_SIZE);
    CU_ASSERT(client.most >= 10000 && client.most < 10000 + 16384);
    stream_server_stop(&server);
    sdk_house_close(&house);
}

static void write_much(void *closure)
{
    struct stream_client *client = closure;
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
    struct stream_server server = {.way = SINK};
    stream_house_open(&house);
    stream_server_start(&server, false);
    struct stream_client client = CLIENT(.target = {.host = "127.0.0.1", .write_limit = 120000});
    client.target.port = server.port;
    stream_client_start(&client);
    stream_await(&client.connected, 1);
    sdk_house_on(&house, imp_loop_at(1), write_much, &client);
    CU_ASSERT(client.refused == EAGAIN && client.most > 70000 && client.most <= 120000);
    CU_ASSERT_EQUAL(unit_wait(&client.drained, 1, 0), 0);
    size_t written = client.total;
    sdk_house_on(&house, imp_loop_at(1), stream_client_finish, &client);
    unit_count(&server.go, 1);
    stream_await(&client.drained, 1);
    stream_await(&client.closed, 1);
    stream_server_stop(&server);
    CU_ASSERT_EQUAL(server.received, written);
    sdk_house_close(&house);
}

static void test_deadline(void)
{
    struct sdk_house house;
    struct stream_server server = {.way = SILENT};
    stream_house_open(&house);
    stream_server_start(&server, false);
    struct stream_client client = CLIENT(.says = "anybody?", .deadline = 100, .target.host = "127.0.0.1");
    client.target.port = server.port;
    stream_client_start(&client);
    stream_await(&client.closed, 1);
    CU_ASSERT(client.why == IMP_STREAM_TIMED_OUT && *client.text);
    CU_ASSERT_EQUAL(unit_wait(&client.connected, 1, 0), 1);
    stream_server_stop(&server);
    sdk_house_close(&house);
}

/* ---- ends -------------------------------------------------------------------------------------------- */

static void test_ends_with_instance(void)
{
    struct sdk_house house;
    struct stream_server server = {.way = SILENT};
    stream_house_open(&house);
    stream_server_start(&server, false);
    struct stream_client open = CLIENT(.target.host = "127.0.0.1"),
                         resolving = CLIENT(.target = {.host = "localhost", .port = 1});
    open.target.port = server.port;
    stream_client_start(&open);
    stream_await(&open.connected, 1);
    stream_client_start(&resolving);
    sdk_house_end_module(&house);
    CU_ASSERT(unit_wait(&open.closed, 1, 0) == 1 && open.why == IMP_STREAM_ENDED);
    CU_ASSERT(unit_wait(&resolving.closed, 1, 0) == 1);
    stream_server_stop(&server);
    sdk_house_close(&house);
}

static void test_ends_with_process(void)
{
    struct sdk_house house;
    struct stream_server server = {.way = SILENT, .tls = true};
    stream_house_open(&house);
    stream_server_start(&server, false);
    struct imp_tls *tls = stream_make_tls(&house, (struct imp_tls_settings){.ca_file = stream_ca_file});
    struct stream_client open =
        CLIENT(.target = {.host = "127.0.0.1", .tls = tls, .tls_name = "policy.test"});
    struct stream_client on_main = CLIENT(.target = {.host = "127.0.0.1", .port = 1});
    open.target.port = server.port;
    stream_client_start(&open);
    stream_await(&open.connected, 1);
    stream_client_connect(&on_main);
    sdk_house_close(&house);
    CU_ASSERT(unit_wait(&open.closed, 1, 0) == 1 && open.why == IMP_STREAM_ENDED);
    CU_ASSERT(unit_wait(&on_main.closed, 1, 0) == 1);
    imp_tls_free(tls);
    stream_server_stop(&server);
}

struct accepting {
    struct stream_client client;
    int fd;
};

static void accept_client(void *closure)
{
    struct accepting *accepting = closure;
    struct net_addr peer;
    net_addr_parse(&peer, "192.0.2.7");
    accepting->client.stream = sdk_stream_accepted(accepting->client.house->module, accepting->fd, &peer,
                                                   &stream_client_events, &accepting->client);
}

/* The same handle for a connection that somebody else made. */
static void test_accepted(void)
{
    struct sdk_house house;
    int pair[2];
    char data[16] = "";
    stream_house_open(&house);
    CU_ASSERT_EQUAL_FATAL(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair), 0);
    fcntl(pair[0], F_SETFL, O_NONBLOCK);
    struct accepting accepting = {.client = CLIENT(.says = "welcome"), .fd = pair[0]};
    sdk_house_on(&house, imp_loop_at(2), accept_client, &accepting);
    CU_ASSERT_EQUAL(read(pair[1], data, sizeof data), 7);
    CU_ASSERT_STRING_EQUAL(data, "welcome");
    CU_ASSERT_EQUAL(write(pair[1], "thanks", 6), 6);
    stream_await(&accepting.client.read, 6);
    sdk_house_on(&house, imp_loop_at(2), stream_client_close, &accepting.client);
    stream_await(&accepting.client.closed, 1);
    CU_ASSERT_STRING_EQUAL(accepting.client.received, "thanks");
    CU_ASSERT_STRING_EQUAL(accepting.client.peer, "192.0.2.7:0");
    close(pair[1]);
    sdk_house_close(&house);
}

int main(void)
{
    CU_TestInfo tests[] = {
        {"begin", stream_tests_begin},
        {"plain", test_plain},
        {"unreachable", test_unreachable},
        {"calls that are refused", test_refused_calls},
        {"number of streams", test_number_of_streams},
        {"reading is bounded", test_reading_is_bounded},
        {"writing is bounded", test_writing_is_bounded},
        {"deadline", test_deadline},
        {"ends with its instance", test_ends_with_instance},
        {"ends with the process", test_ends_with_process},
        {"accepted", test_accepted},
        {"finish", stream_tests_finish},
        CU_TEST_INFO_NULL,
    };
    return unit_run("sdk_stream", tests);
}
