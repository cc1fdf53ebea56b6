/* Streams: reading, writes that the kernel takes in parts, connecting, ends and resets. */
#include "on_loop.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include "base/list.h"
#include "base/mem.h"
#include "net/stream.h"

/* ---- on the loop ----------------------------------------------------------------------------- */

static struct loop_group *group;

static void on_loop(void (*run)(void *), void *argument)
{
    on_loop_of(group, run, argument);
}

/* ---- an owner of a stream -------------------------------------------------------------------- */

struct owner {
    struct stream stream;
    int fd, peer;
    size_t step;         /* bytes asked of one stream_fill */
    struct buf received; /* the loop's thread; or anybody once `ended` or with the loop at rest */
    bool stay;           /* do not stream_close at the end */
    bool close_at_once;  /* stream_close in the first callback */
    bool echo;
    int result; /* of the last stream_fill, stream_flush or connect */
    int drained_calls, readable_calls, flushed;
    struct unit_counter readable, drained, connected, ended, closed;
};

static void on_readable(struct stream *stream)
{
    struct owner *owner = container_of(stream, struct owner, stream);
    owner->readable_calls++;
    if (owner->close_at_once) {
        stream_close(stream);
        stream_close(stream);
        return;
    }
    ssize_t got = stream_fill(stream, owner->step);
    if (got == -EAGAIN)
        return;
    owner->result = (int)(got > 0 ? 1 : got);
    if (got > 0) {
        if (owner->echo) {
            buf_append(&stream->out, buf_slice(&stream->in).data, buf_size(&stream->in));
            if (stream_flush(stream) == 0)
                stream_read_stop(stream);
        } else {
            buf_append_slice(&owner->received, buf_slice(&stream->in));
        }
        buf_clear(&stream->in);
        unit_count(&owner->readable, (int)got);
        return;
    }
    if (owner->stay)
        stream_read_stop(stream);
    else
        stream_close(stream);
    unit_count(&owner->ended, 1);
}

static void on_drained(struct stream *stream)
{
    struct owner *owner = container_of(stream, struct owner, stream);
    owner->drained_calls++;
    if (owner->echo)
        stream_read_start(stream);
    unit_count(&owner->drained, 1);
}

static void on_connected(struct stream *stream, int error)
{
    struct owner *owner = container_of(stream, struct owner, stream);
    owner->result = error;
    unit_count(&owner->connected, 1);
}

static void on_closed(struct stream *stream)
{
    unit_count(&container_of(stream, struct owner, stream)->closed, 1);
}

static const struct stream_handler handler = {
    .readable = on_readable, .drained = on_drained, .connected = on_connected, .closed = on_closed};

#define OWNER                                                                                                \
    {                                                                                                        \
        .step = 65536, .peer = -1, .readable = UNIT_COUNTER, .drained = UNIT_COUNTER,                        \
        .connected = UNIT_COUNTER, .ended = UNIT_COUNTER, .closed = UNIT_COUNTER                             \
    }

static void do_open(void *argument)
{
    struct owner *owner = argument;
    owner->result = stream_open(&owner->stream, loop_group_at(group, 0), owner->fd, &handler);
}

static void do_connect(void *argument)
{
    struct owner *owner = argument;
    owner->result = stream_connect(&owner->stream, loop_group_at(group, 0), owner->fd, &handler);
}

static void do_read_start(void *argument)
{
    stream_read_start(&((struct owner *)argument)->stream);
}

static void do_read_stop(void *argument)
{
    stream_read_stop(&((struct owner *)argument)->stream);
}

static void do_flush(void *argument)
{
    struct owner *owner = argument;
    owner->flushed = stream_flush(&owner->stream);
}

static void do_nothing(void *argument)
{
    (void)argument;
}

static void do_close(void *argument)
{
    stream_close(&((struct owner *)argument)->stream);
}

