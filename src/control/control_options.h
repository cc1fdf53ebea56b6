/*
 * control_options.h: the options of a Control_Listener, its Listens and Peers as plain fields. Main thread.
 */
#ifndef IMPULSE_CONTROL_CONTROL_OPTIONS_H
#define IMPULSE_CONTROL_CONTROL_OPTIONS_H

#include "policy/fields.h"

struct control_options {
    bool always_deny, always_allow;
    unsigned timeout; /* seconds without a command; 0: no limit */
    struct policy_setting enable_authentication, enable_authorization;
    struct policy_setting digest, login; /* AuthDigestMD5Parameters, AuthLoginParameters */
    struct policy_setting groups;        /* AuthorizationParameters */
    struct policy_setting file_mode;     /* of a Unix socket; its default is that of other listeners */
};

void control_options_fill(struct control_options *options, const struct conf_chain *chain);

#endif
