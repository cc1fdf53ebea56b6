/*
 * content_reference.h: what data_reader must make of the bytes of a message, in the plainest way: the whole
 * message at once, byte after byte, one rule after the other. For the unit test and the fuzzer.
 */
#ifndef IMPULSE_TESTS_CONTENT_REFERENCE_H
#define IMPULSE_TESTS_CONTENT_REFERENCE_H

#include "smtp/wire/data_reader.h"

struct content_outcome {
    struct buf content;
    size_t used;
    bool end, eight_bit, bare[2];
    uint64_t longest_line[2], header_size; /* header_size 0: the header has not ended */
};

/* All of `input` at once, which are all chunks where no end is looked for. Release `content`. */
struct content_outcome content_reference(struct slice input, const struct data_rules *rules);

/* What data_reader makes of it in pieces of `piece` bytes, each in memory of its own. */
struct content_outcome content_read(struct slice input, const struct data_rules *rules, size_t piece);

/* Without the end that is looked for only that is compared: the last bytes wait for what they mean. */
bool content_outcome_equal(const struct content_outcome *a, const struct content_outcome *b,
                           const struct data_rules *rules);

#endif
