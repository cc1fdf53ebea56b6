/*
 * ledger: see ledger.h.
 */
#include "tools/load/ledger.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>
#include "base/mem.h"

#define HEAD_SENT     "# impulse-load ledger, run "
#define HEAD_RECEIVED "# impulse-sink ledger"

static const char *const states[] = {
    [STAMP_WHOLE] = "whole", [STAMP_ALTERED] = "altered", [STAMP_MISSING] = "unstamped"};

enum { STATES = sizeof states / sizeof *states };

/* ---- writing ----------------------------------------------------------------------------------- */

int ledger_create(const char *path)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_APPEND | O_CLOEXEC, 0666);
    return fd < 0 ? -errno : fd;
}

bool ledger_write(int fd, struct buf *lines)
{
    while (buf_size(lines) > 0) {
        ssize_t written = write(fd, buf_slice(lines).data, buf_size(lines));
        if (written < 0 && errno != EINTR)
            return false;
        if (written > 0)
            buf_consume(lines, (size_t)written);
    }
    return true;
}

void ledger_head_sent(struct buf *lines, uint64_t run)
{
    buf_printf(lines, HEAD_SENT "%016" PRIx64 "\n", run);
}

void ledger_head_received(struct buf *lines)
{
    buf_append_text(lines, HEAD_RECEIVED "\n");
}

static void append_answer(struct buf *lines, unsigned answer)
{
    if (answer)
        buf_printf(lines, " %u", answer);
    else
        buf_append_text(lines, " unknown");
}

void ledger_begin_sent(struct buf *lines, uint64_t number, unsigned answer)
{
    buf_printf(lines, "%" PRIu64, number);
    append_answer(lines, answer);
}

void ledger_begin_received(struct buf *lines, const struct stamp *stamp, enum stamp_verdict state,
                           unsigned answer)
{
    if (state == STAMP_MISSING)
        buf_append_text(lines, "- - ");
    else
        buf_printf(lines, "%016" PRIx64 " %" PRIu64 " ", stamp->run, stamp->number);
    buf_append_text(lines, states[state]);
    append_answer(lines, answer);
}

/* ---- reading ----------------------------------------------------------------------------------- */

static bool read_hex(struct slice text, uint64_t *number)
{
    char copy[17] = "", *end;
    if (text.size != 16)
        return false;
    memcpy(copy, text.data, 16);
    *number = strtoull(copy, &end, 16);
    return !*end;
}

/* The next line without its end. False: there is none. What has no newline was cut and is none. */
static bool next_text(struct ledger *ledger, struct slice *text)
{
    const char *begin = ledger->text + ledger->at;
    const char *end = ledger->at < ledger->size ? memchr(begin, '\n', ledger->size - ledger->at) : NULL;
    if (!end)
        return false;
    *text = slice_of(begin, (size_t)(end - begin));
    ledger->at += text->size + 1;
    ledger->line_number++;
    return true;
}

const char *ledger_open(struct ledger *ledger, const char *path)
{
    *ledger = (struct ledger){0};
    struct stat status;
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return strerror(errno);
    if (fstat(fd, &status) < 0 || !S_ISREG(status.st_mode) || status.st_size == 0) {
        close(fd);
        return "it is no ledger";
    }
    ledger->size = (size_t)status.st_size;
    ledger->text = mmap(NULL, ledger->size, PROT_READ, MAP_PRIVATE, fd, 0);
    close(fd);
    if (ledger->text == MAP_FAILED) {
        ledger->text = NULL;
        return strerror(errno);
    }
    struct slice head, sent = SLICE_LITERAL(HEAD_SENT);
    if (!next_text(ledger, &head))
        return "it is no ledger";
    ledger->received = slice_equal(head, SLICE_LITERAL(HEAD_RECEIVED));
    if (ledger->received)
        return NULL;
    if (head.size < sent.size || !slice_equal(slice_of(head.data, sent.size), sent) ||
        !read_hex(slice_of(head.data + sent.size, head.size - sent.size), &ledger->run))
        return "it is no ledger";
    return NULL;
}

static bool read_answer(struct slice text, unsigned *answer)
{
    uint64_t code = 0;
    if (!slice_equal(text, SLICE_LITERAL("unknown")) &&
        (!slice_to_uint(text, &code) || code < 200 || code > 599))
        return false;
    *answer = (unsigned)code;
    return true;
}

static bool read_received(struct slice *rest, struct ledger_line *line)
{
    struct slice run, number, state;
    if (!slice_next(rest, ' ', &run) || !slice_next(rest, ' ', &number) || !slice_next(rest, ' ', &state))
        return false;
    for (unsigned i = 0; i < STATES; i++)
        if (slice_equal(state, slice_text(states[i]))) {
            line->state = (enum stamp_verdict)i;
            return line->state == STAMP_MISSING ||
                   (read_hex(run, &line->run) && slice_to_uint(number, &line->number));
        }
    return false;
}

int ledger_next(struct ledger *ledger, struct ledger_line *line)
{
    struct slice rest, word;
    if (!next_text(ledger, &rest))
        return 0;
    *line = (struct ledger_line){.run = ledger->run};
    if (ledger->received ? !read_received(&rest, line)
                         : !slice_next(&rest, ' ', &word) || !slice_to_uint(word, &line->number))
        return -1;
    if (!slice_next(&rest, ' ', &word) || !read_answer(word, &line->answer))
        return -1;
    line->recipients = rest;
    return 1;
}

void ledger_close(struct ledger *ledger)
{
    if (ledger->text)
        munmap(ledger->text, ledger->size);
    ledger->text = NULL;
}
