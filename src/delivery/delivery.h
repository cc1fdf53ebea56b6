/*
 * delivery: the transport below the queue: SMTP and LMTP over TCP or Unix sockets, and modules' delivery
 * methods.
 */
#ifndef IMPULSE_DELIVERY_DELIVERY_H
#define IMPULSE_DELIVERY_DELIVERY_H

#include "base/registry.h"
#include "queue/queue.h"

struct delivery;

/* Registers the core's methods, on which those of modules lie. Once more is harmless. Main thread, before modules are set
 * up. */
void delivery_register(void);
/* The values of delivery_method that the core knows. */
const struct registry *delivery_methods(void);

/*
 * Makes the transport and gives it to the queue set. `resolv_conf` NULL: the system's. `hostname` is what
 * EHLO says unless ehlo_hostname is set. Main thread, before the loops start. NULL with one line in error[].
 */
struct delivery *delivery_create(struct queue_set *queues, const struct queue_dependencies *dependencies,
                                 const char *hostname, const char *resolv_conf, char *error,
                                 size_t error_size);
/* After the loops stopped, before queue_set_free; waits for what pools still do for it. */
void delivery_free(struct delivery *delivery);

#endif
