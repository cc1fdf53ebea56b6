/*
 * stream: buffered input and output on a non-blocking socket, driven by uv_poll.
 *
 * What is watched follows from the state (update_events), so that an idle stream costs one epoll entry and a
 * busy one no extra system calls: EPOLLOUT is asked for only while the kernel's buffer is full.
 *
 * Under TLS, input can wait here that epoll knows nothing of, because it was taken from the socket with what
 * came before it. An idle handle then calls for it in the next turn, so that one client does not keep the
 * loop to itself.
 */
#include "net/stream.h"

#include <errno.h>
#include <sys/socket.h>
#include <unistd.h>
#include "base/mem.h"
#include "tls/tls_connection.h"

struct stream_tls {
    struct tls_connection *connection;
    uv_idle_t idle;        /* runs while input waits here */
    size_t plain;          /* bytes of `out` that were written before TLS began and go as they are */
    bool securing;         /* the handshake runs, or waits for those to leave */
    bool input_waits;      /* the last stream_fill ended before it had to wait for the socket */
    bool read_wants_write; /* TLS must write before there is input (renegotiation) */
    bool write_wants_read; /* and the other way round */
};

static void on_poll(uv_poll_t *poll, int status, int events);
static void on_idle(uv_idle_t *idle);

/* What the socket is watched for so that reading, or sending what waits, can go on. */
static int reading_event(const struct stream *stream)
{
    return stream->tls && stream->tls->read_wants_write ? UV_WRITABLE : UV_READABLE;
}

static int sending_event(const struct stream *stream)
{
    return stream->tls && stream->tls->write_wants_read ? UV_READABLE : UV_WRITABLE;
}

static int handshake_event(const struct stream *stream)
{
    return tls_connection_wants(stream->tls->connection) == TLS_WANTS_WRITE ? UV_WRITABLE : UV_READABLE;
}

static void update_idle(struct stream *stream)
{
    struct stream_tls *tls = stream->tls;
    bool wanted = tls->input_waits && stream->reading;
    if (wanted && !uv_is_active((uv_handle_t *)&tls->idle))
        uv_idle_start(&tls->idle, on_idle);
    else if (!wanted)
        uv_idle_stop(&tls->idle);
}

