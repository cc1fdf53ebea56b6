/*
 * delivery_server: the server of delivery_harness.h; one thread accepts, one for each connection answers.
 */
#include <arpa/inet.h>
#include <netinet/tcp.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include "delivery_harness.h"

enum { LINE_LIMIT = 8192 };

struct session {
    struct server *server;
    int fd;
    bool lmtp;
    unsigned accepted;  /* recipients of the transaction */
    size_t used, taken; /* of input */
    char input[LINE_LIMIT];
};

/* ---- what it says ------------------------------------------------------------------------------------ */

enum verb { BANNER, EHLO, HELO, MAIL, RCPT, DATA, FINAL, RSET };

static const char *script_of(const struct server_script *script, enum verb verb)
{
    static const char usual_ehlo[] =
        "250-server.example\r\n250-PIPELINING\r\n250-SIZE 10000000\r\n250 8BITMIME";
    const char *const texts[] = {
        [BANNER] = script->banner ? script->banner : "220 server.example ESMTP",
        [EHLO] = script->ehlo ? script->ehlo : usual_ehlo,
        [HELO] = script->helo ? script->helo : "250 server.example",
        [MAIL] = script->mail ? script->mail : "250 2.1.0 ok",
        [RCPT] = script->rcpt ? script->rcpt : "250 2.1.5 ok",
        [DATA] = script->data ? script->data : "354 go",
        [FINAL] = script->final ? script->final : "250 2.0.0 taken",
        [RSET] = script->rset ? script->rset : "250 2.0.0 ok",
    };
    return texts[verb];
}

/* Writes the next reply of the script; false when the script closes. *code is its first digit. */
static bool answer(struct session *session, enum verb verb, char *code)
{
    struct server *server = session->server;
    const char *text = script_of(&server->script, verb), *end;
    pthread_mutex_lock(&server->lock);
    unsigned skip = server->used[verb]++;
    pthread_mutex_unlock(&server->lock);
    while (skip-- > 0 && (end = strchr(text, '|')))
        text = end + 1;
    size_t size = strcspn(text, "|");
    *code = text[0];
    if (verb == MAIL || verb == RSET)
        session->accepted = 0;
    if (verb == RCPT)
        session->accepted += text[0] == '2';
    if (verb == DATA && !server->script.data && session->accepted == 0) {
        text = "503 5.5.1 no recipients";
        size = strlen(text);
        *code = '5';
    }
    if (text[0] == '!')
        return false;
    if (text[0] == '-')
        return true;
    char reply[1024];
    int length = snprintf(reply, sizeof reply, "%.*s\r\n", (int)size, text);
    return send(session->fd, reply, (size_t)length, MSG_NOSIGNAL) == length;
}

/* ---- what it hears ----------------------------------------------------------------------------------- */

static void note(struct session *session, struct buf *where, const char *text, size_t size)
{
    pthread_mutex_lock(&session->server->lock);
    buf_append(where, text, size);
    pthread_mutex_unlock(&session->server->lock);
}

static bool fill(struct session *session)
{
    memmove(session->input, session->input + session->taken, session->used - session->taken);
    session->used -= session->taken;
    session->taken = 0;
    note(session, &session->server->reads, " ", 1);
    ssize_t got = recv(session->fd, session->input + session->used, LINE_LIMIT - session->used, 0);
    if (got <= 0)
        return false;
    session->used += (size_t)got;
    return true;
}

/* The next line with its end; false at the end of the connection. */
static bool read_line(struct session *session, char **line, size_t *size)
{
    for (;;) {
        char *from = session->input + session->taken;
        char *end = memchr(from, '\n', session->used - session->taken);
        size_t have = session->used - session->taken;
        if (end || have == LINE_LIMIT) {
            *line = from;
            *size = end ? (size_t)(end - from) + 1 : have;
            session->taken += *size;
            return true;
        }
        if (!fill(session))
            return false;
    }
}

static void end_message(struct session *session)
{
    struct server *server = session->server;
    note(session, &server->reads, ".", 1);
    pthread_mutex_lock(&server->lock);
    buf_append(&server->contents, "\n=\n", 3);
    server->messages++;
    pthread_cond_broadcast(&server->changed);
    pthread_mutex_unlock(&server->lock);
}

static bool read_chunk(struct session *session, size_t size)
{
    while (size > 0) {
        size_t have = session->used - session->taken, part = have < size ? have : size;
        if (part == 0 && !fill(session))
            return false;
        note(session, &session->server->contents, session->input + session->taken, part);
        session->taken += part;
        size -= part;
    }
    end_message(session);
    return true;
}

static bool read_content(struct session *session)
{
    struct server *server = session->server;
    char *line;
    size_t size;
    while (read_line(session, &line, &size)) {
        if (size == 3 && memcmp(line, ".\r\n", 3) == 0) {
            end_message(session);
            return true;
        }
        size_t dot = line[0] == '.';
        note(session, &server->contents, line + dot, size - dot);
    }
    return false;
}

static bool confirm(struct session *session)
{
    char code;
    unsigned replies = session->lmtp ? session->accepted : 1;
    session->accepted = 0;
    while (replies-- > 0)
        if (!answer(session, FINAL, &code))
            return false;
    return true;
}

