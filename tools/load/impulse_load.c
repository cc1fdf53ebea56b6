/*
 * impulse-load: sends test messages over many connections, measures, and writes down what was answered.
 *
 * The main thread reads the options, starts the workers, prints a line each second, and waits for the end.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>
#include <time.h>
#include <unistd.h>
#include "base/clock.h"
#include "base/file.h"
#include "base/hostname.h"
#include "base/mem.h"
#include "tools/load/ledger.h"
#include "tools/load/load.h"
#include "tools/load/options.h"
#include "tools/load/signals.h"
#include "tools/load/verify.h"

enum { MOST_THREADS = 256, MOST_CONNECTIONS = 1000000, MOST_RECIPIENTS = 10000, DEFAULT_SECONDS = 10 };

static const char *take_distribution(void *distribution, const char *text)
{
    return distribution_read(distribution, text);
}

static const char *take_received(void *verify, const char *path)
{
    return verify_add_received(verify, path);
}

static const char *take_pattern(void *pattern, const char *text)
{
    return pattern_read(pattern, text);
}

#define AT(field) offsetof(struct load_settings, field)

static const struct option_row rows[] = {
    {"auth", OPTION_TEXT, AT(auth), "PLAIN|LOGIN", "authenticate with --user and --password-file", NULL},
    {"bdat", OPTION_FLAG, AT(bdat), NULL, "send content with BDAT (CHUNKING) instead of DATA", NULL},
    {"chunk", OPTION_COUNT, AT(chunk), "BYTES", "size of a BDAT chunk (default: all content in one)", NULL},
    {"connections", OPTION_COUNT, AT(connections), "N", "at the same time (default 10)", NULL},
    {"from", OPTION_TAKE, AT(from), "PATTERN", "senders (default sender[1000]@load.example)", take_pattern},
    {"helo", OPTION_TEXT, AT(helo), "NAME", "for EHLO and Message-ID (default: this host's)", NULL},
    {"i-may-load", OPTION_TEXT, AT(may_load), "HOST", "HOST is another machine, and agrees to be loaded",
     NULL},
    {"json", OPTION_FLAG, AT(json), NULL, "print the sums at the end as JSON", NULL},
    {"ledger", OPTION_TEXT, AT(ledger), "FILE", "write a line for each message: what was answered", NULL},
    {"messages", OPTION_COUNT, AT(messages), "N", "end after N messages", NULL},
    {"password-file", OPTION_TEXT, AT(password_file), "FILE", "its first line is the password", NULL},
    {"per-connection", OPTION_COUNT, AT(per_connection), "N", "messages on a connection (default: no bound)",
     NULL},
    {"pipelining", OPTION_FLAG, AT(pipelining), NULL, "send MAIL, RCPT and DATA or BDAT at once", NULL},
    {"progress", OPTION_FLAG, AT(progress), NULL, "print a line each second, also if stderr is no terminal",
     NULL},
    {"quiet", OPTION_FLAG, AT(quiet), NULL, "print no line each second", NULL},
    {"rate", OPTION_NUMBER, AT(rate), "R", "messages a second (default: as fast as it goes)", NULL},
    {"received", OPTION_TAKE, AT(verify), "FILE",
     "with --verify: a ledger of impulse-sink; several may be named", take_received},
    {"recipients", OPTION_TAKE, AT(recipients), "NUMBERS", "of a message (default 1)", take_distribution},
    {"run", OPTION_TEXT, AT(run_text), "ID", "16 hexadecimal digits that name this run (default: random)",
     NULL},
    {"seconds", OPTION_NUMBER, AT(seconds), "S", "end after S seconds (default 10, without --messages)",
     NULL},
    {"seed", OPTION_COUNT, AT(seed), "N", "decides sizes and numbers of recipients (default 1)", NULL},
    {"size", OPTION_TAKE, AT(sizes), "NUMBERS", "bytes of a message (default 1000)", take_distribution},
    {"source", OPTION_TAKE, AT(source), "PATTERN", "addresses to connect from", take_pattern},
    {"starttls", OPTION_FLAG, AT(starttls), NULL, "begin TLS with STARTTLS", NULL},
    {"threads", OPTION_COUNT, AT(threads), "N", "event loops that share the connections (default 1)", NULL},
    {"timeout", OPTION_NUMBER, AT(timeout), "S", "how long to wait for a reply (default 60)", NULL},
    {"tls", OPTION_FLAG, AT(tls), NULL, "TLS from the first byte", NULL},
    {"tls-name", OPTION_TEXT, AT(tls_name), "NAME", "the server's name in the handshake (SNI)", NULL},
    {"to", OPTION_TAKE, AT(to), "PATTERN", "recipients (default user[1000]@rcpt.example)", take_pattern},
    {"user", OPTION_TEXT, AT(user), "NAME", "the name to authenticate with", NULL},
    {"verify", OPTION_TEXT, AT(verify.sent), "FILE",
     "send nothing: compare this ledger with those of --received", NULL},
    {0}};

static const struct option_set options = {
    "impulse-load",
    "[OPTION ...] HOST[:PORT] | /SOCKET\n       impulse-load --verify LEDGER --received LEDGER ... [--json]",
    "\nNUMBERS  1000, or 1000-50000, or with weights: 1000:5,10k:3,100k-1m:1\n"
    "PATTERN  user[1000]@d[100].example: [N] stands for 0 to N-1, the last one changes first\n"
    "Certificates are not checked. Status: 0 all messages were accepted, 1 some were not, 2 it could not be "
    "tried.\n",
    rows};

/* ---- settings ---------------------------------------------------------------------------------- */

