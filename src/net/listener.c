/*
 * listener: opening listening sockets, and starting and stopping to accept from them.
 *
 * Who accepts is in pollers.c (the loops) and acceptors.c (threads of a pool).
 */
#include "net/listener.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include "base/list.h"
#include "base/mem.h"
#include "base/pending.h"
#include "net/listener_private.h"

/* ---- opening --------------------------------------------------------------------------------- */

bool listener_endpoint_check(const char *endpoint, char *error, size_t error_size)
{
    struct endpoint parsed;
    return endpoint_parse(&parsed, endpoint, error, error_size);
}

void listener_endpoint_key(const char *endpoint, char key[LISTENER_KEY_SIZE])
{
    struct endpoint parsed;
    char ignored[1], address[NET_ADDR_TEXT_SIZE];
    bool known = endpoint_parse(&parsed, endpoint, ignored, sizeof ignored) && parsed.addr.port;
    snprintf(key, LISTENER_KEY_SIZE, "%s", known ? net_addr_format_port(&parsed.addr, address) : endpoint);
}

struct socket_option {
    int level, name, value;
    bool wanted;
    const char *text;
};

/* Everything but TCP_NODELAY is inherited by the accepted sockets, buffer sizes only if set before listen().
 */
static bool set_options(const struct listener *listener, const struct listener_settings *settings,
                        char *error, size_t error_size)
{
    sa_family_t family = listener->endpoint.addr.family;
    const struct socket_option options[] = {
        {SOL_SOCKET, SO_REUSEADDR, 1, family != AF_UNIX, "SO_REUSEADDR"},
        {IPPROTO_IPV6, IPV6_V6ONLY, 1, family == AF_INET6, "IPV6_V6ONLY"}, /* leaves "*:25" free */
        {SOL_SOCKET, SO_RCVBUF, settings->recv_buffer, settings->recv_buffer > 0, "TCP_Recv_Buffer_Size"},
        {SOL_SOCKET, SO_SNDBUF, settings->send_buffer, settings->send_buffer > 0, "TCP_Send_Buffer_Size"},
    };
    for (size_t i = 0; i < sizeof options / sizeof *options; i++) {
        const struct socket_option *option = &options[i];
        if (option->wanted && setsockopt(listener->socket.fd, option->level, option->name, &option->value,
                                         sizeof option->value) < 0) {
            snprintf(error, error_size, "%s = %d: %s", option->text, option->value, strerror(errno));
            return false;
        }
    }
    return true;
}

/* What was bound: the port that the kernel chose, the file that is ours to remove. */
static void learn_address(struct listener *listener)
{
    struct sockaddr_storage address = {.ss_family = listener->endpoint.addr.family};
    socklen_t size = sizeof address;
    struct stat file;
    getsockname(listener->socket.fd, (struct sockaddr *)&address, &size);
    net_addr_from_sockaddr(&listener->socket.address, (struct sockaddr *)&address);
    if (listener->socket.address.family == AF_UNIX) {
        if (lstat(listener->endpoint.sun.sun_path, &file) == 0) {
            listener->device = file.st_dev;
            listener->inode = file.st_ino;
        }
        return;
    }
    static const uint8_t any[16];
    listener->socket.wildcard = memcmp(listener->socket.address.bytes, any, sizeof any) == 0;
}

