/*
 * client_reply: handles replies, one handler for each command that a reply can belong to.
 */
#include "smtp/client/client.h"

static struct slice join(const struct wire_reply *reply, char *line, size_t size)
{
    return slice_of(line, reply_join(reply, line, size));
}

/* ---- the greeting ------------------------------------------------------------------------------------ */

static void refuse_hop(struct client *client, const struct wire_reply *reply, enum expected kind)
{
    char line[LINK_RESPONSE_SIZE];
    client->count = 0;
    client_expect(client, kind, 1); /* determines the stage that is reported */
    client_give_up_hop(client, join(reply, line, sizeof line));
}

static void on_banner(struct client *client, const struct wire_reply *reply)
{
    if (reply->code == 220)
        client_hello(client);
    else
        refuse_hop(client, reply, EXPECT_BANNER);
}

static void on_hello(struct client *client, const struct wire_reply *reply)
{
    if (reply_positive(reply)) {
        client->offers = client->use_helo ? (struct offers){0} : offers_read(reply);
        client->established = true;
        queue_connection_established(client->queue);
    } else if (reply_code_is_permanent(reply->code) && !client->use_helo && !client->lmtp) {
        client->use_helo = true;
        client_hello(client);
    } else {
        refuse_hop(client, reply, EXPECT_HELLO);
    }
}

/* ---- a message's commands ---------------------------------------------------------------------------- */

static enum queue_verdict verdict_of(const struct wire_reply *reply)
{
    return reply_code_is_permanent(reply->code) ? QUEUE_PERMANENT : QUEUE_TRANSIENT;
}

static void refuse_all(struct client *client, struct smtpc_transaction *transaction, unsigned stage,
                       const struct wire_reply *reply)
{
    char line[TRANSACTION_RESPONSE_SIZE];
    client_settle_all(client, transaction, verdict_of(reply), stage, join(reply, line, sizeof line));
}

/*
 * Continues after a reply to MAIL or RCPT with the commands that had to wait for it; there are none if
 * everything was pipelined.
 */
static void go_on(struct client *client)
{
    struct smtpc_transaction *transaction = client->current;
    bool pipelined = client->offers.extensions & OFFERS_PIPELINING;
    if (transaction->replied < transaction->asked || (pipelined && !transaction->chunking))
        return;
    if (transaction->live == 0) {
        client->current = NULL;
    } else if (transaction->asked < transaction->count) {
        transaction_write_rcpt(transaction, &client->offers, &client->link.stream);
        client_expect(client, EXPECT_RCPT, 1);
    } else if (transaction->chunking) {
        client_begin_content(client);
    } else {
        buf_append_text(&client->link.stream.out, "DATA\r\n");
        client_expect(client, EXPECT_DATA, 1);
    }
}

static void on_mail(struct client *client, const struct wire_reply *reply)
{
    client->current->answered = true;
    if (!reply_positive(reply))
        refuse_all(client, client->current, STAGE_MAIL, reply);
    go_on(client);
}

/*
 * Returns whether the reply means "too many recipients": RFC 5321 section 4.5.3.1.10; RFC 821 used 552 for
 * it.
 */
static bool is_too_many(const struct wire_reply *reply)
{
    struct slice rest = reply->text, line;
    reply_next_line(&rest, &line);
    bool enhanced = line.size > 4 && line.data[1] == '.';
    if (enhanced)
        return memcmp(line.data + 1, ".5.3", 4) == 0 && (line.size == 5 || line.data[5] == ' ');
    return reply->code == 452 || reply->code == 552;
}

/*
 * The server keeps the recipients that it accepted. Returns recipient `index` and those that were not sent
 * yet to the queue for another transaction.
 */
static void spare(struct client *client, unsigned index)
{
    struct smtpc_transaction *transaction = client->current;
    client->recipient_limit = transaction->accepted;
    for (unsigned i = transaction->count; i-- > transaction->asked;)
        client_give_back(client, transaction, i);
    transaction->count = transaction->asked;
    client_give_back(client, transaction, index);
}

static void on_rcpt(struct client *client, const struct wire_reply *reply)
{
    struct smtpc_transaction *transaction = client->current;
    unsigned index = transaction->replied++;
    char line[TRANSACTION_RESPONSE_SIZE];
    transaction->answered = true;
    if (reply_positive(reply))
        transaction->accepted++;
    else if (transaction_unsettled(transaction, index) && transaction->accepted > 0 && is_too_many(reply))
        spare(client, index);
    else if (transaction_unsettled(transaction, index))
        client_settle(client, transaction, index, verdict_of(reply), STAGE_RCPT,
                      join(reply, line, sizeof line));
    go_on(client);
}

