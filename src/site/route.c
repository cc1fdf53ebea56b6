/*
 * route: parses the values of gateway and routes.
 */
#include "site/route.h"

#include <stdio.h>
#include "base/slice.h"

static bool fail(char *error, size_t error_size, const char *what, struct slice where)
{
    snprintf(error, error_size, "%s: \"%.*s\"", what, (int)where.size, where.data);
    return false;
}

static bool read_port(struct slice text, uint16_t *port, char *error, size_t error_size)
{
    uint64_t number;
    if (!slice_to_uint(text, &number) || number < 1 || number > 65535)
        return fail(error, error_size, "a port is a number from 1 to 65535, not", text);
    *port = (uint16_t)number;
    return true;
}

/* ---- the query: pref=P&ttl=T&port=O&type=Y ----------------------------------------------------------- */

static bool read_number(struct slice text, unsigned *number)
{
    uint64_t wide;
    if (!slice_to_uint(text, &wide) || wide > UINT32_MAX)
        return false;
    *number = (unsigned)wide;
    return true;
}

static bool read_pref(struct slice value, struct route *route, char *error, size_t error_size)
{
    route->has_preference = read_number(value, &route->preference);
    return route->has_preference || fail(error, error_size, "pref is a number, not", value);
}

static bool read_ttl(struct slice value, struct route *route, char *error, size_t error_size)
{
    return read_number(value, &route->ttl) ||
           fail(error, error_size, "ttl is a number of seconds, not", value);
}

static bool read_query_port(struct slice value, struct route *route, char *error, size_t error_size)
{
    return read_port(value, &route->port, error, error_size);
}

static bool read_type(struct slice value, struct route *route, char *error, size_t error_size)
{
    if (slice_equal_nocase(value, SLICE_LITERAL("mx"))) {
        if (route->kind == ROUTE_HOST)
            route->kind = ROUTE_HOST_MX;
        return true;
    }
    return slice_equal_nocase(value, SLICE_LITERAL("a")) ||
           fail(error, error_size, "type is \"mx\" or \"a\", not", value);
}

static const struct parameter {
    struct slice name;
    bool (*read)(struct slice value, struct route *route, char *error, size_t error_size);
} parameters[] = {
    {SLICE_LITERAL("pref"), read_pref},
    {SLICE_LITERAL("ttl"), read_ttl},
    {SLICE_LITERAL("port"), read_query_port},
    {SLICE_LITERAL("type"), read_type},
};

static bool read_parameter(struct slice pair, struct route *route, char *error, size_t error_size)
{
    struct slice value = pair, name = {0};
    slice_next(&value, '=', &name);
    for (size_t i = 0; i < sizeof parameters / sizeof *parameters; i++)
        if (slice_equal_nocase(name, parameters[i].name))
            return parameters[i].read(value, route, error, error_size);
    return fail(error, error_size, "a route's parameters are pref, ttl, port and type, not", name);
}

/* ---- the host and its port --------------------------------------------------------------------------- */

/* A host name ends in a label that is not all digits (RFC 1123 section 2.1), so "1.2.3.256" is not a name. */
static bool ends_in_digits(struct slice name)
{
    size_t end = name.size - (name.data[name.size - 1] == '.'), begin = end;
    while (begin > 0 && name.data[begin - 1] >= '0' && name.data[begin - 1] <= '9')
        begin--;
    return begin < end && (begin == 0 || name.data[begin - 1] == '.');
}

static bool is_host_name(struct slice name)
{
    if (name.size == 0 || name.size >= ROUTE_HOST_SIZE - 1 || name.data[0] == '.')
        return false;
    for (size_t i = 0; i < name.size; i++) {
        char c = ascii_lower(name.data[i]);
        if (!((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '_' || c == '.'))
            return false;
        if (c == '.' && i > 0 && name.data[i - 1] == '.')
            return false;
    }
    return !ends_in_digits(name);
}

static void keep_host(struct route *route, struct slice host)
{
    memcpy(route->host, host.data, host.size);
    route->host[host.size] = '\0';
}

static bool read_host(struct slice host, struct route *route, char *error, size_t error_size)
{
    if (host.size > 0 && host.size < ROUTE_HOST_SIZE) {
        keep_host(route, host);
        if (net_addr_parse(&route->address, route->host)) {
            route->kind = ROUTE_ADDRESS;
            return true;
        }
    }
    if (!is_host_name(host))
        return fail(error, error_size, "an address, a host name or __mx__ was expected, not", host);
    route->kind = ROUTE_HOST;
    return true;
}

/*
 * Parses "host", "host:port", "[v6]" or "[v6]:port". With more than one colon and no brackets, the text is an
 * IPv6 address.
 */
static bool read_authority(struct slice text, struct route *route, char *error, size_t error_size)
{
    const char *bracket = text.size && text.data[0] == '[' ? memchr(text.data, ']', text.size) : NULL;
    size_t searched = bracket ? (size_t)(bracket - text.data) : 0;
    const char *colon = text.size ? memchr(text.data + searched, ':', text.size - searched) : NULL;
    size_t host_size = colon ? (size_t)(colon - text.data) : text.size;
    if (colon && !bracket && memchr(colon + 1, ':', text.size - host_size - 1))
        return read_host(text, route, error, error_size);
    if (!read_host(slice_of(text.data, host_size), route, error, error_size))
        return false;
    return !colon ||
           read_port(slice_of(colon + 1, text.size - host_size - 1), &route->port, error, error_size);
}

static bool read_path(struct slice path, struct route *route, char *error, size_t error_size)
{
    struct sockaddr_un address;
    if (path.size >= sizeof address.sun_path || path.size < 2)
        return fail(error, error_size, "the path of a Unix socket has 2 to 107 bytes, not", path);
    route->kind = ROUTE_UNIX;
    keep_host(route, path);
    return true;
}

bool route_parse(const char *text, struct route *route, char *error, size_t error_size)
{
    struct slice rest = slice_trim(slice_text(text)), target, pair;
    bool lmtp = slice_starts_nocase(rest, SLICE_LITERAL("lmtp://"));
    *route = (struct route){0};
    if (lmtp || slice_starts_nocase(rest, SLICE_LITERAL("smtp://"))) {
        rest.data += sizeof "smtp://" - 1;
        rest.size -= sizeof "smtp://" - 1;
    } else if (rest.size && memmem(rest.data, rest.size, "://", 3)) {
        return fail(error, error_size, "a route begins with smtp:// or lmtp://, not as in", rest);
    }
    if (!slice_next(&rest, '?', &target))
        return fail(error, error_size, "a route is empty", slice_text(text));
    if (slice_equal_nocase(target, SLICE_LITERAL("__mx__")))
        route->kind = ROUTE_MX_OF_DOMAIN;
    else if (target.size && target.data[0] == '/') {
        if (!read_path(target, route, error, error_size))
            return false;
    } else if (!read_authority(target, route, error, error_size)) {
        return false;
    }
    while (slice_next(&rest, '&', &pair))
        if (!read_parameter(pair, route, error, error_size))
            return false;
    return true;
}

bool route_check(const char *text, char *error, size_t error_size)
{
    struct route route;
    return route_parse(text, &route, error, error_size);
}
