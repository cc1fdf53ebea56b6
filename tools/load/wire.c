/*
 * wire: see wire.h.
 */
#include "tools/load/wire.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <openssl/err.h>
#include <sys/uio.h>
#include <sys/un.h>
#include <unistd.h>
#include "base/mem.h"

enum { SCRATCH = 65536, RECORD = 16384 }; /* the latter: what TLS sends at once at most */
enum { AGAIN = -1, GONE = -2 };           /* of transfers: later; never */

static _Thread_local char scratch[SCRATCH];

static void fail(struct wire *wire, const char *problem)
{
    free(wire->problem);
    wire->problem = mem_dup(problem);
}

/* ---- one transfer in each direction ------------------------------------------------------------ */

/* What became of a call of OpenSSL that returned `result`. */
static ssize_t tls_result(struct wire *wire, int result, int *also_await)
{
    unsigned long reason;
    switch (SSL_get_error(wire->ssl, result)) {
    case SSL_ERROR_WANT_READ:
        *also_await = UV_READABLE;
        return AGAIN;
    case SSL_ERROR_WANT_WRITE:
        *also_await = UV_WRITABLE;
        return AGAIN;
    case SSL_ERROR_ZERO_RETURN:
        fail(wire, "closed by the peer");
        return GONE;
    case SSL_ERROR_SYSCALL:
        fail(wire, errno ? strerror(errno) : "closed by the peer");
        return GONE;
    default:
        reason = ERR_peek_last_error();
        fail(wire, ERR_GET_REASON(reason) == SSL_R_UNEXPECTED_EOF_WHILE_READING
                       ? "closed by the peer"
                       : ERR_reason_error_string(reason));
        return GONE;
    }
}

static ssize_t receive(struct wire *wire, char *to, size_t size)
{
    if (wire->ssl) {
        int ignored;
        ERR_clear_error();
        errno = 0;
        int got = SSL_read(wire->ssl, to, (int)size);
        return got > 0 ? got : tls_result(wire, got, &ignored);
    }
    ssize_t got = recv(wire->fd, to, size, 0);
    if (got > 0)
        return got;
    if (got < 0 && (errno == EAGAIN || errno == EINTR))
        return AGAIN;
    fail(wire, got == 0 ? "closed by the peer" : strerror(errno));
    return GONE;
}

/* Where the pieces are now: the text may have moved. */
static size_t collect(const struct wire *wire, struct iovec parts[WIRE_PIECES])
{
    const char *text = buf_slice(&wire->text).data;
    for (size_t i = 0; i < wire->count; i++) {
        const struct wire_piece *piece = &wire->pieces[wire->first + i];
        parts[i] = (struct iovec){(void *)(piece->data ? piece->data : text), piece->size};
        if (!piece->data)
            text += piece->size;
    }
    return wire->count;
}

/* One record for several pieces. A call that is repeated has the same bytes again, as OpenSSL demands, or more. */
static ssize_t transmit_record(struct wire *wire, const struct iovec *parts, size_t count)
{
    static _Thread_local char record[RECORD];
    const char *data = parts[0].iov_base;
    size_t size = parts[0].iov_len;
    if (size < RECORD && count > 1) {
        size = 0;
        for (size_t i = 0; i < count && size < RECORD; i++) {
            size_t part = parts[i].iov_len < RECORD - size ? parts[i].iov_len : RECORD - size;
            memcpy(record + size, parts[i].iov_base, part);
            size += part;
        }
        data = record;
    }
    int ignored;
    ERR_clear_error();
    errno = 0;
    int sent = SSL_write(wire->ssl, data, (int)(size < RECORD ? size : RECORD));
    return sent > 0 ? sent : tls_result(wire, sent, &ignored);
}

static ssize_t transmit(struct wire *wire)
{
    struct iovec parts[WIRE_PIECES];
    struct msghdr message = {.msg_iov = parts, .msg_iovlen = collect(wire, parts)};
    if (wire->ssl)
        return transmit_record(wire, parts, message.msg_iovlen);
    ssize_t sent = sendmsg(wire->fd, &message, MSG_NOSIGNAL);
    if (sent >= 0)
        return sent;
    if (errno == EAGAIN || errno == EINTR)
        return AGAIN;
    fail(wire, strerror(errno));
    return GONE;
}

/* ---- output ------------------------------------------------------------------------------------ */

bool wire_drained(const struct wire *wire)
{
    return wire->count == 0;
}

bool wire_has_room(const struct wire *wire)
{
    return wire->first + wire->count < WIRE_PIECES - 1; /* the last one is for text */
}