static bool read_run(const char *text, uint64_t *run)
{
    char *end;
    *run = strtoull(text, &end, 16);
    return strlen(text) == 16 && strspn(text, "0123456789abcdef") == 16;
}

/* 0, or the exit status after a line on stderr. */
static int check_target(struct load_settings *settings)
{
    const char *wrong = target_read(settings->where, "25", &settings->target);
    if (wrong)
        return complain(settings->where, wrong);
    if (target_is_local(&settings->target))
        return 0;
    if (settings->may_load && strcmp(settings->may_load, settings->target.host) == 0)
        return 0;
    fprintf(stderr, "impulse-load: %s is another machine. If it is yours to load, say so: --i-may-load %s\n",
            settings->target.host, settings->target.host);
    return EXIT_TROUBLE;
}

static int check_files(const struct load_settings *settings)
{
    uint64_t most;
    if (target_raise_files(settings->connections, &most))
        return 0;
    fprintf(stderr,
            "impulse-load: %" PRIu64
            " connections need more open files than the hard limit allows, which is enough for "
            "%" PRIu64 ". Raise it (ulimit -Hn, LimitNOFILE=), or divide the load among several processes.\n",
            settings->connections, most);
    return EXIT_TROUBLE;
}

/* Returns what is wrong with the options together, or NULL. */
static const char *contradiction(const struct load_settings *settings)
{
    if (settings->tls && settings->starttls)
        return "--tls and --starttls exclude each other";
    if (settings->auth && strcasecmp(settings->auth, "PLAIN") != 0 &&
        strcasecmp(settings->auth, "LOGIN") != 0)
        return "--auth knows PLAIN and LOGIN";
    if (settings->auth && !(settings->user && settings->password_file))
        return "--auth needs --user and --password-file";
    if (settings->chunk && !settings->bdat)
        return "--chunk belongs to --bdat";
    if (settings->threads > MOST_THREADS || settings->threads > settings->connections)
        return "there are at most 256 threads, and as many as connections";
    if (settings->connections > MOST_CONNECTIONS)
        return "there are at most a million connections";
    if (distribution_most(&settings->recipients) > MOST_RECIPIENTS)
        return "a message has at most 10000 recipients";
    if (distribution_most(&settings->recipients) > pattern_count(&settings->to))
        return "--to stands for fewer addresses than a message has --recipients";
    if (settings->rate > 1e9 || settings->seconds > 1e9 || settings->timeout > 1e9)
        return "--rate, --seconds and --timeout are at most 1000000000";
    return NULL;
}

static int read_password(struct load *load)
{
    struct buf text = {0};
    if (!load->settings.password_file)
        return 0;
    int failed = file_read(load->settings.password_file, 1024, &text, NULL);
    struct slice rest = buf_slice(&text), line = {0};
    slice_next(&rest, '\n', &line);
    if (!failed)
        load->password = mem_copy_text(line.size ? line.data : "", line.size);
    buf_release(&text);
    return failed ? complain(load->settings.password_file, strerror(-failed)) : 0;
}

static int prepare(struct load *load)
{
    struct load_settings *settings = &load->settings;
    const char *wrong = contradiction(settings);
    if (wrong)
        return complain("options", wrong);
    int status = check_target(settings);
    if (!status)
        status = check_files(settings);
    if (!status)
        status = read_password(load);
    if (status)
        return status;
    if (!settings->messages && !settings->seconds)
        settings->seconds = DEFAULT_SECONDS;
    settings->helo = hostname_or_system(settings->helo);
    if (getrandom(&load->run, sizeof load->run, 0) != sizeof load->run ||
        (settings->run_text && !read_run(settings->run_text, &load->run)))
        return complain("--run", "it has 16 hexadecimal digits in small letters");
    if (settings->tls || settings->starttls) {
        load->tls = SSL_CTX_new(TLS_client_method());
        SSL_CTX_set_options(load->tls, SSL_OP_IGNORE_UNEXPECTED_EOF);
    }
    clock_rfc5322(clock_wall_us(), load->date, sizeof load->date);
    load->pool = content_pool_create();
    if (!settings->ledger)
        return 0;
    load->ledger = ledger_create(settings->ledger);
    if (load->ledger < 0)
        return complain(settings->ledger, strerror(-load->ledger));
    struct buf head = {0};
    ledger_head_sent(&head, load->run);
    bool written = ledger_write(load->ledger, &head);
    buf_release(&head);
    return written ? 0 : complain(settings->ledger, strerror(errno));
}

