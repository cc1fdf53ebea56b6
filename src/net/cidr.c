/*
 * cidr: a path-compressed binary trie of address blocks.
 *
 * A node stands for a block; both children lie inside it, one for each value of the first bit after its
 * prefix. A node without a value exists only where two blocks part. Blocks of IPv4 hang below ::ffff:0:0/96,
 * which costs them one step, not 96.
 */
#include "net/cidr.h"

#include <string.h>
#include "base/mem.h"
#include "net/addr.h"

enum { ADDRESS_BITS = 128 };

struct node {
    uint8_t address[16]; /* the first `bits` count */
    unsigned bits;
    void *value;
    struct node *child[2];
};

struct cidr_table {
    struct node *root;
};

/* ---- bits ------------------------------------------------------------------------------------ */

static unsigned bit_at(const uint8_t address[16], unsigned index)
{
    return address[index / 8] >> (7 - index % 8) & 1u;
}

/* How many leading bits are equal, at most `limit`. */
static unsigned common_bits(const uint8_t a[16], const uint8_t b[16], unsigned limit)
{
    unsigned bits = 0;
    while (bits < limit && a[bits / 8] == b[bits / 8])
        bits += 8;
    if (bits >= limit)
        return limit;
    unsigned difference = (unsigned)(a[bits / 8] ^ b[bits / 8]);
    bits += (unsigned)__builtin_clz(difference) - (unsigned)(sizeof difference * 8 - 8);
    return bits < limit ? bits : limit;
}

/* ---- the trie -------------------------------------------------------------------------------- */

static struct node *node_create(const uint8_t address[16], unsigned bits, void *value)
{
    struct node *node = mem_new(struct node);
    memcpy(node->address, address, 16);
    node->bits = bits;
    node->value = value;
    return node;
}

static void node_free(struct node *node)
{
    if (!node)
        return;
    node_free(node->child[0]); /* at most 128 deep: every child's prefix is longer */
    node_free(node->child[1]);
    free(node);
}

struct cidr_table *cidr_table_create(void)
{
    return mem_new(struct cidr_table);
}

void cidr_table_free(struct cidr_table *table)
{
    if (!table)
        return;
    node_free(table->root);
    free(table);
}

void cidr_table_set(struct cidr_table *table, const uint8_t address[16], unsigned bits, void *value)
{
    struct node **at = &table->root, *node;
    unsigned common = 0;
    while ((node = *at)) {
        common = common_bits(node->address, address, node->bits < bits ? node->bits : bits);
        if (common < node->bits)
            break;
        if (node->bits == bits) {
            node->value = value;
            return;
        }
        at = &node->child[bit_at(address, node->bits)];
    }
    struct node *block = node_create(address, bits, value);
    if (!node) {
        *at = block;
    } else if (common == bits) { /* the new block holds the node */
        *at = block;
        block->child[bit_at(node->address, bits)] = node;
    } else { /* they part after the common bits */
        *at = node_create(address, common, NULL);
        (*at)->child[bit_at(address, common)] = block;
        (*at)->child[bit_at(node->address, common)] = node;
    }
}

void *cidr_table_find(const struct cidr_table *table, const uint8_t address[16])
{
    void *value = NULL;
    const struct node *node = table->root;
    while (node && common_bits(node->address, address, node->bits) == node->bits) {
        if (node->value)
            value = node->value;
        node = node->bits < ADDRESS_BITS ? node->child[bit_at(address, node->bits)] : NULL;
    }
    return value;
}

/* ---- text ------------------------------------------------------------------------------------ */

/* The digits after '/', at most `limit`. */
static bool parse_bits(const char *text, unsigned limit, unsigned *bits)
{
    uint64_t number;
    if (!slice_to_uint(slice_text(text), &number) || number > limit)
        return false;
    *bits = (unsigned)number;
    return true;
}

bool cidr_parse(const char *text, uint8_t address[16], unsigned *bits)
{
    char literal[NET_ADDR_TEXT_SIZE];
    struct net_addr addr;
    const char *slash = strchr(text, '/');
    size_t size = slash ? (size_t)(slash - text) : strlen(text);
    if (size >= sizeof literal || memchr(text, '%', size))
        return false;
    memcpy(literal, text, size);
    literal[size] = '\0';
    if (!net_addr_parse(&addr, literal))
        return false;
    net_addr_mapped(&addr, address);
    /* What was written counts: "::ffff:10.0.0.0/104" is an IPv6 block even though it holds IPv4 addresses. */
    unsigned width = strchr(literal, ':') ? ADDRESS_BITS : 32;
    *bits = width;
    if (slash && !parse_bits(slash + 1, width, bits))
        return false;
    *bits += ADDRESS_BITS - width;
    return true;
}
