/*
 * sdk_dns: the daemon's resolvers for modules.
 */
#ifndef IMPULSE_SDK_SDK_DNS_H
#define IMPULSE_SDK_SDK_DNS_H

#include "dns/dns.h"

/* Where modules' questions go; borrowed. NULL: nowhere any more. Main thread, while no loop runs. */
void sdk_dns_set_resolvers(const struct resolvers *resolvers);

/* The resolver of the loop whose thread this is; NULL: there is none. */
struct resolver *sdk_dns_resolver(void);

#endif
