/*
 * sdk_listener: see sdk_listener.h.
 *
 * A connection refers to its Listen, which counts it, and to the module set that accepted it. All connections
 * are on one list, so that the end of the process finds them.
 */
#include "sdk/sdk_listener.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <unistd.h>
#include "base/descriptors.h"
#include "base/mem.h"
#include "base/pending.h"
#include "impulse/listener.h"
#include "log/paniclog.h"
#include "metrics/budget.h"
#include "net/stream.h"
#include "sdk/sdk_registry.h"
#include "sdk/sdk_stream.h"

enum {
    MUCH = 64 * 1024,      /* bytes that wait to be sent, or to be used by the module */
    READ_SIZE = 16 * 1024, /* bytes asked of the kernel at once */
    LINGER_MS =
        30 * 1000, /* how long what was written may take before the connection is closed all the same */
    COMPLAINT_MS = 10000, /* between two lines about one Listen */
};

struct listener_row {
    struct imp_listener listener;
    struct imp_module *module;
};

struct sdk_listen {
    char *name;
    _Atomic unsigned references; /* the daemon's, and one of each connection */
    _Atomic unsigned connections;
    pthread_mutex_t lock;           /* over what follows */
    struct module_set *set;         /* a reference; NULL: nobody takes connections */
    const struct listener_row *row; /* of that set */
    unsigned most;
    struct panic_rate complaints;
};

struct imp_connection {
    struct stream stream;
    uv_timer_t linger;
    unsigned open_handles;
    struct list_node node; /* in `all`, until one of both ends begins */
    struct loop_task task; /* the end of the process */
    bool task_posted;      /* under all.lock: then the task closes the connection, and nobody else */
    struct sdk_listen *listen;
    struct module_set *set; /* a reference */
    struct imp_module *module;
    struct runner runner;
    struct net_addr peer;
    char peer_text[NET_ADDR_TEXT_SIZE], local_text[NET_ADDR_TEXT_SIZE];
    struct imp_connection_handler handler; /* without `received`: not started */
    void *closure;
    bool told_much; /* imp_connection_write returned 1, and not all is sent yet */
    bool ended;     /* the client says no more */
    bool leaving;   /* imp_connection_close was called */
    bool is_stream; /* it is an imp_stream's now, which sees to its end; this only counts it */
};

static struct {
    pthread_mutex_t lock;
    struct list connections;
    struct pending open; /* all of them */
    bool ended;
} all = {.lock = PTHREAD_MUTEX_INITIALIZER};

static pthread_once_t once = PTHREAD_ONCE_INIT;

static void begin_all(void)
{
    list_init(&all.connections);
    pending_init(&all.open);
}

/* ---- the Listen ------------------------------------------------------------------------------ */

struct sdk_listen *sdk_listen_create(const char *endpoint)
{
    struct sdk_listen *listen = mem_new(struct sdk_listen);
    pthread_once(&once, begin_all);
    listen->name = mem_dup(endpoint);
    listen->references = 1;
    pthread_mutex_init(&listen->lock, NULL);
    return listen;
}

static const struct listener_row *find_row(const struct module_set *set, const char *label)
{
    const struct registry_row *row =
        registry_find(module_set_registry(set, MODULE_LISTENERS), slice_text(label));
    return row ? row->what : NULL;
}

bool sdk_listener_exists(const struct module_set *set, const char *label)
{
    return find_row(set, label) != NULL;
}

bool sdk_listen_use(struct sdk_listen *listen, struct module_set *set, const char *label,
                    unsigned max_connections)
{
    const struct listener_row *row = set ? find_row(set, label) : NULL;
    if (set && !row)
        return false;
    pthread_mutex_lock(&listen->lock);
    struct module_set *before = listen->set;
    listen->set = set ? module_set_ref(set) : NULL;
    listen->row = row;
    listen->most = max_connections;
    pthread_mutex_unlock(&listen->lock);
    module_set_unref(before);
    return true;
}

