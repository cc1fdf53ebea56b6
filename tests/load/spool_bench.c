/*
 * spool_bench: how many messages a second the spool takes and forgets again.
 *
 *   spool_bench [-d DIRECTORY] [-s BYTES] [-c SUBMITTERS] [-t SECONDS] [-k]
 *   spool_bench -f FOLDER -m MESSAGES -q DOMAINS [-s BYTES] [-c SUBMITTERS]
 *
 * Each submitter stores a message, waits until it is durable, removes it and stores the next, as a session
 * and a quick delivery do; they share one thread, which is woken once for all that a commit settled, as an
 * event loop is. With -k nothing is removed, so that the spool grows, up to 4 GiB. Bodies above 256 KiB are
 * stored in chunks. Works in a folder of its own below DIRECTORY (default: the current one), removed at the
 * end. Prints one line.
 *
 * With -f the spool is made in FOLDER and stays there, with so many messages to so many domains: what a
 * daemon finds that was stopped with a backlog (tests/load/backlog).
 */
#include <ftw.h>
#include <inttypes.h>
#include <semaphore.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <unistd.h>
#include "base/clock.h"
#include "base/id.h"
#include "base/mem.h"
#include "message/envelope.h"
#include "spool/spool.h"

enum { MOST_SUBMITTERS = 1000, MOST_SECONDS = 60, MOST_MESSAGES = 10000000 };

static const uint64_t MOST_KEPT_BYTES = (uint64_t)4 << 30;

struct submitter {
    struct spool_request request;
    struct submitter *next_settled;
    struct envelope *envelope;
    struct body *body;
};

static struct options {
    const char *directory;
    uint64_t size;
    const char *folder; /* NULL: one of its own, below `directory` */
    uint64_t messages, domains;
    unsigned submitters, seconds;
    bool keep;
} options = {
    .directory = ".", .size = 1000, .messages = UINT64_MAX, .domains = 1, .submitters = 20, .seconds = 5};

static struct spool *spool;
static char *content; /* options.size bytes */
static _Atomic(struct submitter *) settled;
static sem_t wake;
static uint64_t begun, stored, refused;

static void on_done(struct spool_request *request)
{
    struct submitter *submitter = container_of(request, struct submitter, request);
    struct submitter *head = atomic_load(&settled);
    do
        submitter->next_settled = head;
    while (!atomic_compare_exchange_weak(&settled, &head, submitter));
    if (!head)
        sem_post(&wake);
}

/* Submits the part of the body that begins at chunk `chunk`; the last one with the envelope. */
static void submit_part(struct submitter *submitter, uint32_t chunk)
{
    uint64_t offset = (uint64_t)chunk * BODY_CHUNK, rest = options.size - offset;
    bool last = rest <= BODY_CHUNK;
    submitter->request = (struct spool_request){.kind = last ? SPOOL_STORE : SPOOL_CHUNK,
                                                .body = submitter->body,
                                                .chunk = chunk,
                                                .data = slice_of(content + offset, last ? rest : BODY_CHUNK),
                                                .done = on_done};
    if (last) {
        submitter->body->chunks = chunk + 1;
        submitter->request.envelopes = &submitter->envelope;
        submitter->request.envelope_count = 1;
    }
    spool_submit(spool, &submitter->request);
}

static void store_next(struct submitter *submitter)
{
    char recipient[64];
    snprintf(recipient, sizeof recipient, "recipient%" PRIu64 "@domain%" PRIu64 ".example", begun,
             begun % options.domains);
    begun++;
    struct envelope_facts facts = {
        .reverse_path = SLICE_LITERAL("sender@example.com"),
        .recipient = slice_text(recipient),
        .origin = {.family = AF_INET, .bytes = {127, 0, 0, 1}},
        .id = id_next(),
        .batch_id = id_next(),
        .connection_id = 1,
        .received_us = clock_wall_us(),
    };
    submitter->body = body_create(id_next(), NULL, options.size);
    submitter->envelope = envelope_create(&facts, submitter->body);
    submit_part(submitter, 0);
}

static void remove_stored(struct submitter *submitter)
{
    struct spool_request *request = mem_new(struct spool_request);
    request->kind = SPOOL_REMOVE;
    request->envelopes = &submitter->envelope;
    request->envelope_count = 1;
    spool_submit(spool, request);
}

/* A part is settled. True if the submitter goes on. */
static bool advance(struct submitter *submitter, bool more)
{
    bool whole = submitter->request.kind == SPOOL_STORE;
    if (submitter->request.status == SPOOL_OK && !whole) {
        submit_part(submitter, submitter->request.chunk + 1);
        return true;
    }
    if (submitter->request.status != SPOOL_OK)
        refused++;
    else if (++stored, !options.keep)
        remove_stored(submitter);
    envelope_free(submitter->envelope);
    body_unref(submitter->body);
    more = more && begun < options.messages;
    if (more)
        store_next(submitter);
    return more;
}

