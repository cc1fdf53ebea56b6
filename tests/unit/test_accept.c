/* Connections on their way to the loops: accepted by the loops, or by threads of a pool through bounded
 * queues. */
#include "unit.h"

#include <errno.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/resource.h>
#include "base/clock.h"
#include "base/list.h"
#include "log/paniclog.h"
#include "net/listener.h"
#include "net/listener_private.h"

enum { LOOPS = 2, MOST = 600 };

/* ---- a server that counts -------------------------------------------------------------------- */

struct server {
    struct loop_group *group;
    struct pool_set *pools;
    struct listener *listener;
    struct unit_counter accepted;
    atomic_int by_loop[LOOPS], wrong_thread;
    unsigned turns_seen[MOST]; /* the loop's turn of each connection; with one loop only */
    unsigned turn;
    atomic_bool refuse; /* set once no call may come any more */
    atomic_int calls_after_stop;
};

static void on_accept(struct loop *loop, int fd, const struct net_addr *local, const struct net_addr *peer,
                      void *argument)
{
    struct server *server = argument;
    server->wrong_thread += loop_current() != loop || local->family != peer->family;
    server->calls_after_stop += server->refuse;
    server->by_loop[loop_index(loop)]++;
    if (loop_group_size(server->group) == 1 && server->accepted.value < MOST)
        server->turns_seen[server->accepted.value] = server->turn;
    CU_ASSERT_EQUAL(send(fd, "!", 1, MSG_NOSIGNAL),
                    1); /* the client sees which of its connections came through */
    close(fd);
    unit_count(&server->accepted, 1);
}

static void server_open(struct server *server, unsigned loops, const struct listener_settings *settings)
{
    char error[256];
    *server = (struct server){.accepted = UNIT_COUNTER};
    server->group = loop_group_create("loop", loops);
    server->pools = pool_set_create();
    pool_set_define(server->pools, &(struct pool_settings){.name = "accept", .concurrency = 4});
    CU_ASSERT_EQUAL_FATAL(loop_group_start(server->group), 0);
    CU_ASSERT_EQUAL_FATAL(pool_set_start(server->pools), 0);
    struct listener_settings complete = *settings;
    complete.endpoint = "127.0.0.1:0";
    complete.backlog = complete.backlog ? complete.backlog : MOST;
    complete.pool = complete.pool ? complete.pool : pool_set_find(server->pools, "accept");
    server->listener = listener_open(&complete, error, sizeof error);
    CU_ASSERT_PTR_NOT_NULL_FATAL(server->listener);
}

static void server_start(struct server *server)
{
    listener_start(server->listener, server->group, on_accept, server);
}

static void server_stop(struct server *server)
{
    listener_stop(server->listener);
    server->refuse = true;
}

static void server_close(struct server *server)
{
    listener_close(server->listener);
    loop_group_stop(server->group);
    pool_set_free(server->pools);
    loop_group_free(server->group);
    CU_ASSERT_EQUAL(server->wrong_thread, 0);
    CU_ASSERT_EQUAL(server->calls_after_stop, 0);
}

/* ---- clients --------------------------------------------------------------------------------- */

static int connect_client(const struct listener *listener)
{
    struct sockaddr_storage sa;
    socklen_t size = net_addr_to_sockaddr(listener_address(listener), &sa);
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    CU_ASSERT_EQUAL(connect(fd, (struct sockaddr *)&sa, size), 0);
    return fd;
}

/* Connections that the kernel has ready and nobody accepted. */
static unsigned pending(const struct server *server)
{
    struct tcp_info info = {0};
    getsockopt(server->listener->socket.fd, IPPROTO_TCP, TCP_INFO, &info, &(socklen_t){sizeof info});
    return info.tcpi_unacked; /* its meaning for a listening socket */
}

/*
 * Connects while nobody accepts, until all wait in the backlog: connect() returns when the client's side is
 * established; the listening side is so a little later, which on a busy machine is after what comes next
 * here.
 */
static void fill_backlog(const struct server *server, int *fds, int count)
{
    for (int i = 0; i < count; i++)
        fds[i] = connect_client(server->listener);
    while (pending(server) < (unsigned)count)
        sched_yield();
}

