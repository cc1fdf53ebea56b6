/*
 * account: what the console tells the log hooks, which write the acctlog. Private to src/control.
 */
#ifndef IMPULSE_CONTROL_ACCOUNT_H
#define IMPULSE_CONTROL_ACCOUNT_H

#include "control/control_private.h"

/* Somebody logged in as `user` or failed to; `timeout`: by saying nothing. */
void account_login(const struct control *control, const struct visitor *visitor, const char *user,
                   bool success, bool timeout);
/* A command line was judged; `role` as roles_judge gives it. */
void account_command(const struct control *control, const struct visitor *visitor, const char *line,
                     enum imp_authorization result, const char *role);

#endif
