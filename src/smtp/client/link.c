/*
 * link: connects to next hops in order, and keeps the deadline.
 *
 * The deadline moves with every reply, but restarting a timer is expensive. The timer is therefore left alone
 * when the deadline moves to a later time. If it fires early, it is started again for the remaining time.
 */
#include "smtp/client/link.h"

#include <errno.h>
#include <stdio.h>
#include <unistd.h>
#include "base/descriptors.h"
#include "base/mem.h"
#include "net/connect.h"

static const struct stream_handler stream_handler;

static void try_next(struct link *link);

static struct link *link_of(struct stream *stream)
{
    return container_of(stream, struct link, stream);
}

static void note_failure(struct link *link, unsigned stage, struct slice response)
{
    struct link_failure *failure = &link->failure;
    failure->stage = stage;
    failure->size = response.size < sizeof failure->response ? response.size : sizeof failure->response;
    memcpy(failure->response, response.data, failure->size);
}

/* ---- the deadline ------------------------------------------------------------------------------------ */

static void on_timer(uv_timer_t *timer)
{
    struct link *link = timer->data;
    uint64_t now = loop_now(link->loop);
    link->timer_due = 0;
    if (link->deadline == 0)
        return;
    if (now < link->deadline) {
        link->timer_due = link->deadline;
        uv_timer_start(&link->timer, on_timer, link->deadline - now, 0);
        return;
    }
    link->deadline = 0;
    if (link->up) {
        link->user->timed_out(link);
        return;
    }
    note_failure(link, 0, SLICE_LITERAL("450 4.4.1 [internal] Connection Timed Out"));
    stream_close(&link->stream);
}

void link_set_deadline(struct link *link, unsigned seconds)
{
    uint64_t wait = (uint64_t)seconds * 1000;
    link->deadline = loop_now(link->loop) + wait;
    if (link->closing || (link->timer_due != 0 && link->timer_due <= link->deadline))
        return;
    link->timer_due = link->deadline;
    uv_timer_start(&link->timer, on_timer, wait, 0);
}

/* ---- connecting -------------------------------------------------------------------------------------- */

static int connect_hop(struct link *link, const struct hop *hop)
{
    if (hop->address.family == AF_UNIX)
        return connect_begin_unix(hop->path);
    int fd = connect_begin(&hop->address, link->bind_address);
    if (fd == -EADDRNOTAVAIL) {
        char text[128];
        int length =
            snprintf(text, sizeof text, "451 4.4.1 [internal] cannot bind to %s", link->bind_address);
        note_failure(link, 0,
                     slice_of(text, (size_t)length < sizeof text ? (size_t)length : sizeof text - 1));
    }
    return fd;
}

static void name_peer(struct link *link, const struct hop *hop)
{
    char text[NET_ADDR_TEXT_SIZE];
    snprintf(link->peer, sizeof link->peer, "%s",
             hop->path ? hop->path : net_addr_format(&hop->address, text));
    free(link->host);
    link->host = mem_dup(hop->host);
}

/* Returns 0, or a negative errno. */
static int try_hop(struct link *link, const struct hop *hop)
{
    note_failure(link, 0,
                 SLICE_LITERAL("421 4.4.0 [internal] no MXs for this domain could be reached at this time"));
    name_peer(link, hop);
    int fd = connect_hop(link, hop);
    if (fd < 0)
        return fd;
    int error = stream_connect(&link->stream, link->loop, fd, &stream_handler);
    if (error < 0) {
        close(fd);
        return error;
    }
    link->stream_open = true;
    link_set_deadline(link, link->connect_timeout);
    return 0;
}

/* Another address may have a free port; whatever else is lacking is lacking for all. */
static bool lacks_for_all(int obstacle)
{
    return obstacle && obstacle != -EADDRINUSE;
}

static void try_next(struct link *link)
{
    while (!lacks_for_all(link->obstacle) && link->next_hop < link->hops->count) {
        int error = try_hop(link, &link->hops->items[link->next_hop++]);
        if (!error)
            return;
        if (error_is_local(error))
            link->obstacle = error;
    }
    link->deadline = 0;
    if (link->obstacle)
        link->user->obstructed(link, link->obstacle);
    else
        link->user->unreachable(link);
}

void link_init(struct link *link, struct loop *loop, const struct link_user *user)
{
    *link = (struct link){.loop = loop, .user = user};
    uv_timer_init(loop_uv(loop), &link->timer);
    link->timer.data = link;
}

void link_try(struct link *link, const struct hops *hops, const char *bind_address, unsigned connect_timeout)
{
    link->hops = hops;
    link->bind_address = bind_address;
    link->connect_timeout = connect_timeout;
    try_next(link);
}

void link_give_up_hop(struct link *link, unsigned stage, struct slice response)
{
    note_failure(link, stage, response);
    link->up = false;
    link->deadline = 0;
    stream_close(&link->stream);
}

/* ---- the stream's events ----------------------------------------------------------------------------- */

static void on_connected(struct stream *stream, int error)
{
    struct link *link = link_of(stream);
    if (error) {
        if (error_is_local(error))
            link->obstacle = error;
        stream_close(stream);
        return;
    }
    link->up = true;
    stream_read_start(stream);
    link->user->up(link);
}

static void on_readable(struct stream *stream)
{
    link_of(stream)->user->readable(link_of(stream));
}

static void on_drained(struct stream *stream)
{
    link_of(stream)->user->drained(link_of(stream));
}

/* ---- the end ----------------------------------------------------------------------------------------- */

static void report_closed(struct link *link)
{
    if (link->stream_open || !link->timer_closed)
        return;
    free(link->host);
    link->host = NULL;
    link->user->closed(link);
}

static void on_stream_closed(struct stream *stream)
{
    struct link *link = link_of(stream);
    link->stream_open = false;
    if (link->closing)
        report_closed(link);
    else
        try_next(link);
}

static void on_timer_closed(uv_handle_t *handle)
{
    struct link *link = handle->data;
    link->timer_closed = true;
    report_closed(link);
}

void link_close(struct link *link)
{
    if (link->closing)
        return;
    link->closing = true;
    link->up = false;
    if (link->stream_open)
        stream_close(&link->stream);
    uv_close((uv_handle_t *)&link->timer, on_timer_closed);
}

static const struct stream_handler stream_handler = {
    .readable = on_readable,
    .drained = on_drained,
    .connected = on_connected,
    .closed = on_stream_closed,
};
