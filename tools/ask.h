/*
 * ask: a question to the operator, on the terminal and not on stdin or stdout, which may lead elsewhere.
 */
#ifndef IMPULSE_TOOLS_ASK_H
#define IMPULSE_TOOLS_ASK_H

#include <stdbool.h>
#include <stddef.h>

/*
 * Writes `prompt` and reads a line of less than `size` bytes into `answer`, NUL-terminated, without its
 * newline; `secret`: the terminal does not show it. False when there is no terminal, at its end of file, for
 * a longer line, or at Ctrl-C. A signal that would end the program does so after the terminal is as it was.
 */
bool ask_terminal(const char *prompt, bool secret, char *answer, size_t size);

#endif
