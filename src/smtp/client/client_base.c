/*
 * client_base: keeps the expected replies and their deadline, settles recipients, and ends the connection.
 */
#include "smtp/client/client.h"

enum { QUIT_SECONDS = 5 }; /* longest wait for the reply to QUIT */

/* ---- expected replies --------------------------------------------------------------------------------- */

static const struct { /* indexed by enum expected */
    size_t timeout;   /* offset of the timeout in struct queue_settings */
    unsigned stage;
    struct slice no_reply;
} expectations[] = {
#define EXPECTATION(field, stage, what)                                                                      \
    {                                                                                                        \
        offsetof(struct queue_settings, field), stage, SLICE_LITERAL("451 4.4.2 [internal] no " what)        \
    }
    [EXPECT_BANNER] = EXPECTATION(ehlo_timeout, STAGE_BANNER, "banner"),
    [EXPECT_HELLO] = EXPECTATION(ehlo_timeout, STAGE_EHLO, "HELO/EHLO response"),
    [EXPECT_MAIL] = EXPECTATION(mailfrom_timeout, STAGE_MAIL, "MAIL FROM response"),
    [EXPECT_RCPT] = EXPECTATION(rcptto_timeout, STAGE_RCPT, "RCPT TO response"),
    [EXPECT_DATA] = EXPECTATION(rcptto_timeout, STAGE_DATA, "DATA response"),
    [EXPECT_FINAL] = EXPECTATION(body_timeout, STAGE_CONFIRMATION, "BODY response"),
    [EXPECT_ABORTED] = EXPECTATION(body_timeout, STAGE_CONFIRMATION, "BODY response"),
    [EXPECT_RSET] = EXPECTATION(rset_timeout, STAGE_RSET, "RSET response"),
    [EXPECT_QUIT] = EXPECTATION(rset_timeout, STAGE_IDLE, "QUIT response"),
#undef EXPECTATION
};

void client_expect(struct client *client, enum expected kind, unsigned replies)
{
    client->expected[(client->first + client->count++) % EXPECTED_LIMIT] =
        (struct expectation){kind, replies};
}

enum expected client_expected(const struct client *client)
{
    return client->expected[client->first].kind;
}

void client_expected_came(struct client *client)
{
    if (--client->expected[client->first].replies > 0)
        return;
    client->first = (client->first + 1) % EXPECTED_LIMIT;
    client->count--;
}

static unsigned current_stage(const struct client *client)
{
    return client->count ? expectations[client_expected(client)].stage : (unsigned)STAGE_IDLE;
}

struct slice client_no_reply(const struct client *client)
{
    if (client->current && client->current->state == TRANSACTION_CONTENT)
        return SLICE_LITERAL("451 4.4.2 [internal] send BODY failed");
    return client->count ? expectations[client_expected(client)].no_reply
                         : SLICE_LITERAL("451 4.4.2 [internal] connection closed by remote host");
}

static unsigned timeout_of(const struct client *client)
{
    const struct queue_settings *settings = queue_settings(client->queue);
    if (client->quitting)
        return QUIT_SECONDS;
    if (client->count == 0)
        return client->current ? settings->body_timeout : settings->idle_timeout;
    return *(const unsigned *)(const void *)((const char *)settings +
                                             expectations[client_expected(client)].timeout);
}

void client_flush(struct client *client)
{
    if (client->link.closing || !client->link.up)
        return;
    stream_flush(&client->link.stream); /* after an error, the reader may still find a reply */
    link_set_deadline(&client->link, timeout_of(client));
}

/* ---- settling ---------------------------------------------------------------------------------------- */

/* A positive reply of an LMTP server means that the message is in the mailbox (RFC 2033). */
static enum queue_duty duty_of(const struct client *client)
{
    if (client->offers.extensions & OFFERS_DSN)
        return QUEUE_PASSED_ON;
    return client->lmtp ? QUEUE_FINAL : QUEUE_RELAYED;
}