/* Was this connection given to on_accept? Waits for its answer. */
static bool was_served(int fd)
{
    char byte;
    bool served = recv(fd, &byte, 1, 0) == 1;
    close(fd);
    return served;
}

static int count_served(const int *fds, int count)
{
    int served = 0;
    for (int i = 0; i < count; i++)
        served += was_served(fds[i]);
    return served;
}

/* ---- both ways ------------------------------------------------------------------------------- */

static void deliver_all(const struct listener_settings *settings)
{
    enum { CONNECTIONS = 500 };
    struct server server;
    int fds[CONNECTIONS];
    server_open(&server, LOOPS, settings);
    for (int i = 0; i < CONNECTIONS / 2; i++) /* some wait in the backlog before anybody accepts */
        fds[i] = connect_client(server.listener);
    server_start(&server);
    for (int i = CONNECTIONS / 2; i < CONNECTIONS; i++)
        fds[i] = connect_client(server.listener);
    CU_ASSERT_EQUAL(count_served(fds, CONNECTIONS), CONNECTIONS);
    server_stop(&server);
    CU_ASSERT_EQUAL(server.accepted.value, CONNECTIONS);
    if (settings->concurrency > 0 && settings->accept_queue_backlog == 0) /* the loops have their turns */
        CU_ASSERT(server.by_loop[0] >= CONNECTIONS / 5 && server.by_loop[1] >= CONNECTIONS / 5);
    server_close(&server);
}

static void test_loops(void)
{
    deliver_all(&(struct listener_settings){.concurrency = 0});
}

static void test_acceptors(void)
{
    deliver_all(&(struct listener_settings){.concurrency = 4});
}

/* One acceptor, and a connection only after the one before was served: the loops take turns exactly. */
static void test_one_acceptor(void)
{
    enum { CONNECTIONS = 20 };
    struct server server;
    server_open(&server, LOOPS, &(struct listener_settings){.concurrency = 1});
    server_start(&server);
    for (int i = 0; i < CONNECTIONS; i++)
        CU_ASSERT(was_served(connect_client(server.listener)));
    server_stop(&server);
    CU_ASSERT_EQUAL(server.by_loop[0], CONNECTIONS / 2);
    server_close(&server);
}

static void test_acceptors_bounded(void)
{
    deliver_all(
        &(struct listener_settings){.concurrency = 4, .accept_queue_backlog = 1, .events_per_iter = 20});
}

/* A loop that accepts takes one connection a turn. */
static void on_turn(uv_prepare_t *prepare)
{
    ((struct server *)prepare->data)->turn++;
}

struct setup {
    struct loop_task task;
    struct server *server;
    uv_prepare_t prepare;
    struct unit_counter ready, go;
};

static void run_setup(struct loop_task *task)
{
    struct setup *setup = container_of(task, struct setup, task);
    if (loop_group_size(setup->server->group) == 1) {
        uv_prepare_init(loop_uv(loop_current()), &setup->prepare);
        setup->prepare.data = setup->server;
        uv_prepare_start(&setup->prepare, on_turn);
    }
    unit_count(&setup->ready, 1);
    unit_wait(&setup->go, 1, 30);
}

#define SETUP(of)                                                                                            \
    {                                                                                                        \
        .task.run = run_setup, .server = (of), .ready = UNIT_COUNTER, .go = UNIT_COUNTER                     \
    }

/* Accepts `connections` that all wait when the loop is let go; returns the most that it took in one turn. */
static unsigned most_in_a_turn(const struct listener_settings *settings, int connections)
{
    struct server server;
    struct setup setup = SETUP(&server);
    int fds[MOST];
    server_open(&server, 1, settings);
    loop_post(loop_group_at(server.group, 0), &setup.task);
    CU_ASSERT_EQUAL(unit_wait(&setup.ready, 1, 10), 1);
    fill_backlog(&server, fds, connections);
    server_start(&server);
    while (settings->concurrency > 0 && pending(&server) > 0) /* until the acceptors have taken all */
        sched_yield();
    unit_count(&setup.go, 1);
    CU_ASSERT_EQUAL(count_served(fds, connections), connections);
    server_stop(&server);
    unsigned most = 0, run = 0;
    for (int i = 0; i < connections; i++) {
        run = i > 0 && server.turns_seen[i] == server.turns_seen[i - 1] ? run + 1 : 1;
        most = run > most ? run : most;
    }
    server_close(&server);
    return most;
}

