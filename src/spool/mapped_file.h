/*
 * mapped_file: a whole file of the spool in memory, to be read.
 */
#ifndef IMPULSE_SPOOL_MAPPED_FILE_H
#define IMPULSE_SPOOL_MAPPED_FILE_H

#include <stddef.h>

struct mapped_file {
    const char *bytes; /* NULL: empty */
    size_t size;
};

/* Maps a file for reading; 0 or a negative errno. */
int mapped_file_open(struct mapped_file *file, const char *path);
void mapped_file_close(struct mapped_file *file);

#endif
