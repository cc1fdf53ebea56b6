/*
 * impulse-sink: an SMTP server that keeps nothing, counts and verifies what arrives, and fails as it is told
 * to.
 *
 * Each thread has a loop and a listening socket of its own; the kernel spreads the connections over them
 * (SO_REUSEPORT). The main thread waits for the end.
 */
#include <errno.h>
#include <inttypes.h>
#include <jansson.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>
#include "base/clock.h"
#include "base/hostname.h"
#include "base/mem.h"
#include "base/thread.h"
#include "tools/load/ledger.h"
#include "tools/load/options.h"
#include "tools/load/signals.h"
#include "tools/load/sink.h"

enum { BACKLOG = 4096, MOST_THREADS = 256 };

static const char *take_rule(void *plan, const char *text)
{
    return fault_plan_add(plan, text);
}

#define AT(field) offsetof(struct sink_settings, field)

static const struct option_row rows[] = {
    {"at", OPTION_TAKE, AT(faults), "RULE", "POINT,ACTION[,LIMIT ...]: what to do wrong, where and when",
     take_rule},
    {"hostname", OPTION_TEXT, AT(hostname), "NAME", "in the banner and the reply to EHLO", NULL},
    {"json", OPTION_FLAG, AT(json), NULL, "print the sums at the end as JSON", NULL},
    {"ledger", OPTION_TEXT, AT(ledger), "FILE", "write a line for each message that arrived", NULL},
    {"messages", OPTION_COUNT, AT(messages), "N", "end after N messages", NULL},
    {"no-8bitmime", OPTION_FLAG, AT(no_8bitmime), NULL, "do not offer 8BITMIME", NULL},
    {"no-chunking", OPTION_FLAG, AT(no_chunking), NULL, "do not offer CHUNKING", NULL},
    {"no-pipelining", OPTION_FLAG, AT(no_pipelining), NULL, "do not offer PIPELINING", NULL},
    {"no-verify", OPTION_FLAG, AT(no_verify), NULL, "count only; do not look at content", NULL},
    {"quiet", OPTION_FLAG, AT(quiet), NULL, "do not say where it listens", NULL},
    {"seconds", OPTION_NUMBER, AT(seconds), "S", "end after S seconds", NULL},
    {"seed", OPTION_COUNT, AT(faults.seed), "N", "decides which times a fraction= picks (default 1)", NULL},
    {"threads", OPTION_COUNT, AT(threads), "N", "event loops (default 1)", NULL},
    {"tls-at-once", OPTION_FLAG, AT(tls_at_once), NULL, "TLS from the first byte instead of STARTTLS", NULL},
    {"tls-certificate", OPTION_TEXT, AT(certificate), "FILE", "offer STARTTLS with this chain (PEM)", NULL},
    {"tls-key", OPTION_TEXT, AT(key), "FILE", "its key, if it is not in the same file", NULL},
    {0}};

static const struct option_set options = {
    "impulse-sink", "[OPTION ...] [ADDRESS:PORT | /SOCKET]      (default 127.0.0.1:2525)",
    "\nRules:  POINT   connect ehlo starttls mail rcpt data end rset quit content+N byte+N reply+N\n"
    "        ACTION  refuse=CODE delay=MS close reset hang; rubbish long, at reply+N\n"
    "        LIMIT   after=N until=N (messages, or seconds as in 5s) fraction=F times=N\n"
    "It ends on SIGINT or SIGTERM, and prints what it has counted.\n",
    rows};

void sink_write_lines(struct sink_thread *thread)
{
    if (buf_size(&thread->lines) == 0 || ledger_write(thread->sink->ledger, &thread->lines))
        return;
    _exit(complain(thread->sink->settings.ledger, strerror(errno)));
}

/* ---- threads ----------------------------------------------------------------------------------- */

