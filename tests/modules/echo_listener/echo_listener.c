/*
 * echo_listener: a listener of a protocol of its own. Each line is echoed behind the instance's greeting; "big N" is
 * answered by N lines, as fast as the client reads; "quit" ends the connection; "where" says who is connected where.
 */
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <impulse/listener.h>

static _Atomic int living; /* connections */

struct client {
    char *greeting;
    long left; /* lines of "big" */
};

/* Writes lines as long as the client reads them. */
static void go_on(struct imp_connection *connection, struct client *client)
{
    char line[64];
    while (client->left > 0) {
        int size = snprintf(line, sizeof line, "line %ld\n", client->left--);
        if (imp_connection_write(connection, line, (size_t)size) != 0)
            return;
    }
}

static void answer(struct imp_connection *connection, struct client *client, const char *line)
{
    char text[512];
    if (strcmp(line, "quit") == 0) {
        imp_connection_write(connection, "bye\n", 4);
        imp_connection_close(connection);
        return;
    }
    if (strncmp(line, "big ", 4) == 0) {
        client->left = strtol(line + 4, NULL, 10);
        go_on(connection, client);
        return;
    }
    int size = 0;
    if (strcmp(line, "where") == 0)
        size = snprintf(text, sizeof text, "%s at %s by %s, %d\n", imp_connection_peer_text(connection),
                        imp_connection_local_text(connection), imp_connection_listen(connection),
                        atomic_load(&living));
    else
        size = snprintf(text, sizeof text, "%s: %s\n", client->greeting, line);
    imp_connection_write(connection, text, (size_t)size);
}

static size_t received(struct imp_connection *connection, const char *data, size_t size, void *closure)
{
    const char *end = memchr(data, '\n', size);
    char line[256];
    if (!end)
        return 0;
    snprintf(line, sizeof line, "%.*s", (int)(end - data), data);
    answer(connection, closure, line);
    return (size_t)(end - data) + 1;
}

static void drained(struct imp_connection *connection, void *closure)
{
    go_on(connection, closure);
}

static void closed(struct imp_connection *connection, void *closure)
{
    struct client *client = closure;
    (void)connection;
    free(client->greeting);
    free(client);
    atomic_fetch_sub(&living, 1);
}

/* ---- the same over an imp_stream, without "big" ------------------------------------------------------ */

static void stream_connected(struct imp_stream *stream, void *closure)
{
    (void)closure;
    imp_stream_write(stream, "ready\n", 6);
}

static void stream_readable(struct imp_stream *stream, void *closure)
{
    struct client *client = closure;
    char text[512];
    size_t size;
    const char *data = imp_stream_data(stream, &size), *end;
    while ((end = memchr(data, '\n', size))) {
        int length = (int)(end - data);
        if (length == 4 && memcmp(data, "quit", 4) == 0) {
            imp_stream_close(stream);
            return;
        }
        int written = snprintf(text, sizeof text, "%s by stream: %.*s\n", client->greeting,
                               length < 256 ? length : 256, data);
        imp_stream_write(stream, text, (size_t)written);
        imp_stream_consume(stream, (size_t)length + 1);
        data = imp_stream_data(stream, &size);
    }
    if (imp_stream_at_end(stream))
        imp_stream_close(stream);
}

static void stream_closed(struct imp_stream *stream, enum imp_stream_end why, const char *text, void *closure)
{
    (void)stream;
    (void)why;
    (void)text;
    closed(NULL, closure);
}

static const struct imp_stream_events stream_events = {.size = sizeof stream_events,
                                                       .connected = stream_connected,
                                                       .readable = stream_readable,
                                                       .closed = stream_closed};

static _Atomic bool by_stream;

static void accepted(struct imp_connection *connection, void *closure)
{
    static const struct imp_connection_handler handler = {
        .size = sizeof handler, .received = received, .drained = drained, .closed = closed};
    struct client *client = calloc(1, sizeof *client);
    if (!client)
        return;
    atomic_fetch_add(&living, 1);
    client->greeting = strdup(closure);
    if (by_stream) {
        if (!imp_connection_stream(connection, &stream_events, client))
            closed(NULL, client);
        return;
    }
    imp_connection_start(connection, &handler, client);
    imp_connection_write(connection, "ready\n", 6);
}

static int echo_setup(struct imp_module *module, const struct imp_config *config)
{
    char *greeting = strdup(imp_config_text(config, "greeting"));
    imp_module_set_data(module, greeting);
    by_stream = imp_config_bool(config, "stream");
    if (!imp_config_bool(config, "registered"))
        return 0;
    return imp_listener_add(module, &(struct imp_listener){.size = sizeof(struct imp_listener),
                                                           .accepted = accepted,
                                                           .closure = greeting});
}

static void echo_teardown(struct imp_module *module)
{
    free(imp_module_data(module));
}

IMP_MODULE_DEFINE(.name = "echo_listener", .description = "Echoes lines", .kind = IMP_GENERIC,
                  .setup = echo_setup, .teardown = echo_teardown);
