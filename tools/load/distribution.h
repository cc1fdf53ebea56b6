/*
 * distribution: a whole number that is drawn for each message: its size, or its number of recipients.
 *
 *     10240                        always this one
 *     1000-50000                   each of the range, equally often
 *     1000:5,10240:3,100k-1m:2     these, with weights (1 unless it is given)
 */
#ifndef IMPULSE_TOOLS_LOAD_DISTRIBUTION_H
#define IMPULSE_TOOLS_LOAD_DISTRIBUTION_H

#include <stddef.h>
#include <stdint.h>

enum { DISTRIBUTION_PARTS = 32 };

struct distribution {
    size_t count;
    uint64_t weight; /* of all parts */
    struct {
        uint64_t least, most, weight;
    } parts[DISTRIBUTION_PARTS];
};

/* Reads the text. Returns NULL, or what is wrong with it. */
const char *distribution_read(struct distribution *distribution, const char *text);
/* Returns the number that 64 random bits select. */
uint64_t distribution_pick(const struct distribution *distribution, uint64_t random);
/* Returns the greatest number that can be drawn. */
uint64_t distribution_most(const struct distribution *distribution);

#endif
