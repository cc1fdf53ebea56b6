/*
 * record: one line of a log under construction.
 *
 * It is put together in a buffer on the caller's stack, which memory is taken for only when the record is
 * long, and is queued with one call. Any thread; a record belongs to the one that began it.
 */
#ifndef IMPULSE_EC_LOGGER_RECORD_H
#define IMPULSE_EC_LOGGER_RECORD_H

#include "impulse/log.h"

struct record {
    char *data;
    size_t size, capacity;
    char usual[1024]; /* enough for all but long replies and contexts */
};

void record_begin(struct record *record);
/* Queues the line and releases what the record took. */
void record_end(struct record *record, struct imp_log_file *file);

/* What is added goes to the end; it is left out when there is no memory for it. */
void record_bytes(struct record *record, const char *bytes, size_t size);
void record_char(struct record *record, char c);
void record_number(struct record *record, uint64_t number);
/* Seconds with three decimals; less than none counts as none. */
void record_seconds(struct record *record, double seconds);
void record_id(struct record *record, uint64_t id);
/* A field of a record that '@' divides: a '\' before every '@' and '\', control characters as C writes them.
 */
void record_field(struct record *record, struct imp_text text);
/* Text between other delimiters than '@': only control characters are escaped, so that it stays on its line.
 */
void record_text(struct record *record, struct imp_text text);
/* The same with '@' in front. */
void record_next_field(struct record *record, struct imp_text text);
void record_next_number(struct record *record, uint64_t number);

#define record_literal(record, text) record_bytes(record, text, sizeof(text) - 1)

#endif
