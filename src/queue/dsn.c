/*
 * dsn: rendering a delivery status notification.
 *
 * What comes from outside (addresses, replies) is cut to a line's length and printed with control and 8-bit
 * bytes replaced, so that it cannot end a header field or begin another one.
 */
#include "queue/dsn.h"

#include <stdio.h>
#include "base/clock.h"
#include "base/id.h"
#include "base/xtext.h"

enum {
    TEXT_LIMIT = 900, /* bytes of outside text in a line; RFC 5322 allows 998 */
    BOUNDARY_SIZE = 64,
};

static void append_clean(struct buf *out, struct slice text, bool utf8)
{
    size_t size = text.size < TEXT_LIMIT ? text.size : TEXT_LIMIT;
    char *room = buf_reserve(out, size);
    for (size_t i = 0; i < size; i++) {
        bool beyond = (unsigned char)text.data[i] > 127;
        room[i] = (char)(beyond && !utf8 ? '?' : ascii_printable(text.data[i]));
    }
    buf_commit(out, size);
}

/* An answer's words beyond ASCII are not shown, since nobody says what they are encoded in. */
static void append_field(struct buf *out, const char *name, struct slice value)
{
    buf_append_text(out, name);
    append_clean(out, value, false);
    buf_append_text(out, "\r\n");
}

static void append_date(struct buf *out, const char *name, uint64_t wall_us)
{
    char date[64];
    size_t size = clock_rfc5322(wall_us, date, sizeof date);
    append_field(out, name, slice_of(date, size));
}

/* A boundary that no line of the original can be mistaken for. */
static void choose_boundary(const struct dsn_facts *facts, char boundary[static BOUNDARY_SIZE])
{
    unsigned attempt = 0;
    int size;
    do
        size = snprintf(boundary, BOUNDARY_SIZE, "=_%016llx.%u", (unsigned long long)facts->id, attempt++);
    while (facts->original.size &&
           memmem(facts->original.data, facts->original.size, boundary, (size_t)size));
}

/* ---- status ------------------------------------------------------------------------------------------ */

static size_t count_digits(struct slice text, size_t at)
{
    size_t count = 0;
    while (at + count < text.size && text.data[at + count] >= '0' && text.data[at + count] <= '9')
        count++;
    return count;
}

/* The enhanced status code (RFC 3463) that follows the reply code, if it is of that class; else CLASS.0.0. */
static void append_status(struct buf *out, struct slice response, char class)
{
    size_t end = 6;
    struct slice status = slice_of(NULL, 0);
    if (response.size >= 9 && response.data[3] == ' ' && response.data[4] == class &&
        response.data[5] == '.') {
        size_t subject = count_digits(response, end);
        end += subject;
        if (subject > 0 && subject <= 3 && end < response.size && response.data[end] == '.') {
            size_t detail = count_digits(response, ++end);
            if (detail > 0 && detail <= 3)
                status = slice_of(response.data + 4, end + detail - 4);
        }
    }
    if (status.size)
        append_field(out, "Status: ", status);
    else
        buf_printf(out, "Status: %c.0.0\r\n", class);
}

/* ---- the parts --------------------------------------------------------------------------------------- */

static const struct kind {
    const char *subject, *action, *explanation;
    char class; /* of the status */
} kinds[] = {
    [DSN_FAILED] = {"Failure", "failed",
                    "Your message could not be delivered to this recipient, and no further attempt will be "
                    "made:",
                    '5'},
    [DSN_DELAYED] = {"Delay", "delayed",
                     "Your message could not be delivered to this recipient yet. You need not send it again; "
                     "further\r\nattempts will be made:",
                     '4'},
    [DSN_DELIVERED] = {"Success", "delivered", "Your message was delivered to this recipient:", '2'},
    [DSN_RELAYED] = {"Relayed", "relayed",
                     "Your message for this recipient was passed on to a host that does not confirm "
                     "delivery:",
                     '2'},
};

static const char *media_type(const struct dsn_facts *facts, const char *plain, const char *utf8)
{
    return facts->utf8 ? utf8 : plain;
}

static void begin_part(const char *boundary, const char *type, bool eight_bit, struct buf *out)
{
    buf_printf(out, "\r\n--%s\r\nContent-Type: %s\r\n%s\r\n", boundary, type,
               eight_bit ? "Content-Transfer-Encoding: 8bit\r\n" : "");
}

static bool original_has_eight_bit(const struct dsn_facts *facts)
{
    return !slice_is_ascii(facts->original);
}

static void render_header(const struct dsn_facts *facts, const char *boundary, struct buf *out)
{
    char id[ID_TEXT_SIZE];
    id_format(facts->id, id);
    for (char *c = id; *c; c++)
        *c = *c == '/' ? '.' : *c;
    append_date(out, "Date: ", facts->now_us);
    buf_printf(out, "From: Mail Delivery System <%s>\r\nTo: ", facts->from);
    append_clean(out, facts->reverse_path, true);
    buf_printf(out, "\r\nSubject: Delivery Status Notification (%s)\r\n", kinds[facts->action].subject);
    buf_printf(out, "Message-ID: <%s@%s>\r\n", id, facts->hostname);
    buf_append_text(out, "Auto-Submitted: auto-replied\r\nMIME-Version: 1.0\r\n");
    buf_printf(out, "Content-Type: multipart/report; report-type=%s;\r\n\tboundary=\"%s\"\r\n",
               media_type(facts, "delivery-status", "global-delivery-status"), boundary);
    if (facts->utf8 || original_has_eight_bit(facts))
        buf_append_text(out, "Content-Transfer-Encoding: 8bit\r\n");
    buf_append_text(out, "\r\nThis is a delivery status notification in MIME format.\r\n");
}