static bool obey(struct session *session, const char *line, size_t size)
{
    static const struct {
        const char *name;
        enum verb verb;
    } verbs[] = {{"EHLO", EHLO}, {"LHLO", EHLO}, {"HELO", HELO}, {"MAIL", MAIL},
                 {"RCPT", RCPT}, {"DATA", DATA}, {"RSET", RSET}};
    struct server *server = session->server;
    char code;
    note(session, &server->commands, line, size > 1 ? size - 2 : 0);
    note(session, &server->commands, "\n", 1);
    note(session, &server->reads, line, 1);
    session->lmtp |= strncasecmp(line, "LHLO", 4) == 0;
    if (strncasecmp(line, "BDAT ", 5) == 0)
        return read_chunk(session, strtoul(line + 5, NULL, 10)) && confirm(session);
    for (size_t i = 0; i < sizeof verbs / sizeof *verbs; i++) {
        if (strncasecmp(line, verbs[i].name, 4) != 0)
            continue;
        if (!answer(session, verbs[i].verb, &code))
            return false;
        if (verbs[i].verb != DATA || code != '3')
            return true;
        return read_content(session) && confirm(session);
    }
    if (strncasecmp(line, "QUIT", 4) == 0)
        return send(session->fd, "221 bye\r\n", 9, MSG_NOSIGNAL) < 0;
    return send(session->fd, "500 what\r\n", 10, MSG_NOSIGNAL) > 0;
}

static void *serve(void *argument)
{
    struct session *session = argument;
    struct server *server = session->server;
    char *line, code;
    size_t size;
    if (answer(session, BANNER, &code))
        while (read_line(session, &line, &size) && obey(session, line, size))
            ;
    shutdown(session->fd, SHUT_RDWR); /* server_stop closes it */
    pthread_cond_broadcast(&server->changed);
    free(session);
    return NULL;
}

/* ---- life -------------------------------------------------------------------------------------------- */

static void *accept_all(void *argument)
{
    struct server *server = argument;
    int fd;
    while ((fd = accept(server->listener, NULL, NULL)) >= 0) {
        int one = 1; /* replies go out one by one */
        setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
        struct session *session = calloc(1, sizeof *session);
        session->server = server;
        session->fd = fd;
        pthread_mutex_lock(&server->lock);
        unsigned number = server->connections++;
        buf_append_text(&server->commands, "=\n");
        pthread_mutex_unlock(&server->lock);
        if (number >= 64)
            abort();
        server->sockets[number] = fd;
        pthread_create(&server->clients[number], NULL, serve, session);
    }
    return NULL;
}

static int listen_tcp(unsigned *port)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t size = sizeof address;
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    CU_ASSERT_EQUAL_FATAL(bind(fd, (struct sockaddr *)&address, sizeof address), 0);
    CU_ASSERT_EQUAL_FATAL(getsockname(fd, (struct sockaddr *)&address, &size), 0);
    *port = ntohs(address.sin_port);
    return fd;
}

static int listen_unix(const char *path)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    snprintf(address.sun_path, sizeof address.sun_path, "%s", path);
    int fd = socket(AF_UNIX, SOCK_STREAM, 0);
    CU_ASSERT_EQUAL_FATAL(bind(fd, (struct sockaddr *)&address, sizeof address), 0);
    return fd;
}

void server_start(struct server *server, const struct server_script *script)
{
    *server = (struct server){.script = *script};
    pthread_mutex_init(&server->lock, NULL);
    pthread_cond_init(&server->changed, NULL);
    server->listener = script->unix_path ? listen_unix(script->unix_path) : listen_tcp(&server->port);
    CU_ASSERT_EQUAL_FATAL(listen(server->listener, 64), 0);
    pthread_create(&server->thread, NULL, accept_all, server);
}

void server_stop(struct server *server)
{
    shutdown(server->listener, SHUT_RDWR);
    pthread_join(server->thread, NULL);
    close(server->listener);
    for (unsigned i = 0; i < server->connections; i++) {
        shutdown(server->sockets[i], SHUT_RDWR);
        pthread_join(server->clients[i], NULL);
        close(server->sockets[i]);
    }
    buf_release(&server->commands);
    buf_release(&server->contents);
    buf_release(&server->reads);
}

char *server_text(struct server *server, const struct buf *which)
{
    pthread_mutex_lock(&server->lock);
    struct slice s = buf_slice(which);
    char *text = calloc(1, s.size + 1);
    if (s.size)
        memcpy(text, s.data, s.size);
    pthread_mutex_unlock(&server->lock);
    return text;
}

unsigned server_wait(struct server *server, unsigned messages)
{
    struct timespec until;
    clock_gettime(CLOCK_REALTIME, &until);
    until.tv_sec += 10;
    pthread_mutex_lock(&server->lock);
    while (server->messages < messages &&
           pthread_cond_timedwait(&server->changed, &server->lock, &until) == 0)
        ;
    unsigned count = server->messages;
    pthread_mutex_unlock(&server->lock);
    return count;
}

unsigned server_free_port(void)
{
    unsigned port;
    close(listen_tcp(&port));
    return port;
}
