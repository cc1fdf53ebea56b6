/*
 * A client of impulse-load: connects, greets, begins TLS, authenticates, carries messages, says QUIT, and
 * connects again.
 */
#include <openssl/evp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include "base/clock.h"
#include "base/mem.h"
#include "tools/load/load.h"

enum { MOST_PAUSE = 1000000, FIRST_PAUSE = 10000, MOST_LINE = 4096, AUTH_TEXT = 1024 };

static struct client *client_of(struct wire *wire)
{
    return container_of(wire, struct client, wire);
}

/* ---- output ------------------------------------------------------------------------------------ */

void client_say(struct client *client, const char *format, ...)
{
    char line[2 * AUTH_TEXT];
    va_list arguments;
    va_start(arguments, format);
    int size = vsnprintf(line, sizeof line, format, arguments);
    va_end(arguments);
    if ((size_t)size < sizeof line)
        wire_say(&client->wire, line, (size_t)size);
}

void client_flush(struct client *client)
{
    if (client->wire_open && !client->wire.closing && !client->wire.shaking && !wire_flush(&client->wire))
        client_fail(client, NULL, slice_text(client->wire.problem));
}

/* Sends a command and waits for its reply in the new state. */
static void ask(struct client *client, enum client_state state, const char *command)
{
    client->state = state;
    client->since = clock_mono_us();
    wire_say(&client->wire, command, strlen(command));
}

/* ---- the end of a connection ------------------------------------------------------------------- */

static bool is_standing(const struct client *client)
{
    return client->state >= CLIENT_IDLE && client->state <= CLIENT_RSET;
}

static void leave(struct client *client)
{
    if (is_standing(client))
        counter_subtract(&client->worker->counts.standing, 1);
    list_remove(&client->node);
    client->state = CLIENT_CLOSED;
    client->sending = client->done = false;
    if (client->wire_open && !client->wire.closing)
        wire_close(&client->wire, false);
}

void client_fail(struct client *client, const char *what, struct slice text)
{
    static const char *const steps[] = {
        [CLIENT_CONNECTING] = "connect", [CLIENT_SHAKING] = "TLS",       [CLIENT_BANNER] = "banner",
        [CLIENT_EHLO] = "EHLO",          [CLIENT_STARTTLS] = "STARTTLS", [CLIENT_AUTH] = "AUTH",
        [CLIENT_IDLE] = "while idle",    [CLIENT_MAIL] = "MAIL",         [CLIENT_RCPT] = "RCPT",
        [CLIENT_DATA] = "DATA",          [CLIENT_CONTENT] = "content",   [CLIENT_RSET] = "RSET",
        [CLIENT_QUIT] = "QUIT"};
    struct load_counts *counts = &client->worker->counts;
    if (client->state == CLIENT_CLOSED || client->state == CLIENT_QUIT) {
        leave(client);
        return;
    }
    worker_complain(client->worker, what ? what : steps[client->state], text);
    client->failed = client->state < CLIENT_IDLE;
    counter_add(client->failed ? &counts->failed : &counts->lost, 1);
    transaction_lost(client, 0);
    leave(client);
}

static void on_closed(struct wire *wire)
{
    struct client *client = client_of(wire);
    client->wire_open = false;
    if (worker_is_done(client->worker)) {
        client->ended = true;
        worker_client_ended(client->worker);
        return;
    }
    if (!client->failed) {
        client->pause = 0;
        client_connect(client);
        return;
    }
    client->pause = client->pause ? client->pause * 2 : FIRST_PAUSE;
    if (client->pause > MOST_PAUSE)
        client->pause = MOST_PAUSE;
    client->retry_at = clock_mono_us() + client->pause;
}

/* ---- the beginning of a connection ------------------------------------------------------------- */

static void say_ehlo(struct client *client)
{
    char line[512];
    snprintf(line, sizeof line, "EHLO %.480s\r\n", client_settings(client)->helo);
    client->offers_pipelining = client->offers_chunking = client->offers_starttls = client->offers_auth =
        false;
    ask(client, CLIENT_EHLO, line);
}

static void begin_tls(struct client *client)
{
    const struct load_settings *settings = client_settings(client);
    client->state = CLIENT_SHAKING;
    client->since = clock_mono_us();
    wire_secure(&client->wire, client->worker->load->tls, false, settings->tls_name);
}

static void become_ready(struct client *client)
{
    client->failed = false;
    client->pause = 0;
    client->carried = 0;
    client->transaction = false;
    client->state = CLIENT_IDLE;
    counter_add(&client->worker->counts.standing, 1);
    client_go_on(client);
}

