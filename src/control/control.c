/*
 * control: the sockets of the Control_Listener stanzas. A Listen is known by its name; at a reload the socket
 * of a Listen that stays is not touched.
 *
 * A socket is opened as any listening socket is (net/listener.h), and accepted from by libuv on the main
 * loop, on a copy of its descriptor.
 */
#include "control/control.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>
#include "base/mem.h"
#include "control/control_options.h"
#include "control/ctl_call_private.h"
#include "control/ctl_command.h"
#include "control/ctl_gather.h"
#include "control/ctl_session.h"
#include "log/paniclog.h"
#include "net/listener.h"
#include "policy/listen_options.h"

enum {
    DEFAULT_FILE_MODE = 0600, /* the manual: "only accessible to the user identity" of the daemon */
    COMPLAINT_INTERVAL_MS = 10000,
};

struct control_socket {
    struct list_node link;
    struct control *control;
    struct listener *listener;
    union {
        uv_handle_t handle;
        uv_stream_t stream;
        uv_tcp_t tcp;
        uv_pipe_t pipe;
    };
    bool accepting;
    struct panic_rate complaints; /* lines about accept */
};

/* ---- the set --------------------------------------------------------------------------------- */

struct control *control_create(uv_loop_t *loop, const struct control_upper *upper)
{
    struct control *control = mem_new(struct control);
    control->loop = loop;
    control->upper = *upper;
    control->logins = login_service_create();
    control->calls = ctl_calls_create(loop);
    ctl_commands_register();
    list_init(&control->sockets);
    list_init(&control->sessions);
    return control;
}

void control_free(struct control *control)
{
    if (!control)
        return;
    ctl_calls_close(control->calls);
    uv_run(control->loop, UV_RUN_NOWAIT);
    login_service_free(control->logins);
    free(control);
}

void control_collect(struct control *control)
{
    ctl_calls_collect(control->calls);
}

void control_cancel(struct control *control)
{
    static const struct timespec moment = {.tv_nsec = 500000};
    list_each(&control->sessions, session, after)
        control_session_give_up(session);
    for (ctl_calls_collect(control->calls); ctl_gathers_are_open(); ctl_calls_collect(control->calls))
        nanosleep(&moment, NULL); /* not for long: no loop waits for a client to read any more */
}

size_t control_count(const struct control *control)
{
    size_t count = 0;
    list_each(&control->sockets, node, after)
        count++;
    return count;
}

static struct control_socket *find(struct control *control, const char *endpoint)
{
    char wanted[LISTENER_KEY_SIZE], key[LISTENER_KEY_SIZE];
    listener_endpoint_key(endpoint, wanted);
    list_each(&control->sockets, node, after) {
        struct control_socket *socket = container_of(node, struct control_socket, link);
        listener_endpoint_key(listener_endpoint(socket->listener), key);
        if (strcmp(key, wanted) == 0)
            return socket;
    }
    return NULL;
}

static void on_closed(uv_handle_t *handle)
{
    free(handle->data);
}

static void close_socket(struct control_socket *socket)
{
    list_remove(&socket->link);
    listener_close(socket->listener);
    if (socket->accepting)
        uv_close(&socket->handle, on_closed);
    else
        free(socket);
}

/* ---- opening --------------------------------------------------------------------------------- */

static struct listener_settings settings_of(const struct conf_chain *chain, const char *endpoint)
{
    struct listener_settings settings = {.endpoint = endpoint};
    struct control_options options;
    listen_socket_fill(&settings, chain);
    control_options_fill(&options, chain);
    if (options.file_mode.level == chain->count) /* not set; the row's default is that of other listeners */
        settings.file_mode = DEFAULT_FILE_MODE;
    return settings;
}

/* Whoever may write in the directory may have put something else in the socket's place: only a socket of ours
 * is given away. */
static bool give_file(const char *path, uid_t owner, gid_t group)
{
    struct stat file;
    int fd = open(path, O_PATH | O_NOFOLLOW | O_CLOEXEC);
    bool ours = fd >= 0 && fstat(fd, &file) == 0 && S_ISSOCK(file.st_mode) && file.st_uid == geteuid() &&
                file.st_nlink == 1;
    bool given = ours && fchownat(fd, "", owner, group, AT_EMPTY_PATH) == 0;
    if (fd >= 0 && !ours)
        errno = EPERM;
    if (fd >= 0)
        close(fd);
    return given;
}

