/*
 * pollers: the loops accept for themselves.
 *
 * Every loop watches the same socket in its own epoll set and accepts one connection a turn, so that a loop
 * with much to do leaves the next connection to one with less. Losing the race is an EAGAIN.
 */
#include "net/pollers.h"

#include <pthread.h>
#include "base/list.h"
#include "base/mem.h"
#include "log/paniclog.h"

struct poller { /* one loop's part; its thread's, but for the tasks */
    struct pollers *owner;
    struct loop *loop;
    struct loop_task start, stop;
    uv_poll_t poll;
    uv_timer_t pause; /* runs while poll does not, after accept failed */
    unsigned handles; /* initialised and not closed */
};

struct pollers {
    struct listen_socket *socket;
    pthread_mutex_t lock;
    pthread_cond_t closed;
    unsigned open; /* pollers whose handles are not closed; under lock */
    unsigned count;
    struct poller *members;
};

static void watch(struct poller *poller);

static void on_pause_over(uv_timer_t *timer)
{
    watch(timer->data);
}

static void on_readable(uv_poll_t *poll, int status, int events)
{
    struct poller *poller = poll->data;
    struct listen_socket *socket = poller->owner->socket;
    struct connection connection;
    (void)events;
    enum accept_outcome outcome = status < 0 ? ACCEPT_FAILED : accept_connection(socket, &connection);
    if (outcome == ACCEPT_CONNECTION) {
        socket->accept(poller->loop, connection.fd, &connection.local, &connection.peer, socket->argument);
    } else if (outcome == ACCEPT_FAILED) {
        uv_poll_stop(poll);
        uv_timer_start(&poller->pause, on_pause_over, ACCEPT_PAUSE_MS, 0);
    }
}

static void watch(struct poller *poller)
{
    uv_poll_start(&poller->poll, UV_READABLE, on_readable);
}

static void run_start(struct loop_task *task)
{
    struct poller *poller = container_of(task, struct poller, start);
    uv_timer_init(loop_uv(poller->loop), &poller->pause);
    poller->pause.data = poller;
    poller->handles = 1;
    int error = uv_poll_init(loop_uv(poller->loop), &poller->poll, poller->owner->socket->fd);
    if (error < 0) {
        paniclog(PANIC_CRITICAL, "Listen \"%s\": loop %u cannot watch the socket: %s",
                 poller->owner->socket->name, loop_index(poller->loop), uv_strerror(error));
        return;
    }
    poller->poll.data = poller;
    poller->handles = 2;
    watch(poller);
}

static void on_closed(uv_handle_t *handle)
{
    struct poller *poller = handle->data;
    struct pollers *pollers = poller->owner;
    if (--poller->handles > 0)
        return;
    pthread_mutex_lock(&pollers->lock);
    pollers->open--;
    pthread_cond_signal(&pollers->closed);
    pthread_mutex_unlock(&pollers->lock); /* from here on pollers_stop may free it */
}

static void run_stop(struct loop_task *task)
{
    struct poller *poller = container_of(task, struct poller, stop);
    bool polling = poller->handles == 2;
    uv_close((uv_handle_t *)&poller->pause, on_closed);
    if (polling)
        uv_close((uv_handle_t *)&poller->poll, on_closed);
}

struct pollers *pollers_start(struct listen_socket *socket)
{
    struct pollers *pollers = mem_new(struct pollers);
    pollers->socket = socket;
    pthread_mutex_init(&pollers->lock, NULL);
    pthread_cond_init(&pollers->closed, NULL);
    pollers->open = pollers->count = loop_group_size(socket->group);
    pollers->members = mem_array(pollers->count, sizeof *pollers->members);
    for (unsigned i = 0; i < pollers->count; i++) {
        struct poller *poller = &pollers->members[i];
        poller->owner = pollers;
        poller->loop = loop_group_at(socket->group, i);
        poller->start.run = run_start;
        poller->stop.run = run_stop;
        loop_post(poller->loop, &poller->start);
    }
    return pollers;
}

void pollers_stop(struct pollers *pollers)
{
    for (unsigned i = 0; i < pollers->count; i++)
        loop_post(pollers->members[i].loop, &pollers->members[i].stop);
    pthread_mutex_lock(&pollers->lock);
    while (pollers->open > 0)
        pthread_cond_wait(&pollers->closed, &pollers->lock);
    pthread_mutex_unlock(&pollers->lock);
    pthread_mutex_destroy(&pollers->lock);
    pthread_cond_destroy(&pollers->closed);
    free(pollers->members);
    free(pollers);
}
