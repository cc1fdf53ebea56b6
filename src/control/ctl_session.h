/*
 * ctl_session.h: one connection to the console. Private to src/control. Main thread.
 *
 * A session reads a line, answers it, and processes the next line when the kernel has taken the answer; until
 * then it reads nothing. A client that does not read therefore has at most one answer in memory, and a client
 * that sends a thousand commands at once shares the loop with the others.
 */
#ifndef IMPULSE_CONTROL_CTL_SESSION_H
#define IMPULSE_CONTROL_CTL_SESSION_H

#include "control/control_private.h"

/* Accepts the connection that waits at `server`, a socket of the Listen `endpoint`. */
void control_session_accept(struct control *control, uv_stream_t *server, const char *endpoint);
/* Ends the session when its answer is sent, or after one second. */
void control_session_leave(struct list_node *session);
/* Cancels the session's command and ends the session, if the command has not finished. */
void control_session_give_up(struct list_node *session);
/* Returns the name of the session's Listen. */
const char *control_session_endpoint(const struct list_node *session);

#endif
