/* address: IP addresses and blocks as the configuration writes them. */
#include "confparse/address.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const uint8_t mapped[12] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};

/* Reads an address without a prefix length; *width becomes 32 or 128. */
static bool parse_address(const char *text, uint8_t address[16], unsigned *width)
{
    if (inet_pton(AF_INET, text, address + 12) == 1) {
        memcpy(address, mapped, sizeof mapped);
        *width = 32;
        return true;
    }
    *width = 128;
    return inet_pton(AF_INET6, text, address) == 1;
}

bool conf_parse_address(const char *text)
{
    uint8_t address[16];
    unsigned width;
    return parse_address(text, address, &width);
}

/* The part of a Listen's name before its last colon. IPv6 stands in brackets, maybe with an interface. */
static bool is_endpoint_host(const char *text, size_t size)
{
    char host[INET6_ADDRSTRLEN + 1];
    uint8_t address[16];
    bool bracketed = size >= 2 && text[0] == '[' && text[size - 1] == ']';
    if (bracketed) {
        const char *percent = memchr(text, '%', size);
        size = (percent ? (size_t)(percent - text) : size - 1) - 1;
        text++;
    }
    if (size == 0 || (size == 1 && *text == '*'))
        return size || !bracketed;
    if (size >= sizeof host)
        return false;
    memcpy(host, text, size);
    host[size] = '\0';
    return inet_pton(bracketed ? AF_INET6 : AF_INET, host, address) == 1;
}

const char *conf_endpoint_problem(const char *name)
{
    const char *colon = strrchr(name, ':');
    if (name[0] == '/')
        return NULL;
    size_t digits = colon ? strspn(colon + 1, "0123456789") : 0;
    if (digits == 0 || colon[1 + digits])
        return "expected ADDRESS:PORT (\":25\", \"10.0.0.1:25\", \"[::1]:25\") or /PATH";
    if (digits > 9 || strtoul(colon + 1, NULL, 10) > UINT16_MAX)
        return "a port is at most 65535";
    if (!is_endpoint_host(name, (size_t)(colon - name)))
        return "expected an IPv4 address, an IPv6 address in [ ], \"*\" or \"[*]\" before the port";
    return NULL;
}

/* A prefix length: decimal digits, at most `width`. */
static bool parse_bits(const char *text, unsigned width, unsigned *bits)
{
    size_t digits = strspn(text, "0123456789");
    if (digits == 0 || digits > 3 || text[digits])
        return false;
    *bits = (unsigned)strtoul(text, NULL, 10);
    return *bits <= width;
}

bool conf_parse_cidr(const char *text, uint8_t address[16], unsigned *bits)
{
    char host[INET6_ADDRSTRLEN + 1];
    const char *slash = strchr(text, '/');
    size_t size = slash ? (size_t)(slash - text) : strlen(text);
    unsigned width;
    if (size >= sizeof host)
        return false;
    memcpy(host, text, size);
    host[size] = '\0';
    if (!parse_address(host, address, &width))
        return false;
    *bits = width;
    if (slash && !parse_bits(slash + 1, width, bits))
        return false;
    *bits += 128 - width;
    return true;
}

bool conf_kind_is_block(struct conf_text kind)
{
    return conf_text_is(kind, "peer") || conf_text_is(kind, "via");
}

void conf_keep_prefix(uint8_t address[16], unsigned bits)
{
    for (unsigned i = 0; i<16; i++, bits = bits> 8 ? bits - 8 : 0)
        if (bits < 8)
            address[i] &= (uint8_t)(0xff00 >> bits);
}

bool conf_block_key(const char *name, char key[CONF_KEY_MAX])
{
    uint8_t address[16];
    unsigned bits;
    char text[INET6_ADDRSTRLEN];
    if (!conf_parse_cidr(name, address, &bits))
        return false;
    conf_keep_prefix(address, bits);
    inet_ntop(AF_INET6, address, text, sizeof text);
    snprintf(key, CONF_KEY_MAX, "%s/%u", text, bits);
    return true;
}
