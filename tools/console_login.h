/*
 * console_login: authentication on a console's connection, with libgsasl.
 *
 * Of what the server offers, the strongest mechanism is used: DIGEST-MD5, in which the server proves as well
 * that it knows the password, before LOGIN, which sends the password as it is.
 */
#ifndef IMPULSE_TOOLS_CONSOLE_LOGIN_H
#define IMPULSE_TOOLS_CONSOLE_LOGIN_H

#include "tools/console_stream.h"

enum login_status {
    LOGIN_DONE,
    LOGIN_DENIED, /* the connection is still good, the name or password was not */
    LOGIN_INTERRUPTED,
    LOGIN_FAILED, /* stream->problem says why */
};

struct console_login {
    const char *user, *password;
    const char *host;  /* the server's name; "localhost" for a Unix socket */
    bool in_the_clear; /* others could read the connection: a password that is sent is warned about */
};

/* `offered`: the mechanisms' names, spaces between. What denied the login is in stream->problem. */
enum login_status console_login(struct console_stream *stream, const char *offered,
                                const struct console_login *login);

#endif
