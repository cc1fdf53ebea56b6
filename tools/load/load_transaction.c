/*
 * A message of impulse-load on its way: MAIL to the last reply.
 *
 * With PIPELINING all commands are sent at once and the replies are only counted; without, the next command is sent
 * after each reply. The result is the first reply that refuses the message, or the last one.
 */
#include <string.h>
#include "base/clock.h"
#include "tools/load/ledger.h"
#include "tools/load/load.h"
#include "tools/load/random.h"

enum { LINES_AT_ONCE = 65536 }; /* bytes of the ledger before they are written */

/* Returns the address of a recipient of the message, which is in client->to. */
static struct slice recipient_at(struct client *client, unsigned index)
{
    const struct load_settings *settings = client_settings(client);
    uint64_t most = distribution_most(&settings->recipients);
    buf_clear(&client->to);
    pattern_write(&settings->to, (client->number - 1) * most + index, &client->to);
    return buf_slice(&client->to);
}

/* ---- the end ----------------------------------------------------------------------------------- */

static void write_line(struct client *client)
{
    struct load_worker *worker = client->worker;
    if (worker->load->ledger < 0)
        return;
    ledger_begin_sent(&worker->lines, client->number, client->result);
    for (unsigned i = 0; i < client->recipients; i++) {
        struct slice recipient = recipient_at(client, i);
        buf_append_text(&worker->lines, i < client->asked && client->codes[i] >= 400 ? " !" : " ");
        buf_append_slice(&worker->lines, recipient);
    }
    buf_append_text(&worker->lines, "\n");
    if (buf_size(&worker->lines) > LINES_AT_ONCE)
        worker_write_lines(worker);
}

static void account(struct client *client)
{
    struct load_counts *counts = &client->worker->counts;
    switch (client->result / 100) {
    case 2:
        counter_add(&counts->accepted, 1);
        counter_add(&counts->bytes, client->content.size);
        worker_measure(client->worker, PHASE_MESSAGE, client->due);
        break;
    case 4:
        counter_add(&counts->transient, 1);
        break;
    case 5:
        counter_add(&counts->permanent, 1);
        break;
    default:
        client->result = 0;
        counter_add(&counts->unknown, 1);
    }
    write_line(client);
}

/* Called when the last reply has arrived and nothing is left to be sent. */
static void finish(struct client *client)
{
    client->carried++;
    client->done = false;
    if (client->transaction) {
        client->state = CLIENT_RSET;
        client->since = clock_mono_us();
        client_say(client, "RSET\r\n");
        client_flush(client);
    } else {
        client_go_on(client);
    }
}

static void end_message(struct client *client)
{
    account(client);
    client->done = true;
    if (!client->sending && wire_drained(&client->wire))
        finish(client);
}

void transaction_lost(struct client *client, unsigned code)
{
    if (client->state < CLIENT_MAIL || client->state > CLIENT_CONTENT || client->done)
        return;
    client->result = code;
    account(client);
    client->done = true;
}

/* ---- content ----------------------------------------------------------------------------------- */

static void begin_content(struct client *client)
{
    client->state = CLIENT_CONTENT;
    client->sending = true;
    client->since = client->content_since = clock_mono_us();
}

/* Queues the next piece of a BDAT. Returns false if there is none now. */
static bool queue_chunk(struct client *client)
{
    const struct load_settings *settings = client_settings(client);
    struct content *content = &client->content;
    if (client->chunk_left == 0) {
        if (content->left == 0)
            client->sending = false;
        if (content->left == 0 || (client->chunks_open > 0 && !settings->pipelining))
            return false;
        client->chunk_left =
            settings->chunk && settings->chunk < content->left ? settings->chunk : content->left;
        client_say(client, "BDAT %llu%s\r\n", (unsigned long long)client->chunk_left,
                   client->chunk_left == content->left ? " LAST" : "");
        client->chunks_open++;
    }
    struct slice piece = content_take(content, client->chunk_left);
    client->chunk_left -= piece.size;
    wire_put(&client->wire, piece.data, piece.size);
    return true;
}

static bool queue_piece(struct client *client)
{
    if (!client->sending)
        return false;
    if (client_settings(client)->bdat)
        return queue_chunk(client);
    struct slice piece = content_take(&client->content, UINT64_MAX);
    wire_put(&client->wire, piece.data, piece.size);
    if (client->content.left == 0) {
        wire_say(&client->wire, ".\r\n", 3);
        client->sending = false;
    }
    return true;
}

void transaction_send(struct client *client)
{
    bool queued = true;
    while (queued) {
        queued = false;
        while (wire_has_room(&client->wire) && queue_piece(client))
            queued = true;
        client_flush(client);
        if (client->wire.closing || !wire_drained(&client->wire))
            return;
    }
    if (client->done)
        finish(client);
}

/* ---- replies ----------------------------------------------------------------------------------- */

/* Remembers the reply that refuses the message. Further replies, which only follow from it, do not count. */
static void decide(struct client *client, unsigned code, const char *what, struct slice text)
{
    if (client->result >= 400)
        return;
    client->result = code;
    if (code >= 400)
        worker_complain(client->worker, what, text);
}

static void say_recipient(struct client *client, unsigned index)
{
    struct slice recipient = recipient_at(client, index);
    client_say(client, "RCPT TO:<%.*s>\r\n", (int)recipient.size, recipient.data);
}