/*
 * RFC 2920 section 3.1: a server may accept DATA although it accepted no recipient. A single dot then ends
 * the empty content. An LMTP server does not reply to that dot.
 */
static void abort_data(struct client *client)
{
    client->current = NULL;
    if (client->lmtp) {
        client->doomed = true;
        return;
    }
    buf_append_text(&client->link.stream.out, ".\r\n");
    client_expect(client, EXPECT_ABORTED, 1);
    client->needs_reset = false;
}

static void on_data(struct client *client, const struct wire_reply *reply)
{
    struct smtpc_transaction *transaction = client->current;
    transaction->answered = true;
    if (reply->code != 354) {
        refuse_all(client, transaction, STAGE_DATA, reply);
        client->current = NULL;
    } else if (transaction->live == 0) {
        abort_data(client);
    } else {
        client_begin_content(client);
    }
}

/*
 * Handles a final reply that arrives before the whole content was sent: it applies to this message, and the
 * connection is out of step afterwards.
 */
static void refuse_early(struct client *client, const struct wire_reply *reply)
{
    struct smtpc_transaction *transaction = client->current;
    client->current = NULL;
    client->doomed = true;
    if (transaction)
        refuse_all(client, transaction, STAGE_BODY, reply);
}

/* Handles the reply for all recipients; in LMTP, the reply for the next recipient. */
static void on_final(struct client *client, const struct wire_reply *reply)
{
    struct smtpc_transaction *transaction = client->finishing;
    enum queue_verdict verdict = reply_positive(reply) ? QUEUE_DELIVERED : verdict_of(reply);
    char line[TRANSACTION_RESPONSE_SIZE];
    if (!transaction) {
        refuse_early(client, reply);
        return;
    }
    struct slice response = join(reply, line, sizeof line);
    if (client->lmtp) {
        while (!transaction_unsettled(transaction, transaction->confirmed))
            transaction->confirmed++;
        client_settle(client, transaction, transaction->confirmed, verdict, STAGE_CONFIRMATION, response);
    } else {
        client_settle_all(client, transaction, verdict, STAGE_CONFIRMATION, response);
    }
    /* RFC 3030 does not say that a rejected chunk ends the transaction */
    client->needs_reset |= transaction->chunking && !reply_positive(reply);
    if (transaction->live == 0)
        client->finishing = NULL;
}

static void on_aborted(struct client *client, const struct wire_reply *reply)
{
    (void)client;
    (void)reply;
}

static void on_rset(struct client *client, const struct wire_reply *reply)
{
    client->doomed |= !reply_positive(reply);
}

static void on_quit(struct client *client, const struct wire_reply *reply)
{
    (void)reply;
    client_end(client, slice_of(NULL, 0));
}

/* ---- dispatch ---------------------------------------------------------------------------------------- */

static void (*const handlers[])(struct client *client, const struct wire_reply *reply) = {
    [EXPECT_BANNER] = on_banner,   [EXPECT_HELLO] = on_hello, [EXPECT_MAIL] = on_mail,
    [EXPECT_RCPT] = on_rcpt,       [EXPECT_DATA] = on_data,   [EXPECT_FINAL] = on_final,
    [EXPECT_ABORTED] = on_aborted, [EXPECT_RSET] = on_rset,   [EXPECT_QUIT] = on_quit,
};

/*
 * Returns whether a 3yz reply arrived for a command other than DATA. Only DATA has such a reply (RFC 5321
 * section 4.2.1), so the server is replying to something else.
 */
static bool out_of_step(const struct wire_reply *reply, enum expected kind)
{
    return reply_code_is_intermediate(reply->code) && kind != EXPECT_DATA;
}

static void handle(struct client *client, const struct wire_reply *reply)
{
    if (client->count == 0) { /* "421 closing" while idle, or an unexpected reply */
        client->doomed = true;
        return;
    }
    enum expected kind = client_expected(client);
    client_expected_came(client);
    handlers[kind](client, reply);
    client->doomed |= client->established && (reply->code == 421 || out_of_step(reply, kind));
}

bool client_read_replies(struct client *client)
{
    struct buf *in = &client->link.stream.in;
    bool any = false;
    while (client->link.up && !client->link.closing && buf_size(in) > 0) {
        struct wire_reply reply;
        enum reply_status status = reply_parse(buf_slice(in), &reply);
        if (status == REPLY_MORE)
            return any;
        any = true;
        if (status == REPLY_DONE) {
            handle(client, &reply);
            buf_consume(in, reply.text.size);
            continue;
        }
        if (client->established)
            client_end(client, client_no_reply(client));
        else
            client_give_up_hop(client, client_no_reply(client));
    }
    return any;
}