/* All steps from the name to listen(). False with the reason, without the endpoint's name, in reason[]. */
static bool open_socket(struct listener *listener, const struct listener_settings *settings, char *reason,
                        size_t size)
{
    if (!endpoint_parse(&listener->endpoint, settings->endpoint, reason, size))
        return false;
    listener->socket.fd =
        socket(listener->endpoint.addr.family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (listener->socket.fd < 0) {
        snprintf(reason, size, "socket: %s", strerror(errno));
        return false;
    }
    if (!set_options(listener, settings, reason, size) ||
        !endpoint_bind(&listener->endpoint, listener->socket.fd, settings->file_mode, reason, size))
        return false;
    learn_address(listener);
    if (listen(listener->socket.fd, settings->backlog) < 0) {
        snprintf(reason, size, "listen: %s", strerror(errno));
        return false;
    }
    return true;
}

static void remember(struct listener *listener, const struct listener_settings *settings)
{
    listener->asked = *settings;
    listener->asked.endpoint = listener->socket.name;
}

/* Who accepts, and how. Nobody does meanwhile. */
static void take_acceptance(struct listener *listener, const struct listener_settings *settings)
{
    listener->socket.no_delay = settings->no_delay && settings->endpoint[0] != '/';
    listener->settings = (struct acceptors_settings){
        .pool = settings->pool,
        .concurrency = settings->concurrency,
        .queue_backlog = settings->accept_queue_backlog,
        .events_per_iter = settings->events_per_iter ? settings->events_per_iter : 1,
    };
}

struct listener *listener_open(const struct listener_settings *settings, char *error, size_t error_size)
{
    struct listener *listener = mem_new(struct listener);
    char reason[256];
    listener->socket.name = mem_dup(settings->endpoint);
    listener->socket.fd = -1;
    take_acceptance(listener, settings);
    remember(listener, settings);
    if (open_socket(listener, settings, reason, sizeof reason))
        return listener;
    snprintf(error, error_size, "Listen \"%s\": %s", settings->endpoint, reason);
    listener_close(listener);
    return NULL;
}

/* The file stays if somebody else has put another socket in its place. */
static void remove_socket_file(const struct listener *listener)
{
    struct stat file;
    const char *path = listener->endpoint.sun.sun_path;
    if (listener->inode && lstat(path, &file) == 0 && file.st_dev == listener->device &&
        file.st_ino == listener->inode)
        unlink(path);
}

void listener_close(struct listener *listener)
{
    if (!listener)
        return;
    if (listener->socket.fd >= 0) {
        remove_socket_file(listener);
        close(listener->socket.fd);
    }
    free(listener->socket.name);
    free(listener);
}

/* ---- starting and stopping ------------------------------------------------------------------- */

void listener_start(struct listener *listener, struct loop_group *group, listener_accept_fn *accept,
                    void *argument)
{
    listener->socket.group = group;
    listener->socket.accept = accept;
    listener->socket.argument = argument;
    if (listener->settings.concurrency > 0)
        listener->acceptors = acceptors_start(&listener->socket, &listener->settings);
    if (!listener->acceptors)
        listener->pollers = pollers_start(&listener->socket);
}

void listener_stop(struct listener *listener)
{
    if (listener->acceptors)
        acceptors_stop(listener->acceptors);
    if (listener->pollers)
        pollers_stop(listener->pollers);
    listener->acceptors = NULL;
    listener->pollers = NULL;
}

/* ---- changing -------------------------------------------------------------------------------- */

static bool accepts_alike(const struct listener_settings *a, const struct listener_settings *b)
{
    return a->no_delay == b->no_delay && a->concurrency == b->concurrency && a->pool == b->pool &&
           a->accept_queue_backlog == b->accept_queue_backlog && a->events_per_iter == b->events_per_iter;
}

static bool change_buffer(int fd, int name, int was, int is)
{
    /* Once it was set, the kernel does not choose any more. */
    return was == is || (is > 0 && setsockopt(fd, SOL_SOCKET, name, &is, sizeof is) == 0);
}

static bool change_socket(struct listener *listener, const struct listener_settings *was,
                          const struct listener_settings *is, const char **option)
{
    int fd = listener->socket.fd;
    bool file = listener->endpoint.addr.family == AF_UNIX && was->file_mode != is->file_mode;
    if (was->backlog != is->backlog && listen(fd, is->backlog) < 0)
        *option = "Listen_Backlog";
    else if (!change_buffer(fd, SO_RCVBUF, was->recv_buffer, is->recv_buffer))
        *option = "TCP_Recv_Buffer_Size";
    else if (!change_buffer(fd, SO_SNDBUF, was->send_buffer, is->send_buffer))
        *option = "TCP_Send_Buffer_Size";
    else if (file && !endpoint_set_mode(&listener->endpoint, is->file_mode))
        *option = "File_Mode";
    return !*option;
}

bool listener_change(struct listener *listener, const struct listener_settings *settings, char *error,
                     size_t error_size)
{
    struct listener_settings was = listener->asked;
    bool restart = !accepts_alike(&was, settings), started = listener->pollers || listener->acceptors;
    const char *option = NULL;
    if (restart && started)
        listener_stop(listener);
    if (restart)
        take_acceptance(listener, settings);
    if (restart && started)
        listener_start(listener, listener->socket.group, listener->socket.accept, listener->socket.argument);
    remember(listener, settings);
    if (change_socket(listener, &was, settings, &option))
        return true;
    snprintf(error, error_size,
             "%s of an open socket cannot become what it is now; it does at the next start", option);
    return false;
}

/* ---- retiring -------------------------------------------------------------------------------- */

struct handover { /* a connection that waited in the kernel, on its way to a loop */
    struct loop_task task;
    struct handover *next;
    const struct listener *listener;
    struct loop *loop;
    struct pending *pending;
    struct connection connection;
};

static void run_handover(struct loop_task *task)
{
    struct handover *handover = container_of(task, struct handover, task);
    const struct listen_socket *socket = &handover->listener->socket;
    const struct connection *connection = &handover->connection;
    struct pending *pending = handover->pending;
    socket->accept(handover->loop, connection->fd, &connection->local, &connection->peer, socket->argument);
    free(handover);
    pending_end(pending);
}

/*
 * Answers the beginning of a connection no more (its segment's TTL is too low), so that whoever comes from
 * here on is refused cleanly by the socket's end. A handshake under way goes on. Connections inherit it.
 */
static void set_least_ttl(const struct listener *listener, int fd, int ttl)
{
    if (listener->socket.address.family == AF_INET)
        setsockopt(fd, IPPROTO_IP, IP_MINTTL, &ttl, sizeof ttl);
    else if (listener->socket.address.family == AF_INET6)
        setsockopt(fd, IPPROTO_IPV6, IPV6_MINHOPCOUNT, &ttl, sizeof ttl);
}

/* Everything that waits, and then at once no socket: a handshake that is under way then ends in a reset. */
static struct handover *accept_rest(struct listener *listener, struct pending *pending)
{
    struct handover *all = NULL;
    struct connection connection;
    set_least_ttl(listener, listener->socket.fd, 255);
    for (int i = 0; i <= listener->asked.backlog; i++) {
        if (accept_connection(&listener->socket, &connection) != ACCEPT_CONNECTION)
            break;
        set_least_ttl(listener, connection.fd, 0);
        struct handover *handover = mem_new(struct handover);
        *handover = (struct handover){.task.run = run_handover,
                                      .next = all,
                                      .listener = listener,
                                      .loop = loop_group_next(listener->socket.group),
                                      .pending = pending,
                                      .connection = connection};
        all = handover;
    }
    close(listener->socket.fd);
    listener->socket.fd = -1;
    return all;
}

void listener_retire(struct listener *listener)
{
    struct pending pending;
    pending_init(&pending);
    listener_stop(listener);
    remove_socket_file(listener);
    for (struct handover *at = accept_rest(listener, &pending), *next; at; at = next) {
        next = at->next;
        pending_begin(&pending);
        loop_post(at->loop, &at->task);
    }
    pending_wait(&pending);
    pending_destroy(&pending);
    listener_close(listener);
}

int listener_descriptor(const struct listener *listener)
{
    return listener->socket.fd;
}

const char *listener_endpoint(const struct listener *listener)
{
    return listener->socket.name;
}

const struct net_addr *listener_address(const struct listener *listener)
{
    return &listener->socket.address;
}
