/*
 * sdk_stream: streams of modules, over src/net/stream.h.
 *
 * A stream goes through the states of enum stage. Addresses are tried one after the other; each attempt ends
 * with on_stream_closed, which begins the next. One timer serves the attempt and the deadline.
 */
#include "sdk/sdk_stream.h"

#include <errno.h>
#include <stdio.h>
#include <unistd.h>
#include "base/mem.h"
#include "dns/dns.h"
#include "dns/dns_record.h"
#include "net/connect.h"
#include "net/stream.h"
#include "sdk/sdk_dns.h"
#include "sdk/sdk_loop.h"
#include "tls/tls_client.h"

enum {
    ADDRESSES = 16,
    READ_SIZE = 16 * 1024,
    DEFAULT_READ_LIMIT = 64 * 1024,
    DEFAULT_WRITE_LIMIT = 1024 * 1024,
    DEFAULT_CONNECT_MS = 10000,
    PEER_SIZE = 112, /* an address with its port, or a path */
    TEXT_SIZE = 256,
};

enum stage {
    RESOLVING,  /* or waiting for the first turn */
    CONNECTING, /* to an address, or between two */
    SECURING,
    OPEN,
    ENDING, /* `closed` will be called when all handles are closed */
};

struct imp_stream {
    struct sdk_open open;
    struct stream stream;
    uv_timer_t timer;
    enum stage stage;
    bool stream_open, timer_open;
    bool paused, at_end, finished, told_connected;
    const struct imp_stream_events *events;
    void *closure;
    struct runner runner;
    char *path, *host, *source, *tls_name;
    struct tls_client *tls;
    uint16_t port;
    uint64_t connect_ms, attempt_due, deadline; /* loop time; due and deadline: 0 for none */
    size_t read_limit, write_limit;
    struct lookup *lookups[2]; /* AAAA and A, under way */
    struct net_addr addresses[ADDRESSES];
    size_t address_count, next_address;
    enum imp_stream_end why;
    char peer[PEER_SIZE], text[TEXT_SIZE];
};

static const struct stream_handler handler;
static void try_next(struct imp_stream *s);

static struct imp_stream *stream_of(struct stream *stream)
{
    return container_of(stream, struct imp_stream, stream);
}

#define TELL(s, event, ...)                                                                                  \
    do {                                                                                                     \
        if ((s)->events->event) {                                                                            \
            const struct runner *outer = runner_enter(&(s)->runner);                                         \
            (s)->events->event(s, __VA_ARGS__);                                                              \
            runner_leave(outer);                                                                             \
        }                                                                                                    \
    } while (0)

/* ---- the end --------------------------------------------------------------------------------- */

static void finish_end(struct imp_stream *s)
{
    if (s->stream_open || s->timer_open)
        return;
    TELL(s, closed, s->why, s->text, s->closure);
    tls_client_unref(s->tls);
    free(s->path);
    free(s->host);
    free(s->source);
    free(s->tls_name);
    sdk_open_closed(&s->open);
    free(s);
}

static void on_timer_closed(uv_handle_t *handle)
{
    struct imp_stream *s = handle->data;
    s->timer_open = false;
    finish_end(s);
}

static void end(struct imp_stream *s, enum imp_stream_end why, const char *text)
{
    if (s->stage == ENDING)
        return;
    s->stage = ENDING;
    s->why = why;
    if (text != s->text)
        snprintf(s->text, sizeof s->text, "%s", text);
    sdk_open_closing(&s->open);
    for (int i = 0; i < 2; i++)
        if (s->lookups[i])
            lookup_cancel(s->lookups[i]);
    if (s->stream_open)
        stream_close(&s->stream);
    uv_close((uv_handle_t *)&s->timer, on_timer_closed);
}

static void end_for_instance(struct sdk_open *open)
{
    end(container_of(open, struct imp_stream, open), IMP_STREAM_ENDED, "");
}

