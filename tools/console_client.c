/* console_client: see console_client.h. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>
#include "base/mem.h"
#include "tools/console_client.h"
#include "tools/console_login.h"

enum {
    CONNECT_MS = 10000,
    SSH_CONNECT_MS = 120000, /* ssh asks the operator for a password meanwhile */
    OUTPUT_MS = 600000,
    COMMAND_MAX = 1024 * 1024, /* with its LF; CONTROL_LINE_MAX of the server */
    ANSWER_SIZE = 1024,
};

#define GREETING  "IMPULSE CONSOLE "
#define VERSION_1 "1"

struct console_client {
    struct console_settings settings;
    struct console_address address; /* user and password: as given, or as they were asked for */
    bool user_asked;
    char parse_problem[CONSOLE_ADDRESS_PROBLEM]; /* "": the address is one */
    struct console_stream stream;                /* its problem is the client's error */
};

struct console_client *console_client_create(const char *address, const struct console_settings *settings)
{
    struct console_client *client = mem_new(struct console_client);
    client->settings = *settings;
    console_stream_init(&client->stream, settings->interrupt_fd);
    if (console_address_parse(&client->address, address, client->parse_problem))
        client->parse_problem[0] = '\0';
    return client;
}

void console_client_free(struct console_client *client)
{
    console_stream_close(&client->stream);
    console_address_release(&client->address);
    free(client);
}

const char *console_client_error(const struct console_client *client)
{
    return client->stream.problem;
}

const char *console_client_address(const struct console_client *client)
{
    return client->address.display;
}

bool console_client_connected(struct console_client *client)
{
    return console_stream_quiet(&client->stream);
}

/* Ends the connection; what ended it is in the stream's problem, or is `why`. */
static enum console_status give_up(struct console_client *client, enum console_status status, const char *why)
{
    console_stream_close(&client->stream);
    if (status == CONSOLE_INTERRUPTED)
        why = "interrupted";
    if (why)
        snprintf(client->stream.problem, sizeof client->stream.problem, "%s", why);
    return status;
}

static enum console_status give_up_stream(struct console_client *client, enum stream_status status)
{
    return give_up(client, status == STREAM_INTERRUPTED ? CONSOLE_INTERRUPTED : CONSOLE_FAILED, NULL);
}

static unsigned patience(const struct console_client *client, unsigned usual_ms)
{
    unsigned seconds = client->settings.timeout;
    return seconds == 0 ? usual_ms : seconds < 1000000 ? seconds * 1000 : 1000000000;
}

/* ---- logging in --------------------------------------------------------------------------------------- */

/* Asks into *answer, which is replaced. False: nobody answered. */
static bool ask(struct console_client *client, const char *prompt, bool secret, char **answer)
{
    char line[ANSWER_SIZE];
    bool (*asker)(void *, const char *, bool, char *, size_t) = client->settings.ask;
    bool answered = asker && asker(client->settings.closure, prompt, secret, line, sizeof line);
    if (answered) {
        free(*answer);
        *answer = mem_dup(line);
    }
    explicit_bzero(line, sizeof line);
    return answered;
}

#define NOTICE "Authorization required for console session\n" /* Momentum's words */

/*
 * Gets what is missing of name and password. To an empty password the name is asked for, as Momentum's
 * console does ("Installation": press Enter at the first Password:).
 */
static bool ask_who(struct console_client *client)
{
    struct console_address *address = &client->address;
    if (address->user && address->password)
        return true;
    if (address->user) {
        if (!ask(client, NOTICE "Password:", true, &address->password))
            return false;
        if (*address->password)
            return true;
    }
    const char *prompt = address->user ? "Username:" : NOTICE "Username:";
    client->user_asked = true;
    return ask(client, prompt, false, &address->user) && ask(client, "Password:", true, &address->password);
}

/* It was wrong: the next connection asks, for the name as well when that was asked for. */
static void forget_password(struct console_client *client)
{
    struct console_address *address = &client->address;
    if (address->password)
        explicit_bzero(address->password, strlen(address->password));
    free(address->password);
    address->password = NULL;
    if (client->user_asked) {
        free(address->user);
        address->user = NULL;
    }
    client->user_asked = false;
}

static enum console_status log_in(struct console_client *client, const char *mechanisms)
{
    char offered[256]; /* the buffer it stands in is read into meanwhile */
    const struct console_address *address = &client->address;
    snprintf(offered, sizeof offered, "%s", mechanisms);
    if (!ask_who(client)) {
        forget_password(client);
        return give_up(client, CONSOLE_FAILED, "the console wants a name and a password; none was given");
    }
    struct console_login login = {
        .user = address->user,
        .password = address->password,
        .host = address->host && *address->host ? address->host : "localhost",
        .in_the_clear = address->host && !address->ssh_target,
    };
    console_stream_allow(&client->stream, patience(client, CONNECT_MS));
    switch (console_login(&client->stream, offered, &login)) {
    case LOGIN_DONE:
        return CONSOLE_OK;
    case LOGIN_DENIED:
        forget_password(client);
        return give_up(client, CONSOLE_DENIED, NULL);
    case LOGIN_INTERRUPTED:
        return give_up(client, CONSOLE_INTERRUPTED, NULL);
    default:
        return give_up(client, CONSOLE_FAILED, NULL);
    }
}