static void test_turns(void)
{
    CU_ASSERT_EQUAL(most_in_a_turn(&(struct listener_settings){.concurrency = 0, .events_per_iter = 9}, 20),
                    1);
    CU_ASSERT_EQUAL(most_in_a_turn(&(struct listener_settings){.concurrency = 2}, 20), 1);
    CU_ASSERT_EQUAL(most_in_a_turn(&(struct listener_settings){.concurrency = 2, .events_per_iter = 7}, 20),
                    7);
}

/* ---- Accept_Queue_Backlog -------------------------------------------------------------------- */

static void test_queue_backlog(void)
{
    enum { CONNECTIONS = 40, EACH = 3 };
    struct server server;
    int fds[CONNECTIONS];
    server_open(
        &server, LOOPS,
        &(struct listener_settings){.concurrency = 4, .accept_queue_backlog = EACH, .events_per_iter = 5});
    struct setup blocks[LOOPS] = {SETUP(&server), SETUP(&server)};
    for (unsigned i = 0; i < LOOPS; i++) {
        loop_post(loop_group_at(server.group, i), &blocks[i].task);
        CU_ASSERT_EQUAL(unit_wait(&blocks[i].ready, 1, 10), 1);
    }
    fill_backlog(&server, fds, CONNECTIONS);
    server_start(&server);
    uint64_t begin = clock_mono_ms();
    while (pending(&server) > CONNECTIONS - LOOPS * EACH && clock_mono_ms() - begin < 10000)
        sched_yield();
    poll(NULL, 0, 50); /* time to do wrong: nothing more may happen */
    CU_ASSERT_EQUAL(pending(&server), CONNECTIONS - LOOPS * EACH); /* the kernel keeps the rest */
    CU_ASSERT_EQUAL(unit_wait(&server.accepted, 1, 0), 0);
    for (unsigned i = 0; i < LOOPS; i++)
        unit_count(&blocks[i].go, 1);
    CU_ASSERT_EQUAL(count_served(fds, CONNECTIONS), CONNECTIONS);
    server_stop(&server);
    server_close(&server);
}

/* ---- stopping -------------------------------------------------------------------------------- */

static atomic_bool keep_connecting;

/* Connects and hangs up as fast as it can; returns how many of its connections were served. */
static void *connect_on(void *argument)
{
    intptr_t served = 0;
    struct sockaddr_storage sa;
    socklen_t size = net_addr_to_sockaddr(listener_address(argument), &sa);
    struct timeval patience = {.tv_usec = 100000};
    while (keep_connecting) {
        char byte;
        int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
        setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
        if (connect(fd, (struct sockaddr *)&sa, size) == 0)
            served += recv(fd, &byte, 1, 0) == 1;
        close(fd);
    }
    return (void *)served;
}

static void stop_while_connecting(const struct listener_settings *settings)
{
    enum { CLIENTS = 3, ROUNDS = 5 };
    struct server server;
    pthread_t clients[CLIENTS];
    server_open(&server, LOOPS, settings);
    keep_connecting = true;
    for (int i = 0; i < CLIENTS; i++)
        pthread_create(&clients[i], NULL, connect_on, server.listener);
    for (int round = 0; round < ROUNDS; round++) {
        int before = server.accepted.value;
        server.refuse = false;
        server_start(&server); /* a stopped listener may be started again */
        CU_ASSERT(unit_wait(&server.accepted, before + 20, 20) >= before + 20);
        server_stop(&server);
    }
    int accepted = server.accepted.value; /* without its lock: on_accept is not running any more */
    keep_connecting = false;
    intptr_t served = 0;
    for (int i = 0; i < CLIENTS; i++) {
        void *result;
        pthread_join(clients[i], &result);
        served += (intptr_t)result;
    }
    CU_ASSERT_EQUAL(server.accepted.value, accepted);
    CU_ASSERT(served <= accepted); /* a client may have lost its patience */
    server_close(&server);
}

