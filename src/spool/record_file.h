/*
 * record_file: reads the files that RocksDB writes as a sequence of records: its logs and its catalogue (MANIFEST).
 *
 * Blocks of 32 KiB hold fragments: checksum (CRC-32C, masked), length, type, bytes; a record is one fragment or several
 * (RocksDB's "Write Ahead Log File Format"). The file is mapped; nothing is copied but records of several fragments.
 */
#ifndef IMPULSE_SPOOL_RECORD_FILE_H
#define IMPULSE_SPOOL_RECORD_FILE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "base/buf.h"
#include "base/slice.h"

enum record_result {
    RECORD_GOOD,
    RECORD_END, /* there is no more, or only what a writer that was killed leaves: a record cut off, zeros */
    RECORD_DAMAGED /* what is there was not written so */
};

struct record_file {
    const char *bytes; /* the mapping; NULL for an empty file */
    size_t size, offset;
    struct buf whole; /* a record of several fragments */
    size_t damage;    /* after RECORD_DAMAGED: where */
    size_t resume;    /* and where reading can begin again */
};

/* Maps the file. 0 or a negative errno. Close it also when that fails. */
int record_file_open(struct record_file *file, const char *path);
/* Gives the next record, whose checksums are right; it is valid until the next call. */
enum record_result record_file_next(struct record_file *file, struct slice *record);
/* After RECORD_DAMAGED: goes on behind the damage. That is the next fragment, if only the bytes of one are damaged, else the
 * next block. False if there is no more. */
bool record_file_skip(struct record_file *file);
void record_file_close(struct record_file *file);

/* CRC-32C of the bytes, continued from `crc` (0 at first). */
uint32_t crc32c(uint32_t crc, const void *bytes, size_t size);
/* RocksDB stores checksums so, lest a checksum be computed over checksums. */
static inline uint32_t crc32c_masked(uint32_t crc)
{
    return ((crc >> 15) | (crc << 17)) + 0xa282ead8U;
}

#endif
