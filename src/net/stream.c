/*
 * stream: buffered input and output on a non-blocking socket, driven by uv_poll.
 *
 * What is watched follows from the state (update_events), so that an idle stream costs one epoll entry and a
 * busy one no extra system calls: EPOLLOUT is asked for only while the kernel's buffer is full.
 */
#include "net/stream.h"

#include <errno.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

static void on_poll(uv_poll_t *poll, int status, int events);

static void update_events(struct stream *stream)
{
    int wanted = 0;
    if (stream->closing)
        return;
    if (stream->reading && !stream->connecting)
        wanted |= UV_READABLE;
    if (stream->blocked || stream->connecting)
        wanted |= UV_WRITABLE;
    if (wanted == stream->events)
        return;
    stream->events = wanted;
    if (wanted)
        uv_poll_start(&stream->poll, wanted, on_poll);
    else
        uv_poll_stop(&stream->poll);
}

static int attach(struct stream *stream, struct loop *loop, int fd, const struct stream_handler *handler,
                  bool connecting)
{
    *stream = (struct stream){.loop = loop, .handler = handler, .fd = fd, .connecting = connecting};
    int error = uv_poll_init(loop_uv(loop), &stream->poll, fd);
    if (error < 0)
        return error;
    stream->poll.data = stream;
    update_events(stream);
    return 0;
}

int stream_open(struct stream *stream, struct loop *loop, int fd, const struct stream_handler *handler)
{
    return attach(stream, loop, fd, handler, false);
}

int stream_connect(struct stream *stream, struct loop *loop, int fd, const struct stream_handler *handler)
{
    return attach(stream, loop, fd, handler, true);
}

void stream_read_start(struct stream *stream)
{
    stream->reading = true;
    update_events(stream);
}

void stream_read_stop(struct stream *stream)
{
    stream->reading = false;
    update_events(stream);
}

ssize_t stream_fill(struct stream *stream, size_t size)
{
    char *room = buf_reserve(&stream->in, size);
    ssize_t got;
    do {
        got = recv(stream->fd, room, size, 0);
    } while (got < 0 && errno == EINTR);
    if (got < 0)
        return errno == EWOULDBLOCK ? -EAGAIN : -errno;
    buf_commit(&stream->in, (size_t)got);
    return got;
}

void stream_write(struct stream *stream, const void *data, size_t size)
{
    buf_append(&stream->out, data, size);
}

int stream_flush(struct stream *stream)
{
    return stream_flush_with(stream, slice_of(NULL, 0));
}

/* Nothing can be sent any more. What waits is dropped, so that nobody waits for the socket on its behalf. */
static int fail(struct stream *stream, int error)
{
    stream->error = error;
    stream->blocked = false;
    buf_clear(&stream->out);
    update_events(stream);
    return error;
}

int stream_flush_with(struct stream *stream, struct slice extra)
{
    if (stream->closing)
        return -EPIPE;
    if (stream->error)
        return fail(stream, stream->error);
    /* While output waits only on_poll sends: sent here, it would leave who was promised `drained` waiting for
     * ever. */
    bool may_send = !stream->connecting && !stream->blocked;
    while (may_send && buf_size(&stream->out) + extra.size > 0) {
        struct slice queued = buf_slice(&stream->out);
        struct iovec parts[2] = {{(void *)queued.data, queued.size}, {(void *)extra.data, extra.size}};
        int first = queued.size == 0;
        struct msghdr message = {.msg_iov = parts + first,
                                 .msg_iovlen = (extra.size ? 2 : 1) - (size_t)first};
        ssize_t sent = sendmsg(stream->fd, &message, MSG_NOSIGNAL);
        if (sent < 0) {
            if (errno == EINTR)
                continue;
            if (errno != EAGAIN && errno != EWOULDBLOCK)
                return fail(stream, -errno);
            break;
        }
        size_t from_queue = (size_t)sent < queued.size ? (size_t)sent : queued.size;
        buf_consume(&stream->out, from_queue);
        extra.data += (size_t)sent - from_queue;
        extra.size -= (size_t)sent - from_queue;
    }
    if (extra.size)
        buf_append_slice(&stream->out, extra);
    stream->blocked = buf_size(&stream->out) > 0 && !stream->connecting;
    update_events(stream);
    return buf_size(&stream->out) == 0;
}

void stream_trim(struct stream *stream)
{
    if (stream->in.memory && buf_size(&stream->in) == 0)
        buf_release(&stream->in);
    if (stream->out.memory && buf_size(&stream->out) == 0)
        buf_release(&stream->out);
}

static void finish_connect(struct stream *stream)
{
    int error = 0;
    socklen_t size = sizeof error;
    if (getsockopt(stream->fd, SOL_SOCKET, SO_ERROR, &error, &size) < 0)
        error = errno;
    stream->connecting = false;
    stream->error = -error;
    stream->blocked = error == 0 && buf_size(&stream->out) > 0; /* written while connecting */
    update_events(stream);
    stream->handler->connected(stream, -error);
}

/*
 * libuv stops watching a socket that has an error (status < 0). There may still be input to read before the
 * error, so it is watched again for as long as the owner wants to.
 */
static void on_poll(uv_poll_t *poll, int status, int events)
{
    struct stream *stream = poll->data;
    bool failed = status < 0;
    int flushed = 0;
    if (failed)
        stream->events = 0;
    if (stream->connecting) {
        finish_connect(stream);
        return;
    }
    if (stream->blocked && (failed || (events & UV_WRITABLE))) {
        stream->blocked = false;
        flushed = stream_flush(stream);
    }
    if (flushed == 1 && stream->handler->drained)
        stream->handler->drained(stream);
    bool readable = stream->reading && (failed || (events & UV_READABLE));
    if (!stream->closing && (readable || flushed < 0))
        stream->handler->readable(stream);
    update_events(stream);
}

static void on_closed(uv_handle_t *handle)
{
    struct stream *stream = handle->data;
    close(stream->fd);
    stream->fd = -1;
    buf_release(&stream->in);
    buf_release(&stream->out);
    if (stream->handler->closed)
        stream->handler->closed(stream);
}

void stream_close(struct stream *stream)
{
    if (stream->closing)
        return;
    stream->closing = true;
    uv_close((uv_handle_t *)&stream->poll, on_closed);
}
