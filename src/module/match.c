/*
 * match: the daemon's tables of address blocks and domains under the SDK's names.
 */
#include "impulse/match.h"

#include "base/domain_set.h"
#include "net/cidr.h"

struct imp_cidr_set *imp_cidr_set_create(void)
{
    return (struct imp_cidr_set *)cidr_table_create();
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
    return cidr_table_find((const struct cidr_table *)set, address) != NULL;
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
