/*
 * acceptors: threads of a pool accept, and hand the connections to the loops in turn.
 *
 * Each loop has a queue of connections. An acceptor reserves a place in one before it calls accept, so that
 * what finds no place stays in the kernel's backlog, where Listen_Backlog bounds it. One lock guards all
 * queues of a listener: it is held for a few instructions per connection.
 */
#include "net/acceptors.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>
#include "base/list.h"
#include "base/mem.h"
#include "log/paniclog.h"

struct accept_queue { /* of one loop; under the owner's lock */
    struct acceptors *owner;
    struct loop *loop;
    struct loop_task task; /* gives connections to socket->accept, on the loop */
    bool posted;           /* the task is queued or running */
    struct connection *items;
    unsigned first, count, capacity; /* a ring */
    unsigned reserved;               /* places promised to acceptors that are inside accept */
};

struct acceptor {
    struct acceptors *owner;
    struct pool_job job;
};

struct acceptors {
    struct listen_socket *socket;
    struct acceptors_settings settings;
    int stop_fd; /* an eventfd, readable from acceptors_stop on */
    pthread_mutex_t lock;
    pthread_cond_t room;  /* a queue has a place, or stopping */
    pthread_cond_t ended; /* an acceptor ended or a queue ran empty */
    bool stopping;
    unsigned waiting; /* acceptors that wait for room */
    unsigned running; /* acceptors that did not end */
    unsigned turn;    /* the queue that is asked first for a place */
    unsigned queue_count, member_count;
    struct accept_queue *queues;
    struct acceptor *members;
};

/* ---- the queues ------------------------------------------------------------------------------ */

static bool has_place(const struct accept_queue *queue)
{
    unsigned limit = queue->owner->settings.queue_backlog;
    return limit == 0 || queue->count + queue->reserved < limit;
}

/* Under the lock: the next queue in turn with a place, or NULL. */
static struct accept_queue *find_place(struct acceptors *acceptors)
{
    for (unsigned i = 0; i < acceptors->queue_count; i++) {
        unsigned index = (acceptors->turn + i) % acceptors->queue_count;
        if (!has_place(&acceptors->queues[index]))
            continue;
        acceptors->turn = (index + 1) % acceptors->queue_count;
        return &acceptors->queues[index];
    }
    return NULL;
}

/* Waits while every queue is full. NULL when it is time to stop. */
static struct accept_queue *reserve_place(struct acceptors *acceptors)
{
    struct accept_queue *queue = NULL;
    pthread_mutex_lock(&acceptors->lock);
    while (!acceptors->stopping && !(queue = find_place(acceptors))) {
        acceptors->waiting++;
        pthread_cond_wait(&acceptors->room, &acceptors->lock);
        acceptors->waiting--;
    }
    if (queue)
        queue->reserved++;
    pthread_mutex_unlock(&acceptors->lock);
    return queue;
}

/* There was no connection for it: the turn is still this queue's, or every second loop would get nothing. */
static void release_place(struct accept_queue *queue)
{
    struct acceptors *acceptors = queue->owner;
    pthread_mutex_lock(&acceptors->lock);
    queue->reserved--;
    acceptors->turn = (unsigned)(queue - acceptors->queues);
    if (acceptors->waiting)
        pthread_cond_signal(&acceptors->room);
    pthread_mutex_unlock(&acceptors->lock);
}

static void append(struct accept_queue *queue, const struct connection *connection)
{
    if (queue->count == queue->capacity) {
        unsigned capacity = queue->capacity ? queue->capacity * 2 : 16;
        struct connection *items = mem_array(capacity, sizeof *items);
        for (unsigned i = 0; i < queue->count; i++)
            items[i] = queue->items[(queue->first + i) % queue->capacity];
        free(queue->items);
        queue->items = items;
        queue->capacity = capacity;
        queue->first = 0;
    }
    queue->items[(queue->first + queue->count++) % queue->capacity] = *connection;
}

/* Puts the connection into the reserved place. */
static void hand_over(struct accept_queue *queue, const struct connection *connection)
{
    pthread_mutex_lock(&queue->owner->lock);
    queue->reserved--;
    append(queue, connection);
    bool post = !queue->posted;
    queue->posted = true;
    pthread_mutex_unlock(&queue->owner->lock);
    if (post)
        loop_post(queue->loop, &queue->task);
}

static bool take(struct accept_queue *queue, struct connection *connection)
{
    struct acceptors *acceptors = queue->owner;
    pthread_mutex_lock(&acceptors->lock);
    bool found = queue->count > 0;
    if (found) {
        *connection = queue->items[queue->first];
        queue->first = (queue->first + 1) % queue->capacity;
        queue->count--;
        if (acceptors->waiting)
            pthread_cond_signal(&acceptors->room);
    }
    pthread_mutex_unlock(&acceptors->lock);
    return found;
}

/* On the loop: Events_Per_Iter connections, then the rest of the loop's work has its turn. */
static void run_queue(struct loop_task *task)
{
    struct accept_queue *queue = container_of(task, struct accept_queue, task);
    struct acceptors *acceptors = queue->owner;
    struct listen_socket *socket = acceptors->socket;
    struct connection connection;
    for (unsigned i = 0; i < acceptors->settings.events_per_iter && take(queue, &connection); i++)
        socket->accept(queue->loop, connection.fd, &connection.local, &connection.peer, socket->argument);
    pthread_mutex_lock(&acceptors->lock);
    bool more = queue->count > 0;
    queue->posted = more;
    if (!more)
        pthread_cond_signal(&acceptors->ended);
    pthread_mutex_unlock(
        &acceptors->lock); /* without more, acceptors_stop may free everything from here on */
    if (more)
        loop_post(queue->loop, &queue->task);
}