static void test_stop(void)
{
    stop_while_connecting(&(struct listener_settings){.concurrency = 0});
    stop_while_connecting(&(struct listener_settings){.concurrency = 4});
    stop_while_connecting(&(struct listener_settings){.concurrency = 3, .accept_queue_backlog = 1});
}

/* What an acceptor took before the stop reaches its loop. */
static void test_stop_delivers_queued(void)
{
    enum { CONNECTIONS = 30 };
    struct server server;
    struct setup block = SETUP(&server);
    int fds[CONNECTIONS];
    server_open(&server, 1, &(struct listener_settings){.concurrency = 2});
    loop_post(loop_group_at(server.group, 0), &block.task);
    CU_ASSERT_EQUAL(unit_wait(&block.ready, 1, 10), 1);
    fill_backlog(&server, fds, CONNECTIONS);
    server_start(&server);
    while (pending(&server) > 0)
        sched_yield();
    unit_count(&block.go, 1);
    server_stop(&server);
    CU_ASSERT_EQUAL(server.accepted.value, CONNECTIONS);
    CU_ASSERT_EQUAL(count_served(fds, CONNECTIONS), CONNECTIONS);
    server_close(&server);
}

/* Acceptors that never got a thread, because another listener's hold them all, do not keep a listener from
 * stopping. */
static void test_crowded_pool(void)
{
    struct server first, second;
    server_open(&first, 1, &(struct listener_settings){.concurrency = 4});
    server_open(&second, 1,
                &(struct listener_settings){.concurrency = 4, .pool = pool_set_find(first.pools, "accept")});
    server_start(&first);
    int fd = connect_client(first.listener);
    CU_ASSERT(was_served(fd));
    server_start(&second);
    server_stop(&second);
    fd = connect_client(first.listener);
    CU_ASSERT(was_served(fd));
    server_stop(&first);
    server_close(&second);
    server_close(&first);
}

/* A pool without threads cannot accept; the loops do. */
static void test_pool_without_threads(void)
{
    struct server server, pools;
    server_open(&pools, 1, &(struct listener_settings){0});
    server_open(&server, LOOPS,
                &(struct listener_settings){.concurrency = 4, .pool = pool_set_find(pools.pools, "Close")});
    paniclog_set_level(PANIC_CRITICAL);
    server_start(&server);
    paniclog_set_level(PANIC_NOTICE);
    int fd = connect_client(server.listener);
    CU_ASSERT(was_served(fd));
    server_stop(&server);
    server_close(&server);
    server_close(&pools);
}

/* ---- no more files --------------------------------------------------------------------------- */

static void count_line(enum panic_level level, const char *line, size_t size, void *closure)
{
    (void)level, (void)line, (void)size;
    unit_count(closure, 1);
}

static uint64_t cpu_ms(void)
{
    struct timespec used;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &used);
    return (uint64_t)used.tv_sec * 1000 + (uint64_t)used.tv_nsec / 1000000;
}

static void run_out_of_files(const struct listener_settings *settings)
{
    enum { CONNECTIONS = 5 };
    struct server server;
    struct unit_counter lines = UNIT_COUNTER;
    struct rlimit limit, low;
    int fds[CONNECTIONS];
    paniclog_set_stderr(false);
    paniclog_add_sink(count_line, &lines);
    server_open(&server, LOOPS, settings);
    server_start(&server);
    int fd = connect_client(server.listener);
    CU_ASSERT(was_served(fd));
    CU_ASSERT_EQUAL(unit_wait(&server.accepted, 1, 10), 1); /* everything that needs a file has it */
    for (int i = 0; i < CONNECTIONS; i++)
        fds[i] = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    getrlimit(RLIMIT_NOFILE, &limit);
    low = limit;
    low.rlim_cur = (rlim_t)dup(0);
    close((int)low.rlim_cur); /* the lowest number that is free */
    CU_ASSERT_EQUAL(setrlimit(RLIMIT_NOFILE, &low), 0);
    struct sockaddr_storage sa;
    socklen_t size = net_addr_to_sockaddr(listener_address(server.listener), &sa);
    for (int i = 0; i < CONNECTIONS; i++)
        CU_ASSERT_EQUAL(connect(fds[i], (struct sockaddr *)&sa, size), 0);
    CU_ASSERT_EQUAL(unit_wait(&lines, 1, 10), 1);
    uint64_t used = cpu_ms();
    poll(NULL, 0, 350);                          /* three pauses */
    CU_ASSERT(cpu_ms() - used < 150);            /* it does not spin */
    CU_ASSERT_EQUAL(unit_wait(&lines, 1, 0), 1); /* and says it once */
    CU_ASSERT_EQUAL(unit_wait(&server.accepted, 2, 0), 1);
    CU_ASSERT_EQUAL(setrlimit(RLIMIT_NOFILE, &limit), 0);
    CU_ASSERT_EQUAL(count_served(fds, CONNECTIONS), CONNECTIONS); /* nobody is lost */
    server_stop(&server);
    server_close(&server);
    paniclog_remove_sink(count_line, &lines);
    paniclog_set_stderr(true);
}

