/*
 * client_offers: parses a server's reply to EHLO or LHLO.
 */
#include "smtp/client/client_offers.h"

/* Parses "LIMITS RCPTMAX=20 MAILMAX=5": RFC 9422. */
static void read_limits(struct slice rest, struct offers *offers)
{
    static const struct slice name = SLICE_LITERAL("RCPTMAX=");
    struct slice limit;
    uint64_t number;
    while (slice_next(&rest, ' ', &limit))
        if (slice_starts_nocase(limit, name) &&
            slice_to_uint(slice_of(limit.data + name.size, limit.size - name.size), &number) &&
            number <= UINT32_MAX)
            offers->recipients = (unsigned)number;
}

static void read_line(struct slice line, struct offers *offers)
{
    static const struct {
        struct slice keyword;
        unsigned extension;
    } table[] = {
        {SLICE_LITERAL("PIPELINING"), OFFERS_PIPELINING},
        {SLICE_LITERAL("8BITMIME"), OFFERS_8BITMIME},
        {SLICE_LITERAL("SIZE"), OFFERS_SIZE},
        {SLICE_LITERAL("SMTPUTF8"), OFFERS_SMTPUTF8},
        {SLICE_LITERAL("DSN"), OFFERS_DSN},
        {SLICE_LITERAL("CHUNKING"), OFFERS_CHUNKING},
        {SLICE_LITERAL("BINARYMIME"), OFFERS_BINARYMIME},
    };
    struct slice keyword;
    if (!slice_next(&line, ' ', &keyword))
        return;
    if (slice_equal_nocase(keyword, SLICE_LITERAL("LIMITS")))
        read_limits(line, offers);
    for (size_t i = 0; i < sizeof table / sizeof *table; i++)
        if (slice_equal_nocase(keyword, table[i].keyword))
            offers->extensions |= table[i].extension;
}

struct offers offers_read(const struct wire_reply *reply)
{
    struct offers offers = {0};
    struct slice rest = reply->text, line;
    reply_next_line(&rest, &line);
    while (reply_next_line(&rest, &line))
        read_line(slice_trim(line), &offers);
    return offers;
}
