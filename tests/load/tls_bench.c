/*
 * tls_bench: reception over TLS beside reception in plain text, by the same server in the same run.
 *
 *     tests/load/tls_bench HOST PORT [SESSIONS [MESSAGES [BYTES [PID]]]]        default: 10 2000 10240
 *
 * The server must offer STARTTLS and accept mail for anybody from here (and had better drop it: blackhole).
 * SESSIONS threads have one connection each and send message after message, MESSAGES in all; then the same
 * with STARTTLS; then whole handshakes alone. It prints messages a second, handshakes a second, and the
 * ratio. With the server's PID it also prints what each took of the CPU there, which other programs disturb
 * less.
 */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <openssl/ssl.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

static struct sockaddr_in server;
static SSL_CTX *context;
static unsigned sessions = 10, messages = 2000;
static int server_pid;
static char *content;
static size_t content_size;

struct line {
    int fd;
    SSL *ssl; /* NULL: plain text */
    char in[4096];
    size_t have;
};

static void die(const char *what)
{
    fprintf(stderr, "tls_bench: %s\n", what);
    exit(1);
}

static void say(struct line *line, const char *data, size_t size)
{
    while (size > 0) {
        ssize_t sent =
            line->ssl ? SSL_write(line->ssl, data, (int)size) : send(line->fd, data, size, MSG_NOSIGNAL);
        if (sent <= 0)
            die("the connection broke");
        data += sent;
        size -= (size_t)sent;
    }
}

/* Reads one reply of any number of lines and checks its code. */
static void hear(struct line *line, const char *code)
{
    for (;;) {
        char *end = memmem(line->in, line->have, "\r\n", 2);
        if (end) {
            bool last = line->in[3] == ' ', right = memcmp(line->in, code, 3) == 0;
            size_t size = (size_t)(end - line->in) + 2;
            if (!right)
                die(line->in);
            memmove(line->in, line->in + size, line->have -= size);
            if (last)
                return;
            continue;
        }
        char *room = line->in + line->have;
        size_t size = sizeof line->in - line->have;
        ssize_t got = line->ssl ? SSL_read(line->ssl, room, (int)size) : recv(line->fd, room, size, 0);
        if (got <= 0)
            die("the server closed");
        line->have += (size_t)got;
    }
}

static void ask(struct line *line, const char *command, const char *code)
{
    say(line, command, strlen(command));
    hear(line, code);
}

static void line_open(struct line *line, bool tls)
{
    int on = 1;
    *line = (struct line){.fd = socket(AF_INET, SOCK_STREAM, 0)};
    if (connect(line->fd, (struct sockaddr *)&server, sizeof server) < 0)
        die("cannot connect");
    setsockopt(line->fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    hear(line, "220");
    ask(line, "EHLO bench.example\r\n", "250");
    if (!tls)
        return;
    ask(line, "STARTTLS\r\n", "220");
    line->ssl = SSL_new(context);
    SSL_set_fd(line->ssl, line->fd);
    if (SSL_connect(line->ssl) != 1)
        die("the handshake failed");
    ask(line, "EHLO bench.example\r\n", "250");
}

static void line_close(struct line *line)
{
    SSL_free(line->ssl);
    close(line->fd);
}

static void *send_messages(void *tls)
{
    struct line line;
    line_open(&line, tls != NULL);
    for (unsigned i = 0; i < messages / sessions; i++) {
        static const char envelope[] = "MAIL FROM:<a@sender.example>\r\nRCPT TO:<b@rcpt.example>\r\nDATA\r\n";
        say(&line, envelope, sizeof envelope - 1);
        hear(&line, "250");
        hear(&line, "250");
        hear(&line, "354");
        say(&line, content, content_size);
        hear(&line, "250");
    }
    line_close(&line);
    return NULL;
}

static void *shake_hands(void *ignored)
{
    struct line line;
    (void)ignored;
    for (unsigned i = 0; i < messages / sessions / 4; i++) {
        line_open(&line, true);
        line_close(&line);
    }
    return NULL;
}

static double seconds(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

/* Seconds of CPU that the server has used so far; 0 without its PID. */
static double cpu_of_server(void)
{
    char path[64];
    unsigned long user = 0, system = 0;
    snprintf(path, sizeof path, "/proc/%d/stat", server_pid);
    FILE *file = server_pid ? fopen(path, "r") : NULL;
    if (file &&
        fscanf(file, "%*d %*s %*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %lu %lu", &user, &system) != 2)
        user = system = 0;
    if (file)
        fclose(file);
    return (double)(user + system) / (double)sysconf(_SC_CLK_TCK);
}

struct cost {
    double seconds, cpu;
};

/* What it takes that all sessions do their work. */
static struct cost run(void *(*work)(void *), void *argument)
{
    pthread_t *threads = calloc(sessions, sizeof *threads);
    double begun = seconds(), used = cpu_of_server();
    for (unsigned i = 0; i < sessions; i++)
        pthread_create(&threads[i], NULL, work, argument);
    for (unsigned i = 0; i < sessions; i++)
        pthread_join(threads[i], NULL);
    free(threads);
    return (struct cost){seconds() - begun, cpu_of_server() - used};
}

static void make_content(size_t size)
{
    static const char header[] = "Date: Sun, 22 Nov 2026 03:00:00 +0000\r\nFrom: a@sender.example\r\n"
                                 "Message-ID: <1@sender.example>\r\nSubject: bench\r\n\r\n";
    static const char end[] = ".\r\n",
                      line[] = "seventy bytes of text and two for its end make a line of content here\r\n";
    content = malloc(sizeof header + size + sizeof line + sizeof end);
    memcpy(content, header, content_size = sizeof header - 1);
    while (content_size < size) {
        memcpy(content + content_size, line, sizeof line - 1);
        content_size += sizeof line - 1;
    }
    memcpy(content + content_size, end, sizeof end - 1);
    content_size += sizeof end - 1;
}

int main(int argc, char **argv)
{
    if (argc < 3) {
        fprintf(stderr, "usage: tls_bench HOST PORT [SESSIONS [MESSAGES [BYTES [PID]]]]\n");
        return 2;
    }
    server.sin_family = AF_INET;
    server.sin_port = htons((uint16_t)atoi(argv[2]));
    if (inet_pton(AF_INET, argv[1], &server.sin_addr) != 1)
        die("HOST is not an IPv4 address");
    if (argc > 3)
        sessions = (unsigned)atoi(argv[3]);
    if (argc > 4)
        messages = (unsigned)atoi(argv[4]);
    if (sessions == 0 || sessions > 1000 || messages < sessions)
        die("1 to 1000 sessions, and at least as many messages");
    make_content(argc > 5 ? (size_t)atoi(argv[5]) : 10240);
    context = SSL_CTX_new(TLS_client_method());
    server_pid = argc > 6 ? atoi(argv[6]) : 0;
    struct cost plain = run(send_messages, NULL), tls = run(send_messages, context),
                hands = run(shake_hands, NULL);
    unsigned handshakes = messages / sessions / 4 * sessions;
    printf("plain text  %8.0f messages/s\nTLS         %8.0f messages/s, %.2f of that\nhandshakes  %8.0f a "
           "second\n",
           messages / plain.seconds, messages / tls.seconds, plain.seconds / tls.seconds,
           handshakes / hands.seconds);
    if (server_pid)
        printf("the server's CPU: %.0f us for a message, %.0f us over TLS, %.0f us for a handshake\n",
               plain.cpu * 1e6 / messages, tls.cpu * 1e6 / messages, hands.cpu * 1e6 / handshakes);
    SSL_CTX_free(context);
    free(content);
    return 0;
}
