/*
 * load.h: from a file to a checked configuration: used by the start, by -t and by every reload.
 */
#ifndef IMPULSE_DAEMON_LOAD_H
#define IMPULSE_DAEMON_LOAD_H

#include "confparse/confparse.h"
#include "daemon/arguments.h"
#include "module/module.h"

/* What loading needs: the manifests of the modules that are installed, and the checks that only the daemon
 * can make (Listen endpoints, pools, routes, the console). */
struct loading {
    struct manifest_set *manifests;
    struct conf_load_options options;
};

/* Reads the manifests. False with one line in error[]. */
bool loading_begin(struct loading *loading, const struct arguments *arguments, char *error,
                   size_t error_size);
void loading_end(struct loading *loading); /* zero-initialised is harmless */

/* Loads `path` for a start or a check: findings of at least that severity go to stderr. NULL with one line in
 * error[] when there are errors. */
struct conf *load_configuration(const struct loading *loading, const char *path, enum conf_severity least,
                                char *error, size_t error_size);

/* A finding as one line, FILE:LINE:COLUMN: MESSAGE. To be freed. */
char *load_describe(const struct conf_diagnostic *found);

#endif