static void test_no_more_files(void)
{
    run_out_of_files(&(struct listener_settings){.concurrency = 0});
    run_out_of_files(&(struct listener_settings){.concurrency = 3});
    run_out_of_files(&(struct listener_settings){.concurrency = 3, .accept_queue_backlog = 1});
}

/* ---- changing and retiring --------------------------------------------------------------------------------
 */

/* Who waited in the kernel when the socket was given up is served, and whoever comes later is refused. */
static void test_retire(void)
{
    static const struct listener_settings ways[] = {{.concurrency = 0}, {.concurrency = 2}};
    for (size_t i = 0; i < 2; i++) {
        struct server server;
        int fds[MOST];
        server_open(&server, LOOPS, &ways[i]);
        struct net_addr address = *listener_address(server.listener);
        fill_backlog(&server, fds, 50);
        server_start(&server);
        listener_retire(server.listener);
        server.refuse = true;
        CU_ASSERT_EQUAL(server.accepted.value, 50);
        for (int k = 0; k < 50; k++)
            CU_ASSERT(was_served(fds[k]));
        struct sockaddr_storage sa;
        socklen_t size = net_addr_to_sockaddr(&address, &sa);
        int late = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
        CU_ASSERT(connect(late, (struct sockaddr *)&sa, size) < 0 && errno == ECONNREFUSED);
        close(late);
        server.listener = NULL;
        server_close(&server);
    }
}

/* From loops to threads and back while connections come: each of them is served. */
static void test_change(void)
{
    struct server server;
    char error[256];
    server_open(&server, LOOPS, &(struct listener_settings){0});
    server_start(&server);
    for (unsigned i = 0; i < 40; i++) {
        int fds[5];
        struct listener_settings next = {.endpoint = "127.0.0.1:0",
                                         .backlog = MOST,
                                         .pool = pool_set_find(server.pools, "accept"),
                                         .concurrency = i % 4,
                                         .accept_queue_backlog = i % 3,
                                         .events_per_iter = i % 2};
        for (int k = 0; k < 5; k++)
            fds[k] = connect_client(server.listener);
        CU_ASSERT(listener_change(server.listener, &next, error, sizeof error));
        CU_ASSERT_EQUAL(server.listener->acceptors != NULL, next.concurrency > 0);
        for (int k = 0; k < 5; k++)
            CU_ASSERT(was_served(fds[k]));
    }
    CU_ASSERT_EQUAL(unit_wait(&server.accepted, 200, 10), 200); /* counted after they are answered */
    server_stop(&server);
    server_close(&server);
}

int main(void)
{
    CU_TestInfo tests[] = {
        {"loops accept", test_loops},
        {"acceptors accept", test_acceptors},
        {"one acceptor", test_one_acceptor},
        {"acceptors with a small queue", test_acceptors_bounded},
        {"connections in a turn", test_turns},
        {"Accept_Queue_Backlog", test_queue_backlog},
        {"stop while they come", test_stop},
        {"stop delivers what is queued", test_stop_delivers_queued},
        {"crowded pool", test_crowded_pool},
        {"pool without threads", test_pool_without_threads},
        {"no more files", test_no_more_files},
        {"retire", test_retire},
        {"change", test_change},
        CU_TEST_INFO_NULL,
    };
    return unit_run("accept", tests);
}
