/*
 * directory: the place on disk that one process at a time works in.
 */
#ifndef IMPULSE_SPOOL_DIRECTORY_H
#define IMPULSE_SPOOL_DIRECTORY_H

#include <stddef.h>

/*
 * Creates `path` and its missing parents (mode 0750) and takes the lock in it, which ends with the returned
 * descriptor (close it) or the process. -1 with one line in error[] that names the directory. Any thread.
 */
int directory_lock(const char *path, char *error, size_t error_size);

#endif
