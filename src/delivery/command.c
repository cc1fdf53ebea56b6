/*
 * command: MAIL and RCPT as a next hop gets them.
 */
#include "delivery/command.h"

void command_write_mail(const struct envelope *envelope, const struct offers *offers, bool international,
                        struct buf *out)
{
    unsigned extensions = offers->extensions;
    struct slice id = envelope_parameter(envelope, "ENVID");
    buf_append_text(out, "MAIL FROM:<");
    buf_append_slice(out, envelope->reverse_path);
    buf_append_text(out, ">");
    if (extensions & OFFERS_SIZE)
        buf_printf(out, " SIZE=%llu", (unsigned long long)envelope_size(envelope));
    if (envelope->flags & ENVELOPE_BINARY)
        buf_append_text(out, " BODY=BINARYMIME");
    else if ((extensions & OFFERS_8BITMIME) &&
             (envelope->body->eight_bit || (envelope->flags & ENVELOPE_EIGHT_BIT)))
        buf_append_text(out, " BODY=8BITMIME");
    if ((extensions & OFFERS_SMTPUTF8) &&
        ((envelope->flags & ENVELOPE_SMTPUTF8) || international || !slice_is_ascii(envelope->reverse_path)))
        buf_append_text(out, " SMTPUTF8");
    if ((extensions & OFFERS_DSN) && (envelope->flags & ENVELOPE_RET_FULL))
        buf_append_text(out, " RET=FULL");
    if ((extensions & OFFERS_DSN) && (envelope->flags & ENVELOPE_RET_HDRS))
        buf_append_text(out, " RET=HDRS");
    if ((extensions & OFFERS_DSN) && id.size) {
        buf_append_text(out, " ENVID=");
        buf_append_slice(out, id);
    }
    buf_append_text(out, "\r\n");
}

static void write_notify(uint32_t flags, struct buf *out)
{
    static const struct {
        uint32_t flag;
        const char *keyword;
    } table[] = {
        {ENVELOPE_NOTIFY_NEVER, "NEVER"},
        {ENVELOPE_NOTIFY_SUCCESS, "SUCCESS"},
        {ENVELOPE_NOTIFY_FAILURE, "FAILURE"},
        {ENVELOPE_NOTIFY_DELAY, "DELAY"},
    };
    const char *before = " NOTIFY=";
    for (size_t i = 0; i < sizeof table / sizeof *table; i++)
        if (flags & table[i].flag) {
            buf_append_text(out, before);
            buf_append_text(out, table[i].keyword);
            before = ",";
        }
}

/* The code point at the beginning of *rest, which is moved past it; 0 when it is not UTF-8. */
static uint32_t next_point(struct slice *rest)
{
    unsigned char first = (unsigned char)*rest->data;
    size_t more = first < 0x80   ? 0
                  : first < 0xc2 ? 4
                  : first < 0xe0 ? 1
                  : first < 0xf0 ? 2
                  : first < 0xf5 ? 3
                                 : 4;
    if (more >= rest->size || more == 4)
        return 0;
    uint32_t point = more ? first & (0x3fu >> more) : first;
    for (size_t i = 1; i <= more; i++) {
        unsigned char c = (unsigned char)rest->data[i];
        if ((c & 0xc0) != 0x80)
            return 0;
        point = point << 6 | (c & 0x3f);
    }
    rest->data += more + 1;
    rest->size -= more + 1;
    return point;
}

static bool is_utf8(struct slice text)
{
    while (text.size > 0)
        if (next_point(&text) == 0)
            return false;
    return true;
}

/*
 * The original recipient. One of type utf-8 (RFC 6533 section 3) may hold UTF-8; for a server that does not
 * take it, what is not ASCII becomes "\x{" HEXPOINT "}". One that is neither is left out.
 */
static void write_original(struct slice original, bool utf8, struct buf *out)
{
    bool plain = utf8 || slice_is_ascii(original);
    if (!plain && !is_utf8(original))
        return;
    buf_append_text(out, " ORCPT=");
    if (plain) {
        buf_append_slice(out, original);
        return;
    }
    while (original.size > 0) {
        uint32_t point = next_point(&original);
        buf_printf(out, point < 0x80 ? "%c" : "\\x{%X}", (unsigned)point);
    }
}

void command_write_rcpt(const struct envelope *envelope, const struct offers *offers, struct buf *out)
{
    struct slice original = envelope_parameter(envelope, "ORCPT");
    buf_append_text(out, "RCPT TO:<");
    buf_append_slice(out, envelope->recipient);
    buf_append_text(out, ">");
    if (offers->extensions & OFFERS_DSN) {
        write_notify(envelope->flags, out);
        if (original.size)
            write_original(original, offers->extensions & OFFERS_SMTPUTF8, out);
    }
    buf_append_text(out, "\r\n");
}
