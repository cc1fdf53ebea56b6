/* console_stream: see console_stream.h. */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <netdb.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>
#include "base/clock.h"
#include "base/slice.h"
#include "tools/console_stream.h"

static enum stream_status fail(struct console_stream *stream, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

static enum stream_status fail(struct console_stream *stream, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(stream->problem, sizeof stream->problem, format, arguments);
    va_end(arguments);
    return STREAM_FAILED;
}

void console_stream_init(struct console_stream *stream, int interrupt_fd)
{
    *stream = (struct console_stream){.fd = -1, .interrupt_fd = interrupt_fd};
}

void console_stream_allow(struct console_stream *stream, unsigned milliseconds)
{
    stream->deadline = clock_mono_ms() + milliseconds;
}

/* Waits for `events` of the connection. */
static enum stream_status await(struct console_stream *stream, short events)
{
    struct pollfd fds[] = {{.fd = stream->fd, .events = events},
                           {.fd = stream->interrupt_fd, .events = POLLIN}};
    for (;;) {
        uint64_t now = clock_mono_ms();
        uint64_t left = stream->deadline > now ? stream->deadline - now : 0;
        int ready = poll(fds, 2, left > INT32_MAX ? INT32_MAX : (int)left);
        if (ready < 0 && errno != EINTR)
            return fail(stream, "poll: %s", strerror(errno));
        if (ready > 0 && fds[1].revents)
            return STREAM_INTERRUPTED;
        if (ready > 0)
            return STREAM_OK;
        if (ready == 0)
            return fail(stream, "the server did not answer in time");
    }
}

/* ---- opening ------------------------------------------------------------------------------------------ */

/* Why a connection was not made, and what may be done about it. */
static enum stream_status refuse(struct console_stream *stream, const char *where, int error)
{
    switch (error) {
    case ENOENT:
    case ECONNREFUSED:
        return fail(stream, "nobody listens at %s (%s): does impulsed run, with this Control_Listener?",
                    where, strerror(error));
    case EACCES:
    case EPERM:
        return fail(stream, "no permission to connect to %s: the socket's owner and File_Mode decide", where);
    default:
        return fail(stream, "cannot connect to %s: %s", where, strerror(error));
    }
}

/* Connects fd, which does not block. 0, or an errno; *status says when it is neither. */
static int connect_within(struct console_stream *stream, const struct sockaddr *address, socklen_t size,
                          enum stream_status *status)
{
    int error = 0;
    socklen_t error_size = sizeof error;
    *status = STREAM_OK;
    if (connect(stream->fd, address, size) == 0)
        return 0;
    if (errno != EINPROGRESS)
        return errno;
    *status = await(stream, POLLOUT);
    if (*status != STREAM_OK)
        return 0;
    return getsockopt(stream->fd, SOL_SOCKET, SO_ERROR, &error, &error_size) == 0 ? error : errno;
}

static void drop(struct console_stream *stream)
{
    if (stream->fd >= 0)
        close(stream->fd);
    stream->fd = -1;
}

static enum stream_status open_unix(struct console_stream *stream, const struct console_address *address)
{
    struct sockaddr_un name = {.sun_family = AF_UNIX};
    enum stream_status status = STREAM_OK;
    memcpy(name.sun_path, address->path, strlen(address->path)); /* its length was checked */
    stream->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    int error =
        stream->fd < 0 ? errno : connect_within(stream, (struct sockaddr *)&name, sizeof name, &status);
    if (error == EAGAIN) /* a full backlog: the server does not take connections at the moment */
        return fail(stream, "%s is busy: the server does not accept connections", address->path);
    return error ? refuse(stream, address->path, error) : status;
}

/* Tries each address of the host in the order that the resolver gives. */
static enum stream_status open_tcp(struct console_stream *stream, const struct console_address *address)
{
    struct addrinfo hints = {.ai_socktype = SOCK_STREAM}, *found = NULL;
    int trouble = getaddrinfo(*address->host ? address->host : NULL, address->port, &hints, &found);
    if (trouble)
        return fail(stream, "%s: %s", address->host, gai_strerror(trouble));
    int error = 0;
    enum stream_status status = STREAM_FAILED;
    for (const struct addrinfo *at = found; at; at = at->ai_next) {
        drop(stream);
        stream->fd = socket(at->ai_family, at->ai_socktype | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
        error = stream->fd < 0 ? errno : connect_within(stream, at->ai_addr, at->ai_addrlen, &status);
        if (!error)
            break;
    }
    freeaddrinfo(found);
    return error ? refuse(stream, address->display, error) : status;
}

/* What the child becomes: ssh, which asks for its password on the terminal by itself. */
static _Noreturn void become_ssh(int fd, const struct console_address *address, const char *far_side)
{
    const char *with_port[] = {"ssh", "-W", far_side, "-p", address->ssh_port, "--", address->ssh_target,
                               NULL};
    const char *without[] = {"ssh", "-W", far_side, "--", address->ssh_target, NULL};
    signal(SIGINT, SIG_IGN); /* Ctrl-C is for the line that is edited, not for the tunnel */
    if (dup2(fd, STDIN_FILENO) < 0 || dup2(fd, STDOUT_FILENO) < 0)
        _exit(127);
    execvp("ssh", (char *const *)(address->ssh_port ? with_port : without));
    dprintf(STDERR_FILENO, "ssh: %s\n", strerror(errno));
    _exit(127);
}

static enum stream_status open_ssh(struct console_stream *stream, const struct console_address *address)
{
    char far_side[CONSOLE_PROBLEM];
    int ends[2];
    const char *host = *address->host ? address->host : "localhost";
    snprintf(far_side, sizeof far_side, strchr(host, ':') ? "[%s]:%s" : "%s:%s", host, address->port);
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) != 0)
        return fail(stream, "socketpair: %s", strerror(errno));
    stream->tunnel = fork();
    if (stream->tunnel == 0)
        become_ssh(ends[1], address, far_side);
    close(ends[1]);
    stream->fd = ends[0];
    if (stream->tunnel < 0) {
        stream->tunnel = 0;
        return fail(stream, "fork: %s", strerror(errno));
    }
    fcntl(stream->fd, F_SETFL, O_NONBLOCK);
    return STREAM_OK;
}