static void append_piece(struct wire *wire, struct wire_piece piece)
{
    wire->pieces[wire->first + wire->count++] = piece;
}

void wire_say(struct wire *wire, const char *text, size_t size)
{
    if (size == 0)
        return;
    struct wire_piece *last = wire->count ? &wire->pieces[wire->first + wire->count - 1] : NULL;
    buf_append(&wire->text, text, size);
    if (last && !last->data)
        last->size += size;
    else
        append_piece(wire, (struct wire_piece){.size = size});
}

void wire_put(struct wire *wire, const char *data, size_t size)
{
    if (size > 0)
        append_piece(wire, (struct wire_piece){data, size});
}

static void consume(struct wire *wire, size_t size)
{
    while (size > 0) {
        struct wire_piece *piece = &wire->pieces[wire->first];
        size_t part = size < piece->size ? size : piece->size;
        if (piece->data)
            piece->data += part;
        else
            buf_consume(&wire->text, part);
        piece->size -= part;
        size -= part;
        if (piece->size == 0) {
            wire->first++;
            wire->count--;
        }
    }
    if (wire->count == 0)
        wire->first = 0;
}

static void on_poll(uv_poll_t *poll, int status, int events);

static void await_events(struct wire *wire)
{
    int events = (wire->paused ? UV_DISCONNECT : UV_READABLE) | (wire->blocked ? UV_WRITABLE : 0);
    if (wire->connecting)
        events = UV_WRITABLE;
    if (wire->closing || events == wire->awaited)
        return;
    wire->awaited = events;
    uv_poll_start(&wire->poll, events, on_poll);
}

bool wire_flush(struct wire *wire)
{
    wire->blocked = false;
    while (wire->count > 0) {
        ssize_t sent = transmit(wire);
        if (sent == GONE)
            return false;
        if (sent == AGAIN) {
            wire->blocked = true;
            break;
        }
        consume(wire, (size_t)sent);
    }
    await_events(wire);
    return true;
}

/* ---- input ------------------------------------------------------------------------------------- */

/* Gives the owner what was received, behind what it had left over. */
static void give(struct wire *wire, struct slice input)
{
    if (buf_size(&wire->rest) == 0) {
        size_t used = wire->owner->input(wire, input);
        if (!wire->closing && !wire->shaking && used < input.size)
            buf_append(&wire->rest, input.data + used, input.size - used);
        return;
    }
    buf_append_slice(&wire->rest, input);
    size_t used = wire->owner->input(wire, buf_slice(&wire->rest));
    if (wire->closing || wire->shaking)
        return;
    buf_consume(&wire->rest, used);
    if (buf_size(&wire->rest) == 0)
        buf_release(&wire->rest);
}

/* Until there is no more; `broken`: up to the error, which will not be told again. */
static void take_input(struct wire *wire, bool broken)
{
    while (!wire->paused && !wire->closing && !wire->shaking) {
        ssize_t got = receive(wire, scratch, SCRATCH);
        if (got == AGAIN && !broken)
            return;
        if (got == AGAIN)
            fail(wire, "the connection broke");
        if (got < 0) {
            wire->owner->event(wire, WIRE_LOST);
            return;
        }
        wire->received += (uint64_t)got;
        give(wire, slice_of(scratch, (size_t)got));
        if (!wire->ssl && got < SCRATCH && !broken)
            return;
    }
}

void wire_pause(struct wire *wire)
{
    wire->paused = true;
    await_events(wire);
}

void wire_resume(struct wire *wire)
{
    wire->paused = false;
    if (buf_size(&wire->rest) > 0)
        give(wire, slice_of(NULL, 0));
    if (!wire->closing && wire->ssl)
        take_input(wire, false); /* what OpenSSL has read already is not polled for */
    await_events(wire);
}

/* ---- beginning --------------------------------------------------------------------------------- */

static void shake_hands(struct wire *wire)
{
    int wanted = 0;
    ERR_clear_error();
    errno = 0;
    int result = SSL_do_handshake(wire->ssl);
    ssize_t became = result == 1 ? 1 : tls_result(wire, result, &wanted);
    if (became == GONE) {
        wire->owner->event(wire, WIRE_LOST);
        return;
    }
    wire->blocked = wanted == UV_WRITABLE;
    if (became == AGAIN) {
        await_events(wire);
        return;
    }
    wire->shaking = false;
    wire->owner->event(wire, WIRE_SECURED);
    take_input(wire, false);
    await_events(wire);
}

static void finish_connect(struct wire *wire)
{
    int error = 0;
    socklen_t size = sizeof error;
    getsockopt(wire->fd, SOL_SOCKET, SO_ERROR, &error, &size);
    wire->connecting = false;
    if (error) {
        fail(wire, strerror(error));
        wire->owner->event(wire, WIRE_LOST);
        return;
    }
    wire->owner->event(wire, WIRE_CONNECTED);
    await_events(wire);
}

