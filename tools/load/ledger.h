/*
 * ledger: the files in which impulse-load writes what was answered to each message, and impulse-sink what
 * arrived. A line for each message; the first line says whose ledger it is.
 *
 *     # impulse-load ledger, run 0123456789abcdef          # impulse-sink ledger
 *     NUMBER ANSWER RECIPIENT ...                          RUN NUMBER STATE ANSWER RECIPIENT ...
 *     17 250 a@x.example !b@y.example                      0123456789abcdef 17 whole 250 a@x.example
 *
 * ANSWER is a reply code or `unknown` (the connection was lost before the answer; the sink: it was given
 * none). A recipient with ! before it was refused. STATE is whole, altered, or unstamped: then RUN and NUMBER
 * are "-".
 */
#ifndef IMPULSE_TOOLS_LOAD_LEDGER_H
#define IMPULSE_TOOLS_LOAD_LEDGER_H

#include "base/buf.h"
#include "tools/load/stamp.h"

struct ledger_line {
    uint64_t run, number;
    enum stamp_verdict state; /* received ledgers only */
    unsigned answer;          /* 0: unknown */
    struct slice recipients;  /* separated by spaces */
};

/* Creates the file, or empties it, and returns a descriptor to append to, or -errno. */
int ledger_create(const char *path);
/* Appends lines to the file in one write. Threads may share the descriptor. False: it failed, see errno. */
bool ledger_write(int fd, struct buf *lines);

void ledger_head_sent(struct buf *lines, uint64_t run);
void ledger_head_received(struct buf *lines);
/* The beginning of a line; each recipient is " ADDRESS" or " !ADDRESS", and a newline ends it. */
void ledger_begin_sent(struct buf *lines, uint64_t number, unsigned answer);
void ledger_begin_received(struct buf *lines, const struct stamp *stamp, enum stamp_verdict state,
                           unsigned answer);

/* A ledger that is read: it is mapped, and lines point into it. */
struct ledger {
    char *text;
    size_t size, at;
    bool received; /* whose it is */
    uint64_t run;  /* of a sent ledger */
    unsigned long line_number;
};

/* NULL, or what is wrong with the file. */
const char *ledger_open(struct ledger *ledger, const char *path);
/* 1: there is a line; 0: the end; -1: line ledger->line_number cannot be read. */
int ledger_next(struct ledger *ledger, struct ledger_line *line);
void ledger_close(struct ledger *ledger);

#endif
