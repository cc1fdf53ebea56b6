/*
 * client_command: writes MAIL and RCPT for a next hop.
 */
#include "smtp/client/client_command.h"

#include "base/utf8.h"

void command_write_mail(const struct mail_facts *facts, const struct offers *offers, struct buf *out)
{
    const struct envelope *envelope = facts->envelope;
    unsigned extensions = offers->extensions;
    struct slice id = envelope_parameter(envelope, "ENVID");
    buf_append_text(out, "MAIL FROM:<");
    buf_append_slice(out, envelope->reverse_path);
    buf_append_text(out, ">");
    if (extensions & OFFERS_SIZE)
        buf_printf(out, " SIZE=%llu", (unsigned long long)facts->size);
    if (envelope->flags & ENVELOPE_BINARY)
        buf_append_text(out, " BODY=BINARYMIME");
    else if ((extensions & OFFERS_8BITMIME) && (facts->eight_bit || (envelope->flags & ENVELOPE_EIGHT_BIT)))
        buf_append_text(out, " BODY=8BITMIME");
    if ((extensions & OFFERS_SMTPUTF8) && (facts->utf8 || !slice_is_ascii(envelope->reverse_path)))
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

/* Returns the code point of a well-formed UTF-8 sequence of `size` bytes. */
static unsigned code_point(const char *sequence, size_t size)
{
    unsigned point = (unsigned char)sequence[0] & (0x7fu >> size);
    for (size_t i = 1; i < size; i++)
        point = point << 6 | ((unsigned char)sequence[i] & 0x3f);
    return point;
}

static bool is_utf8(struct slice text)
{
    for (size_t i = 0, size; i < text.size; i += size)
        if ((size = utf8_sequence(text.data + i, text.size - i)) == 0)
            return false;
    return true;
}

/*
 * Writes the original recipient. One of type utf-8 (RFC 6533 section 3) may contain UTF-8; for a server
 * without SMTPUTF8, each non-ASCII character becomes "\x{" HEXPOINT "}". An original recipient that is
 * neither ASCII nor valid UTF-8 is omitted.
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
    for (size_t i = 0, size; i < original.size; i += size) {
        size = utf8_sequence(original.data + i, original.size - i);
        if (size == 1)
            buf_append(out, original.data + i, size);
        else
            buf_printf(out, "\\x{%X}", code_point(original.data + i, size));
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
