/*
 * client_send: decides what to write next.
 */
#include <errno.h>
#include "smtp/client/client.h"
#include "smtp/client/obstacle.h"

enum { BUSY = 4 }; /* a queue with this many ready envelopes is busy */

/* ---- the greeting ------------------------------------------------------------------------------------ */

/*
 * Returns the name for EHLO; Momentum manual, ehlo_hostname. For __message__ it takes the first message from
 * the queue early and holds it.
 */
static struct slice hello_name(struct client *client)
{
    struct slice option = slice_text(queue_settings(client->queue)->ehlo_hostname);
    struct slice hostname = slice_text(client->home->shared->hostname);
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
    client_expect(client, EXPECT_HELLO, 1);
    client_flush(client);
}

/* ---- messages ---------------------------------------------------------------------------------------- */

static bool pipelines(const struct client *client)
{
    return client->offers.extensions & OFFERS_PIPELINING;
}

static void write_commands(struct client *client)
{
    struct smtpc_transaction *transaction = client->current;
    struct stream *stream = &client->link.stream;
    transaction->state = TRANSACTION_COMMANDS;
    client->needs_reset = true;
    transaction_write_mail(transaction, &client->offers, stream);
    client_expect(client, EXPECT_MAIL, 1);
    if (!pipelines(client))
        return;
    while (transaction->asked < transaction->count)
        transaction_write_rcpt(transaction, &client->offers, stream);
    client_expect(client, EXPECT_RCPT, transaction->count);
    if (transaction->chunking)
        return; /* after BDAT the server would have to read content even without recipients */
    buf_append_text(&stream->out, "DATA\r\n");
    client_expect(client, EXPECT_DATA, 1);
}

void client_begin_content(struct client *client)
{
    struct smtpc_transaction *transaction = client->current;
    transaction_start_content(transaction, &client->link.stream);
    client_expect(client, EXPECT_FINAL, client->lmtp ? transaction->live : 1);
}

static void on_content(void *owner)
{
    client_advance(owner);
}

/* Settles a transaction whose content cannot be read from the spool; `error` is a negative errno. */
static void fail_unreadable(struct client *client, struct smtpc_transaction *transaction, int error)
{
    struct queue_outcome outcome = sending_unreadable(error);
    client_settle_all(client, transaction, outcome.verdict, STAGE_IDLE, outcome.response);
}

/* Settles the recipients to whom this hop cannot deliver the message. */
static void find_obstacles(struct client *client, struct smtpc_transaction *transaction)
{
    const struct envelope *sample = transaction_sample(transaction);
    struct obstacle_facts facts = {
        .offers = &client->offers,
        .utf8 = transaction->utf8,
        .ascii_header =
            transaction->utf8 && cursor_header_is_ascii(&transaction->content, transaction->eight_bit),
        .same_host = client->lmtp && client->link.peer[0] == '/',
    };
    if (facts.ascii_header && !(sample->flags & ENVELOPE_SMTPUTF8))
        transaction->utf8 = false; /* what hooks put in is in the body */
    for (unsigned i = 0; i < transaction->count && transaction->live > 0; i++) {
        struct slice response = obstacle_find(transaction_unsettled(transaction, i), &facts);
        if (response.size)
            client_settle(client, transaction, i, QUEUE_PERMANENT, STAGE_IDLE, response);
    }
    transaction_forget_settled(transaction);
}

/*
 * Asks the hooks of message_sending. Returns false until they have answered, or if the transaction is not to
 * be made.
 */
static bool ask_hooks(struct client *client, struct smtpc_transaction *transaction)
{
    struct sending *sending = transaction->sending;
    switch (sending_ask(sending)) {
    case SENDING_WAITS:
        return false;
    case SENDING_REFUSED: {
        const struct queue_outcome *outcome = sending_outcome(sending);
        transaction->sending = NULL; /* it lives as long as its outcome is used */
        client_settle_all(client, transaction, outcome->verdict, STAGE_IDLE, outcome->response);
        sending_end(sending);
        return false;
    }
    case SENDING_STOPPED:
        client_give_all_back(client, transaction);
        return false;
    default:
        return true;
    }
}

/*
 * Writes the commands once hooks have answered and the first part of the content is in memory. Returns false
 * until then.
 */
