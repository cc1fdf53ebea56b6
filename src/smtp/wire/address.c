/*
 * address: a hand-written parser for the paths of MAIL and RCPT.
 *
 * It accepts Path and Mailbox of RFC 5321 4.1.2, with the characters that RFC 6531 adds, and rejects
 * everything else. Accepted paths are later printed into log lines, headers and commands to the next hop
 * without further quoting.
 */
#include "smtp/wire/address.h"

#include "base/idna.h"
#include "base/utf8.h"
#include "net/addr.h"

static bool is_alnum(char c)
{
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

static void skip(struct slice *s, size_t size)
{
    s->data += size;
    s->size -= size;
}

static void skip_blanks(struct slice *s)
{
    while (s->size > 0 && ascii_is_blank(s->data[0]))
        skip(s, 1);
}

/* ---- local parts --------------------------------------------------------------------------------- */

/*
 * Returns the length of the non-ASCII character at s[i], 0 if there is none. The control characters U+0080 to
 * U+009F are rejected although the grammar of RFC 6531 allows them, because terminals interpret them.
 */
static size_t utf8_character(struct slice s, size_t i)
{
    if (!(s.data[i] & 0x80))
        return 0;
    size_t size = utf8_sequence(s.data + i, s.size - i);
    return size == 2 && s.data[i] == '\xc2' && (unsigned char)s.data[i + 1] < 0xa0 ? 0 : size;
}

/* Returns the length of the atext at s[i], 0 if there is none. */
static size_t atext(struct slice s, size_t i)
{
    char c = s.data[i];
    if (is_alnum(c) || (c && strchr("!#$%&'*+-/=?^_`{|}~", c)))
        return 1;
    return utf8_character(s, i);
}

/* Returns the length of the Dot-string at the start of `s`, 0 if there is none. */
static size_t dot_string(struct slice s, bool pedantic)
{
    bool atom_begins = true;
    size_t i = 0, size;
    for (; i < s.size; i += size) {
        size = atext(s, i);
        if (size == 0 && s.data[i] == '.' && (!atom_begins || (!pedantic && i > 0)))
            size = 1;
        if (size == 0)
            break;
        atom_begins = s.data[i] == '.';
    }
    return atom_begins && pedantic ? 0 : i;
}

static bool printable(char c)
{
    return c >= 32 && c <= 126;
}

/* Returns the length of the Quoted-string at the start of `s`, 0 if there is none or it is not closed. */
static size_t quoted_string(struct slice s)
{
    size_t size;
    for (size_t i = 1; i < s.size; i += size) {
        if (s.data[i] == '"')
            return i + 1;
        if (s.data[i] == '\\')
            size = i + 1 < s.size && printable(s.data[i + 1]) ? 2 : 0;
        else
            size = printable(s.data[i]) ? 1 : utf8_character(s, i);
        if (size == 0)
            return 0;
    }
    return 0;
}

/* ---- domains ------------------------------------------------------------------------------------- */

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

/* A domain with U-labels is valid if its A-labels are. */
static bool international_valid(struct slice name)
{
    char ascii[IDNA_NAME_SIZE];
    return idna_to_ascii(name, ascii) && host_valid(slice_text(ascii));
}

bool address_domain_valid(struct slice name)
{
    if (name.size == 0 || name.size > DOMAIN_MAX)
        return false;
    struct net_addr address;
    if (name.data[0] == '[')
        return net_addr_parse_literal(&address, name);
    return slice_is_ascii(name) ? host_valid(name) : international_valid(name);
}

bool address_is_ip(struct slice domain)
{
    struct net_addr address;
    return domain.size > 0 && (domain.data[0] == '[' || net_addr_parse_slice(&address, domain));
}

/*
 * Returns the length of the possible domain at the start of `s`: up to one of `stops`, or to the end of an
 * address literal.
 */
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

/* ---- paths --------------------------------------------------------------------------------------- */

/* Skips "@one,@two:" before the mailbox. RFC 5321 asks to accept and ignore it. */
static bool skip_source_route(struct slice *s)
{
    if (s->size == 0 || s->data[0] != '@')
        return true;
    for (;;) {
        if (s->size == 0 || s->data[0] != '@')
            return false;
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
}

static enum address_fault parse_mailbox(struct slice *s, const struct address_rules *rules,
                                        struct mail_path *path)
{
    const char *start = s->data;
    size_t local = s->size && s->data[0] == '"' ? quoted_string(*s) : dot_string(*s, rules->pedantic);
    if (local == 0)
        return ADDRESS_SYNTAX;
    skip(s, local);
    if (s->size > 0 && s->data[0] == '@') {
        skip(s, 1);
        path->domain = slice_of(s->data, domain_span(*s, "> \t"));
        skip(s, path->domain.size);
        if (path->domain.size > DOMAIN_MAX)
            return ADDRESS_TOO_LONG;
        if (!address_domain_valid(path->domain))
            return ADDRESS_SYNTAX;
    }
    path->mailbox = slice_of(start, (size_t)(s->data - start));
    path->utf8 = !slice_is_ascii(path->mailbox);
    return local > LOCAL_PART_MAX || path->mailbox.size > ADDRESS_MAX ? ADDRESS_TOO_LONG : ADDRESS_OK;
}

enum address_fault address_parse_path(struct slice *rest, const struct address_rules *rules,
                                      struct mail_path *path)
{
    struct slice s = *rest;
    enum address_fault fault = ADDRESS_OK;
    if (s.size < 2 || s.data[0] != '<')
        return ADDRESS_SYNTAX;
    skip(&s, 1);
    if (rules->blanks)
        skip_blanks(&s);
    *path = (struct mail_path){slice_of(s.data, 0), slice_of(s.data, 0), false};
    if (s.size > 0 && s.data[0] != '>') {
        if (!skip_source_route(&s))
            return ADDRESS_SYNTAX;
        fault = parse_mailbox(&s, rules, path);
    }
    if (rules->blanks)
        skip_blanks(&s);
    if (fault == ADDRESS_SYNTAX || s.size == 0 || s.data[0] != '>')
        return ADDRESS_SYNTAX;
    skip(&s, 1);
    *rest = s;
    return fault;
}