enum stream_status console_stream_open(struct console_stream *stream, const struct console_address *address)
{
    stream->head = stream->tail = 0;
    if (address->ssh_target)
        return open_ssh(stream, address);
    return address->path ? open_unix(stream, address) : open_tcp(stream, address);
}

void console_stream_close(struct console_stream *stream)
{
    drop(stream);
    if (stream->tunnel > 0) {
        kill(stream->tunnel, SIGTERM);
        while (waitpid(stream->tunnel, NULL, 0) < 0 && errno == EINTR)
            ;
        stream->tunnel = 0;
    }
}

bool console_stream_quiet(const struct console_stream *stream)
{
    char byte;
    if (stream->fd < 0 || stream->head < stream->tail)
        return false;
    return recv(stream->fd, &byte, 1, MSG_PEEK | MSG_DONTWAIT) < 0 &&
           (errno == EAGAIN || errno == EWOULDBLOCK);
}

/* ---- bytes and lines ---------------------------------------------------------------------------------- */

enum stream_status console_stream_write(struct console_stream *stream, const char *bytes, size_t size)
{
    while (size > 0) {
        ssize_t sent = send(stream->fd, bytes, size, MSG_NOSIGNAL);
        if (sent > 0) {
            bytes += sent;
            size -= (size_t)sent;
            continue;
        }
        if (errno == EINTR)
            continue;
        if (errno != EAGAIN && errno != EWOULDBLOCK)
            return fail(stream, "the connection broke: %s", strerror(errno));
        enum stream_status status = await(stream, POLLOUT);
        if (status != STREAM_OK)
            return status;
    }
    return STREAM_OK;
}

/* A server that always has more to say is interrupted all the same. */
static bool is_interrupted(const struct console_stream *stream)
{
    struct pollfd interrupt = {.fd = stream->interrupt_fd, .events = POLLIN};
    return poll(&interrupt, 1, 0) > 0;
}