static void unref_listen(struct sdk_listen *listen)
{
    if (atomic_fetch_sub(&listen->references, 1) > 1)
        return;
    module_set_unref(listen->set);
    pthread_mutex_destroy(&listen->lock);
    free(listen->name);
    free(listen);
}

void sdk_listen_free(struct sdk_listen *listen)
{
    sdk_listen_use(listen, NULL, NULL, 0);
    unref_listen(listen);
}

/* Calls a function of the module's that has no other argument, if there is one. */
static void tell(struct imp_connection *connection,
                 void (*function)(struct imp_connection *connection, void *closure))
{
    if (!function)
        return;
    const struct runner *outer = runner_enter(&connection->runner);
    function(connection, connection->closure);
    runner_leave(outer);
}

/* ---- the end of a connection ----------------------------------------------------------------- */

static void handle_closed(struct imp_connection *connection)
{
    if (--connection->open_handles > 0)
        return;
    tell(connection, connection->handler.closed);
    atomic_fetch_sub(&connection->listen->connections, 1);
    budget_give(BUDGET_CLIENTS, 1);
    unref_listen(connection->listen);
    module_set_unref(connection->set);
    bool is_stream = connection->is_stream;
    free(connection);
    if (!is_stream)
        pending_end(&all.open);
}

static void on_stream_closed(struct stream *stream)
{
    handle_closed(container_of(stream, struct imp_connection, stream));
}

static void on_timer_closed(uv_handle_t *handle)
{
    handle_closed(handle->data);
}

static void close_handles(struct imp_connection *connection)
{
    uv_close((uv_handle_t *)&connection->linger, on_timer_closed);
    stream_close(&connection->stream);
}

/* A task that is on its way needs the connection: it is the one that closes it. */
static void hang_up(struct imp_connection *connection)
{
    if (connection->stream.closing)
        return;
    connection->leaving = true;
    pthread_mutex_lock(&all.lock);
    bool task_posted = connection->task_posted;
    list_remove(&connection->node);
    pthread_mutex_unlock(&all.lock);
    if (!task_posted)
        close_handles(connection);
}

static void on_linger(uv_timer_t *timer)
{
    hang_up(timer->data);
}

static void run_end(struct loop_task *task)
{
    struct imp_connection *connection = container_of(task, struct imp_connection, task);
    connection->leaving = true;
    close_handles(connection);
    pending_end(&all.open);
}

void sdk_listener_end(void)
{
    pthread_once(&once, begin_all);
    pthread_mutex_lock(&all.lock);
    all.ended = true;
    for (struct list_node *node; (node = list_pop(&all.connections));) {
        struct imp_connection *connection = container_of(node, struct imp_connection, node);
        pending_begin(&all.open);
        connection->task_posted = true;
        connection->task.run = run_end;
        loop_post(connection->stream.loop, &connection->task);
    }
    pthread_mutex_unlock(&all.lock);
    pending_wait(&all.open);
}

/* ---- reading and writing --------------------------------------------------------------------- */

/* Gives the module what there is. */
static void deliver(struct imp_connection *connection)
{
    struct buf *in = &connection->stream.in;
    while (buf_size(in) && !connection->leaving && !connection->told_much) {
        struct slice data = buf_slice(in);
        const struct runner *outer = runner_enter(&connection->runner);
        size_t used = connection->handler.received(connection, data.data, data.size, connection->closure);
        runner_leave(outer);
        buf_consume(in, used < data.size ? used : data.size);
        if (used == 0)
            break;
    }
    if (buf_size(in) >= MUCH && !connection->told_much)
        hang_up(connection);
}

static void end_input(struct imp_connection *connection)
{
    connection->ended = true;
    stream_read_stop(&connection->stream);
    if (connection->leaving)
        return;
    if (connection->handler.ended)
        tell(connection, connection->handler.ended);
    else
        imp_connection_close(connection);
}

