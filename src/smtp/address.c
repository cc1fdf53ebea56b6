/*
 * address: a hand-written recogniser for the paths and parameters of MAIL and RCPT.
 *
 * It accepts what RFC 5321 4.1.2 calls Path and Mailbox, and refuses everything else: what passes here is
 * printed into log lines, headers and commands to the next hop without further quoting.
 */
#include "smtp/address.h"

#include "net/addr.h"

static bool is_alnum(char c)
{
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

static bool is_atext(char c)
{
    return is_alnum(c) || (c && strchr("!#$%&'*+-/=?^_`{|}~", c));
}

/* The length of a Dot-string at the start of `s`, 0 if there is none. */
static size_t dot_string(struct slice s)
{
    size_t i = 0;
    while (i < s.size && is_atext(s.data[i])) {
        while (i < s.size && is_atext(s.data[i]))
            i++;
        if (i + 1 < s.size && s.data[i] == '.' && is_atext(s.data[i + 1]))
            i++;
        else
            return i;
    }
    return i;
}

/* The length of a Quoted-string at the start of `s`, 0 if there is none or it does not end. */
static size_t quoted_string(struct slice s)
{
    if (s.size < 2 || s.data[0] != '"')
        return 0;
    for (size_t i = 1; i < s.size; i++) {
        unsigned char c = (unsigned char)s.data[i];
        if (c == '"')
            return i + 1;
        if (c == '\\')
            c = ++i < s.size ? (unsigned char)s.data[i] : 0;
        if (c < 32 || c > 126)
            return 0;
    }
    return 0;
}

static bool label_char(char c)
{
    return is_alnum(c) || c == '-' || c == '_';
}

static bool host_valid(struct slice name)
{
    struct slice label;
    if (name.data[name.size - 1] == '.')
        return false;
    while (slice_next(&name, '.', &label)) {
        if (label.size == 0 || label.size > 63 || label.data[0] == '-' || label.data[label.size - 1] == '-')
            return false;
        for (size_t i = 0; i < label.size; i++)
            if (!label_char(label.data[i]))
                return false;
    }
    return true;
}

static bool literal_valid(struct slice literal)
{
    static const struct slice ipv6_tag = {"IPv6:", 5};
    char text[NET_ADDR_TEXT_SIZE];
    struct net_addr ignored;
    struct slice inner = slice_of(literal.data + 1, literal.size - 2);
    bool tagged = slice_starts_nocase(inner, ipv6_tag);
    if (tagged)
        inner = slice_of(inner.data + ipv6_tag.size, inner.size - ipv6_tag.size);
    if (inner.size == 0 || inner.size >= sizeof text)
        return false;
    memcpy(text, inner.data, inner.size);
    text[inner.size] = '\0';
    return net_addr_parse(&ignored, text) && tagged == (ignored.family == AF_INET6);
}

bool address_domain_valid(struct slice name)
{
    if (name.size == 0 || name.size > DOMAIN_MAX)
        return false;
    if (name.data[0] == '[')
        return name.size > 2 && name.data[name.size - 1] == ']' && literal_valid(name);
    return host_valid(name);
}

/* The length of what may be a domain at the start of `s`: up to '>' or, in a source route, ',' or ':'. */
static size_t domain_span(struct slice s, const char *stops)
{
    size_t i = 0;
    bool literal = s.size > 0 && s.data[0] == '[';
    while (i < s.size && (literal || (s.data[i] && !strchr(stops, s.data[i])))) {
        if (literal && s.data[i] == ']')
            return i + 1;
        i++;
    }
    return i;
}

static void skip(struct slice *s, size_t size)
{
    s->data += size;
    s->size -= size;
}

/* "@one,@two:" before the mailbox: accepted and ignored, as RFC 5321 asks. */
static bool skip_source_route(struct slice *s)
{
    while (s->size > 0 && s->data[0] == '@') {
        skip(s, 1);
        size_t span = domain_span(*s, ",:>");
        if (!address_domain_valid(slice_of(s->data, span)))
            return false;
        skip(s, span);
        if (s->size == 0 || (s->data[0] != ',' && s->data[0] != ':'))
            return false;
        bool last = s->data[0] == ':';
        skip(s, 1);
        if (last)
            return true;
    }
    return true;
}

bool address_parse_path(struct slice *rest, bool null_allowed, bool postmaster_allowed,
                        struct mail_path *path)
{
    struct slice s = *rest;
    if (s.size < 2 || s.data[0] != '<')
        return false;
    skip(&s, 1);
    *path = (struct mail_path){slice_of(s.data, 0), slice_of(s.data, 0)};
    if (s.data[0] == '>') {
        skip(&s, 1);
        *rest = s;
        return null_allowed;
    }
    if (!skip_source_route(&s))
        return false;
    const char *start = s.data;
    size_t local = s.size && s.data[0] == '"' ? quoted_string(s) : dot_string(s);
    if (local == 0 || local > LOCAL_PART_MAX)
        return false;
    skip(&s, local);
    if (s.size > 0 && s.data[0] == '@') {
        skip(&s, 1);
        size_t span = domain_span(s, ">");
        path->domain = slice_of(s.data, span);
        if (!address_domain_valid(path->domain))
            return false;
        skip(&s, span);
    } else if (!postmaster_allowed ||
               !slice_equal_nocase(slice_of(start, local), SLICE_LITERAL("postmaster"))) {
        return false;
    }
    path->mailbox = slice_of(start, (size_t)(s.data - start));
    if (path->mailbox.size > ADDRESS_MAX || s.size == 0 || s.data[0] != '>')
        return false;
    skip(&s, 1);
    *rest = s;
    return true;
}

int address_next_parameter(struct slice *rest, struct slice *keyword, struct slice *value)
{
    struct slice s = *rest;
    if (s.size == 0)
        return 0;
    if (s.data[0] != ' ')
        return -1;
    while (s.size > 0 && s.data[0] == ' ')
        skip(&s, 1);
    if (s.size == 0) {
        *rest = s;
        return 0;
    }
    size_t i = 0;
    while (i < s.size && (is_alnum(s.data[i]) || s.data[i] == '-'))
        i++;
    *keyword = slice_of(s.data, i);
    if (i == 0 || s.data[0] == '-')
        return -1;
    skip(&s, i);
    *value = slice_of(s.data, 0);
    if (s.size > 0 && s.data[0] == '=') {
        skip(&s, 1);
        for (i = 0; i < s.size && s.data[i] > 32 && s.data[i] < 127 && s.data[i] != '='; i++)
            ;
        *value = slice_of(s.data, i);
        if (i == 0)
            return -1;
        skip(&s, i);
    }
    *rest = s;
    return 1;
}
