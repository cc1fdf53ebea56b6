/*
 * directory: the place on disk that one process at a time works in.
 */
#ifndef IMPULSE_SPOOL_DIRECTORY_H
#define IMPULSE_SPOOL_DIRECTORY_H

#include <stdbool.h>
#include <stddef.h>

/* Two locks: of a file in the directory, which also tells who holds it, and of the directory, since the file may be
 * removed. */
struct directory_lock {
    int file, folder; /* descriptors; -1: not held */
};

/* The spool's directory within Spoolbase; free() it. */
char *directory_of_spool(const char *spoolbase);
/*
 * Creates `path` and its missing parents (mode 0750) and locks it, until directory_unlock or the end of the process. False
 * with one line in error[] that names the directory; nothing is held then. Any thread.
 */
bool directory_lock(const char *path, struct directory_lock *lock, char *error, size_t error_size);
void directory_unlock(struct directory_lock *lock);
/* Gives the directory `path`, and all that is in it, to the owner of `like`. False if that fails. */
bool directory_give(const char *like, const char *path);
/* Does another process hold it? Changes nothing. */
bool directory_is_locked(const char *path);

/* Makes the entry of `path` in its folder durable: a file whose entry is lost is lost. */
void directory_sync_parent(const char *path);

#endif
