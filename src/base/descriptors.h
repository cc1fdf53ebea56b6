/*
 * descriptors: which file descriptors are kept for the daemon's own files: spool, logs, console, reload.
 *
 * The system gives the lowest number that is free. A descriptor at or above the mark therefore means that nearly
 * all are in use, and whoever serves strangers or delivers closes it. Any thread.
 */
#ifndef IMPULSE_BASE_DESCRIPTORS_H
#define IMPULSE_BASE_DESCRIPTORS_H

#include <stdbool.h>

/* Keeps the descriptors from `mark` on. Until the first call none is kept. */
void descriptors_keep_from(int mark);
/* Is `fd` one of those that are kept? */
bool descriptor_is_kept(int fd);

/*
 * Does a negative errno of socket, connect_begin or epoll mean that this machine or process lacks something? EADDRINUSE
 * is the lack of a free port (net/connect.h), which concerns one address; the others concern all.
 */
bool error_is_local(int error);

#endif