struct queue_outcome client_outcome(const struct client *client, enum queue_verdict verdict, unsigned stage,
                                    struct slice response)
{
    return (struct queue_outcome){
        .verdict = verdict,
        .stage = stage,
        .connection_id = client->id,
        .peer = slice_text(client->link.peer),
        .host = slice_text(client->link.host),
        .response = response,
    };
}

void client_settle(struct client *client, struct smtpc_transaction *transaction, unsigned index,
                   enum queue_verdict verdict, unsigned stage, struct slice response)
{
    struct queue_outcome outcome = client_outcome(client, verdict, stage, response);
    outcome.duty = duty_of(client);
    outcome.bytes = transaction->sent;
    client->tried = true;
    if (verdict == QUEUE_DELIVERED && !transaction->delivered) {
        transaction->delivered = true;
        client->deliveries++;
    }
    queue_settle(client->queue, transaction_release(transaction, index), &outcome);
}

void client_settle_all(struct client *client, struct smtpc_transaction *transaction,
                       enum queue_verdict verdict, unsigned stage, struct slice response)
{
    for (unsigned i = 0; transaction->live > 0; i++)
        if (transaction_unsettled(transaction, i))
            client_settle(client, transaction, i, verdict, stage, response);
}

void client_give_back(struct client *client, struct smtpc_transaction *transaction, unsigned index)
{
    queue_give_back(client->queue, transaction_release(transaction, index));
}

/* In reverse order, because each goes in front of those returned before it. */
void client_give_all_back(struct client *client, struct smtpc_transaction *transaction)
{
    for (unsigned i = transaction->count; i-- > 0;)
        if (transaction_unsettled(transaction, i))
            client_give_back(client, transaction, i);
}

/* ---- the end ----------------------------------------------------------------------------------------- */

static void drop_held(struct client *client)
{
    if (client->held)
        queue_give_back(client->queue, client->held);
    client->held = NULL;
}

void client_give_up_hop(struct client *client, struct slice reason)
{
    unsigned stage = current_stage(client);
    drop_held(client);
    client->count = 0;
    link_give_up_hop(&client->link, stage, reason);
}

/*
 * Decides what happens to a transaction when the connection ends. If only commands were sent and the
 * connection had already served other messages, the end is not related to this message: its recipients go
 * back to the queue untried.
 */
static void interrupt(struct client *client, struct smtpc_transaction *transaction, struct slice reason)
{
    bool served = client->deliveries > 0 || client->finishing;
    bool untried = transaction->state == TRANSACTION_COMMANDS && served && !transaction->answered;
    unsigned stage = transaction->state == TRANSACTION_CONTENT ? (unsigned)STAGE_BODY : current_stage(client);
    if (transaction->state == TRANSACTION_LOADING || untried)
        client_give_all_back(client, transaction);
    else
        client_settle_all(client, transaction, QUEUE_TRANSIENT, stage, reason);
}

/*
 * Reports a next hop that greets and then closes before a message was tried as unreachable. Otherwise the
 * queue would reconnect at once, again and again, as long as messages are ready.
 */
static void report_useless(struct client *client, struct slice reason)
{
    struct queue_outcome outcome = client_outcome(client, QUEUE_TRANSIENT, STAGE_IDLE, reason);
    queue_connection_failed(client->queue, client->established, &outcome);
    client->established = false;
}

void client_end(struct client *client, struct slice reason)
{
    bool wanted = client->current || client->doomed;
    if (client->link.closing)
        return;
    queue_wait_cancel(&client->waiter);
    drop_held(client);
    if (client->current)
        interrupt(client, client->current, reason);
    if (client->finishing)
        client_settle_all(client, client->finishing, QUEUE_TRANSIENT, STAGE_CONFIRMATION, reason);
    client->current = client->finishing = NULL;
    if (client->established && wanted && !client->tried && !client->quitting)
        report_useless(client, reason);
    link_close(&client->link);
}

void client_quit(struct client *client)
{
    client->quitting = true;
    queue_wait_cancel(&client->waiter);
    buf_append_text(&client->link.stream.out, "QUIT\r\n");
    client_expect(client, EXPECT_QUIT, 1);
    client_flush(client);
}
