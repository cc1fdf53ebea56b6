/*
 * obstacle: a table of what messages may need that a next hop does not offer.
 */
#include "smtp/client/obstacle.h"

/*
 * A REQUIRETLS message needs TLS on every hop (RFC 8689 section 4.2.1), and outgoing connections have none. A
 * Unix socket is local delivery, which is not an SMTP hop. A notification is sent nevertheless (section 5).
 */
static bool lacks_tls(const struct envelope *envelope, const struct obstacle_facts *facts)
{
    return (envelope->flags & ENVELOPE_REQUIRETLS) && envelope->reverse_path.size > 0 && !facts->same_host;
}

/*
 * RFC 3030 section 3: BODY=BINARYMIME requires BDAT. The conversion that the RFC allows would change the
 * message.
 */
static bool lacks_binary(const struct envelope *envelope, const struct obstacle_facts *facts)
{
    unsigned needed = OFFERS_CHUNKING | OFFERS_BINARYMIME;
    return (envelope->flags & ENVELOPE_BINARY) && (facts->offers->extensions & needed) != needed;
}

static bool lacks_utf8_addresses(const struct envelope *envelope, const struct obstacle_facts *facts)
{
    return !(facts->offers->extensions & OFFERS_SMTPUTF8) &&
           (!slice_is_ascii(envelope->recipient) || !slice_is_ascii(envelope->reverse_path));
}

/*
 * A message that was declared SMTPUTF8 but has ASCII addresses and an ASCII header does not need the
 * extension: RFC 6531 section 3.1, RFC 6532 section 3.
 */
static bool lacks_utf8_header(const struct envelope *envelope, const struct obstacle_facts *facts)
{
    (void)envelope;
    return !(facts->offers->extensions & OFFERS_SMTPUTF8) && facts->utf8 && !facts->ascii_header;
}

static const struct {
    bool (*stands)(const struct envelope *envelope, const struct obstacle_facts *facts);
    struct slice response;
} obstacles[] = {
    {lacks_tls,
     SLICE_LITERAL("550 5.7.30 [internal] the sender requires TLS (REQUIRETLS), and the next hop would "
                   "be spoken to without it")},
    {lacks_utf8_addresses,
     SLICE_LITERAL("553 5.6.7 [internal] an address is not ASCII, and the next hop does not offer SMTPUTF8")},
    {lacks_utf8_header,
     SLICE_LITERAL("554 5.6.9 [internal] the header is not ASCII, and the next hop does not offer SMTPUTF8")},
    {lacks_binary,
     SLICE_LITERAL("554 5.6.1 [internal] the message is BINARYMIME, and the next hop does not offer "
                   "CHUNKING and BINARYMIME")},
};

struct slice obstacle_find(const struct envelope *envelope, const struct obstacle_facts *facts)
{
    for (size_t i = 0; i < sizeof obstacles / sizeof *obstacles; i++)
        if (obstacles[i].stands(envelope, facts))
            return obstacles[i].response;
    return slice_of(NULL, 0);
}
