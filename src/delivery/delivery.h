/*
 * delivery: the transport below the queue: SMTP and LMTP over TCP or Unix sockets, and modules' delivery
 * methods.
 */
#ifndef IMPULSE_DELIVERY_DELIVERY_H
#define IMPULSE_DELIVERY_DELIVERY_H

#include "base/registry.h"
#include "dns/dns.h"
#include "queue/queue.h"

struct delivery;

/* Registers the core's methods, on which those of modules lie. Once more is harmless. Main thread, before modules are set
 * up. */
void delivery_register(void);
/* The values of delivery_method that the core knows. */
const struct registry *delivery_methods(void);

/*
 * Makes the transport and gives it to the queue set. `resolvers` has one for each loop of the dependencies, and is
 * borrowed until delivery_free. `hostname` is what EHLO says unless ehlo_hostname is set. Main thread, before the
 * loops start.
 */
struct delivery *delivery_create(struct queue_set *queues, const struct queue_dependencies *dependencies,
                                 const char *hostname, const struct resolvers *resolvers);
/* After the loops stopped, before queue_set_free; waits for what pools still do for it. */
void delivery_free(struct delivery *delivery);

#endif
