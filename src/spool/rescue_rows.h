/*
 * rescue_rows: all rows of a spool, read from its files without RocksDB.
 */
#ifndef IMPULSE_SPOOL_RESCUE_ROWS_H
#define IMPULSE_SPOOL_RESCUE_ROWS_H

#include <stdio.h>
#include "spool/layout.h"
#include "spool/table_file.h"

struct rescue_row {
    char key[LAYOUT_BODY_SIZE];
    unsigned char key_size; /* LAYOUT_META_SIZE or LAYOUT_BODY_SIZE: that tells the table */
    unsigned char type;     /* enum table_entry_type */
    uint64_t sequence;
    struct slice value; /* in a file, or of its own (`owned`) */
    bool owned;
};

struct rescue_blob {
    uint64_t number;
    struct mapped_file file;
};

struct rescue_rows {
    FILE *out;
    char *folder;
    size_t damages;          /* lines about damage */
    struct rescue_row *rows; /* `count` of `room` */
    size_t count, room;
    struct mapped_file *tables;
    size_t table_count;
    struct rescue_blob *blobs;
    size_t blob_count;
};

/*
 * Reads tables, blob files and logs of the spool's folder: those that the catalogue names, or, unless it is `catalogued`
 * (survey.h), all. Then the rows are the last state of each key, in the order of the keys, without those that were removed. Tells
 * damage to `out`. False, after a line, if the folder cannot be read. Release it also then.
 */
bool rescue_rows_read(struct rescue_rows *rows, const char *folder, bool catalogued, FILE *out);
/* The row with this key, or NULL. */
const struct rescue_row *rescue_rows_find(const struct rescue_rows *rows, struct slice key);
/* The bytes of a row; false with a reason. */
bool rescue_rows_value(const struct rescue_rows *rows, const struct rescue_row *row, struct slice *bytes,
                       const char **reason);
void rescue_rows_release(struct rescue_rows *rows);

#endif
