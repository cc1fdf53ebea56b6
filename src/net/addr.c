/*
 * addr: network addresses between their socket, binary and text forms.
 *
 * An IPv4 peer of a dual-stack socket arrives as ::ffff:a.b.c.d. It is turned into AF_INET wherever an
 * address enters, so that one peer has one form in policies and logs.
 */
#include "net/addr.h"

#include <arpa/inet.h>
#include <net/if.h>
#include <stdio.h>
#include <string.h>
#include "base/slice.h"

static const uint8_t mapped_prefix[12] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};

void net_addr_unmap(struct net_addr *addr)
{
    if (addr->family != AF_INET6 || memcmp(addr->bytes, mapped_prefix, sizeof mapped_prefix) != 0)
        return;
    addr->family = AF_INET;
    addr->scope_id = 0;
    memmove(addr->bytes, addr->bytes + sizeof mapped_prefix, 4);
    memset(addr->bytes + 4, 0, sizeof addr->bytes - 4);
}

static void set_inet6(struct net_addr *addr, const uint8_t bytes[16], uint32_t scope_id)
{
    addr->family = AF_INET6;
    addr->scope_id = scope_id;
    memcpy(addr->bytes, bytes, 16);
    net_addr_unmap(addr);
}

void net_addr_from_sockaddr(struct net_addr *addr, const struct sockaddr *sa)
{
    struct sockaddr_in in;
    struct sockaddr_in6 in6;
    *addr = (struct net_addr){.family = AF_UNSPEC};
    switch (sa->sa_family) {
    case AF_INET:
        memcpy(&in, sa, sizeof in);
        addr->family = AF_INET;
        addr->port = ntohs(in.sin_port);
        memcpy(addr->bytes, &in.sin_addr, 4);
        break;
    case AF_INET6:
        memcpy(&in6, sa, sizeof in6);
        addr->port = ntohs(in6.sin6_port);
        set_inet6(addr, in6.sin6_addr.s6_addr, in6.sin6_scope_id);
        break;
    case AF_UNIX:
        addr->family = AF_UNIX;
        break;
    default:
        break;
    }
}

socklen_t net_addr_to_sockaddr(const struct net_addr *addr, struct sockaddr_storage *sa)
{
    memset(sa, 0, sizeof *sa);
    if (addr->family == AF_INET) {
        struct sockaddr_in in = {.sin_family = AF_INET, .sin_port = htons(addr->port)};
        memcpy(&in.sin_addr, addr->bytes, 4);
        memcpy(sa, &in, sizeof in);
        return sizeof in;
    }
    struct sockaddr_in6 in6 = {
        .sin6_family = AF_INET6, .sin6_port = htons(addr->port), .sin6_scope_id = addr->scope_id};
    memcpy(&in6.sin6_addr, addr->bytes, 16);
    memcpy(sa, &in6, sizeof in6);
    return sizeof in6;
}

/* The part after '%' (RFC 4007 section 11): an interface's name or number. */
static bool parse_scope(const char *text, uint32_t *scope_id)
{
    uint64_t number;
    if (slice_to_uint(slice_text(text), &number)) {
        *scope_id = (uint32_t)number;
        return number > 0 && number <= UINT32_MAX;
    }
    *scope_id = if_nametoindex(text);
    return *scope_id != 0;
}

static bool parse_inet6(struct net_addr *addr, struct slice text)
{
    char copy[NET_ADDR_TEXT_SIZE];
    uint8_t bytes[16];
    uint32_t scope_id = 0;
    if (text.size >= sizeof copy)
        return false;
    memcpy(copy, text.data, text.size);
    copy[text.size] = '\0';
    char *percent = strchr(copy, '%');
    if (percent) {
        *percent = '\0';
        if (!parse_scope(percent + 1, &scope_id))
            return false;
    }
    if (inet_pton(AF_INET6, copy, bytes) != 1)
        return false;
    set_inet6(addr, bytes, scope_id);
    return true;
}