static void update_events(struct stream *stream)
{
    int wanted = 0;
    bool securing = stream_is_securing(stream);
    if (stream->closing)
        return;
    if (stream->tls)
        update_idle(stream);
    if (stream->connecting)
        wanted |= UV_WRITABLE;
    if (stream->blocked)
        wanted |= sending_event(stream);
    else if (securing)
        wanted |= handshake_event(stream);
    if (stream->reading && !stream->connecting && !securing)
        wanted |= reading_event(stream);
    if (stream->watching_end)
        wanted |= UV_DISCONNECT;
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

void stream_watch_end(struct stream *stream)
{
    stream->watching_end = true;
    update_events(stream);
}

void stream_unwatch_end(struct stream *stream)
{
    stream->watching_end = false;
    update_events(stream);
}

/* Larger buffers are freed, so that a loop keeps little. */
enum { SPARE_MAX = 256 * 1024 };

/* A stream without input has no memory; in most turns it gets the loop's. */
static void take_spare(struct stream *stream)
{
    struct buf *spare = loop_spare(stream->loop);
    if (stream->in.memory || !spare->memory)
        return;
    stream->in = *spare;
    *spare = (struct buf){0};
}

/* Keeps the larger buffer, so that it soon serves for content as well as for commands. */
static void give_spare(struct stream *stream)
{
    struct buf *spare = loop_spare(stream->loop), given = stream->in;
    stream->in = (struct buf){0};
    if (given.capacity > SPARE_MAX || given.capacity <= spare->capacity) {
        buf_release(&given);
        return;
    }
    buf_release(spare);
    *spare = given;
}

/* As many records as there are and as fit: one is at most 16 KiB. */
static ssize_t fill_encrypted(struct stream *stream, size_t size)
{
    struct stream_tls *tls = stream->tls;
    char *room = buf_reserve(&stream->in, size);
    size_t total = 0;
    ssize_t got;
    do {
        got = tls_connection_read(tls->connection, room + total, size - total);
        if (got > 0)
            total += (size_t)got;
    } while (got > 0 && total < size && tls_connection_has_input(tls->connection));
    tls->read_wants_write = got == -EAGAIN && tls_connection_wants(tls->connection) == TLS_WANTS_WRITE;
    /* An end or an error that came after some input is told by the next call, for which nobody else asks. */
    tls->input_waits = total > 0 && got != -EAGAIN && (got <= 0 || tls_connection_has_input(tls->connection));
    buf_commit(&stream->in, total);
    return total ? (ssize_t)total : got;
}

ssize_t stream_fill(struct stream *stream, size_t size)
{
    take_spare(stream);
    if (stream->tls)
        return fill_encrypted(stream, size);
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

ssize_t stream_peek(struct stream *stream, void *bytes, size_t size)
{
    ssize_t got;
    do {
        got = recv(stream->fd, bytes, size, MSG_PEEK);
    } while (got < 0 && errno == EINTR);
    if (got < 0)
        return errno == EWOULDBLOCK ? -EAGAIN : -errno;
    return got;
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

static ssize_t send_plain(struct stream *stream, struct slice queued)
{
    ssize_t sent;
    do {
        sent = send(stream->fd, queued.data, queued.size, MSG_NOSIGNAL);
    } while (sent < 0 && errno == EINTR);
    if (sent < 0)
        return errno == EWOULDBLOCK ? -EAGAIN : -errno;
    return sent;
}

static ssize_t send_encrypted(struct stream *stream, struct slice queued)
{
    struct stream_tls *tls = stream->tls;
    ssize_t sent = tls_connection_write(tls->connection, queued);
    tls->write_wants_read = sent == -EAGAIN && tls_connection_wants(tls->connection) == TLS_WANTS_READ;
    return sent;
}

int stream_flush(struct stream *stream)
{
    if (stream->closing)
        return -EPIPE;
    if (stream->error)
        return fail(stream, stream->error);
    /* While output waits only on_poll sends: sent here, it would leave who was promised `drained` waiting for
     * ever. */
    bool later = stream->connecting || stream_is_securing(stream);
    bool may_send = !later && !stream->blocked;
    while (may_send && buf_size(&stream->out) > 0) {
        struct slice queued = buf_slice(&stream->out);
        ssize_t sent = stream->tls ? send_encrypted(stream, queued) : send_plain(stream, queued);
        if (sent == -EAGAIN)
            break;
        if (sent < 0)
            return fail(stream, (int)sent);
        buf_consume(&stream->out, (size_t)sent);
    }
    if (!later)
        stream->blocked = buf_size(&stream->out) > 0;
    update_events(stream);
    return buf_size(&stream->out) == 0;
}

void stream_trim(struct stream *stream)
{
    if (stream->in.memory && buf_size(&stream->in) == 0)
        give_spare(stream);
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

/* ---- TLS ------------------------------------------------------------------------------------- */

/* Takes over the connection. */
static int start_tls(struct stream *stream, struct tls_connection *connection)
{
    int flushed = stream_flush(stream);
    if (flushed < 0) {
        tls_connection_free(connection);
        return flushed;
    }
    struct stream_tls *tls = mem_new(struct stream_tls);
    tls->connection = connection;
    tls->securing = true;
    tls->plain = buf_size(&stream->out);
    uv_idle_init(loop_uv(stream->loop), &tls->idle);
    tls->idle.data = stream;
    stream->tls = tls;
    update_events(stream);
    return 0;
}

int stream_start_tls(struct stream *stream, struct tls_context *context)
{
    struct tls_connection *connection = tls_connection_create(context, stream->fd);
    return connection ? start_tls(stream, connection) : -ENOMEM;
}

int stream_start_tls_client(struct stream *stream, const struct tls_client *client, const char *name)
{
    struct tls_connection *connection = tls_connection_create_client(client, name, stream->fd);
    return connection ? start_tls(stream, connection) : -EINVAL;
}

bool stream_is_securing(const struct stream *stream)
{
    return stream->tls && stream->tls->securing;
}

const struct tls_facts *stream_tls_facts(const struct stream *stream)
{
    return stream->tls ? tls_connection_facts(stream->tls->connection) : NULL;
}

const char *stream_tls_reason(const struct stream *stream)
{
    return stream->tls ? tls_connection_reason(stream->tls->connection) : "";
}

/* The rest of what was written before TLS began. 0, -EAGAIN or another negative errno. */
static int send_plain_rest(struct stream *stream)
{
    struct stream_tls *tls = stream->tls;
    while (tls->plain) {
        struct slice rest = slice_of(buf_slice(&stream->out).data, tls->plain);
        ssize_t sent = send_plain(stream, rest);
        if (sent < 0)
            return (int)sent;
        tls->plain -= (size_t)sent;
        buf_consume(&stream->out, (size_t)sent);
    }
    stream->blocked = false;
    return 0;
}

static void secure(struct stream *stream)
{
    struct stream_tls *tls = stream->tls;
    int error = send_plain_rest(stream);
    if (error == 0)
        error = tls_connection_handshake(tls->connection);
    if (error != -EAGAIN) {
        tls->securing = false;
        stream->error = error;
        stream->blocked = error == 0 && buf_size(&stream->out) > 0;
        tls->input_waits = error == 0 && tls_connection_has_input(tls->connection);
        stream->handler->secured(stream, error);
    }
    update_events(stream);
}

static void on_idle(uv_idle_t *idle)
{
    struct stream *stream = idle->data;
    if (stream->closing)
        return;
    stream->handler->readable(stream);
    update_events(stream);
}

void stream_finish(struct stream *stream)
{
    if (stream->tls)
        tls_connection_finish(stream->tls->connection);
    shutdown(stream->fd, SHUT_WR);
}

/* ---- the loop's word ------------------------------------------------------------------------- */

/*
 * libuv stops watching a socket that has an error (status < 0). There may still be input to read before the
 * error, so it is watched again for as long as the owner wants to.
 */
static void on_poll(uv_poll_t *poll, int status, int events)
{
    struct stream *stream = poll->data;
    bool failed = status < 0;
    int flushed = 0;
    loop_doing("a connection");
    if (failed)
        stream->events = 0;
    if (stream->connecting) {
        finish_connect(stream);
        return;
    }
    if (stream_is_securing(stream)) {
        secure(stream);
        return;
    }
    if (stream->blocked && (failed || (events & sending_event(stream)))) {
        stream->blocked = false;
        flushed = stream_flush(stream);
    }
    if (flushed == 1 && stream->handler->drained)
        stream->handler->drained(stream);
    bool readable = stream->reading && (failed || (events & reading_event(stream)));
    if (!stream->closing && !stream_is_securing(stream) && (readable || flushed < 0))
        stream->handler->readable(stream);
    if (stream->watching_end && !stream->closing && (failed || (events & UV_DISCONNECT))) {
        stream->watching_end = false; /* it would be told again in every turn */
        stream->handler->ended(stream);
    }
    update_events(stream);
}

/* ---- the end --------------------------------------------------------------------------------- */

static void finish_close(struct stream *stream)
{
    close(stream->fd);
    stream->fd = -1;
    buf_release(&stream->in);
    buf_release(&stream->out);
    if (stream->handler->closed)
        stream->handler->closed(stream);
}

static void on_handle_closed(uv_handle_t *handle)
{
    struct stream *stream = handle->data;
    if (--stream->handles > 0)
        return;
    if (stream->tls) {
        tls_connection_free(stream->tls->connection);
        free(stream->tls);
        stream->tls = NULL;
    }
    finish_close(stream);
}

/* All handles at once: at the end of a loop those that are not being closed are closed without a word. */
void stream_close(struct stream *stream)
{
    if (stream->closing)
        return;
    stream->closing = true;
    if (stream->tls && !stream->tls->securing && !stream->error)
        tls_connection_finish(stream->tls->connection);
    stream->handles = stream->tls ? 2 : 1;
    if (stream->tls)
        uv_close((uv_handle_t *)&stream->tls->idle, on_handle_closed);
    uv_close((uv_handle_t *)&stream->poll, on_handle_closed);
}
