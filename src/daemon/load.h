/*
 * load.h: from a file to a checked configuration and its modules: used by the start, by -t and by reload.
 */
#ifndef IMPULSE_DAEMON_LOAD_H
#define IMPULSE_DAEMON_LOAD_H

#include "confparse/confparse.h"
#include "daemon/arguments.h"
#include "module/module.h"

/*
 * Reads the manifests and the configuration, adds what only the daemon can judge (Listen endpoints, pools,
 * routes). Findings go to stderr; at a reload (`running`) the errors go to the paniclog. NULL when there are
 * errors. *manifests is the caller's to free, set even on failure (maybe NULL).
 */
struct conf *load_configuration(const struct arguments *arguments, bool running,
                                struct manifest_set **manifests);

#endif