static void write_base64(const char *bytes, size_t size, char text[AUTH_TEXT])
{
    if (size > AUTH_TEXT / 4 * 3 - 3)
        size = AUTH_TEXT / 4 * 3 - 3;
    EVP_EncodeBlock((unsigned char *)text, (const unsigned char *)bytes, (int)size);
}

static void say_auth(struct client *client)
{
    const struct load *load = client->worker->load;
    char text[AUTH_TEXT], line[AUTH_TEXT + 16], both[AUTH_TEXT];
    client->auth_step = 0;
    if (strcasecmp(load->settings.auth, "LOGIN") == 0) {
        ask(client, CLIENT_AUTH, "AUTH LOGIN\r\n");
        return;
    }
    int size = snprintf(both, sizeof both, "%c%s%c%s", 0, load->settings.user, 0, load->password);
    write_base64(both, (size_t)size < sizeof both ? (size_t)size : sizeof both - 1, text);
    snprintf(line, sizeof line, "AUTH PLAIN %s\r\n", text);
    ask(client, CLIENT_AUTH, line);
    explicit_bzero(both, sizeof both);
}

/* Returns what this run needs and the server does not offer, or NULL. */
static const char *missing(const struct client *client)
{
    const struct load_settings *settings = client_settings(client);
    if (settings->starttls && !client->wire.ssl)
        return client->offers_starttls ? NULL : "the server does not offer STARTTLS";
    if (settings->pipelining && !client->offers_pipelining)
        return "the server does not offer PIPELINING";
    if (settings->bdat && !client->offers_chunking)
        return "the server does not offer CHUNKING, which --bdat needs";
    return settings->auth && !client->offers_auth ? "the server does not offer AUTH" : NULL;
}

static void reply_to_ehlo(struct client *client)
{
    const struct load_settings *settings = client_settings(client);
    const char *lack = missing(client);
    worker_measure(client->worker, PHASE_EHLO, client->since);
    if (lack) {
        worker_give_up(client->worker, lack);
        leave(client);
    } else if (settings->starttls && !client->wire.ssl) {
        ask(client, CLIENT_STARTTLS, "STARTTLS\r\n");
    } else if (settings->auth) {
        say_auth(client);
    } else {
        become_ready(client);
    }
}

static void reply_to_auth(struct client *client, unsigned code)
{
    const struct load *load = client->worker->load;
    char text[AUTH_TEXT];
    if (code == 235) {
        worker_measure(client->worker, PHASE_AUTH, client->since);
        become_ready(client);
        return;
    }
    const char *answer = client->auth_step++ == 0 ? load->settings.user : load->password;
    write_base64(answer, strlen(answer), text);
    client_say(client, "%s\r\n", text);
}

/* ---- replies ----------------------------------------------------------------------------------- */

static void note_extension(struct client *client, struct slice line)
{
    struct slice name;
    if (line.size < 4)
        return;
    line = slice_of(line.data + 4, line.size - 4);
    if (!slice_next(&line, ' ', &name))
        return;
    client->offers_pipelining |= slice_equal_nocase(name, SLICE_LITERAL("PIPELINING"));
    client->offers_chunking |= slice_equal_nocase(name, SLICE_LITERAL("CHUNKING"));
    client->offers_starttls |= slice_equal_nocase(name, SLICE_LITERAL("STARTTLS"));
    client->offers_auth |= slice_equal_nocase(name, SLICE_LITERAL("AUTH"));
}

static void handle_reply(struct client *client, unsigned code, struct slice text)
{
    static const unsigned expected[] = {[CLIENT_BANNER] = 2, [CLIENT_EHLO] = 2, [CLIENT_STARTTLS] = 2};
    bool right = client->state != CLIENT_AUTH || code == 235 || (code == 334 && client->auth_step < 2);
    if (client->state <= CLIENT_STARTTLS)
        right = code / 100 == expected[client->state];
    if (!right || client->state == CLIENT_IDLE || code == 421) {
        if (code == 421)
            transaction_lost(client, code);
        client_fail(client, NULL, text);
        return;
    }
    switch (client->state) {
    case CLIENT_BANNER:
        worker_measure(client->worker, PHASE_BANNER, client->since);
        say_ehlo(client);
        break;
    case CLIENT_EHLO:
        reply_to_ehlo(client);
        break;
    case CLIENT_STARTTLS:
        begin_tls(client);
        break;
    case CLIENT_AUTH:
        reply_to_auth(client, code);
        break;
    case CLIENT_QUIT:
        leave(client);
        break;
    default:
        transaction_reply(client, code, text);
    }
}

