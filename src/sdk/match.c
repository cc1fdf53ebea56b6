/*
 * match: the daemon's tables of address blocks and domains under the names of the SDK.
 */
#include "impulse/match.h"

#include "base/domain_set.h"
#include "net/cidr.h"

/*
 * Value for all IPv4 addresses unless a block overrides it: "::/0" does not include IPv4 addresses, as in a
 * Peer.
 */
static const uint8_t ipv4[16] = {[10] = 0xff, [11] = 0xff};
static char outside;

struct imp_cidr_set *imp_cidr_set_create(void)
{
    struct cidr_table *table = cidr_table_create();
    cidr_table_set(table, ipv4, 96, &outside);
    return (struct imp_cidr_set *)table;
}

void imp_cidr_set_free(struct imp_cidr_set *set)
{
    if (set)
        cidr_table_free((struct cidr_table *)set);
}

bool imp_cidr_set_add(struct imp_cidr_set *set, const char *block)
{
    uint8_t address[16];
    unsigned bits;
    if (!cidr_parse(block, address, &bits))
        return false;
    cidr_table_set((struct cidr_table *)set, address, bits, set); /* any value: only its presence counts */
    return true;
}

bool imp_cidr_set_has(const struct imp_cidr_set *set, const uint8_t address[16])
{
    const void *found = cidr_table_find((const struct cidr_table *)set, address);
    return found && found != &outside;
}

struct imp_domain_set *imp_domain_set_create(void)
{
    return (struct imp_domain_set *)domain_set_create();
}

void imp_domain_set_free(struct imp_domain_set *set)
{
    domain_set_free((struct domain_set *)set);
}

void imp_domain_set_add(struct imp_domain_set *set, const char *pattern)
{
    domain_set_add((struct domain_set *)set, slice_text(pattern));
}

void imp_domain_set_seal(struct imp_domain_set *set)
{
    domain_set_seal((struct domain_set *)set);
}

bool imp_domain_set_has(const struct imp_domain_set *set, const char *domain)
{
    return domain_set_has((const struct domain_set *)set, slice_text(domain));
}
