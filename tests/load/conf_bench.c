/*
 * conf_bench: how long a large configuration takes to load, how much memory, and how long a lookup takes.
 *
 *   conf_bench [-d DOMAINS] [-p PEERS] [-r REGEXES] [-w FILE]
 *
 * Makes a configuration of that many Domain stanzas and of one Listen with that many Peers (default: 200,000
 * and 20,000), loads it from a file of its own, and asks it what a daemon asks: of every Domain and Peer in
 * turn, which no cache holds, and of a few thousand again and again. The time of a load is also given as a
 * multiple of reading the bytes once to count their lines. With -w the configuration is only written, for
 * impulsed -t.
 */
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>
#include "confparse/confparse.h"

enum {
    LOOKUPS = 200000,
    WARM = 5000,  /* names that a busy daemon asks for again and again */
    STRIDE = 7919 /* a prime: names are asked in no order that a cache would like */
};

static size_t domains = 200000, peers = 20000, regexes = 1000;
static volatile int64_t sink; /* keeps lookups from being optimised away */

/* CLOCK_MONOTONIC, or CLOCK_PROCESS_CPUTIME_ID where others who use the machine should not count. */
static double seconds(clockid_t clock)
{
    struct timespec now;
    clock_gettime(clock, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

static double peak_megabytes(void)
{
    struct rusage usage;
    getrusage(RUSAGE_SELF, &usage);
    return (double)usage.ru_maxrss / 1024;
}

/* ---- the configuration
 * ------------------------------------------------------------------------------------- */

static void write_regexes(FILE *file, size_t count)
{
    for (size_t i = 0; i < count; i++)
        fprintf(file, "Domain \"/^mail[0-9]+[.]group-%zu[.]example$/\" {\n  retry_interval = %zu\n}\n", i,
                60 + i);
}

static void write_configuration(FILE *file)
{
    fprintf(file, "hostname = \"mx.impulse.example\"\nretry_interval = 1200\n");
    for (size_t i = 0; i < domains; i++) {
        size_t number = i * STRIDE % domains;
        fprintf(file,
                "Domain \"%scustomer-%zu.example\" {\n  max_outbound_connections = %zu\n  retry_interval = "
                "%zu\n}\n",
                number % 2 ? "*." : "", number, number % 50 + 1, 600 + number % 100);
    }
    fprintf(file, "ESMTP_Listener {\n  Listen \"127.0.0.1:2525\" {\n");
    for (size_t i = 0; i < peers; i++) {
        size_t number = i * STRIDE % peers;
        fprintf(
            file,
            "    Peer \"10.%zu.%zu.%zu/30\" {\n      max_message_size = %zu\n      idle_time = %zu\n    }\n",
            number >> 14, number >> 6 & 255, (number & 63) * 4, (number % 10 + 1) * 1000000, 60 + number % 5);
    }
    fprintf(file, "  }\n}\n");
}

static struct conf *load(const char *path)
{
    struct conf_report *report;
    struct conf *conf = conf_load(path, NULL, &report);
    if (conf_report_errors(report))
        conf_report_print(report, CONF_WARNING, stderr);
    conf_report_free(report);
    if (!conf)
        exit(1);
    return conf;
}

static struct conf *load_text(const char *text)
{
    struct conf_report *report;
    struct conf *conf = conf_load_text("bench", text, strlen(text), NULL, &report);
    conf_report_free(report);
    if (!conf)
        exit(1);
    return conf;
}

/* ---- lookups
 * ------------------------------------------------------------------------------------------------ */

struct subject { /* what is asked, and of what */
    const struct conf *conf;
    const struct conf_scope *listener, *listen;
    size_t names; /* different ones that are asked for */
};

static int64_t ask_domain(const struct subject *subject, size_t i)
{
    char name[64];
    struct conf_chain chain;
    snprintf(name, sizeof name, "customer-%zu.example", i % subject->names * STRIDE % domains & ~(size_t)1);
    conf_chain_outbound(&chain, subject->conf, NULL, name);
    return conf_chain_int(&chain, "max_outbound_connections");
}

static int64_t ask_suffix(const struct subject *subject, size_t i)
{
    char name[64];
    struct conf_chain chain;
    snprintf(name, sizeof name, "host.customer-%zu.example", i % subject->names * STRIDE % domains | 1);
    conf_chain_outbound(&chain, subject->conf, NULL, name);
    return conf_chain_int(&chain, "max_outbound_connections");
}

static int64_t ask_regex(const struct subject *subject, size_t i)
{
    char name[64];
    struct conf_chain chain;
    snprintf(name, sizeof name, "mail%zu.group-%zu.example", i % subject->names, i % regexes);
    conf_chain_outbound(&chain, subject->conf, NULL, name);
    return conf_chain_int(&chain, "retry_interval");
}

static int64_t ask_peer(const struct subject *subject, size_t i)
{
    size_t number = i % subject->names * STRIDE % peers;
    uint8_t address[16] = {[10] = 0xff,
                           [11] = 0xff,
                           [12] = 10,
                           [13] = (uint8_t)(number >> 14),
                           [14] = (uint8_t)(number >> 6),
                           [15] = (uint8_t)((number & 63) * 4 + 1)};
    struct conf_chain chain;
    conf_chain_inbound(&chain, subject->conf, subject->listener, subject->listen, address);
    return conf_chain_int(&chain, "idle_time");
}

static int64_t ask_chain(const struct subject *subject, size_t i)
{
    static struct conf_chain chain;
    static const char *const options[] = {"retry_interval", "max_retries", "hostname", "gateway"};
    if (i == 0)
        conf_chain_outbound(&chain, subject->conf, NULL, "customer-2.example");
    const struct conf_value *value = conf_chain_value(&chain, options[i % 4]);
    return value ? value->number : 0;
}

/* A name made and nothing asked: what the measuring itself costs. */
static int64_t ask_nothing(const struct subject *subject, size_t i)
{
    char name[64];
    (void)subject;
    return snprintf(name, sizeof name, "host.customer-%zu.example", i * STRIDE % domains | 1);
}

/* Nanoseconds for one. */
static double measure(int64_t (*ask)(const struct subject *, size_t), const struct subject *subject,
                      size_t count)
{
    for (size_t i = 0; i < count && i < LOOKUPS; i++)
        sink += ask(subject, i);
    double begin = seconds(CLOCK_PROCESS_CPUTIME_ID);
    for (size_t i = 0; i < count; i++)
        sink += ask(subject, i);
    return (seconds(CLOCK_PROCESS_CPUTIME_ID) - begin) / (double)count * 1e9;
}

static void report_lookup(const char *what, double nanoseconds, double overhead)
{
    printf("%-44s %8.0f ns\n", what, fmax(nanoseconds - overhead, 0));
}

static void report_regexes(size_t cache, const char *what, size_t lookups, double overhead)
{
    char *text;
    size_t size;
    FILE *file = open_memstream(&text, &size);
    if (!file)
        exit(1);
    fprintf(file, "match_cache_size = %zu\n", cache);
    write_regexes(file, regexes);
    fclose(file);
    struct subject subject = {.conf = load_text(text), .names = WARM};
    report_lookup(what, measure(ask_regex, &subject, lookups), overhead);
    conf_unref((struct conf *)subject.conf);
    free(text);
}

/* ---- loading
 * ------------------------------------------------------------------------------------------------ */

/* Reads the file once and counts its lines. */
static double scan(const char *path, size_t *bytes)
{
    double begin = seconds(CLOCK_PROCESS_CPUTIME_ID);
    FILE *file = fopen(path, "r");
    char block[65536];
    *bytes = 0;
    for (size_t got; file && (got = fread(block, 1, sizeof block, file)) > 0; *bytes += got)
        for (const char *at = block; (at = memchr(at, '\n', got - (size_t)(at - block))); at++)
            sink++;
    if (file)
        fclose(file);
    return seconds(CLOCK_PROCESS_CPUTIME_ID) - begin;
}

static void read_options(int argc, char **argv, const char **output)
{
    for (int option; (option = getopt(argc, argv, "d:p:r:w:")) != -1;) {
        size_t number = option == 'w' ? 1 : strtoul(optarg, NULL, 10);
        if (option == 'd' && number)
            domains = number;
        else if (option == 'p' && number)
            peers = number;
        else if (option == 'r' && number)
            regexes = number;
        else if (option == 'w')
            *output = optarg;
        else
            exit(2);
    }
}

static void write_file(const char *path)
{
    FILE *file = fopen(path, "w");
    if (!file) {
        perror(path);
        exit(1);
    }
    write_configuration(file);
    if (fclose(file) != 0)
        exit(1);
}

int main(int argc, char **argv)
{
    const char *output = NULL;
    char path[] = "/tmp/impulse-conf-bench-XXXXXX";
    read_options(argc, argv, &output);
    if (output) {
        write_file(output);
        return 0;
    }
    int fd = mkstemp(path);
    if (fd < 0)
        return 1;
    close(fd);
    write_file(path);
    size_t bytes;
    double scanning = scan(path, &bytes), before = peak_megabytes();
    double begin = seconds(CLOCK_MONOTONIC), begin_working = seconds(CLOCK_PROCESS_CPUTIME_ID);
    struct conf *conf = load(path);
    double loading = seconds(CLOCK_MONOTONIC) - begin;
    double working = seconds(CLOCK_PROCESS_CPUTIME_ID) - begin_working;
    unlink(path);
    printf("%zu Domains, %zu Peers, %.1f MB: loaded in %.2f s (%.2f s of one core), peak memory %.0f MB\n",
           domains, peers, (double)bytes / 1e6, loading, working, peak_megabytes());
    printf("that is %.0f times a scan of the file, and %.1f times its size\n", working / scanning,
           (peak_megabytes() - before) * 1048576 / (double)bytes);

    struct subject subject = {.conf = conf};
    subject.listener = conf_scope_next(conf_root(conf), "esmtp_listener", NULL);
    subject.listen = conf_scope_next(subject.listener, "listen", NULL);
    double overhead = measure(ask_nothing, &subject, LOOKUPS);
    for (subject.names = WARM; subject.names; subject.names = subject.names == WARM ? domains : 0) {
        printf("%zu names in turn:\n", subject.names);
        report_lookup("option of an exact Domain", measure(ask_domain, &subject, LOOKUPS), overhead);
        report_lookup("option of a Domain \"*.suffix\"", measure(ask_suffix, &subject, LOOKUPS), overhead);
        report_lookup("option of a Peer by address", measure(ask_peer, &subject, LOOKUPS), 0);
        report_lookup("option through a chain that is at hand", measure(ask_chain, &subject, LOOKUPS), 0);
    }
    conf_unref(conf);
    printf("%zu regex Domains, %d names in turn:\n", regexes, WARM);
    report_regexes(16384, "option of a regex Domain, from the cache", LOOKUPS, overhead);
    report_regexes(1, "the same with a match_cache_size of 1", WARM, overhead);
    return 0;
}
