/*
 * pollers: every loop of a group polls one listening socket and accepts for itself. Private to src/net.
 */
#ifndef IMPULSE_NET_POLLERS_H
#define IMPULSE_NET_POLLERS_H

#include "net/connection_accept.h"

struct pollers;

/* Begins on every loop of socket->group. `socket` is borrowed until pollers_stop returns. Main thread. */
struct pollers *pollers_start(struct listen_socket *socket);
/* Waits until no loop uses the socket any more, and frees. Main thread. */
void pollers_stop(struct pollers *pollers);

#endif
