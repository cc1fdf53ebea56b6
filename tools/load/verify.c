/*
 * verify: see verify.h.
 *
 * Every recipient of the sent ledger is a row; the rows are sorted by message and address, and each arrival
 * is looked up. Rows point into the ledgers, which are mapped, so that a million of them need 32 MB.
 *
 * Only what a sink has answered with 2xx counts as an arrival: what it refused, or left unanswered, will be
 * sent again.
 */
#include "tools/load/verify.h"

#include <inttypes.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "base/mem.h"
#include "tools/load/ledger.h"
#include "tools/load/options.h"

struct row { /* a recipient of a message */
    uint64_t number;
    const char *recipient; /* not NUL-terminated */
    uint32_t size;
    uint16_t answer; /* 0: unknown */
    uint8_t arrived; /* how often; 255: or more */
    bool altered;    /* once at least */
};

enum finding { LOST, REPEATED, ALTERED, UNEXPECTED, FINDINGS };

static const char *const finding_names[FINDINGS] = {"lost", "repeated", "altered", "unexpected"};

enum sum {
    SUM_MESSAGES,
    SUM_ACCEPTED,        /* recipients that were answered 2xx */
    SUM_ARRIVED,         /* of those */
    SUM_UNKNOWN,         /* recipients of messages without an answer */
    SUM_UNKNOWN_ARRIVED, /* of those */
    SUM_NOT_ACCEPTED,    /* arrivals that the sink did not answer with 2xx */
    SUM_UNSTAMPED,       /* arrivals that no impulse-load has sent */
    SUM_OTHER_RUN,       /* arrivals of another run */
    SUMS
};

static const char *const sum_names[SUMS] = {"messages",        "accepted",     "arrived",   "unknown",
                                            "unknown_arrived", "not_accepted", "unstamped", "other_run"};

struct comparison {
    struct ledger sent;
    struct row *rows;
    size_t count, room;
    uint64_t sums[SUMS], found[FINDINGS];
    json_t *findings[FINDINGS]; /* NULL: they are printed as they are found */
};

const char *verify_add_received(struct verify_request *request, const char *path)
{
    if (request->count == VERIFY_RECEIVED)
        return "there are at most 32";
    request->received[request->count++] = path;
    return NULL;
}

static int complain_line(const char *path, const struct ledger *ledger)
{
    fprintf(stderr, "impulse-load: %s: line %lu cannot be read\n", path, ledger->line_number);
    return EXIT_TROUBLE;
}

static void report(struct comparison *comparison, enum finding what, uint64_t number, struct slice recipient,
                   const char *why)
{
    comparison->found[what]++;
    if (!comparison->findings[what]) {
        printf("%-10s  message %" PRIu64 " to %.*s%s\n", finding_names[what], number, (int)recipient.size,
               recipient.data, why);
        return;
    }
    json_t *row = json_object();
    json_object_set_new(row, "message", json_integer((json_int_t)number));
    json_object_set_new(row, "recipient", json_stringn_nocheck(recipient.data, recipient.size));
    json_array_append_new(comparison->findings[what], row);
}

/* ---- the rows ---------------------------------------------------------------------------------- */

static int compare_rows(const void *left, const void *right)
{
    const struct row *a = left, *b = right;
    if (a->number != b->number)
        return a->number < b->number ? -1 : 1;
    int order = memcmp(a->recipient, b->recipient, a->size < b->size ? a->size : b->size);
    return order ? order : (a->size > b->size) - (a->size < b->size);
}

static void add_row(struct comparison *comparison, const struct ledger_line *line, struct slice recipient)
{
    unsigned answer = line->answer;
    if (recipient.data[0] == '!') {
        recipient = slice_of(recipient.data + 1, recipient.size - 1);
        answer = 550;
    }
    if (comparison->count == comparison->room) {
        comparison->room = comparison->room ? comparison->room * 2 : 1024;
        comparison->rows = mem_resize(comparison->rows, comparison->room * sizeof *comparison->rows);
    }
    comparison->rows[comparison->count++] = (struct row){.number = line->number,
                                                         .recipient = recipient.data,
                                                         .size = (uint32_t)recipient.size,
                                                         .answer = (uint16_t)answer};
}

static int read_sent(struct comparison *comparison, const char *path)
{
    struct ledger_line line;
    int there;
    const char *wrong = ledger_open(&comparison->sent, path);
    if (!wrong && comparison->sent.received)
        wrong = "it is the ledger of impulse-sink, not of impulse-load";
    if (wrong)
        return complain(path, wrong);
    while ((there = ledger_next(&comparison->sent, &line)) > 0) {
        comparison->sums[SUM_MESSAGES]++;
        for (struct slice recipient; slice_next(&line.recipients, ' ', &recipient);)
            if (recipient.size > 0)
                add_row(comparison, &line, recipient);
    }
    if (there < 0)
        return complain_line(path, &comparison->sent);
    if (comparison->count > 0)
        qsort(comparison->rows, comparison->count, sizeof *comparison->rows, compare_rows);
    return EXIT_GOOD;
}

/* ---- arrivals ---------------------------------------------------------------------------------- */

