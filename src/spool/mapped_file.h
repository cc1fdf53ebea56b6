/*
 * mapped_file: a whole file of the spool in memory, to be read.
 */
#ifndef IMPULSE_SPOOL_MAPPED_FILE_H
#define IMPULSE_SPOOL_MAPPED_FILE_H

#include <stdbool.h>
#include <stddef.h>

/* What stands in place of each byte that the disk cannot give: it begins neither a record nor a block. */
enum { MAPPED_FILE_UNREADABLE = 0xff };

struct mapped_file {
    const char *bytes; /* NULL: empty */
    size_t size;
    size_t unreadable; /* so many of the bytes are MAPPED_FILE_UNREADABLE, in whole pages */
};

/* Maps a file for reading, and reads it once. 0 or a negative errno, after which nothing is open. */
int mapped_file_open(struct mapped_file *file, const char *path);
void mapped_file_close(struct mapped_file *file);

#endif
