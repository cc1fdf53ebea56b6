/* proxy_header: see proxy_header.h. Both versions are told apart by their first byte. */
#include "net/proxy_header.h"

#include <arpa/inet.h>
#include <string.h>
#include "base/slice.h"

/* ---- version 1 ------------------------------------------------------------------------------- */

enum { LINE_MAX_V1 = 107 }; /* with CR LF */

static const char prefix_v1[] = "PROXY ";

/* Takes the part up to the next space, or to the end. */
static struct slice take_word(struct slice *rest)
{
    const char *space = rest->size ? memchr(rest->data, ' ', rest->size) : NULL;
    struct slice word = slice_of(rest->data, space ? (size_t)(space - rest->data) : rest->size);
    size_t used = word.size + (space != NULL);
    *rest = slice_of(rest->data + used, rest->size - used);
    return word;
}

static bool parse_address(struct slice word, int family, struct net_addr *address)
{
    char text[INET6_ADDRSTRLEN];
    struct net_addr parsed = {.family = (sa_family_t)family};
    if (word.size == 0 || word.size >= sizeof text)
        return false;
    memcpy(text, word.data, word.size);
    text[word.size] = '\0';
    if (strlen(text) != word.size || inet_pton(family, text, parsed.bytes) != 1)
        return false;
    *address = parsed;
    return true;
}

/* Decimal, without leading zeros: "format_port" of the specification. */
static bool parse_port(struct slice word, uint16_t *port)
{
    uint64_t number;
    if (!slice_to_uint(word, &number) || number > UINT16_MAX || (word.size > 1 && word.data[0] == '0'))
        return false;
    *port = (uint16_t)number;
    return true;
}

/* The line after "PROXY ", without CR LF. */
static enum proxy_status parse_line(struct slice line, struct proxy_header *header)
{
    struct slice protocol = take_word(&line);
    int family = slice_equal(protocol, SLICE_LITERAL("TCP4"))   ? AF_INET
                 : slice_equal(protocol, SLICE_LITERAL("TCP6")) ? AF_INET6
                                                                : AF_UNSPEC;
    if (slice_equal(protocol, SLICE_LITERAL("UNKNOWN")))
        return PROXY_WITHOUT; /* the rest of the line means nothing */
    if (family == AF_UNSPEC)
        return PROXY_MALFORMED;
    struct slice client = take_word(&line), server = take_word(&line), client_port = take_word(&line);
    if (!parse_address(client, family, &header->client) || !parse_address(server, family, &header->server) ||
        !parse_port(client_port, &header->client.port) || !parse_port(line, &header->server.port))
        return PROXY_MALFORMED;
    return PROXY_DONE;
}

static enum proxy_status parse_v1(const char *data, size_t size, struct proxy_header *header)
{
    size_t prefix = sizeof prefix_v1 - 1, known = size < prefix ? size : prefix;
    size_t most = size < LINE_MAX_V1 ? size : LINE_MAX_V1;
    if (memcmp(data, prefix_v1, known) != 0)
        return PROXY_MALFORMED;
    const char *feed = memchr(data, '\n', most);
    if (!feed)
        return size < LINE_MAX_V1 ? PROXY_MORE : PROXY_MALFORMED;
    size_t line = (size_t)(feed - data);
    if (line < prefix + 1 || data[line - 1] != '\r')
        return PROXY_MALFORMED;
    header->size = line + 1;
    return parse_line(slice_of(data + prefix, line - 1 - prefix), header);
}

/* ---- version 2 ------------------------------------------------------------------------------- */

static const uint8_t signature_v2[12] = {'\r', '\n', '\r', '\n', 0, '\r', '\n', 'Q', 'U', 'I', 'T', '\n'};

enum { FIXED_V2 = 16, COMMAND_LOCAL = 0, COMMAND_PROXY = 1, STREAM = 1, TYPE_FIELD = 3 };

static uint16_t read_number(const uint8_t *bytes)
{
    return (uint16_t)(bytes[0] << 8 | bytes[1]);
}

/* The fields after the addresses (type, length, value) are read over; they must fill the header. */
static bool skip_fields(const uint8_t *bytes, size_t size)
{
    while (size >= TYPE_FIELD) {
        size_t field = TYPE_FIELD + (size_t)read_number(bytes + 1);
        if (field > size)
            return false;
        bytes += field;
        size -= field;
    }
    return size == 0;
}

/* Addresses of `width` bytes each, then both ports. */
static enum proxy_status read_addresses(const uint8_t *bytes, size_t size, int family, size_t width,
                                        struct proxy_header *header)
{
    size_t needed = 2 * width + 4;
    if (size < needed || !skip_fields(bytes + needed, size - needed))
        return PROXY_MALFORMED;
    header->client.family = header->server.family = (sa_family_t)family;
    memcpy(header->client.bytes, bytes, width);
    memcpy(header->server.bytes, bytes + width, width);
    header->client.port = read_number(bytes + 2 * width);
    header->server.port = read_number(bytes + 2 * width + 2);
    return PROXY_DONE;
}

static enum proxy_status parse_v2(const char *data, size_t size, struct proxy_header *header)
{
    const uint8_t *bytes = (const uint8_t *)data;
    if (memcmp(bytes, signature_v2, size < sizeof signature_v2 ? size : sizeof signature_v2) != 0)
        return PROXY_MALFORMED;
    if (size > 12 && (bytes[12] >> 4 != 2 || (bytes[12] & 15) > COMMAND_PROXY))
        return PROXY_MALFORMED;
    if (size < FIXED_V2)
        return PROXY_MORE;
    size_t rest = read_number(bytes + 14);
    if (FIXED_V2 + rest > PROXY_HEADER_MAX)
        return PROXY_MALFORMED;
    if (size < FIXED_V2 + rest)
        return PROXY_MORE;
    header->size = FIXED_V2 + rest;
    unsigned family = bytes[13] >> 4, transport = bytes[13] & 15;
    if (family > 3 || transport > 2)
        return PROXY_MALFORMED;
    if ((bytes[12] & 15) == COMMAND_LOCAL || transport != STREAM || family == 0 || family == 3)
        return PROXY_WITHOUT;
    return read_addresses(bytes + FIXED_V2, rest, family == 1 ? AF_INET : AF_INET6, family == 1 ? 4 : 16,
                          header);
}

/* ---- both ------------------------------------------------------------------------------------ */

enum proxy_status proxy_header_parse(const char *data, size_t size, struct proxy_header *header)
{
    *header = (struct proxy_header){.size = 0};
    if (size == 0)
        return PROXY_MORE;
    enum proxy_status status = data[0] == 'P' ? parse_v1(data, size, header) : parse_v2(data, size, header);
    if (status == PROXY_DONE) {
        net_addr_unmap(&header->client);
        net_addr_unmap(&header->server);
    } else {
        size_t kept = status == PROXY_WITHOUT ? header->size : 0;
        *header = (struct proxy_header){.size = kept};
    }
    return status;
}
