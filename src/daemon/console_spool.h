/*
 * console_spool: the console's commands about the spool.
 */
#ifndef IMPULSE_DAEMON_CONSOLE_SPOOL_H
#define IMPULSE_DAEMON_CONSOLE_SPOOL_H

#include "event/pool.h"
#include "spool/spool.h"

/* Registers them. Main thread, at the start. */
void console_spool_register(void);
/* Sets the spool and the pools that they use, borrowed as long as the console. Main thread, before control_start. */
void console_spool_use(struct spool *spool, struct pool_set *pools);

#endif
