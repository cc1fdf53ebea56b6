/*
 * ctl_session: one connection to the console. Private to src/control.
 *
 * Reads a line, answers it, and looks at the next one when the answer is with the kernel; meanwhile nothing
 * is read. So a client that does not read what it asked for has no more than one answer in memory, and one
 * that sends a thousand commands at once shares the loop with everybody else.
 */
#ifndef IMPULSE_CONTROL_CTL_SESSION_H
#define IMPULSE_CONTROL_CTL_SESSION_H

#include "control/control_private.h"

/* Accepts the connection that waits at `server`, a socket of the Listen `endpoint`. */
void control_session_accept(struct control *control, uv_stream_t *server, const char *endpoint);
/* Ends it when its answer is sent, or after a second. */
void control_session_leave(struct list_node *session);
/* The Listen it came in by. */
const char *control_session_endpoint(const struct list_node *session);

#endif