/* ---- connecting and commands -------------------------------------------------------------------------- */

/* *mechanisms: those that are offered, or NULL when the server knows who we are. */
static bool read_greeting(struct console_client *client, const char *line, const char **mechanisms)
{
    struct console_stream *stream = &client->stream;
    size_t prefix = strlen(GREETING), version = strlen(VERSION_1);
    *mechanisms = NULL;
    if (strncmp(line, GREETING, prefix) != 0) {
        snprintf(stream->problem, sizeof stream->problem, "what answers at %s is not an Impulse console",
                 client->address.display);
        return false;
    }
    line += prefix;
    if (strncmp(line, VERSION_1, version) != 0 || (line[version] && line[version] != ' ')) {
        snprintf(stream->problem, sizeof stream->problem,
                 "the console at %s speaks another version of the protocol than this program (" VERSION_1 ")",
                 client->address.display);
        return false;
    }
    line += version;
    if (strncmp(line, " AUTH", 5) == 0 && (!line[5] || line[5] == ' '))
        *mechanisms = line[5] ? line + 6 : line + 5;
    return true;
}

/* In place of a greeting: this client is not served, and why. */
static enum console_status read_refusal(struct console_client *client, const char *line)
{
    struct console_reply reply;
    char reason[200] = "";
    enum stream_status status = console_stream_parse(&client->stream, line, &reply);
    while (status == STREAM_OK && reply.kind == REPLY_OUTPUT) {
        status = console_stream_reason(&client->stream, reply.size, reason, sizeof reason);
        if (status == STREAM_OK)
            status = console_stream_reply(&client->stream, &reply);
    }
    return status == STREAM_OK ? give_up(client, CONSOLE_FAILED, reason) : give_up_stream(client, status);
}

enum console_status console_client_connect(struct console_client *client)
{
    struct console_stream *stream = &client->stream;
    const char *mechanisms;
    char *line;
    console_stream_close(stream);
    if (client->parse_problem[0])
        return give_up(client, CONSOLE_FAILED, client->parse_problem);
    console_stream_allow(stream, patience(client, client->address.ssh_target ? SSH_CONNECT_MS : CONNECT_MS));
    enum stream_status status = console_stream_open(stream, &client->address);
    if (status == STREAM_OK)
        status = console_stream_line(stream, &line);
    if (status != STREAM_OK)
        return give_up_stream(client, status);
    if (*line == '=')
        return read_refusal(client, line);
    if (!read_greeting(client, line, &mechanisms))
        return give_up(client, CONSOLE_FAILED, NULL);
    return mechanisms ? log_in(client, mechanisms) : CONSOLE_OK;
}

static enum stream_status pass_output(struct console_client *client, uint64_t left, console_output *output,
                                      void *closure)
{
    while (left > 0) {
        const char *bytes;
        size_t size;
        enum stream_status status = console_stream_output(&client->stream, &left, &bytes, &size);
        if (status != STREAM_OK)
            return status;
        if (output)
            output(closure, bytes, size);
        console_stream_allow(&client->stream, patience(client, OUTPUT_MS));
    }
    return STREAM_OK;
}

static enum stream_status send_command(struct console_client *client, const char *command, size_t size)
{
    enum stream_status status = console_stream_write(&client->stream, command, size);
    return status == STREAM_OK ? console_stream_write(&client->stream, "\n", 1) : status;
}

enum console_status console_client_run(struct console_client *client, const char *command, size_t size,
                                       console_output *output, void *closure)
{
    struct console_stream *stream = &client->stream;
    if (size >= COMMAND_MAX || memchr(command, '\n', size) || memchr(command, '\0', size)) {
        static const char answer[] = "A command is one line of less than a MiB, without a NUL.\n";
        if (output)
            output(closure, answer, sizeof answer - 1);
        return CONSOLE_REFUSED;
    }
    if (stream->fd < 0)
        return give_up(client, CONSOLE_FAILED, "there is no connection");
    console_stream_allow(stream, patience(client, OUTPUT_MS));
    enum stream_status status = send_command(client, command, size);
    while (status == STREAM_OK) {
        struct console_reply reply;
        status = console_stream_reply(stream, &reply);
        if (status != STREAM_OK)
            break;
        if (reply.kind == REPLY_OK)
            return CONSOLE_OK;
        if (reply.kind == REPLY_REFUSED) {
            snprintf(stream->problem, sizeof stream->problem, "the command was refused");
            return CONSOLE_REFUSED;
        }
        if (reply.kind == REPLY_CHALLENGE)
            return give_up(client, CONSOLE_FAILED, "what the server sent is not the console's protocol");
        status = pass_output(client, reply.size, output, closure);
    }
    return give_up_stream(client, status);
}
