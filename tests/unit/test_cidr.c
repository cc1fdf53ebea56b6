/* The CIDR table against a search through a plain list, and the parser against what is and is not a block. */
#include <CUnit/Basic.h>
#include <stdlib.h>
#include <string.h>
#include "net/addr.h"
#include "net/cidr.h"

static void must_parse(const char *text, uint8_t address[16], unsigned *bits)
{
    CU_ASSERT_FATAL(cidr_parse(text, address, bits));
}

static void test_parse(void)
{
    static const struct {
        const char *text;
        unsigned bits;
        const char *address;
    } good[] = {
        {"10.0.0.0/8", 104, "10.0.0.0"},
        {"10.1.2.3", 128, "10.1.2.3"},
        {"0.0.0.0/0", 96, "0.0.0.0"},
        {"fd00::/8", 8, "fd00::"},
        {"::1", 128, "::1"},
        {"::/0", 0, "::"},
        {"[::1]/128", 128, "::1"},
        {"::ffff:10.0.0.0/104", 104, "10.0.0.0"},
        {"::192.168.0.1", 128, "::c0a8:1"},
    };
    static const char *const bad[] = {"",
                                      "/8",
                                      "10.0.0.0/",
                                      "10.0.0.0/33",
                                      "10.0.0.0/-1",
                                      "::/129",
                                      "10.0.0/8",
                                      "10.0.0.0/8 ",
                                      "10.0.0.0/8/8",
                                      "example.com",
                                      "fe80::1%lo",
                                      "10.0.0.0/a",
                                      "10.0.0.256",
                                      "*"};
    uint8_t address[16], expected[16];
    unsigned bits;
    for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
        struct net_addr addr;
        must_parse(good[i].text, address, &bits);
        CU_ASSERT_EQUAL(bits, good[i].bits);
        CU_ASSERT(net_addr_parse(&addr, good[i].address));
        net_addr_mapped(&addr, expected);
        CU_ASSERT_EQUAL(memcmp(address, expected, 16), 0);
    }
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        CU_ASSERT_FALSE(cidr_parse(bad[i], address, &bits));
}

static void set_text(struct cidr_table *table, const char *block, const char *value)
{
    uint8_t address[16];
    unsigned bits;
    must_parse(block, address, &bits);
    cidr_table_set(table, address, bits, (void *)(uintptr_t)value);
}

static const char *find_text(const struct cidr_table *table, const char *text)
{
    uint8_t address[16];
    unsigned bits;
    must_parse(text, address, &bits);
    const char *value = cidr_table_find(table, address);
    return value ? value : "none";
}

static void test_longest_prefix(void)
{
    struct cidr_table *table = cidr_table_create();
    CU_ASSERT_STRING_EQUAL(find_text(table, "10.0.0.1"), "none");
    set_text(table, "10.0.0.1", "host");
    set_text(table, "10.0.0.0/16", "net");
    set_text(table, "10.0.0.0/8", "wide");
    set_text(table, "fd00::/8", "private");
    CU_ASSERT_STRING_EQUAL(find_text(table, "10.0.0.1"), "host");
    CU_ASSERT_STRING_EQUAL(find_text(table, "10.0.0.2"), "net");
    CU_ASSERT_STRING_EQUAL(find_text(table, "10.1.0.1"), "wide");
    CU_ASSERT_STRING_EQUAL(find_text(table, "11.0.0.1"), "none");
    CU_ASSERT_STRING_EQUAL(find_text(table, "fd12::1"), "private");
    CU_ASSERT_STRING_EQUAL(find_text(table, "::1"), "none");
    set_text(table, "0.0.0.0/0", "ipv4");
    CU_ASSERT_STRING_EQUAL(find_text(table, "11.0.0.1"), "ipv4");
    CU_ASSERT_STRING_EQUAL(find_text(table, "::1"), "none");
    set_text(table, "::/0", "all");
    CU_ASSERT_STRING_EQUAL(find_text(table, "::1"), "all");
    set_text(table, "10.0.0.0/16", "again");
    CU_ASSERT_STRING_EQUAL(find_text(table, "10.0.0.2"), "again");
    set_text(table, "10.0.0.0/16", NULL);
    CU_ASSERT_STRING_EQUAL(find_text(table, "10.0.0.2"), "wide");
    cidr_table_free(table);
    cidr_table_free(NULL);
}

/* ---- against a list -------------------------------------------------------------------------- */

struct block {
    uint8_t address[16];
    unsigned bits;
    int value;
};

static bool holds(const struct block *block, const uint8_t address[16])
{
    for (unsigned i = 0; i < block->bits; i++)
        if ((block->address[i / 8] ^ address[i / 8]) >> (7 - i % 8) & 1)
            return false;
    return true;
}

static const int *search(const struct block *blocks, size_t count, const uint8_t address[16])
{
    const struct block *best = NULL;
    for (size_t i = 0; i < count; i++)
        if (holds(&blocks[i], address) && (!best || blocks[i].bits >= best->bits))
            best = &blocks[i];
    return best ? &best->value : NULL;
}

/* Few distinct byte values, so that prefixes overlap and blocks repeat. */
static void random_address(uint8_t address[16])
{
    bool ipv4 = random() % 2;
    for (int i = 0; i < 16; i++)
        address[i] = (uint8_t)(random() % 4 ? random() % 2 * 255 : random());
    if (ipv4) {
        memset(address, 0, 10);
        memset(address + 10, 0xff, 2);
    }
}

static void test_brute_force(void)
{
    enum { ROUNDS = 20, BLOCKS = 300, LOOKUPS = 500 };
    static struct block blocks[BLOCKS];
    srandom(7);
    for (int round = 0; round < ROUNDS; round++) {
        struct cidr_table *table = cidr_table_create();
        size_t wrong = 0;
        for (size_t i = 0; i < BLOCKS; i++) {
            random_address(blocks[i].address);
            blocks[i].bits = (unsigned)random() % 129;
            blocks[i].value = (int)i;
            cidr_table_set(table, blocks[i].address, blocks[i].bits, &blocks[i].value);
        }
        for (size_t i = 0; i < LOOKUPS; i++) {
            uint8_t address[16];
            random_address(address);
            if (i % 3 == 0)
                memcpy(address, blocks[i % BLOCKS].address, (size_t)random() % 17);
            wrong += cidr_table_find(table, address) != search(blocks, BLOCKS, address);
        }
        CU_ASSERT_EQUAL(wrong, 0);
        cidr_table_free(table);
    }
}

int main(void)
{
    CU_initialize_registry();
    CU_pSuite suite = CU_add_suite("cidr", NULL, NULL);
    CU_add_test(suite, "parse", test_parse);
    CU_add_test(suite, "longest prefix", test_longest_prefix);
    CU_add_test(suite, "against a list", test_brute_force);
    CU_basic_run_tests();
    unsigned failures = CU_get_number_of_failures();
    CU_cleanup_registry();
    return failures ? 1 : 0;
}