static void run(struct submitter *submitters)
{
    uint64_t end = clock_mono_ms() + options.seconds * 1000u;
    unsigned active = options.submitters;
    for (unsigned i = 0; i < options.submitters; i++)
        store_next(&submitters[i]);
    while (active > 0) {
        sem_wait(&wake);
        bool more = options.folder ||
                    (clock_mono_ms() < end && (!options.keep || stored * options.size < MOST_KEPT_BYTES));
        for (struct submitter *at = atomic_exchange(&settled, NULL), *after; at; at = after) {
            after = at->next_settled;
            if (!advance(at, more))
                active--;
        }
    }
}

static void forget(struct envelope *envelope, void *closure)
{
    (void)closure;
    envelope_free(envelope);
}

static void open_spool(const char *folder)
{
    char error[500];
    struct spool_settings settings = {.directory = folder, .reserve_bytes = (uint64_t)1 << 30};
    spool = spool_open(&settings, error, sizeof error);
    if (!spool) {
        fprintf(stderr, "%s\n", error);
        exit(1);
    }
}

static void recover_kept(const char *folder)
{
    struct spool_recovered result;
    uint64_t begin = clock_mono_ms(), opened;
    open_spool(folder);
    opened = clock_mono_ms();
    if (spool_recover(spool, forget, NULL, &result) != 0)
        fprintf(stderr, "recovery failed\n");
    printf("opened in %.1f s, %" PRIu64 " envelopes recovered in %.1f s\n", (double)(opened - begin) / 1000,
           result.envelopes, (double)(clock_mono_ms() - opened) / 1000);
    spool_close(spool);
}

static double cpu_seconds(void)
{
    struct rusage usage;
    getrusage(RUSAGE_SELF, &usage);
    return (double)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) +
           (double)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) / 1e6;
}

static int remove_entry(const char *path, const struct stat *status, int type, struct FTW *walk)
{
    (void)status, (void)type, (void)walk;
    return remove(path);
}

static uint64_t number(const char *text, uint64_t most)
{
    uint64_t value = strtoull(text, NULL, 10);
    return value < 1 ? 1 : value > most ? most : value;
}

static void read_options(int argc, char **argv)
{
    int option;
    while ((option = getopt(argc, argv, "d:s:c:t:kf:m:q:")) != -1) {
        switch (option) {
        case 'd':
            options.directory = optarg;
            break;
        case 's':
            options.size = number(optarg, (uint64_t)1 << 28);
            break;
        case 'c':
            options.submitters = (unsigned)number(optarg, MOST_SUBMITTERS);
            break;
        case 't':
            options.seconds = (unsigned)number(optarg, MOST_SECONDS);
            break;
        case 'k':
            options.keep = true;
            break;
        case 'f':
            options.folder = optarg;
            options.keep = true;
            break;
        case 'm':
            options.messages = number(optarg, MOST_MESSAGES);
            break;
        case 'q':
            options.domains = number(optarg, MOST_MESSAGES);
            break;
        default:
            fprintf(stderr,
                    "usage: spool_bench [-d DIRECTORY] [-s BYTES] [-c SUBMITTERS] [-t SECONDS] [-k]\n"
                    "       spool_bench -f FOLDER -m MESSAGES -q DOMAINS [-s BYTES] [-c SUBMITTERS]\n");
            exit(2);
        }
    }
}

int main(int argc, char **argv)
{
    read_options(argc, argv);
    char *folder =
        options.folder ? mem_dup(options.folder) : mem_printf("%s/spool_bench.XXXXXX", options.directory);
    if (!options.folder && !mkdtemp(folder)) {
        perror(folder);
        return 1;
    }
    struct submitter *submitters = mem_array(options.submitters, sizeof *submitters);
    content = mem_resize(NULL, options.size);
    memset(content, 'x', options.size);
    sem_init(&wake, 0, 0);
    open_spool(folder);
    double cpu = cpu_seconds();
    uint64_t begin = clock_mono_ms();
    run(submitters);
    double seconds = (double)(clock_mono_ms() - begin) / 1000;
    printf("%" PRIu64 " bytes x %u: %.0f messages/s, %.0f MB/s, %.2f cores, %" PRIu64 " refused\n",
           options.size, options.submitters, (double)stored / seconds,
           (double)(stored * options.size) / seconds / 1e6, (cpu_seconds() - cpu) / seconds, refused);
    spool_close(spool);
    if (options.keep)
        recover_kept(folder);
    if (!options.folder)
        nftw(folder, remove_entry, 16, FTW_DEPTH | FTW_PHYS);
    free(submitters);
    free(content);
    free(folder);
    return refused > 0;
}
