/*
 * listens: opens, starts and retires listening sockets. A Listen is known by its stanza's name; at a reload
 * the socket of a Listen that stays is not touched.
 */
#include "daemon/listens.h"

#include <stdio.h>
#include <string.h>
#include "base/list.h"
#include "base/mem.h"
#include "log/paniclog.h"
#include "net/listener.h"

struct entry {
    struct list_node link;
    struct listener *listener;
    struct smtp_listen *listen; /* NULL until attached */
    struct loop_group *loops;
    char *loops_name;
    bool started, wanted;
};

struct listens {
    struct list entries;
};

/* ---- what a Listen asks for ------------------------------------------------------------------ */

/*
 * Accepting is threaded when Concurrency is above 1 (manual, events_per_iter), or when a pool is named and
 * Concurrency is not 0.
 */
static unsigned acceptor_threads(const struct conf_chain *chain)
{
    int64_t concurrency = conf_chain_int(chain, "concurrency", 0);
    const char *pool = conf_chain_text(chain, "pool_name", NULL);
    return concurrency > 1 || (concurrency == 1 && pool && *pool) ? (unsigned)concurrency : 0;
}

static unsigned pool_threads(const struct conf *conf, const char *name)
{
    const struct conf_scope *stanza = conf_scope_find(conf_root(conf), "threadpool", name);
    const struct conf_value *value = stanza ? conf_scope_value(stanza, "concurrency") : NULL;
    return value ? (unsigned)value->number : 0;
}

static void check_listen(const struct conf *conf, const struct conf_scope *listener,
                         const struct conf_scope *listen, struct conf_report *report)
{
    struct conf_chain chain;
    char error[256];
    conf_chain_inbound(&chain, conf, listener, listen, NULL);
    if (!listener_endpoint_check(conf_scope_name(listen), error, sizeof error))
        conf_report_add(report, CONF_ERROR, conf_scope_place(listen), "%s", error);
    const char *loop = conf_chain_text(&chain, "event_loop", NULL);
    if (loop && *loop && !conf_scope_find(conf_root(conf), "eventloop", loop))
        conf_report_add(report, CONF_WARNING, conf_scope_place(listen),
                        "event_loop \"%s\" is not defined by any EventLoop; the default loops are used",
                        loop);
    unsigned concurrency = acceptor_threads(&chain);
    const char *pool = conf_chain_text(&chain, "pool_name", NULL);
    unsigned threads = pool ? pool_threads(conf, pool) : 0;
    if (threads && concurrency > threads)
        conf_report_add(
            report, CONF_WARNING, conf_scope_place(listen),
            "Concurrency %u of this Listen is above the %u of ThreadPool \"%s\"; %u threads accept",
            concurrency, threads, pool, threads);
}

void listens_check(const struct conf *conf, struct conf_report *report)
{
    const struct conf_scope *listener = NULL;
    while ((listener = conf_scope_next(conf_root(conf), "esmtp_listener", listener))) {
        const struct conf_scope *listen = NULL;
        while ((listen = conf_scope_next(listener, "listen", listen)))
            check_listen(conf, listener, listen, report);
    }
}

static struct pool *find_pool(struct pool_set *pools, const struct conf_scope *listen, const char *name)
{
    struct pool *pool = name && *name ? pool_set_find(pools, name) : NULL;
    if (pool)
        return pool;
    if (name && *name)
        paniclog(PANIC_CRITICAL, "Listen \"%s\": ThreadPool \"%s\" is not defined; the IO pool is used",
                 conf_scope_name(listen), name);
    else
        paniclog(PANIC_CRITICAL, "Listen \"%s\": threaded accept without a Pool_Name; the IO pool is used",
                 conf_scope_name(listen));
    return pool_set_find(pools, "IO");
}

static struct listener *open_listener(const struct conf_chain *chain, const struct conf_scope *listen,
                                      struct pool_set *pools, char *error, size_t error_size)
{
    struct listener_settings settings = {
        .endpoint = conf_scope_name(listen),
        .backlog = (int)conf_chain_int(chain, "listen_backlog", 500),
        .recv_buffer = (int)conf_chain_int(chain, "tcp_recv_buffer_size", 0),
        .send_buffer = (int)conf_chain_int(chain, "tcp_send_buffer_size", 0),
        .no_delay = conf_chain_bool(chain, "disable_nagle_algorithm", false),
        .file_mode = (unsigned)conf_chain_int(chain, "file_mode", 0660),
        .concurrency = acceptor_threads(chain),
        .accept_queue_backlog = (unsigned)conf_chain_int(chain, "accept_queue_backlog", 0),
        .events_per_iter = (unsigned)conf_chain_int(chain, "events_per_iter", 0),
    };
    if (settings.concurrency) {
        settings.pool = find_pool(pools, listen, conf_chain_text(chain, "pool_name", NULL));
        if (settings.concurrency > pool_concurrency(settings.pool))
            settings.concurrency = pool_concurrency(settings.pool);
    }
    return listener_open(&settings, error, error_size);
}