static void take_arrival(struct comparison *comparison, const struct ledger_line *line,
                         struct slice recipient)
{
    struct row wanted = {
        .number = line->number, .recipient = recipient.data, .size = (uint32_t)recipient.size};
    struct row *row = NULL;
    if (comparison->count > 0)
        row = bsearch(&wanted, comparison->rows, comparison->count, sizeof *comparison->rows, compare_rows);
    if (!row) {
        report(comparison, UNEXPECTED, line->number, recipient, ", which was never sent");
        return;
    }
    row->arrived += row->arrived < UINT8_MAX;
    row->altered |= line->state == STAMP_ALTERED;
}

static int read_received(struct comparison *comparison, const char *path)
{
    struct ledger ledger;
    struct ledger_line line;
    int there = 0;
    const char *wrong = ledger_open(&ledger, path);
    if (!wrong && !ledger.received)
        wrong = "it is the ledger of impulse-load, not of impulse-sink";
    while (!wrong && (there = ledger_next(&ledger, &line)) > 0) {
        if (line.answer / 100 != 2)
            comparison->sums[SUM_NOT_ACCEPTED]++;
        else if (line.state == STAMP_MISSING)
            comparison->sums[SUM_UNSTAMPED]++;
        else if (line.run != comparison->sent.run)
            comparison->sums[SUM_OTHER_RUN]++;
        else
            for (struct slice recipient; slice_next(&line.recipients, ' ', &recipient);)
                take_arrival(comparison, &line, recipient);
    }
    int status = wrong ? complain(path, wrong) : there < 0 ? complain_line(path, &ledger) : EXIT_GOOD;
    ledger_close(&ledger);
    return status;
}

/* ---- the result -------------------------------------------------------------------------------- */

static void judge(struct comparison *comparison, const struct row *row)
{
    struct slice recipient = slice_of(row->recipient, row->size);
    if (row->answer / 100 == 2) {
        comparison->sums[SUM_ACCEPTED]++;
        comparison->sums[SUM_ARRIVED] += row->arrived > 0;
        if (row->arrived == 0)
            report(comparison, LOST, row->number, recipient, "");
    } else if (row->answer == 0) {
        comparison->sums[SUM_UNKNOWN]++;
        comparison->sums[SUM_UNKNOWN_ARRIVED] += row->arrived > 0;
    } else if (row->arrived > 0) {
        report(comparison, UNEXPECTED, row->number, recipient, ", which was refused");
    }
    if (row->arrived > 1)
        report(comparison, REPEATED, row->number, recipient, "");
    if (row->altered)
        report(comparison, ALTERED, row->number, recipient, "");
}

static void print_words(const struct comparison *comparison)
{
    const uint64_t *sums = comparison->sums, *found = comparison->found;
    printf("%" PRIu64 " messages; of %" PRIu64 " recipients that were answered 250, %" PRIu64 " arrived.\n",
           sums[SUM_MESSAGES], sums[SUM_ACCEPTED], sums[SUM_ARRIVED]);
    printf("lost %" PRIu64 ", repeated %" PRIu64 ", altered %" PRIu64 ", unexpected %" PRIu64 "\n",
           found[LOST], found[REPEATED], found[ALTERED], found[UNEXPECTED]);
    if (sums[SUM_UNKNOWN])
        printf("Of %" PRIu64 " recipients without an answer %" PRIu64 " arrived.\n", sums[SUM_UNKNOWN],
               sums[SUM_UNKNOWN_ARRIVED]);
    if (sums[SUM_NOT_ACCEPTED] + sums[SUM_UNSTAMPED] + sums[SUM_OTHER_RUN])
        printf("Not compared: %" PRIu64 " arrivals that the sink did not accept, %" PRIu64
               " without a stamp, %" PRIu64 " of other runs.\n",
               sums[SUM_NOT_ACCEPTED], sums[SUM_UNSTAMPED], sums[SUM_OTHER_RUN]);
}

static void print_json(struct comparison *comparison)
{
    json_t *object = json_object();
    for (unsigned i = 0; i < SUMS; i++)
        json_object_set_new(object, sum_names[i], json_integer((json_int_t)comparison->sums[i]));
    for (unsigned i = 0; i < FINDINGS; i++) {
        json_object_set_new(object, finding_names[i], comparison->findings[i]);
        comparison->findings[i] = NULL;
    }
    json_dumpf(object, stdout, JSON_INDENT(2) | JSON_PRESERVE_ORDER);
    putchar('\n');
    json_decref(object);
}

int verify_run(const struct verify_request *request, bool json)
{
    struct comparison comparison = {0};
    for (unsigned i = 0; i < FINDINGS && json; i++)
        comparison.findings[i] = json_array();
    int status = read_sent(&comparison, request->sent);
    for (size_t i = 0; i < request->count && status == EXIT_GOOD; i++)
        status = read_received(&comparison, request->received[i]);
    if (status == EXIT_GOOD) {
        for (size_t i = 0; i < comparison.count; i++)
            judge(&comparison, &comparison.rows[i]);
        for (unsigned i = 0; i < FINDINGS; i++)
            status = comparison.found[i] ? EXIT_BAD : status;
        if (json)
            print_json(&comparison);
        else
            print_words(&comparison);
    }
    for (unsigned i = 0; i < FINDINGS; i++)
        json_decref(comparison.findings[i]);
    free(comparison.rows);
    ledger_close(&comparison.sent);
    return status;
}
