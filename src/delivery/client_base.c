/*
 * client_base: what is expected and until when, settling messages, the end of the connection.
 */
#include "delivery/client.h"

enum { QUIT_SECONDS = 5 }; /* how long the reply to QUIT is waited for */

/* ---- what is expected -------------------------------------------------------------------------------- */

static const struct expectation { /* by enum expected */
    size_t timeout;               /* where in struct queue_settings */
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

void client_expect(struct client *client, enum expected kind)
{
    client->expected[(client->first + client->count++) % EXPECTED_LIMIT] = (unsigned char)kind;
}

enum expected client_expected(const struct client *client)
{
    return client->expected[client->first];
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
    stream_flush(&client->link.stream); /* an error shows up at the reader, who may still find a reply */
    link_set_deadline(&client->link, timeout_of(client));
}

/* ---- settling ---------------------------------------------------------------------------------------- */

static struct queue_outcome outcome_of(const struct client *client, const struct transaction *transaction)
{
    return (struct queue_outcome){
        .connection_id = client->id,
        .peer = slice_text(client->link.peer),
        .bytes = transaction->sent,
    };
}

void client_settle_failed(struct client *client, struct transaction *transaction)
{
    struct queue_outcome outcome = outcome_of(client, transaction);
    outcome.verdict = transaction->verdict;
    outcome.stage = transaction->stage;
    outcome.response = slice_of(transaction->response, transaction->response_size);
    client->tried = true;
    queue_settle(client->queue, transaction_end(transaction), &outcome);
}

void client_settle_delivered(struct client *client, struct transaction *transaction,
                             const struct reply *reply)
{
    struct queue_outcome outcome = outcome_of(client, transaction);
    char line[TRANSACTION_RESPONSE_SIZE];
    outcome.verdict = QUEUE_DELIVERED;
    outcome.stage = STAGE_CONFIRMATION;
    outcome.response = slice_of(line, reply_join(reply, line, sizeof line));
    client->deliveries++;
    client->tried = true;
    queue_settle(client->queue, transaction_end(transaction), &outcome);
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
 * The fate of a transaction that the connection's end interrupted. If only commands were sent and the
 * connection had served before, the end had nothing to do with this message: it goes back untried.
 */
static void interrupt(struct client *client, struct transaction *transaction, struct slice reason)
{
    bool served = client->deliveries > 0 || client->finishing;
    bool untried = transaction->state == TRANSACTION_COMMANDS && served && !transaction->answered;
    if (transaction->state == TRANSACTION_LOADING || untried) {
        queue_give_back(client->queue, transaction_end(transaction));
        return;
    }
    unsigned stage = transaction->state == TRANSACTION_CONTENT ? (unsigned)STAGE_BODY : current_stage(client);
    transaction_fail(transaction, QUEUE_TRANSIENT, stage, reason);
    client_settle_failed(client, transaction);
}

/*
 * A next hop that greets and hangs up before a message is tried would be connected to again at once, for as
 * long as messages are ready: it counts as one that could not be reached.
 */
static void report_useless(struct client *client, struct slice reason)
{
    struct queue_outcome outcome = {
        .verdict = QUEUE_TRANSIENT,
        .stage = STAGE_IDLE,
        .connection_id = client->id,
        .peer = slice_text(client->link.peer),
        .response = reason,
    };
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
    if (client->finishing) {
        transaction_fail(client->finishing, QUEUE_TRANSIENT, STAGE_CONFIRMATION, reason);
        client_settle_failed(client, client->finishing);
    }
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
    client_expect(client, EXPECT_QUIT);
    client_flush(client);
}
