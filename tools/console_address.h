/*
 * console_address: where a console is and as whom to log in, as an operator writes it (console_client.h).
 * Pure; any thread.
 */
#ifndef IMPULSE_TOOLS_CONSOLE_ADDRESS_H
#define IMPULSE_TOOLS_CONSOLE_ADDRESS_H

#include <stdbool.h>
#include <stddef.h>

enum { CONSOLE_ADDRESS_PROBLEM = 256 };

struct console_address { /* all owned; NULL: not given */
    char *display;       /* the address without passwords */
    char *user, *password;
    char *path;                  /* of a Unix socket; else: */
    char *host, *port;           /* decimal port; a host of "" is this machine */
    char *ssh_target, *ssh_port; /* through ssh: [user@]host and its port */
};

/* False with one line in problem[]; the address is to be released in any case. */
bool console_address_parse(struct console_address *address, const char *text,
                           char problem[CONSOLE_ADDRESS_PROBLEM]);
/* Passwords are wiped. */
void console_address_release(struct console_address *address);

#endif
