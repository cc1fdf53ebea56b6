/*
 * table_file: reads RocksDB's table (.sst) and blob files without a database, block by block, so that damage costs a block and
 * not everything.
 *
 * Format: RocksDB's "BlockBasedTable Format" and "BlobDB"; tables without compression, as rocksdb_options.c makes them.
 */
#ifndef IMPULSE_SPOOL_TABLE_FILE_H
#define IMPULSE_SPOOL_TABLE_FILE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "base/slice.h"
#include "spool/mapped_file.h"

/* RocksDB's value types, as far as the spool's rows have them. */
enum table_entry_type {
    ENTRY_DELETION = 0x00,
    ENTRY_VALUE = 0x01,
    ENTRY_SINGLE_DELETION = 0x07,
    ENTRY_BLOB = 0x11, /* the value says where in a blob file the bytes are */
};

struct table_entry {
    struct slice key, value; /* `key` is borrowed for the call; `value` points into the file */
    uint64_t sequence;
    enum table_entry_type type;
};

struct table_reader {
    void (*entry)(const struct table_entry *entry, void *closure);
    /* Something that cannot be read: one line about it. */
    void (*damage)(const char *what, size_t where, void *closure);
    void *closure;
};

/* Reads all of a table. */
void table_file_read(const struct mapped_file *file, const struct table_reader *reader);

/*
 * Finds the bytes that the value of an ENTRY_BLOB is about; blob_number tells the file. False with a reason if they are not
 * there as they were written.
 */
bool blob_number(struct slice value, uint64_t *number);
bool blob_read(const struct mapped_file *file, struct slice key, struct slice value, struct slice *bytes,
               const char **reason);

#endif
