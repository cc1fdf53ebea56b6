/*
 * save: putting a text into a file so that after a crash the file holds either what it held or the text,
 * whole.
 *
 * The text is written beside the file, synced, and renamed over it; then the folder is synced. Blocks on the
 * disk.
 */
#ifndef IMPULSE_CONFPARSE_SAVE_H
#define IMPULSE_CONFPARSE_SAVE_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/stat.h>

enum { CONF_SAVE_PROBLEM = 256 };

/*
 * A file that exists keeps its owner, group and mode, and a symbolic link is followed; one that does not is
 * made with the mode of the file `like` (a path, or NULL: 0640). On success *status is the file's. False with
 * the reason in problem[]: the file is as it was.
 */
bool conf_save(const char *path, const char *text, size_t size, const char *like, struct stat *status,
               char problem[CONF_SAVE_PROBLEM]);

#endif
