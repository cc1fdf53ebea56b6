/*
 * client_send: what to write next.
 */
#include <errno.h>
#include "delivery/client.h"

enum { BUSY = 4 }; /* ready envelopes that make a queue a busy one */

/* ---- the greeting ------------------------------------------------------------------------------------ */

/* What EHLO says we are; manual, ehlo_hostname. __message__ takes the first message early. */
static struct slice hello_name(struct client *client)
{
    struct slice option = slice_text(queue_settings(client->queue)->ehlo_hostname);
    struct slice hostname = slice_text(client->home->delivery->hostname);
    if (slice_equal_nocase(option, SLICE_LITERAL("__message__"))) {
        if (!client->held)
            client->held = queue_take(client->queue);
        return client->held && client->held->sender_domain.size ? client->held->sender_domain : hostname;
    }
    return option.size && !slice_equal_nocase(option, SLICE_LITERAL("__hostname__")) ? option : hostname;
}

void client_hello(struct client *client)
{
    struct buf *out = &client->link.stream.out;
    buf_append_text(out, client->lmtp ? "LHLO " : client->use_helo ? "HELO " : "EHLO ");
    buf_append_slice(out, hello_name(client));
    buf_append_text(out, "\r\n");
    client_expect(client, EXPECT_HELLO);
    client_flush(client);
}

/* ---- messages ---------------------------------------------------------------------------------------- */

static bool pipelines(const struct client *client)
{
    return client->offers & OFFERS_PIPELINING;
}

static void write_commands(struct client *client)
{
    struct transaction *transaction = client->current;
    struct stream *stream = &client->link.stream;
    transaction->state = TRANSACTION_COMMANDS;
    client->needs_reset = true;
    transaction_write_mail(transaction, client->offers, stream);
    client_expect(client, EXPECT_MAIL);
    if (!pipelines(client))
        return;
    transaction_write_rcpt(transaction, stream);
    buf_append_text(&stream->out, "DATA\r\n");
    client_expect(client, EXPECT_RCPT);
    client_expect(client, EXPECT_DATA);
}

static void on_content(void *owner)
{
    client_advance(owner);
}

/* The spool cannot give the content. */
static void fail_unreadable(struct transaction *transaction, int error)
{
    if (error == -ENOENT)
        transaction_fail(transaction, QUEUE_PERMANENT, STAGE_IDLE,
                         SLICE_LITERAL("550 5.3.0 [internal] message body missing"));
    else
        transaction_fail(transaction, QUEUE_TRANSIENT, STAGE_IDLE,
                         SLICE_LITERAL("451 4.3.0 [internal] message body cannot be read"));
}

/* Commands go out when the first part of the content is at hand. False: it has to be waited for. */
static bool begin_commands(struct client *client)
{
    struct transaction *transaction = client->current;
    int fetched = content_fetch(&transaction->content);
    if (fetched == -EAGAIN)
        return false;
    if (fetched >= 0) {
        write_commands(client);
        return true;
    }
    fail_unreadable(transaction, fetched);
    client->current = NULL;
    client_settle_failed(client, transaction);
    return true;
}

/*
 * A message sent along with the dot of the one before waits for that one's reply, however long the server
 * takes. That is worth it while many wait anyway; a single one had better go by another connection.
 */
static bool may_begin(const struct client *client)
{
    if (client->doomed || client->quitting)
        return false;
    if (client->finishing && queue_ready(client->queue) < BUSY)
        return false;
    return pipelines(client) || client->count == 0;
}

static bool limit_reached(const struct client *client)
{
    unsigned limit = queue_settings(client->queue)->max_deliveries_per_connection;
    return limit != 0 && client->deliveries + (client->finishing != NULL) >= limit;
}

static struct envelope *next_envelope(struct client *client)
{
    struct envelope *envelope = client->held ? client->held : queue_take(client->queue);
    client->held = NULL;
    return envelope;
}

/* Begins the next message if there is one and it may begin now. */
static bool begin(struct client *client)
{
    if (!may_begin(client))
        return false;
    if (client->needs_reset) {
        client->needs_reset = false;
        buf_append_text(&client->link.stream.out, "RSET\r\n");
        client_expect(client, EXPECT_RSET);
        return true;
    }
    if (limit_reached(client)) {
        if (client->count == 0)
            client_quit(client);
        return false;
    }
    struct envelope *envelope = next_envelope(client);
    if (!envelope) {
        if (!list_linked(&client->waiter.link))
            queue_wait(client->queue, &client->waiter);
        return false;
    }
    client->current = client->finishing == &client->slots[0] ? &client->slots[1] : &client->slots[0];
    transaction_start(client->current, client->home, envelope, on_content, client);
    return true;
}

/* The content of the current message; once its dot is written, the next one may begin. */
static bool send_content(struct client *client)
{
    struct transaction *transaction = client->current;
    int sent = transaction_send(transaction, &client->link.stream);
    if (sent == 0)
        return false;
    if (sent < 0) {
        fail_unreadable(transaction, sent);
        client_end(client, SLICE_LITERAL("451 4.4.2 [internal] send BODY failed"));
        return false;
    }
    transaction->state = TRANSACTION_FINAL;
    client->needs_reset = false;
    client->finishing = transaction;
    client->current = NULL;
    return true;
}

static bool write_some(struct client *client)
{
    if (!client->current)
        return begin(client);
    switch (client->current->state) {
    case TRANSACTION_LOADING:
        return begin_commands(client);
    case TRANSACTION_CONTENT:
        return send_content(client);
    default:
        return false; /* the replies to its commands say how it goes on */
    }
}

void client_advance(struct client *client)
{
    if (!client->established || client->link.closing)
        return;
    while (write_some(client))
        ;
    client_flush(client);
    if (client->count == 0 && !client->current)
        stream_trim(&client->link.stream); /* idle */
}
