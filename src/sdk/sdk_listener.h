/*
 * sdk_listener: the listeners of modules (include/impulse/listener.h): from an accepted socket to the module.
 * The sockets are those of src/daemon/listens.c.
 */
#ifndef IMPULSE_SDK_SDK_LISTENER_H
#define IMPULSE_SDK_SDK_LISTENER_H

#include "event/loop.h"
#include "module/module.h"
#include "net/addr.h"

struct sdk_listen; /* one Listen in the stanza of a module; outlives generations */

/* `endpoint` is the Listen's name. Main thread. */
struct sdk_listen *sdk_listen_create(const char *endpoint);
/*
 * Has connections from here on handed to that instance of `set` (its label), `max_connections` at a time (0:
 * no limit); open ones go on as they are, and count. False when the instance has registered no listener;
 * nothing is changed. NULL: nobody takes connections any more. Main thread.
 */
bool sdk_listen_use(struct sdk_listen *listen, struct module_set *set, const char *label,
                    unsigned max_connections);
/* Has such an instance registered a listener? */
bool sdk_listener_exists(const struct module_set *set, const char *label);
/* The socket is closed. Connections go on. Main thread. */
void sdk_listen_free(struct sdk_listen *listen);
/* A listener_accept_fn whose argument is the struct sdk_listen. */
void sdk_listen_accept(struct loop *loop, int fd, const struct net_addr *local, const struct net_addr *peer,
                       void *listen);
/* Closes all connections and waits until they are closed; the loops run. Main thread, at the end, after the
 * Listens. */
void sdk_listener_end(void);

#endif
