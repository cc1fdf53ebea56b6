/*
 * server: what outlives a session: the workers (one per loop), the Listens, reload and drain.
 *
 * A reload reaches each worker as a task, so that only a worker's own thread uses its generation.
 */
#include "smtp/server/server.h"

#include <unistd.h>
#include "base/mem.h"
#include "net/listener.h"
#include "smtp/server/extension.h"
#include "smtp/server/listen_policies.h"
#include "smtp/server/protocol.h"
#include "smtp/server/smtps_metrics.h"
#include "smtp/server/parameter.h"
#include "smtp/server/smtps_verb.h"
#include "smtp/server/worker.h"

struct smtp_listen {
    struct smtp_server *server;
    char key[LISTENER_KEY_SIZE];
    struct smtps_worker **workers; /* indexed by the loop's index in the group; owned by the server */
};

struct generation_task { /* gives one worker a new generation */
    struct loop_task task;
    struct smtps_worker *worker;
    struct smtp_generation *generation;
};

struct drain_task {
    struct loop_task task;
    struct smtps_worker *worker;
};

/* Once: at a reload, sessions read the tables. */
void smtp_server_register(void)
{
    static bool registered;
    if (registered)
        return;
    registered = true;
    smtps_verbs_register();
    extensions_register();
    parameters_register();
}

const struct registry *smtp_server_commands(void)
{
    return smtps_verbs();
}

const struct registry *smtp_server_extensions(void)
{
    return extensions_core();
}

const struct registry *smtp_server_parameters(void)
{
    return parameters_core();
}

struct smtp_server *smtp_server_create(struct spool *spool, struct pool_set *pools,
                                       const struct smtp_upper *upper)
{
    struct smtp_server *server = mem_new(struct smtp_server);
    smtp_server_register();
    server->spool = spool;
    server->upper = *upper;
    server->sasl = sasl_service_create();
    server->auth_pool = pool_set_find(pools, "CPU");
    server->swap_in = pool_set_find(pools, "SwapIn");
    pending_init(&server->outside);
    content_reader_init(&server->reader, spool_read_content, spool);
    smtps_metrics_register(server);
    return server;
}

void smtp_server_free(struct smtp_server *server)
{
    while (server->listen_count)
        smtp_listen_free(server->listens[0]);
    for (size_t i = 0; i < server->worker_count; i++) {
        smtp_generation_unref(server->workers[i]->generation);
        content_reader_release(&server->workers[i]->reader);
        free(server->workers[i]);
    }
    sasl_service_free(server->sasl);
    free(server->listens);
    free(server->workers);
    free(server);
}

static struct smtps_worker *worker_of(struct smtp_server *server, struct loop *loop)
{
    for (size_t i = 0; i < server->worker_count; i++)
        if (server->workers[i]->loop == loop)
            return server->workers[i];
    struct smtps_worker *worker = mem_new(struct smtps_worker);
    worker->server = server;
    worker->loop = loop;
    list_init(&worker->sessions);
    content_reader_init_loop(&worker->reader, spool_read_content, server->spool, loop, server->swap_in,
                             &server->outside);
    server->workers = mem_resize(server->workers, (server->worker_count + 1) * sizeof *server->workers);
    server->workers[server->worker_count++] = worker;
    return worker;
}

struct smtp_listen *smtp_listen_create(struct smtp_server *server, const char *endpoint,
                                       struct loop_group *group)
{
    struct smtp_listen *listen = mem_new(struct smtp_listen);
    listen->server = server;
    listener_endpoint_key(endpoint, listen->key);
    listen->workers = mem_array(loop_group_size(group), sizeof *listen->workers);
    for (unsigned i = 0; i < loop_group_size(group); i++)
        listen->workers[i] = worker_of(server, loop_group_at(group, i));
    server->listens = mem_resize(server->listens, (server->listen_count + 1) * sizeof *server->listens);
    server->listens[server->listen_count++] = listen;
    return listen;
}

void smtp_listen_free(struct smtp_listen *listen)
{
    struct smtp_server *server = listen->server;
    size_t at = 0;
    while (server->listens[at] != listen)
        at++;
    server->listens[at] = server->listens[--server->listen_count];
    free(listen->workers);
    free(listen);
}

static void take_generation(struct loop_task *task)
{
    struct generation_task *message = container_of(task, struct generation_task, task);
    smtp_generation_unref(message->worker->generation);
    message->worker->generation = message->generation;
    free(message);
}

void smtp_server_set_generation(struct smtp_server *server, struct smtp_generation *generation)
{
    for (size_t i = 0; i < server->worker_count; i++) {
        struct generation_task *message = mem_new(struct generation_task);
        message->task.run = take_generation;
        message->worker = server->workers[i];
        message->generation = smtp_generation_ref(generation);
        loop_post(message->worker->loop, &message->task);
    }
}

void smtp_server_accept(struct loop *loop, int fd, const struct net_addr *local, const struct net_addr *peer,
                        void *argument)
{
    struct smtp_listen *listen = argument;
    struct smtps_worker *worker = listen->workers[loop_index(loop)];
    struct listen_policies *policies =
        worker->generation ? generation_policies(worker->generation, listen->key) : NULL;
    if (!policies || worker->draining) {
        close(fd); /* no longer served */
        return;
    }
    session_start(worker, &smtp_protocol, worker->generation, policies, fd, local, peer);
}

/* ---- drain ----------------------------------------------------------------------------------- */

static void drain_worker(struct loop_task *task)
{
    struct drain_task *message = container_of(task, struct drain_task, task);
    struct smtps_worker *worker = message->worker;
    worker->draining = true;
    list_each(&worker->sessions, node, after)
        session_leave(container_of(node, struct smtps_session, link));
    free(message);
    server_release(worker->server);
}

void smtp_server_drain(struct smtp_server *server, void (*drained)(void *argument), void *argument)
{
    server->drained = drained;
    server->drained_argument = argument;
    server_hold(server); /* until each worker has its task, so that `drained` is called once */
    for (size_t i = 0; i < server->worker_count; i++)
        server_hold(server);
    smtp_server_defer_no_more(server);
    atomic_store(&server->draining, true);
    for (size_t i = 0; i < server->worker_count; i++) {
        struct drain_task *message = mem_new(struct drain_task);
        message->task.run = drain_worker;
        message->worker = server->workers[i];
        loop_post(message->worker->loop, &message->task);
    }
    server_release(server);
}

void smtp_server_defer_no_more(struct smtp_server *server)
{
    atomic_store(&server->defers_no_more, true);
}

static void abort_worker(struct loop_task *task)
{
    struct drain_task *message = container_of(task, struct drain_task, task);
    list_each(&message->worker->sessions, node, after)
        session_abort(container_of(node, struct smtps_session, link));
    free(message);
}

void smtp_server_abort(struct smtp_server *server)
{
    for (size_t i = 0; i < server->worker_count; i++) {
        struct drain_task *message = mem_new(struct drain_task);
        message->task.run = abort_worker;
        message->worker = server->workers[i];
        loop_post(message->worker->loop, &message->task);
    }
}

uint64_t smtp_server_sessions(const struct smtp_server *server)
{
    return atomic_load(&server->sessions);
}

void smtp_server_count(const struct smtp_server *server, struct smtp_counts *counts)
{
    *counts = (struct smtp_counts){
        .sessions = smtp_server_sessions(server),
        .received = metric_count(smtps_metrics.received),
        .rejected = metric_count(smtps_metrics.deferred) + metric_count(smtps_metrics.rejected),
    };
}