/* An answer, and whose it was. */
static void explain(struct buf *out, struct slice peer, const char *of_peer, const char *of_nobody,
                    struct slice response)
{
    if (response.size == 0)
        return;
    buf_append_text(out, "\r\n");
    if (peer.size) {
        buf_append_text(out, of_peer);
        append_clean(out, peer, false);
        buf_append_text(out, " was:\r\n\r\n    ");
    } else {
        buf_append_text(out, of_nobody);
        buf_append_text(out, "\r\n\r\n    ");
    }
    append_clean(out, response, false);
    buf_append_text(out, "\r\n");
}

static void render_explanation(const struct dsn_facts *facts, const char *boundary, struct buf *out)
{
    begin_part(boundary, media_type(facts, "text/plain; charset=us-ascii", "text/plain; charset=utf-8"),
               facts->utf8, out);
    buf_printf(out, "This is the mail system at %s.\r\n\r\n%s\r\n\r\n    ", facts->hostname,
               kinds[facts->action].explanation);
    append_clean(out, facts->recipient, facts->utf8);
    buf_append_text(out, "\r\n");
    explain(out, facts->peer, "The answer of the host ", "The reason is:", facts->response);
    explain(out, facts->last_peer, "The last answer of the host ",
            "The last attempt ended with:", facts->last_response);
}

/* ORCPT is a type and an address in xtext; of type utf-8 the address has an encoding of its own, which a
 * notification may have, too (RFC 6533 section 3). */
static void append_original_recipient(const struct dsn_facts *facts, struct buf *out)
{
    struct slice rest = facts->orcpt, type;
    struct buf address = {0};
    if (!slice_next(&rest, ';', &type) || rest.size == 0)
        return;
    bool decoded = xtext_decode(rest, &address);
    buf_append_text(out, "Original-Recipient: ");
    append_clean(out, type, false);
    buf_append_text(out, "; ");
    append_clean(out, decoded ? buf_slice(&address) : rest, facts->utf8);
    buf_append_text(out, "\r\n");
    buf_release(&address);
}

static void append_envelope_id(const struct dsn_facts *facts, struct buf *out)
{
    struct buf envid = {0};
    if (facts->envid.size && xtext_decode(facts->envid, &envid))
        append_field(out, "Original-Envelope-Id: ", buf_slice(&envid));
    buf_release(&envid);
}

static void render_status(const struct dsn_facts *facts, const char *boundary, struct buf *out)
{
    bool own = facts->last_response.size > 0; /* the finding is ours: the answer is the one before */
    struct slice peer = own ? facts->last_peer : facts->peer;
    struct slice response = own ? facts->last_response : facts->response;
    begin_part(boundary, media_type(facts, "message/delivery-status", "message/global-delivery-status"),
               facts->utf8, out);
    append_envelope_id(facts, out);
    buf_printf(out, "Reporting-MTA: dns; %s\r\n", facts->hostname);
    append_date(out, "Arrival-Date: ", facts->arrival_us);
    buf_append_text(out, "\r\n");
    append_original_recipient(facts, out);
    buf_append_text(out, slice_is_ascii(facts->recipient) ? "Final-Recipient: rfc822; "
                                                          : "Final-Recipient: utf-8; ");
    append_clean(out, facts->recipient, facts->utf8);
    buf_printf(out, "\r\nAction: %s\r\n", kinds[facts->action].action);
    append_status(out, facts->response, kinds[facts->action].class);
    if (peer.size) {
        buf_append_text(out, "Remote-MTA: dns; [");
        append_clean(out, peer, false);
        buf_append_text(out, "]\r\n");
    }
    if (response.size)
        append_field(out, "Diagnostic-Code: smtp; ", response);
    append_date(out, "Last-Attempt-Date: ", facts->now_us);
    if (facts->action == DSN_DELAYED)
        append_date(out, "Will-Retry-Until: ", facts->retry_until_us);
}

static void render_original(const struct dsn_facts *facts, const char *boundary, struct buf *out)
{
    struct slice original = facts->original;
    if (original.size == 0)
        return;
    begin_part(boundary,
               facts->whole ? media_type(facts, "message/rfc822", "message/global")
                            : media_type(facts, "text/rfc822-headers", "message/global-headers"),
               original_has_eight_bit(facts), out);
    buf_append_slice(out, original);
    if (original.data[original.size - 1] != '\n')
        buf_append_text(out, "\r\n");
}

void dsn_render(const struct dsn_facts *facts, struct buf *out)
{
    char boundary[BOUNDARY_SIZE];
    choose_boundary(facts, boundary);
    render_header(facts, boundary, out);
    render_explanation(facts, boundary, out);
    render_status(facts, boundary, out);
    render_original(facts, boundary, out);
    buf_printf(out, "\r\n--%s--\r\n", boundary);
}

struct slice dsn_header_of(struct slice content)
{
    if (content.size >= 2 && memcmp(content.data, "\r\n", 2) == 0)
        return slice_of(content.data, 0);
    const char *end = content.size ? memmem(content.data, content.size, "\r\n\r\n", 4) : NULL;
    if (end)
        return slice_of(content.data, (size_t)(end - content.data) + 2);
    const char *last = content.size ? memrchr(content.data, '\n', content.size) : NULL;
    return slice_of(content.data, last ? (size_t)(last - content.data) + 1 : 0);
}
