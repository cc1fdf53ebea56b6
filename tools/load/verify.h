/*
 * verify: compares what was answered to impulse-load with what arrived at impulse-sink, and names every
 * message that was lost, repeated or altered, or that arrived although it was refused.
 */
#ifndef IMPULSE_TOOLS_LOAD_VERIFY_H
#define IMPULSE_TOOLS_LOAD_VERIFY_H

#include <stdbool.h>
#include <stddef.h>

enum { VERIFY_RECEIVED = 32 };

struct verify_request {
    const char *sent; /* the ledger of impulse-load */
    size_t count;
    const char *received[VERIFY_RECEIVED]; /* those of one or more sinks */
};

/* Adds a received ledger. Returns NULL, or what is wrong. */
const char *verify_add_received(struct verify_request *request, const char *path);
/* Prints a line for each finding and a summary, or all of it as one JSON object. Returns the exit status. */
int verify_run(const struct verify_request *request, bool json);

#endif