/* A negative status says that the connection broke, and is said once: libuv has stopped polling. */
static void on_poll(uv_poll_t *poll, int status, int events)
{
    struct wire *wire = poll->data;
    if (wire->connecting) {
        finish_connect(wire);
    } else if (wire->shaking) {
        shake_hands(wire);
        if (status < 0 && wire->shaking && !wire->closing) {
            fail(wire, "the connection broke");
            wire->owner->event(wire, WIRE_LOST);
        }
    } else if (wire->paused && (status < 0 || (events & UV_DISCONNECT))) {
        fail(wire, "closed by the peer");
        wire->owner->event(wire, WIRE_LOST);
    } else {
        if (events & UV_WRITABLE) {
            if (!wire_flush(wire))
                wire->owner->event(wire, WIRE_LOST);
            else if (wire_drained(wire))
                wire->owner->event(wire, WIRE_DRAINED);
        }
        if (((events & (UV_READABLE | UV_DISCONNECT)) || status < 0) && !wire->closing)
            take_input(wire, status < 0);
    }
}

/* Puts a socket onto the loop. */
static int begin(struct wire *wire, uv_loop_t *loop, const struct wire_owner *owner, int fd, bool connecting)
{
    int on = 1;
    *wire = (struct wire){.owner = owner, .fd = fd, .connecting = connecting};
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    int failed = uv_poll_init(loop, &wire->poll, fd);
    if (failed) {
        close(fd);
        return failed;
    }
    wire->poll.data = wire;
    await_events(wire);
    return 0;
}

static socklen_t address_size(const struct sockaddr_storage *address)
{
    switch (address->ss_family) {
    case AF_INET:
        return sizeof(struct sockaddr_in);
    case AF_INET6:
        return sizeof(struct sockaddr_in6);
    default:
        return sizeof(struct sockaddr_un);
    }
}

int wire_connect(struct wire *wire, uv_loop_t *loop, const struct wire_owner *owner,
                 const struct sockaddr_storage *to, const struct sockaddr_storage *source)
{
    int fd = socket(to->ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0), on = 1;
    if (fd < 0)
        return -errno;
    if (source) /* the port is chosen at connect, which knows the destination */
        setsockopt(fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &on, sizeof on);
    if ((source && bind(fd, (const struct sockaddr *)source, address_size(source)) < 0) ||
        (connect(fd, (const struct sockaddr *)to, address_size(to)) < 0 && errno != EINPROGRESS)) {
        int problem = -errno;
        close(fd);
        return problem;
    }
    return begin(wire, loop, owner, fd, true);
}

int wire_accept(struct wire *wire, uv_loop_t *loop, const struct wire_owner *owner, int fd)
{
    return begin(wire, loop, owner, fd, false);
}

void wire_secure(struct wire *wire, SSL_CTX *context, bool server, const char *name)
{
    wire->ssl = SSL_new(context);
    SSL_set_fd(wire->ssl, wire->fd);
    SSL_set_mode(wire->ssl, SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER |
                                SSL_MODE_RELEASE_BUFFERS);
    if (server)
        SSL_set_accept_state(wire->ssl);
    else
        SSL_set_connect_state(wire->ssl);
    if (name)
        SSL_set_tlsext_host_name(wire->ssl, name);
    wire->shaking = true;
    buf_release(
        &wire->rest); /* plain text that was sent ahead of the handshake counts for nothing (RFC 3207) */
    if (!server) {
        wire->blocked = true; /* the first turn of the loop begins the handshake */
        await_events(wire);
    }
}

/* ---- end --------------------------------------------------------------------------------------- */

static void on_closed(uv_handle_t *handle)
{
    struct wire *wire = handle->data;
    buf_release(&wire->text);
    buf_release(&wire->rest);
    free(wire->problem);
    wire->problem = NULL;
    wire->owner->closed(wire);
}

void wire_close(struct wire *wire, bool reset)
{
    wire->closing = true;
    uv_close((uv_handle_t *)&wire->poll, on_closed);
    if (reset)
        setsockopt(wire->fd, SOL_SOCKET, SO_LINGER, &(struct linger){.l_onoff = 1}, sizeof(struct linger));
    else if (wire->ssl && SSL_is_init_finished(wire->ssl))
        SSL_shutdown(wire->ssl); /* what it says does not change the end */
    ERR_clear_error();
    SSL_free(wire->ssl);
    wire->ssl = NULL;
    close(wire->fd);
}