static struct listener *open_listener(const struct conf_chain *chain, const char *endpoint, uid_t owner,
                                      gid_t group, char *error, size_t error_size)
{
    struct listener_settings settings = settings_of(chain, endpoint);
    struct listener *listener = listener_open(&settings, error, error_size);
    if (listener && endpoint[0] == '/' && (owner != geteuid() || group != getegid()) &&
        !give_file(endpoint, owner, group)) {
        snprintf(error, error_size, "Listen \"%s\": chown: %s", endpoint, strerror(errno));
        listener_close(listener);
        return NULL;
    }
    return listener;
}

static bool open_listens(struct control *control, const struct conf *conf, const struct conf_scope *listener,
                         uid_t owner, gid_t group, char *error, size_t error_size)
{
    const struct conf_scope *listen = NULL;
    while ((listen = conf_scope_next(listener, "listen", listen))) {
        const char *endpoint = conf_scope_name(listen);
        struct conf_chain chain;
        conf_chain_inbound(&chain, conf, listener, listen, NULL);
        if (!listen_is_enabled(&chain) || find(control, endpoint))
            continue;
        struct listener *opened = open_listener(&chain, endpoint, owner, group, error, error_size);
        if (!opened)
            return false;
        struct control_socket *socket = mem_new(struct control_socket);
        socket->control = control;
        socket->listener = opened;
        list_append(&control->sockets, &socket->link);
    }
    return true;
}

bool control_open(struct control *control, const struct conf *conf, uid_t owner, gid_t group, char *error,
                  size_t error_size)
{
    const struct conf_scope *listener = NULL;
    while ((listener = conf_scope_next(conf_root(conf), "control_listener", listener)))
        if (!open_listens(control, conf, listener, owner, group, error, error_size))
            break;
    if (!listener)
        return true;
    list_each(&control->sockets, node, after) {
        struct control_socket *socket = container_of(node, struct control_socket, link);
        if (!socket->accepting)
            close_socket(socket);
    }
    return false;
}

/* ---- accepting ------------------------------------------------------------------------------- */

static void on_connection(uv_stream_t *server, int error)
{
    struct control_socket *socket = server->data;
    if (error == 0)
        control_session_accept(socket->control, server, listener_endpoint(socket->listener));
    else if (panic_rate_allows(&socket->complaints, COMPLAINT_INTERVAL_MS, NULL))
        paniclog(PANIC_ERROR, "Listen \"%s\": accept: %s", listener_endpoint(socket->listener),
                 uv_strerror(error));
}

/* 0 or a negative errno. The handle is libuv's from here on. */
static int begin_accepting(struct control_socket *socket)
{
    int fd = fcntl(listener_descriptor(socket->listener), F_DUPFD_CLOEXEC, 0), error;
    socket->accepting = true;
    socket->handle.data = socket;
    if (listener_endpoint(socket->listener)[0] == '/') {
        uv_pipe_init(socket->control->loop, &socket->pipe, 0);
        error = fd < 0 ? -errno : uv_pipe_open(&socket->pipe, fd);
    } else {
        uv_tcp_init(socket->control->loop, &socket->tcp);
        error = fd < 0 ? -errno : uv_tcp_open(&socket->tcp, fd);
    }
    if (error < 0 && fd >= 0)
        close(fd);
    return error < 0 ? error : uv_listen(&socket->stream, SOMAXCONN, on_connection);
}

static void start_socket(struct control_socket *socket)
{
    int error = begin_accepting(socket);
    if (error == 0)
        return;
    paniclog(PANIC_CRITICAL, "Listen \"%s\": cannot accept: %s", listener_endpoint(socket->listener),
             uv_strerror(error));
    close_socket(socket);
}

/* Makes of a socket that stays what its Listen says. */
static void change_socket(struct control_socket *socket, const struct conf *conf,
                          const struct conf_scope *listen)
{
    struct conf_chain chain;
    char error[256];
    conf_chain_inbound(&chain, conf, conf_scope_parent(listen), listen, NULL);
    struct listener_settings settings = settings_of(&chain, conf_scope_name(listen));
    if (!listener_change(socket->listener, &settings, error, sizeof error))
        paniclog(PANIC_WARNING, "Listen \"%s\": %s", conf_scope_name(listen), error);
}

void control_start(struct control *control)
{
    const struct conf *conf = control->upper.running(control->upper.daemon);
    list_each(&control->sockets, node, after) {
        struct control_socket *socket = container_of(node, struct control_socket, link);
        const struct conf_scope *listen = access_listen(conf, listener_endpoint(socket->listener));
        if (!listen)
            close_socket(socket);
        else if (socket->accepting)
            change_socket(socket, conf, listen);
        else
            start_socket(socket);
    }
}

void control_close(struct control *control)
{
    list_each(&control->sockets, socket, next)
        close_socket(container_of(socket, struct control_socket, link));
    list_each(&control->sessions, session, after)
        control_session_leave(session);
}