/* ---- the main thread --------------------------------------------------------------------------- */

static void wake_workers(struct load *load)
{
    for (uint64_t i = 0; i < load->settings.threads; i++)
        uv_async_send(&load->workers[i].wake);
}

/* Returns true if there has been no connection for as long as a reply may take. */
static bool is_hopeless(const struct load *load, uint64_t *stood)
{
    uint64_t now = clock_mono_us();
    if (load_sum(load, offsetof(struct load_counts, standing)) > 0)
        *stood = now;
    return (double)(now - *stood) > load->settings.timeout * 1e6;
}

static void await_end(struct load *load, const sigset_t *signals)
{
    const struct load_settings *settings = &load->settings;
    bool progress = !settings->quiet && (settings->progress || isatty(STDERR_FILENO));
    uint64_t stood = load->started, next_line = load->started + 1000000;
    while (atomic_load(&load->workers_left) > 0) {
        if (sigtimedwait(signals, NULL, &(struct timespec){.tv_nsec = 20000000}) > 0) {
            if (atomic_exchange(&load->stop, true))
                _exit(EXIT_BAD); /* asked twice */
            wake_workers(load);
        }
        if (progress && clock_mono_us() >= next_line) {
            load_print_progress(load);
            next_line += 1000000;
        }
        if (!atomic_load(&load->stop) && is_hopeless(load, &stood)) {
            atomic_store(&load->hopeless, "there was no connection for the time of --timeout");
            atomic_store(&load->stop, true);
        }
    }
}

/* Returns true if something was accepted, and everything that was begun. */
static bool all_accepted(const struct load *load)
{
    uint64_t accepted = load_sum(load, offsetof(struct load_counts, accepted));
    return accepted > 0 && accepted == load_sum(load, offsetof(struct load_counts, begun)) &&
           !load_sum(load, offsetof(struct load_counts, refused));
}

static int run(struct load *load)
{
    sigset_t signals;
    signals_block(&signals);
    load->workers = mem_array(load->settings.threads, sizeof *load->workers);
    load->started = clock_mono_us();
    load->ends =
        load->settings.seconds ? load->started + (uint64_t)(load->settings.seconds * 1e6) : UINT64_MAX;
    for (unsigned i = 0; i < load->settings.threads; i++) {
        const char *wrong = worker_start(load, i);
        if (wrong)
            _exit(complain("a thread cannot be started", wrong));
    }
    await_end(load, &signals);
    for (unsigned i = 0; i < load->settings.threads; i++)
        pthread_join(load->workers[i].thread, NULL);
    load_print_report(load);
    const char *hopeless = atomic_load(&load->hopeless);
    if (hopeless)
        return complain(load->settings.where, hopeless);
    return all_accepted(load) ? EXIT_GOOD : EXIT_BAD;
}

int main(int argc, char **argv)
{
    struct load load = {.ledger = -1,
                        .settings = {.connections = 10, .threads = 1, .timeout = 60, .seed = 1}};
    struct load_settings *settings = &load.settings;
    distribution_read(&settings->sizes, "1000");
    distribution_read(&settings->recipients, "1");
    pattern_read(&settings->from, "sender[1000]@load.example");
    pattern_read(&settings->to, "user[1000]@rcpt.example");
    int status, operand = options_read(&options, settings, argc, argv, &status);
    if (operand < 0)
        return status;
    if (settings->verify.sent && settings->verify.count && argc == operand)
        return verify_run(&settings->verify, settings->json);
    if (argc - operand != 1 || settings->verify.sent || settings->verify.count)
        return complain(
            "usage",
            "impulse-load [OPTION ...] HOST[:PORT] | --verify LEDGER --received LEDGER; --help says more");
    settings->where = argv[operand];
    status = prepare(&load);
    if (!status)
        status = run(&load);
    SSL_CTX_free(load.tls);
    content_pool_free(load.pool);
    free(load.password);
    free(load.workers);
    if (load.ledger >= 0)
        close(load.ledger);
    return status;
}
