/*
 * client_reply: what a reply means, one handler for each thing it can be a reply to.
 */
#include "delivery/client.h"

static struct slice join(const struct reply *reply, char *line, size_t size)
{
    return slice_of(line, reply_join(reply, line, size));
}

/* ---- the greeting ------------------------------------------------------------------------------------ */

static void refuse_hop(struct client *client, const struct reply *reply, enum expected kind)
{
    char line[LINK_RESPONSE_SIZE];
    client->count = 0;
    client_expect(client, kind); /* names the stage */
    client_give_up_hop(client, join(reply, line, sizeof line));
}

static void on_banner(struct client *client, const struct reply *reply)
{
    if (reply->code == 220)
        client_hello(client);
    else
        refuse_hop(client, reply, EXPECT_BANNER);
}

static unsigned read_offers(const struct reply *reply)
{
    static const struct {
        struct slice keyword;
        unsigned offer;
    } table[] = {
        {SLICE_LITERAL("PIPELINING"), OFFERS_PIPELINING},
        {SLICE_LITERAL("8BITMIME"), OFFERS_8BITMIME},
        {SLICE_LITERAL("SIZE"), OFFERS_SIZE},
        {SLICE_LITERAL("SMTPUTF8"), OFFERS_SMTPUTF8},
    };
    struct slice rest = reply->text, line, keyword;
    unsigned offers = 0;
    reply_next_line(&rest, &line); /* the server's name */
    while (reply_next_line(&rest, &line)) {
        line = slice_trim(line);
        if (!slice_next(&line, ' ', &keyword))
            continue;
        for (size_t i = 0; i < sizeof table / sizeof *table; i++)
            if (slice_equal_nocase(keyword, table[i].keyword))
                offers |= table[i].offer;
    }
    return offers;
}

static void on_hello(struct client *client, const struct reply *reply)
{
    if (reply_positive(reply)) {
        client->offers = client->use_helo ? 0 : read_offers(reply);
        client->established = true;
        queue_connection_established(client->queue);
    } else if (reply->code / 100 == 5 && !client->use_helo && !client->lmtp) {
        client->use_helo = true;
        client_hello(client);
    } else {
        refuse_hop(client, reply, EXPECT_HELLO);
    }
}

/* ---- a message's commands ---------------------------------------------------------------------------- */

/* Without pipelining a refusal ends the transaction at once; with it, the reply to DATA does. */
static void end_refused(struct client *client)
{
    struct transaction *transaction = client->current;
    client->current = NULL;
    client_settle_failed(client, transaction);
}

static bool accepted(struct client *client, const struct reply *reply, unsigned stage)
{
    client->current->answered = true;
    if (reply_positive(reply))
        return true;
    transaction_refuse(client->current, stage, reply);
    if (!(client->offers & OFFERS_PIPELINING))
        end_refused(client);
    return false;
}

static void on_mail(struct client *client, const struct reply *reply)
{
    if (!accepted(client, reply, STAGE_MAIL) || (client->offers & OFFERS_PIPELINING))
        return;
    transaction_write_rcpt(client->current, &client->link.stream);
    client_expect(client, EXPECT_RCPT);
}

static void on_rcpt(struct client *client, const struct reply *reply)
{
    if (!accepted(client, reply, STAGE_RCPT) || (client->offers & OFFERS_PIPELINING))
        return;
    buf_append_text(&client->link.stream.out, "DATA\r\n");
    client_expect(client, EXPECT_DATA);
}

/*
 * RFC 2920 section 3.1: a server may accept DATA although no recipient was; a lone dot then ends it, and
 * means nothing. An LMTP server would not reply to that dot.
 */
static void abort_data(struct client *client)
{
    end_refused(client);
    if (client->lmtp) {
        client->doomed = true;
        return;
    }
    buf_append_text(&client->link.stream.out, ".\r\n");
    client_expect(client, EXPECT_ABORTED);
    client->needs_reset = false;
}

static void on_data(struct client *client, const struct reply *reply)
{
    struct transaction *transaction = client->current;
    transaction->answered = true;
    if (reply->code != 354) {
        transaction_refuse(transaction, STAGE_DATA, reply);
        end_refused(client);
    } else if (transaction->failed) {
        abort_data(client);
    } else {
        transaction->state = TRANSACTION_CONTENT;
        client_expect(client, EXPECT_FINAL);
    }
}

/* A reply that comes before the dot was sent is about this message all the same, and the connection is out of
 * step. */
static void on_final(struct client *client, const struct reply *reply)
{
    struct transaction *transaction = client->finishing;
    if (!transaction) {
        transaction = client->current;
        client->current = NULL;
        client->doomed = true;
        transaction_refuse(transaction, STAGE_BODY, reply);
        client_settle_failed(client, transaction);
        return;
    }
    client->finishing = NULL;
    if (reply_positive(reply)) {
        client_settle_delivered(client, transaction, reply);
        return;
    }
    transaction_refuse(transaction, STAGE_CONFIRMATION, reply);
    client_settle_failed(client, transaction);
}

static void on_aborted(struct client *client, const struct reply *reply)
{
    (void)client;
    (void)reply;
}

static void on_rset(struct client *client, const struct reply *reply)
{
    client->doomed |= !reply_positive(reply);
}

static void on_quit(struct client *client, const struct reply *reply)
{
    (void)reply;
    client_end(client, slice_of(NULL, 0));
}

/* ---- dispatch ---------------------------------------------------------------------------------------- */

static void (*const handlers[])(struct client *client, const struct reply *reply) = {
    [EXPECT_BANNER] = on_banner,   [EXPECT_HELLO] = on_hello, [EXPECT_MAIL] = on_mail,
    [EXPECT_RCPT] = on_rcpt,       [EXPECT_DATA] = on_data,   [EXPECT_FINAL] = on_final,
    [EXPECT_ABORTED] = on_aborted, [EXPECT_RSET] = on_rset,   [EXPECT_QUIT] = on_quit,
};

/* 3yz asks for more of what only DATA announces (RFC 5321 section 4.2.1): the server answers something else.
 */
static bool out_of_step(const struct reply *reply, enum expected kind)
{
    return reply->code / 100 == 3 && kind != EXPECT_DATA;
}

static void handle(struct client *client, const struct reply *reply)
{
    if (client->count == 0) { /* "421 closing" while idle, or nonsense */
        client->doomed = true;
        return;
    }
    enum expected kind = client_expected(client);
    client->first = (client->first + 1) % EXPECTED_LIMIT;
    client->count--;
    handlers[kind](client, reply);
    client->doomed |= client->established && (reply->code == 421 || out_of_step(reply, kind));
}

bool client_read_replies(struct client *client)
{
    struct buf *in = &client->link.stream.in;
    bool any = false;
    while (client->link.up && !client->link.closing && buf_size(in) > 0) {
        struct reply reply;
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
