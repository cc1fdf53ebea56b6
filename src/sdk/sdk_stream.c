/*
 * sdk_stream: streams of modules, over src/net/stream.h: connecting, time, the end.
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
#include "metrics/budget.h"
#include "net/connect.h"
#include "sdk/sdk_dns.h"
#include "sdk/sdk_stream_private.h"
#include "tls/tls_client.h"

enum { DEFAULT_READ_LIMIT = 64 * 1024, DEFAULT_WRITE_LIMIT = 1024 * 1024, DEFAULT_CONNECT_MS = 10000 };

static const struct stream_handler handler;
static void try_next(struct imp_stream *s);

/* ---- the end --------------------------------------------------------------------------------- */

static void finish_end(struct imp_stream *s)
{
    if (s->stream_open || s->timer_open)
        return;
    SDK_STREAM_TELL(s, closed, s->why, s->text, s->closure);
    if (s->gone)
        s->gone(s->gone_closure);
    tls_client_unref(s->tls);
    free(s->path);
    free(s->host);
    free(s->source);
    free(s->tls_name);
    sdk_open_closed(&s->open);
    budget_give(BUDGET_STREAMS, 1);
    free(s);
}

static void on_timer_closed(uv_handle_t *handle)
{
    struct imp_stream *s = handle->data;
    s->timer_open = false;
    finish_end(s);
}

void sdk_stream_end(struct imp_stream *s, enum imp_stream_end why, const char *text)
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
    sdk_stream_end(container_of(open, struct imp_stream, open), IMP_STREAM_ENDED, "");
}

void imp_stream_close(struct imp_stream *s)
{
    if (s)
        sdk_stream_end(s, IMP_STREAM_CLOSED, "");
}

/* ---- time ------------------------------------------------------------------------------------ */

static void on_timer(uv_timer_t *timer);

void sdk_stream_set_timer(struct imp_stream *s)
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
        sdk_stream_end(s, IMP_STREAM_TLS_FAILED, s->text);
    else
        stream_close(&s->stream); /* and then the next */
}

void imp_stream_set_deadline(struct imp_stream *s, uint64_t ms)
{
    loop_renew_now(s->stream.loop);
    s->deadline = ms ? loop_now(s->stream.loop) + ms : 0;
    sdk_stream_set_timer(s);
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
    sdk_stream_set_timer(s);
    return true;
}

static void try_next(struct imp_stream *s)
{
    s->stage = CONNECTING;
    while (s->next_address < s->address_count)
        if (attempt(s))
            return;
    sdk_stream_end(s, IMP_STREAM_UNREACHABLE, s->text);
}

static void on_timer(uv_timer_t *timer)
{
    struct imp_stream *s = timer->data;
    uint64_t now = loop_now(s->stream.loop);
    if (s->deadline && now >= s->deadline)
        sdk_stream_end(s, IMP_STREAM_TIMED_OUT, "the deadline has passed");
    else if (s->attempt_due && now >= s->attempt_due && s->stage == RESOLVING) {
        s->attempt_due = 0;
        begin(s);
    } else if (s->attempt_due && now >= s->attempt_due)
        give_up_attempt(s);
    sdk_stream_set_timer(s);
}

static void open_up(struct imp_stream *s)
{
    bool secured = s->told_connected;
    s->stage = OPEN;
    s->attempt_due = 0;
    sdk_stream_set_timer(s);
    if (!s->paused)
        stream_read_start(&s->stream);
    s->told_connected = true;
    if (secured)
        SDK_STREAM_TELL(s, secured, s->closure);
    else
        SDK_STREAM_TELL(s, connected, s->closure);
}

static void on_connected(struct stream *stream, int error)
{
    struct imp_stream *s = sdk_stream_of(stream);
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
        sdk_stream_end(s, IMP_STREAM_TLS_FAILED, strerror(-error));
}

static void on_secured(struct stream *stream, int error)
{
    struct imp_stream *s = sdk_stream_of(stream);
    if (!error) {
        open_up(s);
        return;
    }
    snprintf(s->text, sizeof s->text, "%s: %s", s->peer, stream_tls_reason(stream));
    sdk_stream_end(s, IMP_STREAM_TLS_FAILED, s->text);
}

static void on_stream_closed(struct stream *stream)
{
    struct imp_stream *s = sdk_stream_of(stream);
    s->stream_open = false;
    if (s->stage == ENDING)
        finish_end(s);
    else
        try_next(s);
}

/* ---- making one ------------------------------------------------------------------------------ */

/* NULL with errno set. Nothing is called before the next turn. */
static struct imp_stream *create(struct imp_module *module, const struct imp_stream_events *events,
                                 void *closure)
{
    struct imp_stream_events told;
    if (!module_copy_struct(&told, sizeof told, events) || !told.closed) {
        module_name_misuse(module, "the events of its stream have no size, or no function closed");
        errno = EINVAL;
        return NULL;
    }
    if (!budget_take(BUDGET_STREAMS, 1)) {
        errno = EAGAIN;
        return NULL;
    }
    struct imp_stream *s = mem_new(struct imp_stream);
    if (!loop_current() || !sdk_open_add(&s->open, module, end_for_instance)) {
        errno = loop_current() ? ESHUTDOWN : ENOTSUP;
        budget_give(BUDGET_STREAMS, 1);
        free(s);
        return NULL;
    }
    s->stream.loop = loop_current();
    s->events = told;
    s->closure = closure;
    s->runner = (struct runner){module->label, "its stream", ""};
    s->read_limit = DEFAULT_READ_LIMIT;
    s->write_limit = DEFAULT_WRITE_LIMIT;
    s->connect_ms = DEFAULT_CONNECT_MS;
    uv_timer_init(loop_uv(s->stream.loop), &s->timer);
    s->timer.data = s;
    s->timer_open = true;
    loop_renew_now(s->stream.loop);
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
    struct imp_stream_target target;
    module_copy_struct(&target, sizeof target, given);
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
    sdk_stream_set_timer(s);
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
        s->events = (struct imp_stream_events){0};
        sdk_stream_end(s, IMP_STREAM_BROKEN, "");
        errno = -error;
        return NULL;
    }
    s->stage = CONNECTING;
    s->stream_open = true;
    snprintf(s->peer, sizeof s->peer, "%s", net_addr_format_port(peer, text));
    return s;
}

void sdk_stream_on_gone(struct imp_stream *s, void (*gone)(void *closure), void *closure)
{
    s->gone = gone;
    s->gone_closure = closure;
}

static const struct stream_handler handler = {
    .readable = sdk_stream_on_readable,
    .drained = sdk_stream_on_drained,
    .connected = on_connected,
    .closed = on_stream_closed,
    .secured = on_secured,
};