static void on_connection(uv_poll_t *poll, int status, int events)
{
    struct sink_thread *thread = poll->data;
    (void)events;
    for (int i = 0; status == 0 && i < 64; i++) {
        int fd = accept4(thread->fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
        if (fd < 0) {
            if ((errno == EMFILE || errno == ENFILE) && !atomic_exchange(&thread->sink->full, true))
                complain("open files", "the limit is reached, connections wait. Raise it (ulimit -Hn)");
            return;
        }
        sink_session_start(thread, fd);
    }
}

static void on_ending(uv_async_t *async)
{
    struct sink_thread *thread = async->data;
    uv_close((uv_handle_t *)&thread->listener, NULL);
    uv_close((uv_handle_t *)&thread->ending, NULL);
    sink_sessions_end(thread);
}

static void *run_thread(void *argument)
{
    struct sink_thread *thread = argument;
    uv_run(&thread->loop, UV_RUN_DEFAULT);
    return NULL;
}

static void share_port(int fd)
{
    int on = 1;
    setsockopt(fd, SOL_SOCKET, SO_REUSEPORT, &on, sizeof on);
}

/*
 * NULL, or what is wrong. The address gets the port that was bound. The first socket shares the port only once it has
 * it, so that another process that listens there is noticed.
 */
static const char *listen_at(struct target *address, bool first, int *fd)
{
    int on = 1;
    bool shares = address->address.ss_family != AF_UNIX;
    struct sockaddr *name = (struct sockaddr *)&address->address;
    *fd = socket(address->address.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (*fd < 0)
        return strerror(errno);
    setsockopt(*fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    if (shares && !first)
        share_port(*fd);
    if (bind(*fd, name, address->size) < 0)
        return strerror(errno);
    if (shares && first)
        share_port(*fd);
    return listen(*fd, BACKLOG) < 0 || getsockname(*fd, name, &address->size) < 0 ? strerror(errno) : NULL;
}

static const char *start_thread(struct sink *sink, struct sink_thread *thread)
{
    thread->sink = sink;
    list_init(&thread->sessions);
    const char *wrong = listen_at(&sink->settings.address, thread == sink->threads, &thread->fd);
    if (wrong)
        return wrong;
    int failed = uv_loop_init(&thread->loop);
    if (!failed)
        failed = uv_async_init(&thread->loop, &thread->ending, on_ending);
    if (!failed)
        failed = uv_poll_init(&thread->loop, &thread->listener, thread->fd);
    if (!failed)
        failed = uv_poll_start(&thread->listener, UV_READABLE, on_connection);
    if (failed)
        return uv_strerror(failed);
    thread->listener.data = thread->ending.data = thread;
    failed = thread_start(&thread->thread, "sink", 0, run_thread, thread);
    return failed ? strerror(-failed) : NULL;
}

/* ---- the sums ---------------------------------------------------------------------------------- */

static const struct {
    const char *name;
    size_t offset;
} sums[] = {
    {"connections", offsetof(struct sink_counts, connections)},
    {"messages", offsetof(struct sink_counts, messages)},
    {"recipients", offsetof(struct sink_counts, recipients)},
    {"bytes", offsetof(struct sink_counts, bytes)},
    {"whole", offsetof(struct sink_counts, whole)},
    {"altered", offsetof(struct sink_counts, altered)},
    {"unstamped", offsetof(struct sink_counts, unstamped)},
    {"refused", offsetof(struct sink_counts, refused)},
    {"unanswered", offsetof(struct sink_counts, unanswered)},
    {"faults", offsetof(struct sink_counts, faults)},
};

static uint64_t sum_of(const struct sink *sink, size_t offset)
{
    uint64_t sum = 0;
    for (uint64_t i = 0; i < sink->settings.threads; i++)
        sum += counter_read(
            (const struct counter *)(const void *)((const char *)&sink->threads[i].counts + offset));
    return sum;
}

static void print_sums(const struct sink *sink, double seconds)
{
    json_t *object = json_object();
    for (size_t i = 0; i < sizeof sums / sizeof *sums; i++) {
        uint64_t sum = sum_of(sink, sums[i].offset);
        json_object_set_new(object, sums[i].name, json_integer((json_int_t)sum));
        if (!sink->settings.json)
            printf("%-12s %" PRIu64 "\n", sums[i].name, sum);
    }
    json_object_set_new(object, "seconds", json_real(seconds));
    if (sink->settings.json) {
        json_dumpf(object, stdout, JSON_INDENT(2) | JSON_PRESERVE_ORDER | JSON_REAL_PRECISION(6));
        putchar('\n');
    }
    json_decref(object);
    fflush(stdout);
}

/* ---- the main thread --------------------------------------------------------------------------- */

static const char *make_tls(struct sink *sink)
{
    const struct sink_settings *settings = &sink->settings;
    if (!settings->certificate)
        return settings->tls_at_once || settings->key ? "--tls-certificate FILE is missing" : NULL;
    sink->tls = SSL_CTX_new(TLS_server_method());
    if (SSL_CTX_use_certificate_chain_file(sink->tls, settings->certificate) != 1)
        return "the certificate cannot be read";
    const char *key = settings->key ? settings->key : settings->certificate;
    if (SSL_CTX_use_PrivateKey_file(sink->tls, key, SSL_FILETYPE_PEM) != 1 ||
        SSL_CTX_check_private_key(sink->tls) != 1)
        return "the key cannot be read, or does not fit the certificate";
    return NULL;
}

/* Until a signal or a bound. Looks at the counts ten times a second. */
static void await_end(struct sink *sink, const sigset_t *signals)
{
    const struct sink_settings *settings = &sink->settings;
    double passed = 0;
    while (
        (!settings->seconds || passed < settings->seconds) &&
        (!settings->messages || sum_of(sink, offsetof(struct sink_counts, messages)) < settings->messages)) {
        if (sigtimedwait(signals, NULL, &(struct timespec){.tv_nsec = 100000000}) > 0)
            return;
        passed = (double)(clock_mono_us() - settings->faults.started) / 1e6;
    }
}

static int run(struct sink *sink)
{
    struct sink_settings *settings = &sink->settings;
    sigset_t signals;
    signals_block(&signals);
    settings->faults.started = clock_mono_us();
    for (uint64_t i = 0; i < settings->threads; i++) {
        const char *wrong = start_thread(sink, &sink->threads[i]);
        if (wrong) {
            char at[TARGET_TEXT];
            target_format(&settings->address.address, at);
            return complain(at, wrong);
        }
    }
    char text[TARGET_TEXT];
    target_format(&settings->address.address, text);
    if (!settings->quiet)
        fprintf(stderr, "impulse-sink listens at %s\n", text);
    await_end(sink, &signals);
    for (uint64_t i = 0; i < settings->threads; i++) {
        uv_async_send(&sink->threads[i].ending);
        pthread_join(sink->threads[i].thread, NULL);
        uv_loop_close(&sink->threads[i].loop);
        buf_release(&sink->threads[i].lines);
        close(sink->threads[i].fd);
    }
    print_sums(sink, (double)(clock_mono_us() - settings->faults.started) / 1e6);
    if (settings->address.address.ss_family == AF_UNIX)
        unlink(text);
    return sum_of(sink, offsetof(struct sink_counts, altered)) ? EXIT_BAD : EXIT_GOOD;
}

int main(int argc, char **argv)
{
    struct sink sink = {.ledger = -1, .settings = {.threads = 1, .faults.seed = 1}};
    struct sink_settings *settings = &sink.settings;
    int status, operand = options_read(&options, settings, argc, argv, &status);
    if (operand < 0)
        return status;
    const char *where = operand < argc ? argv[operand] : "127.0.0.1:2525";
    const char *wrong = target_read(where, "2525", &settings->address);
    if (wrong || argc - operand > 1)
        return complain(where, wrong ? wrong : "there is one address at most");
    bool is_unix = settings->address.address.ss_family == AF_UNIX;
    if (settings->threads > MOST_THREADS || (is_unix && settings->threads > 1))
        return complain("--threads", is_unix ? "a Unix socket has one" : "256 at most");
    wrong = make_tls(&sink);
    if (wrong)
        return complain("TLS", wrong);
    settings->hostname = hostname_or_system(settings->hostname);
    sink.greeting = mem_printf("%s ESMTP impulse-sink", settings->hostname);
    sink.threads = mem_array(settings->threads, sizeof *sink.threads);
    if (settings->ledger) {
        sink.ledger = ledger_create(settings->ledger);
        if (sink.ledger < 0)
            return complain(settings->ledger, strerror(-sink.ledger));
        sink.threads->sink = &sink;
        ledger_head_received(&sink.threads->lines);
        sink_write_lines(sink.threads);
    }
    uint64_t most;
    target_raise_files(UINT32_MAX, &most); /* as far as it may be */
    status = run(&sink);
    SSL_CTX_free(sink.tls);
    free(sink.greeting);
    free(sink.threads);
    if (sink.ledger >= 0)
        close(sink.ledger);
    return status;
}
