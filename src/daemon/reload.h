/*
 * reload.h: from one generation to the next, for SIGHUP, config reload and config commit alike. Main thread.
 *
 * Everything of the next generation is built beside the running one; the running one is touched only when all
 * is well. Lines for the operator go to `out`, and what an operator who is not there must know to the
 * paniclog.
 */
#ifndef IMPULSE_DAEMON_RELOAD_H
#define IMPULSE_DAEMON_RELOAD_H

#include "daemon/daemon_private.h"

/* Reads `path` (NULL: the file that the daemon was started with) and swaps to it; manifests of modules are
 * read anew. False: the running generation stays. */
bool reload_file(struct daemon *d, const char *path, FILE *out);

/* Swaps to a generation that was loaded with d->loading; takes its own reference. False: the running one
 * stays. */
bool reload_adopt(struct daemon *d, struct conf *conf, FILE *out);

/* SIGHUP: reload_file, with all findings in the paniclog, and every log file is opened anew. */
void reload_on_signal(struct daemon *d);

#endif