static bool begin_commands(struct client *client)
{
    struct smtpc_transaction *transaction = client->current;
    if (!transaction->content.open) {
        if (transaction->sending && !ask_hooks(client, transaction)) {
            if (transaction->live > 0)
                return false;
            client->current = NULL;
            return true;
        }
        transaction_open_content(transaction, &client->home->reader, on_content, client);
    }
    int fetched = cursor_prepare(&transaction->content);
    if (fetched == -EAGAIN)
        return false;
    if (fetched < 0)
        fail_unreadable(client, transaction, fetched);
    else
        find_obstacles(client, transaction);
    if (transaction->live > 0)
        write_commands(client);
    else
        client->current = NULL;
    return true;
}

/*
 * Returns whether the next transaction may begin. Commands sent with the final dot of the previous message
 * get no reply before that dot does, however long the server takes. This is worthwhile while many messages
 * wait anyway; a single message is faster on another connection.
 */
static bool may_begin(const struct client *client)
{
    if (client->doomed || client->quitting)
        return false;
    if (client->finishing && (client->finishing->chunking || queue_ready(client->queue) < BUSY))
        return false; /* a rejected BDAT may require RSET first */
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

/* Returns the maximum number of recipients of a transaction. */
static size_t recipient_limit(const struct client *client)
{
    unsigned limits[] = {queue_settings(client->queue)->max_recipients_per_batch, client->offers.recipients,
                         client->recipient_limit};
    unsigned limit = TRANSACTION_RECIPIENTS;
    for (size_t i = 0; i < sizeof limits / sizeof *limits; i++)
        if (limits[i] != 0 && limits[i] < limit)
            limit = limits[i];
    return limit;
}

/*
 * Takes the next message with as many of its recipients as may share a transaction. Returns their number; 0
 * if no message is ready.
 */
static size_t next_recipients(struct client *client, struct envelope *taken[TRANSACTION_RECIPIENTS])
{
    taken[0] = next_envelope(client);
    if (!taken[0])
        return 0;
    if (!(taken[0]->flags & ENVELOPE_BATCH))
        return 1;
    return 1 + queue_take_batch(client->queue, taken[0], taken + 1, recipient_limit(client) - 1);
}

static void begin_asking(struct client *client, struct smtpc_transaction *transaction)
{
    struct sending_attempt attempt = {
        .queue = client->queue,
        .recipients = transaction->recipients,
        .count = transaction->count,
        .connection_id = client->id,
        .peer = slice_text(client->link.peer),
        .host = slice_text(client->link.host),
        .on_loop = &client->home->reader,
        .blocking = client->home->shared->reader,
        .answered = on_content,
        .owner = client,
    };
    transaction->sending = sending_begin(&attempt);
}

/* Begins the next message if there is one and it may begin now. Returns whether something was written. */
static bool begin(struct client *client)
{
    if (!may_begin(client))
        return false;
    if (client->needs_reset) {
        client->needs_reset = false;
        buf_append_text(&client->link.stream.out, "RSET\r\n");
        client_expect(client, EXPECT_RSET, 1);
        return true;
    }
    if (limit_reached(client)) {
        if (client->count == 0)
            client_quit(client);
        return false;
    }
    struct envelope *taken[TRANSACTION_RECIPIENTS];
    size_t count = next_recipients(client, taken);
    if (count == 0 && client->count == 0 && queue_others_wait(client->queue)) {
        client_quit(client);
        return false;
    }
    if (count == 0) {
        if (!list_linked(&client->waiter.link))
            queue_wait(client->queue, &client->waiter);
        return false;
    }
    client->current = client->finishing == &client->slots[0] ? &client->slots[1] : &client->slots[0];
    transaction_start(client->current, taken, count);
    if (sending_is_asked(client->queue))
        begin_asking(client, client->current);
    return true;
}

/*
 * Sends content of the current message. Returns true when the final dot is written, so that the next message
 * may begin.
 */
static bool send_content(struct client *client)
{
    struct smtpc_transaction *transaction = client->current;
    int sent = transaction_send(transaction, &client->link.stream);
    if (sent == 0)
        return false;
    if (sent < 0) {
        fail_unreadable(client, transaction, sent);
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
        return false; /* its next step depends on replies */
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
        stream_trim(&client->link.stream); /* the connection is idle */
}