/* A TCP connection over loopback, because a pair of Unix sockets has no resets. */
static void tcp_pair(int *one, int *other)
{
    struct sockaddr_in in = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t size = sizeof in;
    int listening = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    CU_ASSERT_EQUAL_FATAL(bind(listening, (struct sockaddr *)&in, sizeof in), 0);
    CU_ASSERT_EQUAL_FATAL(listen(listening, 1), 0);
    getsockname(listening, (struct sockaddr *)&in, &size);
    *other = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    CU_ASSERT_EQUAL_FATAL(connect(*other, (struct sockaddr *)&in, sizeof in), 0);
    *one = accept4(listening, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
    CU_ASSERT_FATAL(*one >= 0);
    close(listening);
}

static void owner_open(struct owner *owner)
{
    tcp_pair(&owner->fd, &owner->peer);
    on_loop(do_open, owner);
    CU_ASSERT_EQUAL_FATAL(owner->result, 0);
}

static void owner_release(struct owner *owner)
{
    CU_ASSERT_EQUAL(unit_wait(&owner->closed, 1, 10), 1);
    CU_ASSERT_EQUAL(fcntl(owner->fd, F_GETFD), -1); /* closed with the stream */
    buf_release(&owner->received);
    if (owner->peer >= 0)
        close(owner->peer);
}

static void reset_peer(struct owner *owner)
{
    struct linger reset = {1, 0};
    setsockopt(owner->peer, SOL_SOCKET, SO_LINGER, &reset, sizeof reset);
    close(owner->peer);
    owner->peer = -1;
}

/* The byte at `offset` of the test's content. */
static char pattern(size_t offset)
{
    return (char)(offset * 31 % 251);
}

static char *make_content(size_t size)
{
    char *content = mem_zalloc(size);
    for (size_t i = 0; i < size; i++)
        content[i] = pattern(i);
    return content;
}

/* ---- reading --------------------------------------------------------------------------------- */

static void test_read(void)
{
    struct owner owner = OWNER;
    owner_open(&owner);
    CU_ASSERT_EQUAL(write(owner.peer, "EHLO ", 5), 5);
    CU_ASSERT_EQUAL(unit_wait(&owner.readable, 1, 0), 0); /* reading is off */
    on_loop(do_read_start, &owner);
    CU_ASSERT_EQUAL(unit_wait(&owner.readable, 5, 10), 5);
    on_loop(do_read_stop, &owner);
    int calls = owner.readable_calls;
    CU_ASSERT_EQUAL(write(owner.peer, "client", 6), 6);
    on_loop(do_nothing, NULL);
    on_loop(do_nothing, NULL);
    CU_ASSERT_EQUAL(owner.readable_calls, calls);
    on_loop(do_read_start, &owner);
    CU_ASSERT_EQUAL(unit_wait(&owner.readable, 11, 10), 11);
    CU_ASSERT(slice_equal(buf_slice(&owner.received), SLICE_LITERAL("EHLO client")));
    shutdown(owner.peer, SHUT_WR);
    CU_ASSERT_EQUAL(unit_wait(&owner.ended, 1, 10), 1);
    CU_ASSERT_EQUAL(owner.result, 0); /* the end */
    owner_release(&owner);
}

static void test_small_steps(void)
{
    struct owner owner = OWNER;
    owner.step = 3;
    owner_open(&owner);
    on_loop(do_read_start, &owner);
    CU_ASSERT_EQUAL(write(owner.peer, "0123456789", 10), 10);
    shutdown(owner.peer, SHUT_WR);
    CU_ASSERT_EQUAL(unit_wait(&owner.ended, 1, 10), 1);
    CU_ASSERT(slice_equal(buf_slice(&owner.received), SLICE_LITERAL("0123456789")));
    owner_release(&owner);
}

/* ---- writing --------------------------------------------------------------------------------- */

enum { LARGE = 8 << 20 };

static char *large;

static void do_write_large(void *argument)
{
    struct owner *owner = argument;
    buf_append(&owner->stream.out, large, LARGE);
    owner->flushed = stream_flush(&owner->stream);
}

/* Reads `size` bytes of the pattern; returns how many were right. */
static size_t read_pattern(int fd, size_t size)
{
    static char chunk[65536];
    size_t right = 0;
    for (size_t offset = 0; offset < size;) {
        ssize_t got = recv(fd, chunk, sizeof chunk, 0);
        if (got <= 0)
            break;
        for (ssize_t i = 0; i < got; i++)
            right += chunk[i] == pattern(offset + (size_t)i);
        offset += (size_t)got;
    }
    return right;
}

static void test_partial_writes(void)
{
    struct owner owner = OWNER;
    owner_open(&owner);
    large = make_content(LARGE);
    on_loop(do_write_large, &owner);
    CU_ASSERT_EQUAL(owner.flushed, 0);
    CU_ASSERT_EQUAL(unit_wait(&owner.drained, 1, 0), 0);
    CU_ASSERT_EQUAL(read_pattern(owner.peer, LARGE), LARGE);
    CU_ASSERT_EQUAL(unit_wait(&owner.drained, 1, 10), 1);
    on_loop(do_flush, &owner);
    CU_ASSERT_EQUAL(owner.flushed, 1);
    on_loop(do_nothing, NULL);
    CU_ASSERT_EQUAL(owner.drained_calls, 1);
    free(large);
    on_loop(do_close, &owner);
    owner_release(&owner);
}

/* Blocks the stream by a few bytes, makes room for them, and flushes again before the loop could see the
 * room. */
static void do_flush_twice(void *argument)
{
    static char piece[4096], room[65536];
    struct owner *owner = argument;
    do {
        buf_append(&owner->stream.out, piece, sizeof piece);
        owner->flushed = stream_flush(&owner->stream);
    } while (owner->flushed == 1);
    while (recv(owner->peer, room, sizeof room, MSG_DONTWAIT) > 0)
        ;
    owner->result = stream_flush(&owner->stream);
}

static void test_drained_is_kept_when_flushed_again(void)
{
    struct owner owner = OWNER;
    owner_open(&owner);
    on_loop(do_flush_twice, &owner);
    CU_ASSERT_EQUAL(owner.flushed, 0);
    CU_ASSERT_EQUAL(unit_wait(&owner.drained, 1, 10), 1);
    on_loop(do_close, &owner);
    owner_release(&owner);
}

static void do_write_small(void *argument)
{
    struct owner *owner = argument;
    buf_append(&owner->stream.out, "250 ", 4);
    buf_append(&owner->stream.out, "2.0.0 OK\r\n", 10);
    owner->flushed = stream_flush(&owner->stream);
    stream_trim(&owner->stream);
}

static void test_small_write(void)
{
    struct owner owner = OWNER;
    char reply[64] = "";
    owner_open(&owner);
    on_loop(do_write_small, &owner);
    CU_ASSERT_EQUAL(owner.flushed, 1);
    CU_ASSERT_PTR_NULL(owner.stream.out.memory); /* trimmed */
    CU_ASSERT_EQUAL(recv(owner.peer, reply, sizeof reply, 0), 14);
    CU_ASSERT_STRING_EQUAL(reply, "250 2.0.0 OK\r\n");
    on_loop(do_close, &owner);
    CU_ASSERT_EQUAL(recv(owner.peer, reply, sizeof reply, 0), 0);
    CU_ASSERT_EQUAL(owner.drained_calls, 0);
    owner_release(&owner);
}

static void *send_large(void *peer)
{
    size_t sent = 0;
    while (sent < LARGE) {
        ssize_t n = send(*(int *)peer, large + sent, LARGE - sent, MSG_NOSIGNAL);
        if (n <= 0)
            break;
        sent += (size_t)n;
    }
    shutdown(*(int *)peer, SHUT_WR);
    return NULL;
}

/* Both directions at once, each slower than the other at times. */
static void test_echo(void)
{
    struct owner owner = OWNER;
    pthread_t thread;
    owner.echo = true;
    owner_open(&owner);
    large = make_content(LARGE);
    on_loop(do_read_start, &owner);
    pthread_create(&thread, NULL, send_large, &owner.peer);
    CU_ASSERT_EQUAL(read_pattern(owner.peer, LARGE), LARGE);
    CU_ASSERT_EQUAL(unit_wait(&owner.ended, 1, 10), 1);
    pthread_join(thread, NULL);
    free(large);
    owner_release(&owner);
}

/* ---- connecting ------------------------------------------------------------------------------ */

static int free_port(int *listening)
{
    struct sockaddr_in in = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t size = sizeof in;
    *listening = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    CU_ASSERT_EQUAL_FATAL(bind(*listening, (struct sockaddr *)&in, sizeof in), 0);
    getsockname(*listening, (struct sockaddr *)&in, &size);
    return ntohs(in.sin_port);
}

static void begin_connect(struct owner *owner, int port)
{
    struct sockaddr_in in = {
        .sin_family = AF_INET, .sin_port = htons((uint16_t)port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    owner->fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    int result = connect(owner->fd, (struct sockaddr *)&in, sizeof in);
    CU_ASSERT_FATAL(result == 0 || errno == EINPROGRESS);
}

static void test_connect(void)
{
    struct owner owner = OWNER;
    int listening, port = free_port(&listening);
    CU_ASSERT_EQUAL(listen(listening, 1), 0);
    begin_connect(&owner, port);
    on_loop(do_connect, &owner);
    CU_ASSERT_EQUAL(unit_wait(&owner.connected, 1, 10), 1);
    CU_ASSERT_EQUAL(owner.result, 0);
    owner.peer = accept4(listening, NULL, NULL, SOCK_CLOEXEC);
    on_loop(do_read_start, &owner);
    CU_ASSERT_EQUAL(write(owner.peer, "220 hi\r\n", 8), 8);
    CU_ASSERT_EQUAL(unit_wait(&owner.readable, 8, 10), 8);
    on_loop(do_close, &owner);
    owner_release(&owner);
    close(listening);
}

static void do_connect_and_write(void *argument)
{
    struct owner *owner = argument;
    do_connect(owner);
    buf_append(&owner->stream.out, "early", 5);
    owner->flushed = stream_flush(&owner->stream);
}

/* What is flushed before the connection is there goes out when it is. */
static void test_write_while_connecting(void)
{
    struct owner owner = OWNER;
    char text[16] = "";
    int listening, port = free_port(&listening);
    CU_ASSERT_EQUAL(listen(listening, 1), 0);
    begin_connect(&owner, port);
    on_loop(do_connect_and_write, &owner);
    CU_ASSERT_EQUAL(owner.flushed, 0);
    owner.peer = accept4(listening, NULL, NULL, SOCK_CLOEXEC);
    CU_ASSERT_EQUAL(unit_wait(&owner.drained, 1, 10), 1);
    CU_ASSERT_EQUAL(recv(owner.peer, text, sizeof text, 0), 5);
    CU_ASSERT_STRING_EQUAL(text, "early");
    on_loop(do_close, &owner);
    owner_release(&owner);
    close(listening);
}

static void test_connect_refused(void)
{
    struct owner owner = OWNER;
    int listening, port = free_port(&listening); /* bound and not listening: refused, and nobody else's */
    begin_connect(&owner, port);
    on_loop(do_connect_and_write, &owner);
    CU_ASSERT_EQUAL(unit_wait(&owner.connected, 1, 10), 1);
    CU_ASSERT_EQUAL(owner.result, -ECONNREFUSED);
    on_loop(do_flush, &owner);
    CU_ASSERT_EQUAL(owner.flushed, -ECONNREFUSED);
    on_loop(do_close, &owner);
    owner_release(&owner);
    close(listening);
}

static void test_close_while_connecting(void)
{
    struct owner owner = OWNER;
    int listening, port = free_port(&listening);
    CU_ASSERT_EQUAL(listen(listening, 1), 0);
    begin_connect(&owner, port);
    owner.result = 1;
    on_loop(do_connect, &owner);
    on_loop(do_close, &owner);
    owner_release(&owner);
    CU_ASSERT(owner.connected.value <= 1);
    close(listening);
}

/* ---- ends and resets ------------------------------------------------------------------------- */

static void test_close(void)
{
    struct owner owner = OWNER;
    owner.close_at_once = true;
    owner_open(&owner);
    on_loop(do_read_start, &owner);
    CU_ASSERT_EQUAL(write(owner.peer, "x", 1), 1);
    CU_ASSERT_EQUAL(unit_wait(&owner.closed, 1, 10), 1);
    on_loop(do_flush, &owner);
    CU_ASSERT_EQUAL(owner.flushed, -EPIPE);
    on_loop(do_nothing, NULL);
    CU_ASSERT_EQUAL(owner.closed.value, 1);
    CU_ASSERT_EQUAL(owner.readable_calls, 1);
    owner_release(&owner);
}

struct hold { /* keeps the loop busy */
    struct loop_task task;
    struct unit_counter held, go;
};

static void run_hold(struct loop_task *task)
{
    struct hold *hold = container_of(task, struct hold, task);
    unit_count(&hold->held, 1);
    unit_wait(&hold->go, 1, 30);
}

static void wait_until_readable(int fd)
{
    struct pollfd ready = {fd, POLLIN, 0};
    CU_ASSERT_EQUAL(poll(&ready, 1, 10000), 1);
}

static void wait_until_reset(int fd)
{
    struct pollfd ready = {fd, 0, 0};
    CU_ASSERT_EQUAL(poll(&ready, 1, 10000), 1);
    CU_ASSERT(ready.revents & (POLLERR | POLLHUP));
}

/* Data and a reset arrive while the loop is busy, and the owner reads little at a time: it still gets to the
 * end. */
static void test_data_then_reset(void)
{
    struct owner owner = OWNER;
    struct hold hold = {{.run = run_hold}, UNIT_COUNTER, UNIT_COUNTER};
    owner.step = 4;
    owner_open(&owner);
    on_loop(do_read_start, &owner);
    loop_post(loop_group_at(group, 0), &hold.task);
    CU_ASSERT_EQUAL(unit_wait(&hold.held, 1, 10), 1);
    CU_ASSERT_EQUAL(write(owner.peer, "0123456789", 10), 10);
    wait_until_readable(owner.fd);
    reset_peer(&owner);
    wait_until_reset(owner.fd);
    unit_count(&hold.go, 1);
    CU_ASSERT_EQUAL(unit_wait(&owner.ended, 1, 10), 1);
    CU_ASSERT(owner.result <= 0);
    owner_release(&owner);
}

/* Output waits, the owner does not read, and the peer is gone: the owner is woken, once. */
static void test_reset_while_blocked(void)
{
    struct owner owner = OWNER;
    owner.stay = true;
    owner_open(&owner);
    large = make_content(LARGE);
    on_loop(do_write_large, &owner);
    CU_ASSERT_EQUAL(owner.flushed, 0);
    reset_peer(&owner);
    CU_ASSERT_EQUAL(unit_wait(&owner.ended, 1, 10), 1);
    CU_ASSERT(owner.result <= 0);
    on_loop(do_nothing, NULL);
    int calls = owner.readable_calls;
    for (int i = 0; i < 20; i++)
        on_loop(do_nothing, NULL);
    CU_ASSERT_EQUAL(owner.readable_calls,
                    calls); /* an owner that does nothing about it is not called for ever */
    on_loop(do_flush, &owner);
    CU_ASSERT(owner.flushed < 0);
    CU_ASSERT_EQUAL(owner.drained_calls, 0);
    free(large);
    on_loop(do_close, &owner);
    owner_release(&owner);
}

static void do_write_byte(void *argument)
{
    struct owner *owner = argument;
    buf_append(&owner->stream.out, "x", 1);
    owner->flushed = stream_flush(&owner->stream);
}

static void test_write_after_reset(void)
{
    struct owner owner = OWNER;
    owner_open(&owner);
    reset_peer(&owner);
    wait_until_reset(owner.fd);
    on_loop(do_write_byte, &owner);
    CU_ASSERT(owner.flushed == -ECONNRESET || owner.flushed == -EPIPE); /* and no SIGPIPE */
    on_loop(do_write_byte, &owner);
    CU_ASSERT(owner.flushed < 0);
    on_loop(do_close, &owner);
    owner_release(&owner);
}

struct turns {
    struct owner *owner;
    size_t step;
    char *memory; /* of the input, and what the loop keeps after it */
    char *spare;
};

static void do_fill_and_trim(void *argument)
{
    struct turns *turns = argument;
    struct stream *stream = &turns->owner->stream;
    turns->owner->result = (int)stream_fill(stream, turns->step);
    turns->memory = stream->in.memory;
    stream_trim(stream);
    CU_ASSERT_PTR_EQUAL(stream->in.memory, turns->memory); /* not while it holds input */
    buf_clear(&stream->in);
    stream_trim(stream);
    CU_ASSERT_PTR_NULL(stream->in.memory);
    turns->spare = loop_spare(stream->loop)->memory;
}

/* What one stream no longer needs, the next one uses; the loop keeps the larger of two, unless it is very large. */
static void test_spare_buffer(void)
{
    struct owner owners[2] = {OWNER, OWNER};
    struct turns first = {&owners[0], 16384, NULL, NULL}, second = {&owners[1], 16384, NULL, NULL},
                 content = {&owners[1], 131072, NULL, NULL}, huge = {&owners[0], 1 << 20, NULL, NULL};
    struct turns *each[] = {&first, &second, &content, &huge};
    for (size_t i = 0; i < 2; i++)
        owner_open(&owners[i]);
    for (size_t i = 0; i < 4; i++) {
        struct pollfd come = {.fd = each[i]->owner->fd, .events = POLLIN};
        CU_ASSERT_EQUAL(write(each[i]->owner->peer, "word", 4), 4);
        CU_ASSERT_EQUAL(poll(&come, 1, 10000), 1);
        on_loop(do_fill_and_trim, each[i]);
        CU_ASSERT_EQUAL(each[i]->owner->result, 4);
    }
    CU_ASSERT_PTR_EQUAL(second.memory, first.spare);
    CU_ASSERT_PTR_EQUAL(content.spare, content.memory);
    CU_ASSERT_PTR_NULL(huge.spare);
    for (size_t i = 0; i < 2; i++) {
        on_loop(do_close, &owners[i]);
        owner_release(&owners[i]);
    }
}

int main(void)
{
    CU_TestInfo tests[] = {
        {"read", test_read},
        {"read in small steps", test_small_steps},
        {"small write", test_small_write},
        {"partial writes", test_partial_writes},
        {"drained is kept when flushed again", test_drained_is_kept_when_flushed_again},
        {"echo", test_echo},
        {"connect", test_connect},
        {"write while connecting", test_write_while_connecting},
        {"connect refused", test_connect_refused},
        {"close while connecting", test_close_while_connecting},
        {"close", test_close},
        {"data, then a reset", test_data_then_reset},
        {"reset while blocked", test_reset_while_blocked},
        {"write after a reset", test_write_after_reset},
        {"the loop's spare buffer", test_spare_buffer},
        CU_TEST_INFO_NULL,
    };
    group = loop_group_create("stream", 1);
    if (!group || loop_group_start(group) < 0)
        return 1;
    int status = unit_run("stream", tests);
    loop_group_stop(group);
    loop_group_free(group);
    return status;
}
