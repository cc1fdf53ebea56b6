/*
 * console.h: the console of a daemon: what its commands ask for. Main thread.
 */
#ifndef IMPULSE_DAEMON_CONSOLE_H
#define IMPULSE_DAEMON_CONSOLE_H

#include "daemon/daemon_private.h"

/* On d->loop. `shutdown` is what the command of that name calls with `d`. */
struct control *console_create(struct daemon *d, void (*shutdown)(void *daemon));
/* Registers the daemon's commands (control/ctl_command.h). Once more is harmless. */
void console_register(void);

#endif