bool net_addr_parse(struct net_addr *addr, const char *text)
{
    struct slice inner = slice_text(text);
    *addr = (struct net_addr){.family = AF_UNSPEC};
    if (inet_pton(AF_INET, text, addr->bytes) == 1) {
        addr->family = AF_INET;
        return true;
    }
    if (inner.size >= 2 && inner.data[0] == '[' && inner.data[inner.size - 1] == ']')
        inner = slice_of(inner.data + 1, inner.size - 2);
    return parse_inet6(addr, inner);
}

bool net_addr_parse_slice(struct net_addr *addr, struct slice text)
{
    char terminated[NET_ADDR_TEXT_SIZE];
    if (text.size == 0 || text.size >= sizeof terminated || memchr(text.data, '\0', text.size))
        return false;
    memcpy(terminated, text.data, text.size);
    terminated[text.size] = '\0';
    return net_addr_parse(addr, terminated);
}

bool net_addr_parse_tagged(struct net_addr *addr, struct slice text)
{
    struct slice tag = SLICE_LITERAL("IPv6:");
    bool tagged = slice_starts_nocase(text, tag);
    if (tagged)
        text = slice_of(text.data + tag.size, text.size - tag.size);
    return text.size > 0 && text.data[0] != '[' && net_addr_parse_slice(addr, text) &&
           tagged == (memchr(text.data, ':', text.size) != NULL);
}

bool net_addr_parse_literal(struct net_addr *addr, struct slice text)
{
    return text.size > 2 && text.data[0] == '[' && text.data[text.size - 1] == ']' &&
           net_addr_parse_tagged(addr, slice_of(text.data + 1, text.size - 2));
}

/* Like inet_ntop, which calls sprintf, in a tenth of the time. */
static void format_ipv4(const uint8_t bytes[4], char *text)
{
    for (int i = 0; i < 4; i++) {
        if (bytes[i] >= 100)
            *text++ = (char)('0' + bytes[i] / 100);
        if (bytes[i] >= 10)
            *text++ = (char)('0' + bytes[i] / 10 % 10);
        *text++ = (char)('0' + bytes[i] % 10);
        *text++ = i < 3 ? '.' : '\0';
    }
}

const char *net_addr_format(const struct net_addr *addr, char text[static NET_ADDR_TEXT_SIZE])
{
    text[0] = '\0';
    if (addr->family == AF_UNIX)
        snprintf(text, NET_ADDR_TEXT_SIZE, "unix");
    else if (addr->family == AF_INET)
        format_ipv4(addr->bytes, text);
    else if (addr->family == AF_INET6)
        inet_ntop(addr->family, addr->bytes, text, NET_ADDR_TEXT_SIZE);
    if (addr->family == AF_INET6 && addr->scope_id) {
        size_t size = strlen(text);
        snprintf(text + size, NET_ADDR_TEXT_SIZE - size, "%%%u", addr->scope_id);
    }
    return text;
}

const char *net_addr_format_port(const struct net_addr *addr, char text[static NET_ADDR_TEXT_SIZE])
{
    bool bracketed = addr->family == AF_INET6;
    char host[NET_ADDR_TEXT_SIZE];
    net_addr_format(addr, host);
    if (addr->family == AF_INET || addr->family == AF_INET6)
        snprintf(text, NET_ADDR_TEXT_SIZE, "%s%.54s%s:%u", bracketed ? "[" : "", host, bracketed ? "]" : "",
                 (unsigned)addr->port);
    else
        memcpy(text, host, sizeof host);
    return text;
}

void net_addr_mapped(const struct net_addr *addr, uint8_t mapped[16])
{
    memset(mapped, 0, 16);
    if (addr->family == AF_INET) {
        memcpy(mapped, mapped_prefix, sizeof mapped_prefix);
        memcpy(mapped + sizeof mapped_prefix, addr->bytes, 4);
    } else if (addr->family == AF_INET6) {
        memcpy(mapped, addr->bytes, 16);
    }
}

bool net_addr_equal(const struct net_addr *a, const struct net_addr *b)
{
    if (a->family != b->family)
        return false;
    if (a->family != AF_INET && a->family != AF_INET6)
        return true;
    size_t size = a->family == AF_INET ? 4 : 16;
    return a->port == b->port && a->scope_id == b->scope_id && memcmp(a->bytes, b->bytes, size) == 0;
}