void imp_stream_close(struct imp_stream *s)
{
    if (s)
        end(s, IMP_STREAM_CLOSED, "");
}

static void end_broken(struct imp_stream *s, int error)
{
    end(s, IMP_STREAM_BROKEN, error == -EPROTO ? stream_tls_reason(&s->stream) : strerror(-error));
}

/* ---- time ------------------------------------------------------------------------------------ */

static void on_timer(uv_timer_t *timer);

static void set_timer(struct imp_stream *s)
{
    uint64_t due = s->attempt_due, now = loop_now(s->stream.loop);
    if (s->deadline && (!due || s->deadline < due))
        due = s->deadline;
    if (s->stage == ENDING)
        return;
    if (due)
        uv_timer_start(&s->timer, on_timer, due > now ? due - now : 0, 0);
    else
        uv_timer_stop(&s->timer);
}

static void give_up_attempt(struct imp_stream *s)
{
    s->attempt_due = 0;
    snprintf(s->text, sizeof s->text, "%s: connection timed out", s->peer);
    if (s->stage == SECURING)
        end(s, IMP_STREAM_TLS_FAILED, s->text);
    else
        stream_close(&s->stream); /* and then the next */
}

void imp_stream_set_deadline(struct imp_stream *s, uint64_t ms)
{
    uv_update_time(loop_uv(s->stream.loop));
    s->deadline = ms ? loop_now(s->stream.loop) + ms : 0;
    set_timer(s);
}

/* ---- names ----------------------------------------------------------------------------------- */

static void add_address(struct imp_stream *s, const struct net_addr *address)
{
    if (s->address_count == ADDRESSES)
        return;
    s->addresses[s->address_count] = *address;
    s->addresses[s->address_count++].port = s->port;
}

static void on_addresses(struct imp_stream *s, int which, const struct dns_answer *answer)
{
    size_t size = answer->type == DNS_A ? 4 : 16;
    s->lookups[which] = NULL;
    for (size_t i = 0; i < answer->count; i++) {
        struct net_addr address = {.family = size == 4 ? AF_INET : AF_INET6};
        if (answer->rdata[i].size != size)
            continue;
        memcpy(address.bytes, answer->rdata[i].data, size);
        add_address(s, &address);
    }
    if (answer->status == DNS_FAILED)
        snprintf(s->text, sizeof s->text, "%s: %s", s->host, answer->reason);
    if (!s->lookups[0] && !s->lookups[1])
        try_next(s);
}

static void on_aaaa(const struct dns_answer *answer, void *closure)
{
    on_addresses(closure, 0, answer);
}

static void on_a(const struct dns_answer *answer, void *closure)
{
    on_addresses(closure, 1, answer);
}

/* In the stream's first turn. */
static void begin(struct imp_stream *s)
{
    struct net_addr address;
    if (s->path || net_addr_parse(&address, s->host)) {
        if (!s->path)
            add_address(s, &address);
        try_next(s);
        return;
    }
    struct resolver *resolver = sdk_dns_resolver();
    snprintf(s->text, sizeof s->text, "%s: no address is known", s->host);
    if (resolver) {
        s->lookups[0] = resolver_query(resolver, s->host, DNS_AAAA, on_aaaa, s);
        s->lookups[1] = resolver_query(resolver, s->host, DNS_A, on_a, s);
    }
    if (!s->lookups[0] && !s->lookups[1])
        try_next(s);
}

/* ---- connecting ------------------------------------------------------------------------------ */

static int connect_next(struct imp_stream *s)
{
    char text[NET_ADDR_TEXT_SIZE];
    const struct net_addr *address = &s->addresses[s->next_address++];
    if (s->path) {
        snprintf(s->peer, sizeof s->peer, "%s", s->path);
        return connect_begin_unix(s->path);
    }
    snprintf(s->peer, sizeof s->peer, "%s", net_addr_format_port(address, text));
    return connect_begin(address, s->source);
}

