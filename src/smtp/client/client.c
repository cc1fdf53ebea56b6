/*
 * client: opens a connection for a queue and handles its events.
 */
#include <errno.h>
#include "base/id.h"
#include "base/mem.h"
#include "smtp/client/client.h"

enum { READ_SIZE = 16 * 1024 };

static const struct slice closed_by_peer = {"451 4.4.2 [internal] connection closed by remote host",
                                            sizeof "451 4.4.2 [internal] connection closed by remote host" -
                                                1};

static struct client *client_of(struct link *link)
{
    return container_of(link, struct client, link);
}

static void free_search(struct client *client)
{
    if (client->search)
        hops_release(&client->search->hops);
    free(client->search);
    client->search = NULL;
}

/* ---- the link's events ------------------------------------------------------------------------------- */

static void on_up(struct link *link)
{
    struct client *client = client_of(link);
    client->id = id_next();
    client->use_helo = client->plain;
    client->first = client->count = 0;
    client_expect(client, EXPECT_BANNER, 1);
    client_flush(client);
}

static void fail(struct client *client, enum queue_verdict verdict, unsigned stage, struct slice response)
{
    struct queue_outcome outcome = client_outcome(client, verdict, stage, response);
    queue_connection_failed(client->queue, false, &outcome);
    link_close(&client->link);
}

static void on_unreachable(struct link *link)
{
    fail(client_of(link), QUEUE_TRANSIENT, link->failure.stage,
         slice_of(link->failure.response, link->failure.size));
}

static void obstruct(struct client *client, const char *what)
{
    queue_connection_obstructed(client->queue, what);
    link_close(&client->link);
}

static void on_obstructed(struct link *link, int error)
{
    obstruct(client_of(link), strerror(-error));
}

static void lose(struct client *client, struct slice reason)
{
    if (client->established)
        client_end(client, reason);
    else
        client_give_up_hop(client, reason);
}

static void on_readable(struct link *link)
{
    struct client *client = client_of(link);
    ssize_t got = stream_fill(&link->stream, READ_SIZE);
    if (got == -EAGAIN)
        return;
    if (got <= 0) {
        lose(client, closed_by_peer);
        return;
    }
    if (!client_read_replies(client))
        return; /* the deadline covers complete replies: single bytes do not extend it */
    if (client->doomed)
        client_end(client, closed_by_peer);
    else if (client->established)
        free_search(client); /* no other hop will be tried */
    client_advance(client);
}

static void on_drained(struct link *link)
{
    client_advance(client_of(link));
}

static void on_timed_out(struct link *link)
{
    struct client *client = client_of(link);
    bool idle = client->established && client->count == 0;
    if (idle && !client->current)
        client_quit(client);
    else if (idle && client->current->state == TRANSACTION_LOADING)
        client_flush(client); /* the server waits for us, and hooks have a deadline of their own */
    else
        lose(client, client_no_reply(client));
}

static void free_client(struct client *client)
{
    list_remove(&client->node);
    free_search(client);
    free(client->bind_address);
    free(client);
}

static void on_closed(struct link *link)
{
    struct client *client = client_of(link);
    struct queue *queue = client->queue;
    bool established = client->established;
    free_client(client);
    if (queue)
        queue_connection_closed(queue, established);
}

static const struct link_user link_user = {
    .up = on_up,
    .unreachable = on_unreachable,
    .obstructed = on_obstructed,
    .readable = on_readable,
    .drained = on_drained,
    .timed_out = on_timed_out,
    .closed = on_closed,
};

/* ---- opening ----------------------------------------------------------------------------------------- */

static void on_wake(struct queue_waiter *waiter)
{
    client_advance(container_of(waiter, struct client, waiter));
}

static void on_hops(struct hop_search *search)
{
    struct client *client = search->closure;
    if (search->hops.count == 0 && search->obstacle) {
        obstruct(client, search->obstacle);
        return;
    }
    if (search->hops.count == 0) {
        fail(client, search->verdict, STAGE_CONNECT, slice_text(search->response));
        return;
    }
    const struct queue_settings *settings = queue_settings(client->queue);
    client->bind_address = mem_dup(settings->bind_address);
    link_try(&client->link, &search->hops, client->bind_address, settings->connect_timeout);
}

void smtpc_loop_init(struct smtpc_loop *home, const struct smtpc_shared *shared, struct loop *loop,
                     struct resolver *resolver)
{
    *home = (struct smtpc_loop){.shared = shared, .loop = loop, .resolver = resolver};
    list_init(&home->clients);
    content_reader_init_loop(&home->reader, spool_read_content, shared->spool, loop, shared->swap_in,
                             shared->outside);
}

void smtpc_open(struct smtpc_loop *home, struct queue *queue, bool lmtp, bool plain)
{
    const struct queue_settings *settings = queue_settings(queue);
    struct client *client = mem_new(struct client);
    client->home = home;
    client->queue = queue;
    client->lmtp = lmtp;
    client->plain = plain;
    client->waiter.wake = on_wake;
    list_append(&home->clients, &client->node);
    link_init(&client->link, home->loop, &link_user);
    client->search = mem_new(struct hop_search);
    client->search->done = on_hops;
    client->search->closure = client;
    hop_search_start(client->search, home->resolver, queue,
                     lmtp ? settings->lmtp_port : settings->remote_smtp_port, home->turn++);
}

static void free_recipients(struct queue_set *queues, struct smtpc_transaction *transaction)
{
    for (unsigned i = 0; transaction->live > 0; i++)
        if (transaction_unsettled(transaction, i))
            queue_abandon(queues, transaction_release(transaction, i));
}

void smtpc_free_all(struct smtpc_loop *home)
{
    list_each(&home->clients, node, after) {
        struct client *client = container_of(node, struct client, node);
        list_remove(&client->node); /* the list no longer exists when the link reports that it is closed */
        client->queue = NULL;
        queue_abandon(home->shared->queues, client->held);
        for (size_t i = 0; i < 2; i++)
            free_recipients(home->shared->queues, &client->slots[i]);
        link_close(&client->link);
    }
    content_reader_release(&home->reader);
}