static void on_readable(struct stream *stream)
{
    struct imp_connection *connection = container_of(stream, struct imp_connection, stream);
    ssize_t got = stream_fill(stream, READ_SIZE);
    if (got == -EAGAIN)
        return;
    if (got < 0)
        hang_up(connection);
    else if (got == 0)
        end_input(connection);
    else
        deliver(connection);
}

static void on_drained(struct stream *stream)
{
    struct imp_connection *connection = container_of(stream, struct imp_connection, stream);
    if (connection->leaving) {
        hang_up(connection);
        return;
    }
    if (!connection->told_much)
        return;
    connection->told_much = false;
    tell(connection, connection->handler.drained);
    if (!connection->leaving && !connection->told_much)
        deliver(connection);
    if (!connection->leaving && !connection->told_much && !connection->ended)
        stream_read_start(stream);
}

static const struct stream_handler handler = {
    .readable = on_readable,
    .drained = on_drained,
    .closed = on_stream_closed,
};

int imp_connection_write(struct imp_connection *connection, const void *data, size_t size)
{
    struct stream *stream = &connection->stream;
    if (connection->leaving || stream->closing)
        return -1;
    buf_append(&stream->out, data, size);
    if (stream_flush(stream) < 0) {
        hang_up(connection);
        return -1;
    }
    if (buf_size(&stream->out) <= MUCH)
        return 0;
    connection->told_much = true;
    stream_read_stop(stream);
    return 1;
}

void imp_connection_close(struct imp_connection *connection)
{
    if (connection->leaving)
        return;
    connection->leaving = true;
    stream_read_stop(&connection->stream);
    if (stream_flush(&connection->stream) != 0)
        hang_up(connection);
    else
        uv_timer_start(&connection->linger, on_linger, LINGER_MS, 0);
}

/* Was it taken already? Then `by`, which would take it once more, is named and refused. */
static bool is_taken(const struct imp_connection *connection, const char *by)
{
    static struct panic_rate rate;
    if (!connection->handler.received && !connection->is_stream)
        return false;
    paniclog_rated(&rate, PANIC_ERROR, "module %s: %s: the connection was taken before; this is ignored",
                   connection->module->label, by);
    return true;
}

void imp_connection_start(struct imp_connection *connection, const struct imp_connection_handler *with,
                          void *closure)
{
    struct imp_connection_handler given;
    if (is_taken(connection, "imp_connection_start"))
        return;
    if (!module_copy_struct(&given, sizeof given, with) || !given.received) {
        module_name_misuse(connection->module,
                           "imp_connection_start: the handler has no size, or no function received");
        return;
    }
    connection->handler = given;
    connection->closure = closure;
    if (!connection->leaving)
        stream_read_start(&connection->stream);
}

/* ---- as a stream ----------------------------------------------------------------------------- */

static void on_stream_gone(void *closure)
{
    handle_closed(closure);
}

/* The socket goes to the stream under another descriptor; ours is closed when `accepted` has returned. */
struct imp_stream *imp_connection_stream(struct imp_connection *connection,
                                         const struct imp_stream_events *events, void *closure)
{
    if (is_taken(connection, "imp_connection_stream")) {
        errno = EINVAL;
        return NULL;
    }
    int fd = fcntl(connection->stream.fd, F_DUPFD_CLOEXEC, 0);
    if (fd < 0)
        return NULL;
    struct imp_stream *stream =
        sdk_stream_accepted(connection->module, fd, &connection->peer, events, closure);
    if (!stream) {
        int error = errno;
        close(fd);
        errno = error;
        return NULL;
    }
    connection->is_stream = true;
    connection->open_handles++;
    pending_end(&all.open);
    sdk_stream_on_gone(stream, on_stream_gone, connection);
    return stream;
}

/* ---- accepting ------------------------------------------------------------------------------- */