static bool attempt(struct imp_stream *s)
{
    int fd = connect_next(s), error = fd < 0 ? fd : 0;
    if (!error)
        error = stream_connect(&s->stream, s->stream.loop, fd, &handler);
    if (error) {
        snprintf(s->text, sizeof s->text, "%s: %s", s->peer, strerror(-error));
        if (fd >= 0)
            close(fd);
        return false;
    }
    s->stream_open = true;
    s->attempt_due = loop_now(s->stream.loop) + s->connect_ms;
    set_timer(s);
    return true;
}

static void try_next(struct imp_stream *s)
{
    s->stage = CONNECTING;
    while (s->next_address < s->address_count)
        if (attempt(s))
            return;
    end(s, IMP_STREAM_UNREACHABLE, s->text);
}

static void on_timer(uv_timer_t *timer)
{
    struct imp_stream *s = timer->data;
    uint64_t now = loop_now(s->stream.loop);
    if (s->deadline && now >= s->deadline)
        end(s, IMP_STREAM_TIMED_OUT, "the deadline has passed");
    else if (s->attempt_due && now >= s->attempt_due && s->stage == RESOLVING) {
        s->attempt_due = 0;
        begin(s);
    } else if (s->attempt_due && now >= s->attempt_due)
        give_up_attempt(s);
    set_timer(s);
}

static void open_up(struct imp_stream *s)
{
    bool secured = s->told_connected;
    s->stage = OPEN;
    s->attempt_due = 0;
    set_timer(s);
    if (!s->paused)
        stream_read_start(&s->stream);
    s->told_connected = true;
    if (secured)
        TELL(s, secured, s->closure);
    else
        TELL(s, connected, s->closure);
}

static void on_connected(struct stream *stream, int error)
{
    struct imp_stream *s = stream_of(stream);
    if (error) {
        snprintf(s->text, sizeof s->text, "%s: %s", s->peer, strerror(-error));
        s->attempt_due = 0;
        stream_close(stream);
        return;
    }
    if (!s->tls) {
        open_up(s);
        return;
    }
    s->stage = SECURING;
    error = stream_start_tls_client(stream, s->tls, s->tls_name);
    if (error)
        end(s, IMP_STREAM_TLS_FAILED, strerror(-error));
}

static void on_secured(struct stream *stream, int error)
{
    struct imp_stream *s = stream_of(stream);
    if (!error) {
        open_up(s);
        return;
    }
    snprintf(s->text, sizeof s->text, "%s: %s", s->peer, stream_tls_reason(stream));
    end(s, IMP_STREAM_TLS_FAILED, s->text);
}

static void on_stream_closed(struct stream *stream)
{
    struct imp_stream *s = stream_of(stream);
    s->stream_open = false;
    if (s->stage == ENDING)
        finish_end(s);
    else
        try_next(s);
}

/* ---- reading --------------------------------------------------------------------------------- */

static void update_reading(struct imp_stream *s)
{
    bool wanted = !s->paused && !s->at_end && buf_size(&s->stream.in) < s->read_limit;
    if (s->stage != OPEN || s->stream.reading == wanted)
        return;
    if (wanted)
        stream_read_start(&s->stream);
    else
        stream_read_stop(&s->stream);
}

static void on_readable(struct stream *stream)
{
    struct imp_stream *s = stream_of(stream);
    if (s->stage != OPEN)
        return;
    ssize_t got = stream_fill(stream, READ_SIZE);
    if (got == 0)
        s->at_end = true;
    update_reading(s);
    if (got >= 0)
        TELL(s, readable, s->closure);
    if (got < 0 && got != -EAGAIN)
        end_broken(s, (int)got);
    else if (s->stage == OPEN && stream->error)
        end_broken(s, stream->error);
}

const char *imp_stream_data(const struct imp_stream *s, size_t *size)
{
    struct slice in = buf_slice(&s->stream.in);
    *size = s->stage == OPEN ? in.size : 0;
    return *size ? in.data : "";
}

