/*
 * listens: opens, changes, starts and retires listening sockets. A Listen is known by its address, however it
 * is written. At a reload the socket of a Listen that stays is kept, with the connections that wait in it.
 */
#include "daemon/listens.h"

#include <stdio.h>
#include <string.h>
#include "base/list.h"
#include "base/mem.h"
#include "daemon/listen_kinds.h"
#include "log/paniclog.h"
#include "net/listener.h"
#include "policy/listen_options.h"
#include "sdk/sdk_listener.h"

struct entry {
    struct list_node link;
    struct listener *listener;
    enum listen_owner owner;
    struct smtp_listen *listen; /* LISTEN_SMTP; NULL until attached */
    struct sdk_listen *own;     /* LISTEN_MODULE; likewise */
    struct loop_group *loops;
    char *loops_name;
    char key[LISTENER_KEY_SIZE];
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
static unsigned acceptor_threads(const struct listen_options *options)
{
    bool threaded = options->concurrency > 1 || (options->concurrency == 1 && options->pool_name);
    return threaded ? options->concurrency : 0;
}

static unsigned pool_threads(const struct conf *conf, const char *name)
{
    const struct conf_scope *stanza = name ? conf_scope_find(conf_root(conf), "threadpool", name) : NULL;
    const struct conf_value *value = stanza ? conf_scope_value(stanza, "concurrency") : NULL;
    return value ? (unsigned)value->number : 0;
}

static bool is_predefined(const char *name)
{
    struct pool_set *pools = pool_set_create();
    bool is = pool_set_find(pools, name) != NULL;
    pool_set_free(pools);
    return is;
}

/* The pool whose threads a Listen with a threaded accept borrows. */
static void check_pool(const struct conf_chain *chain, const struct listen_options *options,
                       const struct conf_scope *listen, struct conf_report *report)
{
    const char *name = options->pool_name;
    unsigned concurrency = acceptor_threads(options), threads = pool_threads(chain->conf, name);
    if (concurrency && !name)
        conf_report_add(report, CONF_WARNING, conf_scope_place(listen),
                        "threaded accept (Concurrency %u) without a Pool_Name; the IO pool is used",
                        concurrency);
    else if (concurrency && !conf_scope_find(conf_root(chain->conf), "threadpool", name) &&
             !is_predefined(name))
        conf_report_add(report, CONF_WARNING, conf_chain_value(chain, "pool_name")->place,
                        "pool_name \"%s\" is not defined by any ThreadPool; the IO pool is used", name);
    else if (threads && concurrency > threads)
        conf_report_add(
            report, CONF_WARNING, conf_scope_place(listen),
            "Concurrency %u of this Listen is above the %u of ThreadPool \"%s\"; %u threads accept",
            concurrency, threads, name, threads);
}

static bool check_listen(const struct conf_chain *chain, const struct conf_scope *listen, void *closure)
{
    struct conf_report *report = closure;
    const struct conf *conf = chain->conf;
    struct listen_options options;
    char error[256];
    listen_options_fill(&options, chain);
    if (!listener_endpoint_check(conf_scope_name(listen), error, sizeof error))
        conf_report_add(report, CONF_ERROR, conf_scope_place(listen), "%s", error);
    const char *loop = options.event_loop;
    if (loop && !conf_scope_find(conf_root(conf), "eventloop", loop))
        conf_report_add(report, CONF_WARNING, conf_scope_place(listen),
                        "event_loop \"%s\" is not defined by any EventLoop; the default loops are used",
                        loop);
    check_pool(chain, &options, listen, report);
    return true;
}

struct listen_place { /* an enabled Listen by its address */
    char key[LISTENER_KEY_SIZE];
    const struct conf_scope *listen;
    size_t order;
};

struct places {
    struct listen_place *items;
    size_t count;
};

static bool add_place(const struct conf_chain *chain, const struct conf_scope *listen, void *closure)
{
    struct places *places = closure;
    (void)chain;
    places->items = mem_resize(places->items, (places->count + 1) * sizeof *places->items);
    struct listen_place *place = &places->items[places->count];
    place->listen = listen;
    place->order = places->count++;
    listener_endpoint_key(conf_scope_name(listen), place->key);
    return true;
}

static int compare_places(const void *left, const void *right)
{
    const struct listen_place *a = left, *b = right;
    int order = strcmp(a->key, b->key);
    return order ? order : (a->order > b->order) - (a->order < b->order);
}

/* One address is one socket, with the options of one Listen. */
static void check_addresses(const struct conf *conf, struct conf_report *report)
{
    struct places places = {0};
    listen_kinds_each(conf, false, add_place, &places);
    if (places.count)
        qsort(places.items, places.count, sizeof *places.items, compare_places);
    for (size_t i = 1; i < places.count; i++) {
        const struct listen_place *before = &places.items[i - 1], *place = &places.items[i];
        struct conf_place at = conf_scope_place(before->listen);
        if (strcmp(before->key, place->key) == 0)
            conf_report_add(report, CONF_ERROR, conf_scope_place(place->listen),
                            "Listen \"%s\" is the address of Listen \"%s\" at %s:%u",
                            conf_scope_name(place->listen), conf_scope_name(before->listen), at.file,
                            at.line);
    }
    free(places.items);
}

void listens_check(const struct conf *conf, struct conf_report *report)
{
    check_addresses(conf, report);
    listen_kinds_each(conf, true, check_listen, report);
}

static struct pool *find_pool(struct pool_set *pools, const char *name, const struct conf *conf,
                              const char *endpoint)
{
    struct pool *pool = name ? pool_set_find(pools, name) : NULL;
    if (pool)
        return pool;
    if (!name)
        paniclog(PANIC_CRITICAL, "Listen \"%s\": threaded accept without a Pool_Name; the IO pool is used",
                 endpoint);
    else if (conf_scope_find(conf_root(conf), "threadpool", name))
        paniclog(PANIC_WARNING,
                 "Listen \"%s\": ThreadPool \"%s\" is made at the next start; the IO pool is used", endpoint,
                 name);
    else
        paniclog(PANIC_CRITICAL, "Listen \"%s\": ThreadPool \"%s\" is not defined; the IO pool is used",
                 endpoint, name);
    return pool_set_find(pools, "IO");
}

static struct listener_settings read_settings(const struct conf_chain *chain,
                                              const struct listen_options *options,
                                              const struct conf_scope *listen, struct pool_set *pools)
{
    struct listener_settings settings = {
        .endpoint = conf_scope_name(listen),
        .concurrency = acceptor_threads(options),
    };
    listen_socket_fill(&settings, chain);
    if (settings.concurrency) {
        settings.pool = find_pool(pools, options->pool_name, chain->conf, settings.endpoint);
        if (settings.concurrency > pool_concurrency(settings.pool))
            settings.concurrency = pool_concurrency(settings.pool);
    }
    return settings;
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
    char key[LISTENER_KEY_SIZE];
    listener_endpoint_key(endpoint, key);
    list_each(&listens->entries, node, after) {
        struct entry *entry = container_of(node, struct entry, link);
        if (strcmp(entry->key, key) == 0)
            return entry;
    }
    return NULL;
}

static void close_entry(struct entry *entry)
{
    if (entry->started)
        listener_retire(entry->listener);
    else
        listener_close(entry->listener);
    if (entry->listen)
        smtp_listen_free(entry->listen);
    if (entry->own)
        sdk_listen_free(entry->own);
    list_remove(&entry->link);
    free(entry->loops_name);
    free(entry);
}

struct listen_opening {
    struct listens *listens;
    struct pool_set *pools;
    char *error;
    size_t error_size;
};

static bool open_one(const struct conf_chain *chain, const struct conf_scope *listen, void *closure)
{
    struct listen_opening *opening = closure;
    enum listen_owner owner = listen_owner_of(conf_scope_parent(listen));
    const struct entry *known = find(opening->listens, conf_scope_name(listen));
    if (known && known->owner == owner)
        return true;
    if (known) {
        snprintf(opening->error, opening->error_size,
                 "Listen \"%s\" is open for a listener of another kind; it can change to this one at the "
                 "next start",
                 conf_scope_name(listen));
        return false;
    }
    struct listen_options options;
    listen_options_fill(&options, chain);
    struct listener_settings settings = read_settings(chain, &options, listen, opening->pools);
    struct listener *listener = listener_open(&settings, opening->error, opening->error_size);
    if (!listener)
        return false;
    struct entry *entry = mem_new(struct entry);
    entry->listener = listener;
    entry->owner = owner;
    listener_endpoint_key(conf_scope_name(listen), entry->key);
    entry->loops_name = mem_dup(options.event_loop);
    list_append(&opening->listens->entries, &entry->link);
    return true;
}

bool listens_open(struct listens *listens, const struct conf *conf, struct pool_set *pools, char *error,
                  size_t error_size)
{
    struct listen_opening opening = {listens, pools, error, error_size};
    if (listen_kinds_each(conf, false, open_one, &opening))
        return true;
    list_each(&listens->entries, node, after) {
        struct entry *entry = container_of(node, struct entry, link);
        if (!entry->listen && !entry->own)
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
        if (entry->listen || entry->own)
            continue;
        entry->loops = threads_loops(threads, entry->loops_name);
        if (entry->owner == LISTEN_MODULE)
            entry->own = sdk_listen_create(listener_endpoint(entry->listener));
        else
            entry->listen = smtp_listen_create(server, listener_endpoint(entry->listener), entry->loops);
    }
}

/* ---- Listens of modules ---------------------------------------------------------------------- */

struct listen_use {
    struct listens *listens; /* NULL: it is only looked whether somebody takes connections */
    struct module_set *modules;
    char *error;
    size_t error_size;
};

/* The label of the instance whose stanza it is, as far as one takes connections: "echo" of a singleton, else
 * "echo:name". To be freed; NULL: there is none. */
static char *find_label(const struct module_set *modules, const struct conf_scope *stanza)
{
    const char *kind = conf_scope_kind(stanza), *name = conf_scope_name(stanza);
    char *labels[] = {mem_printf("%s:%s", kind, name), mem_dup(kind)}, *found = NULL;
    for (size_t i = 0; i < sizeof labels / sizeof *labels; i++)
        if (!found && sdk_listener_exists(modules, labels[i]))
            found = labels[i];
        else
            free(labels[i]);
    return found;
}

static bool use_one(const struct conf_chain *chain, const struct conf_scope *listen, void *closure)
{
    struct listen_use *use = closure;
    const struct conf_scope *stanza = conf_scope_parent(listen);
    if (listen_owner_of(stanza) != LISTEN_MODULE)
        return true;
    char *label = find_label(use->modules, stanza);
    struct entry *entry = use->listens ? find(use->listens, conf_scope_name(listen)) : NULL;
    if (!label) {
        struct conf_place place = conf_scope_place(listen);
        snprintf(use->error, use->error_size,
                 "%s:%u: Listen \"%s\": the module %s takes no connections (imp_listener_add)", place.file,
                 place.line, conf_scope_name(listen), conf_scope_kind(stanza));
        return false;
    }
    if (entry && entry->own) {
        struct listen_options options;
        listen_options_fill(&options, chain);
        sdk_listen_use(entry->own, use->modules, label, options.max_connections);
    }
    free(label);
    return true;
}

bool listens_have_modules(const struct conf *conf, struct module_set *modules, char *error, size_t error_size)
{
    struct listen_use use = {NULL, modules, error, error_size};
    return listen_kinds_each(conf, false, use_one, &use);
}

void listens_use_modules(struct listens *listens, const struct conf *conf, struct module_set *modules)
{
    char error[256];
    struct listen_use use = {listens, modules, error, sizeof error};
    listen_kinds_each(conf, false, use_one, &use);
}

/* ---- starting and changing ------------------------------------------------------------------- */

void listens_start(struct listens *listens)
{
    list_each(&listens->entries, node, after) {
        struct entry *entry = container_of(node, struct entry, link);
        if (!entry->started && entry->own)
            listener_start(entry->listener, entry->loops, sdk_listen_accept, entry->own);
        else if (!entry->started)
            listener_start(entry->listener, entry->loops, smtp_server_accept, entry->listen);
        entry->started = true;
    }
}

static bool change_one(const struct conf_chain *chain, const struct conf_scope *listen, void *closure)
{
    char error[256];
    struct listen_opening *changing = closure;
    struct entry *entry = find(changing->listens, conf_scope_name(listen));
    struct listen_options options;
    listen_options_fill(&options, chain);
    struct listener_settings settings = read_settings(chain, &options, listen, changing->pools);
    if (entry && !listener_change(entry->listener, &settings, error, sizeof error))
        paniclog(PANIC_WARNING, "Listen \"%s\": %s", conf_scope_name(listen), error);
    return true;
}

void listens_change(struct listens *listens, const struct conf *conf, struct pool_set *pools)
{
    struct listen_opening changing = {.listens = listens, .pools = pools};
    listen_kinds_each(conf, false, change_one, &changing);
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
    listen_kinds_each(conf, false, mark_wanted, listens);
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