/* ---- the set of sockets ---------------------------------------------------------------------- */

struct listens *listens_create(void)
{
    struct listens *listens = mem_new(struct listens);
    list_init(&listens->entries);
    return listens;
}

static struct entry *find(struct listens *listens, const char *endpoint)
{
    list_each(&listens->entries, node, after) {
        struct entry *entry = container_of(node, struct entry, link);
        if (strcmp(listener_endpoint(entry->listener), endpoint) == 0)
            return entry;
    }
    return NULL;
}

static void close_entry(struct entry *entry)
{
    if (entry->started)
        listener_stop(entry->listener);
    listener_close(entry->listener);
    list_remove(&entry->link);
    free(entry->loops_name);
    free(entry);
}

/* Calls `visit` for every enabled Listen until it says false. */
static bool each_enabled(const struct conf *conf,
                         bool (*visit)(const struct conf_chain *chain, const struct conf_scope *listen,
                                       void *closure),
                         void *closure)
{
    const struct conf_scope *listener = NULL;
    while ((listener = conf_scope_next(conf_root(conf), "esmtp_listener", listener))) {
        const struct conf_scope *listen = NULL;
        while ((listen = conf_scope_next(listener, "listen", listen))) {
            struct conf_chain chain;
            conf_chain_inbound(&chain, conf, listener, listen, NULL);
            if (conf_chain_bool(&chain, "enable", true) && !visit(&chain, listen, closure))
                return false;
        }
    }
    return true;
}

struct opening {
    struct listens *listens;
    struct pool_set *pools;
    char *error;
    size_t error_size;
};

static bool open_one(const struct conf_chain *chain, const struct conf_scope *listen, void *closure)
{
    struct opening *opening = closure;
    if (find(opening->listens, conf_scope_name(listen)))
        return true;
    struct listener *listener =
        open_listener(chain, listen, opening->pools, opening->error, opening->error_size);
    if (!listener)
        return false;
    struct entry *entry = mem_new(struct entry);
    entry->listener = listener;
    entry->loops_name = mem_dup(conf_chain_text(chain, "event_loop", NULL));
    list_append(&opening->listens->entries, &entry->link);
    return true;
}

bool listens_open(struct listens *listens, const struct conf *conf, struct pool_set *pools, char *error,
                  size_t error_size)
{
    struct opening opening = {listens, pools, error, error_size};
    if (each_enabled(conf, open_one, &opening))
        return true;
    list_each(&listens->entries, node, after) {
        struct entry *entry = container_of(node, struct entry, link);
        if (!entry->listen)
            close_entry(entry);
    }
    return false;
}

size_t listens_count(const struct listens *listens)
{
    size_t count = 0;
    for (const struct list_node *node = listens->entries.head.next; node != &listens->entries.head;
         node = node->next)
        count++;
    return count;
}

void listens_attach(struct listens *listens, struct smtp_server *server, struct threads *threads)
{
    list_each(&listens->entries, node, after) {
        struct entry *entry = container_of(node, struct entry, link);
        if (entry->listen)
            continue;
        entry->loops = threads_loops(threads, entry->loops_name);
        entry->listen = smtp_listen_create(server, listener_endpoint(entry->listener), entry->loops);
    }
}

void listens_start(struct listens *listens)
{
    list_each(&listens->entries, node, after) {
        struct entry *entry = container_of(node, struct entry, link);
        if (!entry->started)
            listener_start(entry->listener, entry->loops, smtp_server_accept, entry->listen);
        entry->started = true;
    }
}

static bool mark_wanted(const struct conf_chain *chain, const struct conf_scope *listen, void *closure)
{
    struct entry *entry = find(closure, conf_scope_name(listen));
    (void)chain;
    if (entry)
        entry->wanted = true;
    return true;
}

void listens_retire(struct listens *listens, const struct conf *conf)
{
    list_each(&listens->entries, node, after)
        container_of(node, struct entry, link)->wanted = false;
    each_enabled(conf, mark_wanted, listens);
    list_each(&listens->entries, old, following) {
        struct entry *entry = container_of(old, struct entry, link);
        if (!entry->wanted)
            close_entry(entry);
    }
}

void listens_close(struct listens *listens)
{
    list_each(&listens->entries, node, after)
        close_entry(container_of(node, struct entry, link));
}

void listens_free(struct listens *listens)
{
    listens_close(listens);
    free(listens);
}
