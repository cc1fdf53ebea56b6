/*
 * daemon: impulsed as a judge. Only it knows what addresses, routes and modules must be like, so tools ask
 * `impulsed -t` for that.
 */
#ifndef IMPULSE_TOOLS_DAEMON_H
#define IMPULSE_TOOLS_DAEMON_H

#include "tools/impulsectl.h"

/* impulsed of the same build tree, else where it is installed. Valid until the next call; one thread. */
const char *daemon_path(void);

/* Takes a mistake that impulsed -t found, or a warning. The texts are borrowed for the call. */
typedef void daemon_mistake(void *closure, bool warning, const char *file, unsigned line,
                            const char *message);

/*
 * Runs impulsed -t --lenient and hands over the mistakes that have a place in a file, and its warnings of
 * schemes that the console does not have; what is wrong with this machine is not among them. False: it could
 * not be run.
 */
bool daemon_find_mistakes(const struct settings *settings, daemon_mistake *take, void *closure);

#endif