/* Reads something more into the buffer, which has room. */
static enum stream_status fill(struct console_stream *stream)
{
    if (is_interrupted(stream))
        return STREAM_INTERRUPTED;
    if (stream->head > 0) {
        memmove(stream->buffer, stream->buffer + stream->head, stream->tail - stream->head);
        stream->tail -= stream->head;
        stream->head = 0;
    }
    for (;;) {
        ssize_t got =
            recv(stream->fd, stream->buffer + stream->tail, sizeof stream->buffer - stream->tail, 0);
        if (got > 0) {
            stream->tail += (size_t)got;
            return STREAM_OK;
        }
        if (got == 0)
            return fail(stream, "the server closed the connection");
        if (errno == EINTR)
            continue;
        if (errno != EAGAIN && errno != EWOULDBLOCK)
            return fail(stream, "the connection broke: %s", strerror(errno));
        enum stream_status status = await(stream, POLLIN);
        if (status != STREAM_OK)
            return status;
    }
}

enum stream_status console_stream_line(struct console_stream *stream, char **line)
{
    size_t seen = 0;
    for (;;) {
        char *begin = stream->buffer + stream->head;
        char *end = memchr(begin + seen, '\n', stream->tail - stream->head - seen);
        if (end) {
            *end = '\0';
            stream->head += (size_t)(end - begin) + 1;
            *line = begin;
            return strlen(begin) == (size_t)(end - begin) ? STREAM_OK : fail(stream, "the server sent a NUL");
        }
        seen = stream->tail - stream->head;
        if (seen == sizeof stream->buffer)
            return fail(stream, "the server sent a line that does not end");
        enum stream_status status = fill(stream);
        if (status != STREAM_OK)
            return status;
    }
}

/* The rest of `line` behind `word`, if it begins with that word; else NULL. */
static const char *after_word(const char *line, const char *word)
{
    size_t size = strlen(word);
    if (strncmp(line, word, size) != 0 || (line[size] && line[size] != ' '))
        return NULL;
    return line[size] ? line + size + 1 : line + size;
}

enum stream_status console_stream_parse(struct console_stream *stream, const char *line,
                                        struct console_reply *reply)
{
    static const struct {
        const char *word;
        enum reply_kind kind;
    } kinds[] = {{"OK", REPLY_OK}, {"ERR", REPLY_REFUSED}, {"+", REPLY_CHALLENGE}, {"=", REPLY_OUTPUT}};
    for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++) {
        const char *text = after_word(line, kinds[i].word);
        if (!text)
            continue;
        *reply = (struct console_reply){.kind = kinds[i].kind, .text = text};
        if (reply->kind != REPLY_OUTPUT || slice_to_uint(slice_text(text), &reply->size))
            return STREAM_OK;
    }
    return fail(stream, "what the server sent is not the console's protocol");
}

enum stream_status console_stream_reply(struct console_stream *stream, struct console_reply *reply)
{
    char *line;
    enum stream_status status = console_stream_line(stream, &line);
    return status == STREAM_OK ? console_stream_parse(stream, line, reply) : status;
}

enum stream_status console_stream_output(struct console_stream *stream, uint64_t *left, const char **bytes,
                                         size_t *size)
{
    if (stream->head == stream->tail) {
        enum stream_status status = fill(stream);
        if (status != STREAM_OK)
            return status;
    }
    *bytes = stream->buffer + stream->head;
    *size = stream->tail - stream->head < *left ? stream->tail - stream->head : (size_t)*left;
    stream->head += *size;
    *left -= *size;
    return STREAM_OK;
}

enum stream_status console_stream_reason(struct console_stream *stream, uint64_t left, char *reason,
                                         size_t size)
{
    while (left > 0) {
        const char *bytes;
        size_t count;
        enum stream_status status = console_stream_output(stream, &left, &bytes, &count);
        if (status != STREAM_OK)
            return status;
        size_t used = strlen(reason);
        for (size_t i = 0; i < count && used + 1 < size; i++)
            if ((unsigned char)bytes[i] >= ' ' && bytes[i] != 127)
                reason[used++] = bytes[i];
        reason[used] = '\0';
    }
    return STREAM_OK;
}