/* Handles a line of a reply, which comes without its end. */
static void handle_line(struct client *client, struct slice line)
{
    uint64_t code = 0;
    if (line.size < 3 || !slice_to_uint(slice_of(line.data, 3), &code) || code < 200 || code > 599) {
        client_fail(client, "no SMTP", line);
        return;
    }
    if (client->state == CLIENT_EHLO)
        note_extension(client, line);
    if (line.size == 3 || line.data[3] == ' ')
        handle_reply(client, (unsigned)code, line);
}

static size_t on_input(struct wire *wire, struct slice input)
{
    struct client *client = client_of(wire);
    size_t used = 0;
    while (used < input.size && !wire->closing && !wire->shaking) {
        const char *begin = input.data + used, *end = memchr(begin, '\n', input.size - used);
        if (!end) {
            if (input.size - used > MOST_LINE)
                client_fail(client, "no SMTP", slice_of(begin, 64));
            break;
        }
        size_t size = (size_t)(end - begin);
        used += size + 1;
        handle_line(client, slice_of(begin, size > 0 && end[-1] == '\r' ? size - 1 : size));
    }
    if (!wire->closing)
        transaction_send(client);
    return used;
}

static void on_event(struct wire *wire, enum wire_event event)
{
    struct client *client = client_of(wire);
    const struct load_settings *settings = client_settings(client);
    switch (event) {
    case WIRE_CONNECTED:
        counter_add(&client->worker->counts.connections, 1);
        worker_measure(client->worker, PHASE_CONNECT, client->since);
        client->since = clock_mono_us();
        client->state = CLIENT_BANNER;
        if (settings->tls)
            begin_tls(client);
        break;
    case WIRE_SECURED:
        worker_measure(client->worker, PHASE_TLS, client->since);
        client->since = clock_mono_us();
        client->state = CLIENT_BANNER;
        if (settings->starttls)
            say_ehlo(client);
        client_flush(client);
        break;
    case WIRE_DRAINED:
        transaction_send(client);
        break;
    case WIRE_LOST:
        client_fail(client, NULL, slice_text(wire->problem));
        break;
    }
}

static const struct wire_owner owner = {on_event, on_input, on_closed};

/* ---- life -------------------------------------------------------------------------------------- */

void client_init(struct client *client, struct load_worker *worker, uint64_t index)
{
    client->worker = worker;
    client->index = index;
    client->codes = mem_array(distribution_most(&client_settings(client)->recipients), sizeof *client->codes);
}

void client_connect(struct client *client)
{
    const struct load_settings *settings = client_settings(client);
    struct target source;
    bool has_source = settings->source.count > 0;
    if (has_source) {
        buf_clear(&client->to);
        pattern_write(&settings->source, client->index, &client->to);
        buf_append(&client->to, "", 1);
        target_read(buf_slice(&client->to).data, "0", &source);
    }
    client->retry_at = 0;
    client->since = clock_mono_us();
    client->state = CLIENT_CONNECTING;
    int failed = wire_connect(&client->wire, &client->worker->loop, &owner, &settings->target.address,
                              has_source ? &source.address : NULL);
    client->wire_open = !failed;
    if (!failed)
        return;
    client_fail(client, NULL, slice_text(strerror(-failed)));
    client->pause = MOST_PAUSE;
    client->retry_at = client->since + client->pause;
}

void client_go_on(struct client *client)
{
    const struct load_settings *settings = client_settings(client);
    uint64_t number, due;
    enum load_grant grant = GRANT_NONE;
    if (!settings->per_connection || client->carried < settings->per_connection)
        grant = worker_take(client->worker, &number, &due);
    if (grant == GRANT_NOW) {
        transaction_begin(client, number, due);
    } else if (grant == GRANT_LATER) {
        client->state = CLIENT_IDLE;
        list_append(&client->worker->idle, &client->node);
        worker_await_due(client->worker);
    } else {
        counter_subtract(&client->worker->counts.standing, 1);
        ask(client, CLIENT_QUIT, "QUIT\r\n");
        client_flush(client);
    }
}

void client_tick(struct client *client, uint64_t now)
{
    if (client->ended)
        return;
    if (client->retry_at) {
        if (worker_is_done(client->worker)) {
            client->retry_at = 0;
            client->ended = true;
            worker_client_ended(client->worker);
        } else if (now >= client->retry_at) {
            client_connect(client);
        }
    } else if (client->wire_open && !client->wire.closing && client->state != CLIENT_IDLE &&
               (double)(now - client->since) > client_settings(client)->timeout * 1e6) {
        client_fail(client, NULL, SLICE_LITERAL("no reply in time"));
    }
}

void client_release(struct client *client)
{
    free(client->codes);
    buf_release(&client->from);
    buf_release(&client->to);
    content_release(&client->content);
}
