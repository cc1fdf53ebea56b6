/*
 * inbound_limits.h: the options that limit clients, as session_limits.c and message_throttle.c read them. Any
 * thread.
 */
#ifndef IMPULSE_THROTTLE_INBOUND_LIMITS_H
#define IMPULSE_THROTTLE_INBOUND_LIMITS_H

#include "policy/fields.h"

struct inbound_limits {
    /* A limit belongs to the scope that sets it. */
    struct policy_setting listener_sessions, service_sessions;
    struct policy_setting messages; /* Inbound_Throttle_Messages */
    uint32_t max_connections;       /* to one Listen; 0: no limit */
};

void inbound_limits_fill(struct inbound_limits *limits, const struct conf_chain *chain);

#endif