/* ---- the threads ----------------------------------------------------------------------------- */

/* Waits for a connection (fd) or only for the time (-1), and in both cases for stop_fd. */
static void wait_for(const struct acceptors *acceptors, int fd, int timeout_ms)
{
    struct pollfd fds[2] = {{acceptors->stop_fd, POLLIN, 0}, {fd, POLLIN, 0}};
    poll(fds, 2, timeout_ms); /* poll ignores a negative fd; reserve_place tells a stop */
}

static void accept_connections(struct pool_job *job)
{
    struct acceptors *acceptors = container_of(job, struct acceptor, job)->owner;
    struct listen_socket *socket = acceptors->socket;
    struct accept_queue *queue;
    while ((queue = reserve_place(acceptors))) {
        struct connection connection;
        enum accept_outcome outcome = accept_connection(socket, &connection);
        if (outcome == ACCEPT_CONNECTION) {
            hand_over(queue, &connection);
            continue;
        }
        release_place(queue);
        bool failed = outcome == ACCEPT_FAILED;
        wait_for(acceptors, failed ? -1 : socket->fd, failed ? ACCEPT_PAUSE_MS : -1);
    }
    pthread_mutex_lock(&acceptors->lock);
    acceptors->running--;
    pthread_cond_signal(&acceptors->ended);
    pthread_mutex_unlock(&acceptors->lock);
}

/* ---- starting and stopping ------------------------------------------------------------------- */

static void create_queues(struct acceptors *acceptors, struct loop_group *group)
{
    acceptors->queue_count = loop_group_size(group);
    acceptors->queues = mem_array(acceptors->queue_count, sizeof *acceptors->queues);
    for (unsigned i = 0; i < acceptors->queue_count; i++) {
        acceptors->queues[i].owner = acceptors;
        acceptors->queues[i].loop = loop_group_at(group, i);
        acceptors->queues[i].task.run = run_queue;
    }
}

static void submit_acceptors(struct acceptors *acceptors)
{
    unsigned concurrency = acceptors->settings.concurrency;
    struct pool *pool = acceptors->settings.pool;
    acceptors->members = mem_array(concurrency, sizeof *acceptors->members);
    acceptors->running = concurrency;
    for (unsigned i = 0; i < concurrency; i++) {
        struct acceptor *acceptor = &acceptors->members[acceptors->member_count];
        acceptor->owner = acceptors;
        acceptor->job.work = accept_connections;
        acceptors->member_count += pool_try(pool, &acceptor->job);
    }
    if (acceptors->member_count == concurrency)
        return;
    paniclog(PANIC_ERROR,
             "Listen \"%s\": ThreadPool \"%s\" takes %u of %u acceptors: its Backlog is full of other work",
             acceptors->socket->name, pool_name(pool), acceptors->member_count, concurrency);
    pthread_mutex_lock(&acceptors->lock);
    acceptors->running -= concurrency - acceptors->member_count;
    pthread_mutex_unlock(&acceptors->lock);
}

struct acceptors *acceptors_start(struct listen_socket *socket, const struct acceptors_settings *settings)
{
    if (!settings->pool || pool_concurrency(settings->pool) == 0) {
        paniclog(PANIC_ERROR, "Listen \"%s\": its ThreadPool has no threads: the event loops accept",
                 socket->name);
        return NULL;
    }
    int stop_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (stop_fd < 0) {
        paniclog(PANIC_ERROR, "Listen \"%s\": eventfd: %s: the event loops accept", socket->name,
                 strerror(errno));
        return NULL;
    }
    struct acceptors *acceptors = mem_new(struct acceptors);
    acceptors->socket = socket;
    acceptors->settings = *settings;
    acceptors->stop_fd = stop_fd;
    pthread_mutex_init(&acceptors->lock, NULL);
    pthread_cond_init(&acceptors->room, NULL);
    pthread_cond_init(&acceptors->ended, NULL);
    create_queues(acceptors, socket->group);
    submit_acceptors(acceptors);
    return acceptors;
}

/* Under the lock: does a thread or a loop still use the queues? */
static bool in_use(const struct acceptors *acceptors)
{
    bool used = acceptors->running > 0;
    for (unsigned i = 0; i < acceptors->queue_count; i++)
        used = used || acceptors->queues[i].posted;
    return used;
}

static void acceptors_free(struct acceptors *acceptors)
{
    for (unsigned i = 0; i < acceptors->queue_count; i++)
        free(acceptors->queues[i].items);
    pthread_mutex_destroy(&acceptors->lock);
    pthread_cond_destroy(&acceptors->room);
    pthread_cond_destroy(&acceptors->ended);
    close(acceptors->stop_fd);
    free(acceptors->queues);
    free(acceptors->members);
    free(acceptors);
}

void acceptors_stop(struct acceptors *acceptors)
{
    unsigned cancelled = 0;
    for (unsigned i = 0; i < acceptors->member_count; i++)
        cancelled += pool_cancel(acceptors->settings.pool, &acceptors->members[i].job);
    pthread_mutex_lock(&acceptors->lock);
    acceptors->stopping = true;
    acceptors->running -= cancelled;
    pthread_cond_broadcast(&acceptors->room);
    eventfd_write(acceptors->stop_fd, 1);
    while (in_use(acceptors))
        pthread_cond_wait(&acceptors->ended, &acceptors->lock);
    pthread_mutex_unlock(&acceptors->lock);
    acceptors_free(acceptors);
}
