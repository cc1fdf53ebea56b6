/*
 * ledger: the files in which impulse-load records the reply to each message, and impulse-sink what arrived. They have
 * a line for each message; the first line says which tool has written it.
 *
 *     # impulse-load ledger, run 0123456789abcdef          # impulse-sink ledger
 *     NUMBER ANSWER RECIPIENT ...                          RUN NUMBER STATE ANSWER RECIPIENT ...
 *     17 250 a@x.example !b@y.example                      0123456789abcdef 17 whole 250 a@x.example
 *
 * ANSWER is a reply code, or `unknown` if the connection was lost before the reply. A recipient with ! before it was
 * refused. STATE is whole, altered or unstamped; RUN and NUMBER of an unstamped message are "-".
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
/* Appends the lines to the file, in one write if possible. Threads may share the descriptor. Returns false if it fails,
 * with errno set. */
bool ledger_write(int fd, struct buf *lines);

void ledger_head_sent(struct buf *lines, uint64_t run);
void ledger_head_received(struct buf *lines);
/* Begin a line. The caller appends " ADDRESS" or " !ADDRESS" for each recipient, and a newline. */
void ledger_begin_sent(struct buf *lines, uint64_t number, unsigned answer);
void ledger_begin_received(struct buf *lines, const struct stamp *stamp, enum stamp_verdict state,
                           unsigned answer);

/* A ledger that is read. The file is mapped, and lines point into it. */
struct ledger {
    char *text;
    size_t size, at;
    bool received; /* impulse-sink has written it */
    uint64_t run;  /* of a sent ledger */
    unsigned long line_number;
};

/* Returns NULL, or what is wrong with the file. */
const char *ledger_open(struct ledger *ledger, const char *path);
/* Reads a line. Returns 1; 0 at the end; -1 if line ledger->line_number cannot be read. */
int ledger_next(struct ledger *ledger, struct ledger_line *line);
void ledger_close(struct ledger *ledger);

#endif
