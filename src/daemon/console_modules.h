/*
 * console_modules.h: the console's commands about modules and what is registered.
 */
#ifndef IMPULSE_DAEMON_CONSOLE_MODULES_H
#define IMPULSE_DAEMON_CONSOLE_MODULES_H

/* Registers them; for console_register. */
void console_modules_register(void);

#endif