void imp_stream_consume(struct imp_stream *s, size_t size)
{
    size_t there = buf_size(&s->stream.in);
    if (s->stage != OPEN)
        return;
    buf_consume(&s->stream.in, size < there ? size : there);
    update_reading(s);
}

bool imp_stream_at_end(const struct imp_stream *s)
{
    return s->at_end;
}

void imp_stream_pause(struct imp_stream *s, bool pause)
{
    s->paused = pause;
    update_reading(s);
}

/* ---- writing --------------------------------------------------------------------------------- */

static void on_drained(struct stream *stream)
{
    struct imp_stream *s = stream_of(stream);
    if (s->stage != OPEN)
        return;
    if (s->finished)
        stream_finish(stream);
    TELL(s, drained, s->closure);
}

static int refuse(int error)
{
    errno = error;
    return -1;
}

int imp_stream_write(struct imp_stream *s, const void *data, size_t size)
{
    size_t waiting = s->stage == OPEN ? buf_size(&s->stream.out) : 0;
    if (s->finished || s->stage == ENDING)
        return refuse(EPIPE);
    if (s->stage != OPEN)
        return refuse(ENOTCONN);
    if (waiting > 0 && (size > s->write_limit || waiting > s->write_limit - size))
        return refuse(EAGAIN);
    buf_append(&s->stream.out, data, size);
    int flushed = stream_flush(&s->stream);
    if (flushed >= 0)
        return flushed == 0;
    end_broken(s, flushed);
    return refuse(EPIPE);
}

size_t imp_stream_waiting(const struct imp_stream *s)
{
    return s->stream_open ? buf_size(&s->stream.out) : 0;
}

void imp_stream_finish(struct imp_stream *s)
{
    if (s->stage != OPEN || s->finished)
        return;
    s->finished = true;
    if (buf_size(&s->stream.out) == 0)
        stream_finish(&s->stream);
}

/* ---- TLS ------------------------------------------------------------------------------------- */

/* What has begun; after a handshake the input is that of the encrypted connection alone. */
static int securing(struct imp_stream *s, int error)
{
    if (error)
        return refuse(-error);
    s->stage = SECURING;
    stream_read_stop(&s->stream);
    s->attempt_due = loop_now(s->stream.loop) + s->connect_ms;
    set_timer(s);
    return 0;
}

/* 0 or a negative errno. */
static int may_secure(const struct imp_stream *s)
{
    if (s->stage != OPEN || s->stream.tls || s->finished || s->at_end)
        return -EINVAL;
    return buf_size(&s->stream.in) ? -EBUSY : 0;
}

int imp_stream_start_tls(struct imp_stream *s, struct imp_tls *tls, const char *name)
{
    int error = may_secure(s);
    return securing(s, error ? error : stream_start_tls_client(&s->stream, (struct tls_client *)tls, name));
}

int sdk_stream_start_tls_server(struct imp_stream *s, struct tls_context *context)
{
    int error = may_secure(s);
    return securing(s, error ? error : stream_start_tls(&s->stream, context));
}

bool imp_stream_tls(const struct imp_stream *s, struct imp_tls_facts *facts)
{
    const struct tls_facts *known = s->stream_open ? stream_tls_facts(&s->stream) : NULL;
    if (!known)
        return false;
    struct imp_tls_facts full = {
        .size = facts->size,
        .protocol = known->protocol,
        .cipher = known->cipher,
        .verified = known->client_verified,
        .unverified = known->unverified,
        .subject = known->client_subject,
        .subject_cn = known->client_subject_cn,
        .issuer = known->client_issuer,
        .issuer_cn = known->client_issuer_cn,
    };
    memcpy(facts, &full, facts->size < sizeof full ? facts->size : sizeof full);
    return true;
}

const char *imp_stream_peer(const struct imp_stream *s)
{
    return s->peer;
}

/* ---- making one ------------------------------------------------------------------------------ */

