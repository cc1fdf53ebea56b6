/*
 * console_interactive: the console at a terminal: prompt, commands of the program's own, one command after
 * the other.
 */
#ifndef IMPULSE_TOOLS_CONSOLE_INTERACTIVE_H
#define IMPULSE_TOOLS_CONSOLE_INTERACTIVE_H

#include "tools/console_session.h"

/* Runs until the operator leaves. `interrupt_fd` is readable after Ctrl-C; it is read here. False: no
 * terminal. */
bool console_interactive(struct console_session *session, int interrupt_fd);

#endif