static void after_recipients(struct client *client)
{
    const struct load_settings *settings = client_settings(client);
    client->since = settings->pipelining ? client->since : clock_mono_us();
    if (settings->bdat) {
        if (!settings->pipelining)
            begin_content(client);
        client->state = CLIENT_CONTENT;
    } else {
        client->state = CLIENT_DATA;
        if (!settings->pipelining)
            client_say(client, "DATA\r\n");
    }
}

static void reply_to_mail(struct client *client, unsigned code, struct slice text)
{
    bool pipelining = client_settings(client)->pipelining;
    worker_measure(client->worker, PHASE_MAIL, client->since);
    client->transaction = code < 400;
    if (code >= 400)
        decide(client, code, "MAIL", text);
    if (code >= 400 && !pipelining) {
        end_message(client);
        return;
    }
    client->state = CLIENT_RCPT;
    if (!pipelining) {
        client->since = clock_mono_us();
        say_recipient(client, 0);
    }
}

static void reply_to_rcpt(struct client *client, unsigned code, struct slice text)
{
    struct load_counts *counts = &client->worker->counts;
    bool pipelining = client_settings(client)->pipelining;
    worker_measure(client->worker, PHASE_RCPT, client->since);
    client->codes[client->asked++] = (uint16_t)code;
    client->accepted += code < 400;
    counter_add(code < 400 ? &counts->recipients : &counts->refused, 1);
    if (code >= 400 && client->result < 400)
        worker_complain(client->worker, "RCPT", text);
    if (client->asked < client->recipients) {
        if (!pipelining) {
            client->since = clock_mono_us();
            say_recipient(client, client->asked);
        }
        return;
    }
    if (client->accepted == 0 && client->result < 400)
        client->result = code;
    if (client->accepted > 0 || pipelining)
        after_recipients(client);
    else
        end_message(client);
}

static void reply_to_data(struct client *client, unsigned code, struct slice text)
{
    worker_measure(client->worker, PHASE_DATA, client->since);
    if (code == 354 && client->accepted == 0) { /* RFC 2920 section 3.1: a dot is all that can be sent */
        client->state = CLIENT_CONTENT;
        client->content_since = clock_mono_us();
        client_say(client, ".\r\n");
    } else if (code == 354) {
        begin_content(client);
    } else {
        decide(client, code < 400 ? 500 : code, "DATA", text);
        end_message(client);
    }
}

static void reply_to_content(struct client *client, unsigned code, struct slice text)
{
    bool bdat = client_settings(client)->bdat;
    if (bdat) {
        client->chunks_open -= client->chunks_open > 0;
        if (code >= 400)
            decide(client, code, "BDAT", text);
        bool last = client->chunks_open == 0 && client->content.left == 0 && client->chunk_left == 0;
        if (code >= 400 && !client_settings(client)->pipelining && !last && client->chunk_left == 0) {
            client->sending = false; /* the chunks that follow would be refused as well */
            end_message(client);
            return;
        }
        if (!last)
            return;
    }
    worker_measure(client->worker, PHASE_CONTENT, client->content_since);
    client->transaction = false;
    decide(client, code, "content", text);
    end_message(client);
}

void transaction_reply(struct client *client, unsigned code, struct slice text)
{
    switch (client->state) {
    case CLIENT_MAIL:
        reply_to_mail(client, code, text);
        break;
    case CLIENT_RCPT:
        reply_to_rcpt(client, code, text);
        break;
    case CLIENT_DATA:
        reply_to_data(client, code, text);
        break;
    case CLIENT_CONTENT:
        reply_to_content(client, code, text);
        break;
    default: /* CLIENT_RSET */
        client->transaction = false;
        client_go_on(client);
    }
}

/* ---- the beginning ----------------------------------------------------------------------------- */

static void say_group(struct client *client)
{
    for (unsigned i = 0; i < client->recipients; i++)
        say_recipient(client, i);
    if (!client_settings(client)->bdat) {
        client_say(client, "DATA\r\n");
    } else {
        client->sending = true;
        client->content_since = client->since;
    }
}

void transaction_begin(struct client *client, uint64_t number, uint64_t due)
{
    const struct load *load = client->worker->load;
    const struct load_settings *settings = &load->settings;
    client->number = number;
    client->due = due;
    client->since = clock_mono_us();
    client->asked = client->accepted = client->result = client->chunks_open = 0;
    client->chunk_left = 0;
    client->sending = client->done = false;
    client->recipients =
        (unsigned)distribution_pick(&settings->recipients, random_at(settings->seed, 2 * number + 1));
    buf_clear(&client->from);
    pattern_write(&settings->from, number - 1, &client->from);
    content_begin(&client->content, load->pool,
                  &(struct content_letter){
                      .run = load->run,
                      .number = number,
                      .size = distribution_pick(&settings->sizes, random_at(settings->seed, 2 * number)),
                      .date = load->date,
                      .host = settings->helo,
                      .from = buf_slice(&client->from),
                      .to = recipient_at(client, 0),
                      .stuffed = !settings->bdat});
    counter_add(&client->worker->counts.begun, 1);
    client->state = CLIENT_MAIL;
    client_say(client, "MAIL FROM:<%.*s>\r\n", (int)buf_size(&client->from), buf_slice(&client->from).data);
    if (settings->pipelining)
        say_group(client);
    transaction_send(client);
}