/* NULL with errno set. Nothing is called before the next turn. */
static struct imp_stream *create(struct imp_module *module, const struct imp_stream_events *events,
                                 void *closure)
{
    struct imp_stream *s = mem_new(struct imp_stream);
    if (!loop_current() || !sdk_open_add(&s->open, module, end_for_instance)) {
        errno = loop_current() ? ESHUTDOWN : ENOTSUP;
        free(s);
        return NULL;
    }
    s->stream.loop = loop_current();
    s->events = events;
    s->closure = closure;
    s->runner = (struct runner){module->label, "its stream", ""};
    s->read_limit = DEFAULT_READ_LIMIT;
    s->write_limit = DEFAULT_WRITE_LIMIT;
    s->connect_ms = DEFAULT_CONNECT_MS;
    uv_timer_init(loop_uv(s->stream.loop), &s->timer);
    s->timer.data = s;
    s->timer_open = true;
    uv_update_time(loop_uv(s->stream.loop));
    return s;
}

static bool is_valid(const struct imp_stream_target *target)
{
    struct net_addr address;
    if (target->path)
        return *target->path && (!target->tls || target->tls_name);
    return target->host && target->port &&
           (net_addr_parse(&address, target->host) || dns_name_valid(target->host));
}

/* The name that the certificate has to be for: an address has no brackets there. */
static char *expected_name(const struct imp_stream_target *target)
{
    struct net_addr address;
    char text[NET_ADDR_TEXT_SIZE];
    const char *name = target->tls_name ? target->tls_name : target->host;
    if (name && net_addr_parse(&address, name))
        name = net_addr_format(&address, text);
    return mem_dup(name);
}

struct imp_stream *imp_stream_connect(struct imp_module *module, const struct imp_stream_target *given,
                                      const struct imp_stream_events *events, void *closure)
{
    struct imp_stream_target target = {0};
    memcpy(&target, given, given->size < sizeof target ? given->size : sizeof target);
    if (!is_valid(&target)) {
        errno = EINVAL;
        return NULL;
    }
    struct imp_stream *s = create(module, events, closure);
    if (!s)
        return NULL;
    s->path = mem_dup(target.path);
    s->host = target.path ? NULL : mem_dup(target.host);
    s->source = mem_dup(target.source);
    s->port = target.port;
    if (target.tls) {
        s->tls = tls_client_ref((struct tls_client *)target.tls);
        s->tls_name = expected_name(&target);
    }
    s->read_limit = target.read_limit ? target.read_limit : s->read_limit;
    s->write_limit = target.write_limit ? target.write_limit : s->write_limit;
    s->connect_ms = target.connect_timeout_ms ? target.connect_timeout_ms : s->connect_ms;
    s->address_count = s->path ? 1 : 0;
    s->attempt_due = loop_now(s->stream.loop); /* at once, in the next turn */
    set_timer(s);
    return s;
}

struct imp_stream *sdk_stream_accepted(struct imp_module *module, int fd, const struct net_addr *peer,
                                       const struct imp_stream_events *events, void *closure)
{
    char text[NET_ADDR_TEXT_SIZE];
    struct imp_stream *s = create(module, events, closure);
    if (!s)
        return NULL;
    int error =
        stream_connect(&s->stream, s->stream.loop, fd, &handler); /* it is connected: which is told later */
    if (error) {
        /* The owner never heard of it. */
        static const struct imp_stream_events nobody = {.size = sizeof nobody};
        s->events = &nobody;
        end(s, IMP_STREAM_BROKEN, "");
        errno = -error;
        return NULL;
    }
    s->stage = CONNECTING;
    s->stream_open = true;
    snprintf(s->peer, sizeof s->peer, "%s", net_addr_format_port(peer, text));
    return s;
}

static const struct stream_handler handler = {
    .readable = on_readable,
    .drained = on_drained,
    .connected = on_connected,
    .closed = on_stream_closed,
    .secured = on_secured,
};
