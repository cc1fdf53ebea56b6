/*
 * pattern: many addresses as one text, in which [N] stands for the numbers from 0 to N - 1.
 *
 *     user[1000]@d[100].example    100,000 addresses: the last number changes with each, then the one before it
 *     127.0.1.[100]                source addresses
 *
 * Brackets around anything but digits stand for themselves (user@[127.0.0.1]).
 */
#ifndef IMPULSE_TOOLS_LOAD_PATTERN_H
#define IMPULSE_TOOLS_LOAD_PATTERN_H

#include "base/buf.h"

enum { PATTERN_PARTS = 8 };

struct pattern {
    size_t count;
    struct {
        struct slice text; /* before the number; borrowed from the text that was read */
        uint64_t numbers;  /* 0: no number follows, the pattern ends */
        uint64_t every;    /* the number changes once in so many addresses */
    } parts[PATTERN_PARTS + 1];
};

/* Reads the text, which must live as long as the pattern. Returns NULL, or what is wrong with it. */
const char *pattern_read(struct pattern *pattern, const char *text);
/* Returns how many different addresses it stands for. */
uint64_t pattern_count(const struct pattern *pattern);
/* Appends the index-th address, counted from 0; after the last one the first one follows. */
void pattern_write(const struct pattern *pattern, uint64_t index, struct buf *to);

#endif