/* The row that is to take it, with a reference to its set; NULL: nobody, or too many are open. */
static const struct listener_row *admit(struct sdk_listen *listen, int fd, struct module_set **set)
{
    pthread_mutex_lock(&listen->lock);
    const struct listener_row *row = listen->row;
    unsigned open = atomic_fetch_add(&listen->connections, 1);
    bool crowded = listen->most && open >= listen->most;
    if (crowded && panic_rate_allows(&listen->complaints, COMPLAINT_MS, NULL))
        paniclog(PANIC_WARNING,
                 "Listen \"%s\": %u connections are open (max_connections): more are turned away",
                 listen->name, open);
    bool refused = crowded || !row || descriptor_is_kept(fd) || !budget_take(BUDGET_CLIENTS, 1);
    if (refused) {
        atomic_fetch_sub(&listen->connections, 1);
        row = NULL;
    } else {
        *set = module_set_ref(listen->set);
        atomic_fetch_add(&listen->references, 1);
    }
    pthread_mutex_unlock(&listen->lock);
    return row;
}

static bool enter(struct imp_connection *connection)
{
    pthread_mutex_lock(&all.lock);
    bool ended = all.ended;
    if (!ended)
        list_append(&all.connections, &connection->node);
    pthread_mutex_unlock(&all.lock);
    return !ended;
}

static struct imp_connection *make(struct loop *loop, int fd, struct sdk_listen *listen,
                                   struct module_set *set)
{
    struct imp_connection *connection = mem_new(struct imp_connection);
    if (stream_open(&connection->stream, loop, fd, &handler) < 0) {
        free(connection);
        return NULL;
    }
    pending_begin(&all.open);
    uv_timer_init(loop_uv(loop), &connection->linger);
    connection->linger.data = connection;
    connection->open_handles = 2;
    connection->listen = listen;
    connection->set = set;
    return connection;
}

void sdk_listen_accept(struct loop *loop, int fd, const struct net_addr *local, const struct net_addr *peer,
                       void *argument)
{
    struct sdk_listen *listen = argument;
    struct module_set *set;
    const struct listener_row *row = admit(listen, fd, &set);
    struct imp_connection *connection = row ? make(loop, fd, listen, set) : NULL;
    if (row && !connection) {
        budget_give(BUDGET_CLIENTS, 1);
        atomic_fetch_sub(&listen->connections, 1);
        unref_listen(listen);
        module_set_unref(set);
    }
    if (!connection) {
        close(fd);
        return;
    }
    connection->peer = *peer;
    connection->module = row->module;
    connection->runner = (struct runner){row->module->label, "its listener", ""};
    net_addr_format(peer, connection->peer_text);
    net_addr_format_port(local, connection->local_text);
    bool entered = enter(connection);
    if (entered) {
        const struct runner *outer = runner_enter(&connection->runner);
        row->listener.accepted(connection, row->listener.closure);
        runner_leave(outer);
    }
    if (!entered || !connection->handler.received)
        hang_up(connection);
}

/* ---- what modules ask ------------------------------------------------------------------------ */

const char *imp_connection_peer_text(const struct imp_connection *connection)
{
    return connection->peer_text;
}

const char *imp_connection_local_text(const struct imp_connection *connection)
{
    return connection->local_text;
}

bool imp_connection_peer_address(const struct imp_connection *connection, uint8_t address[16])
{
    if (connection->peer.family != AF_INET && connection->peer.family != AF_INET6)
        return false;
    net_addr_mapped(&connection->peer, address);
    return true;
}

const char *imp_connection_listen(const struct imp_connection *connection)
{
    return connection->listen->name;
}

static const struct registry form = {.kind = "listener", .release = free};

int imp_listener_add(struct imp_module *module, const struct imp_listener *given)
{
    struct imp_listener listener;
    if (!module_copy_struct(&listener, sizeof listener, given) || !listener.accepted)
        return module_misregistered(module, "imp_listener_add: size and accepted are required");
    struct listener_row *row = mem_new(struct listener_row);
    row->listener = listener;
    row->module = module;
    struct registry_row entry = {.name = module->label, .thread = "the connection's event loop", .what = row};
    if (sdk_register(module, MODULE_LISTENERS, &form, &entry) == 0)
        return 0;
    free(row);
    return -1;
}
