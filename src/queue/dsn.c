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

enum {
    TEXT_LIMIT = 900, /* bytes of outside text in a line; RFC 5322 allows 998 */
    BOUNDARY_SIZE = 64,
};

static void append_clean(struct buf *out, struct slice text)
{
    size_t size = text.size < TEXT_LIMIT ? text.size : TEXT_LIMIT;
    char *room = buf_reserve(out, size);
    for (size_t i = 0; i < size; i++)
        room[i] = text.data[i] < ' ' || text.data[i] == 127 ? '?' : text.data[i];
    buf_commit(out, size);
}

static void append_field(struct buf *out, const char *name, struct slice value)
{
    buf_append_text(out, name);
    append_clean(out, value);
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

/* The enhanced status code (RFC 3463) that follows the reply code, if it says "failed"; else 5.0.0. */
static struct slice find_status(struct slice response)
{
    static const struct slice unknown = {"5.0.0", 5};
    size_t end = 6;
    if (response.size < 9 || response.data[3] != ' ' || memcmp(response.data + 4, "5.", 2) != 0)
        return unknown;
    size_t subject = count_digits(response, end);
    end += subject;
    if (subject == 0 || subject > 3 || end >= response.size || response.data[end] != '.')
        return unknown;
    size_t detail = count_digits(response, ++end);
    if (detail == 0 || detail > 3)
        return unknown;
    return slice_of(response.data + 4, end + detail - 4);
}

/* ---- the parts --------------------------------------------------------------------------------------- */

static void render_header(const struct dsn_facts *facts, const char *boundary, struct buf *out)
{
    char id[ID_TEXT_SIZE];
    id_format(facts->id, id);
    for (char *c = id; *c; c++)
        *c = *c == '/' ? '.' : *c;
    append_date(out, "Date: ", facts->now_us);
    buf_printf(out, "From: Mail Delivery System <%s>\r\n", facts->from);
    append_field(out, "To: ", facts->reverse_path);
    buf_append_text(out, "Subject: Delivery Status Notification (Failure)\r\n");
    buf_printf(out, "Message-ID: <%s@%s>\r\n", id, facts->hostname);
    buf_append_text(out, "Auto-Submitted: auto-replied\r\nMIME-Version: 1.0\r\n");
    buf_printf(out,
               "Content-Type: multipart/report; report-type=delivery-status;\r\n\tboundary=\"%s\"\r\n\r\n"
               "This is a delivery status notification in MIME format.\r\n",
               boundary);
}

static void render_explanation(const struct dsn_facts *facts, const char *boundary, struct buf *out)
{
    buf_printf(out, "\r\n--%s\r\nContent-Type: text/plain; charset=us-ascii\r\n\r\n", boundary);
    buf_printf(out, "This is the mail system at %s.\r\n\r\n", facts->hostname);
    buf_append_text(out,
                    "Your message could not be delivered to this recipient, and no further attempt will be "
                    "made:\r\n\r\n    ");
    append_clean(out, facts->recipient);
    if (facts->peer.size) {
        buf_append_text(out, "\r\n\r\nThe answer of the host ");
        append_clean(out, facts->peer);
        buf_append_text(out, " was:\r\n\r\n    ");
    } else {
        buf_append_text(out, "\r\n\r\nThe reason is:\r\n\r\n    ");
    }
    append_clean(out, facts->response);
    buf_append_text(out, "\r\n");
}

static void render_status(const struct dsn_facts *facts, const char *boundary, struct buf *out)
{
    buf_printf(out, "\r\n--%s\r\nContent-Type: message/delivery-status\r\n\r\n", boundary);
    buf_printf(out, "Reporting-MTA: dns; %s\r\n", facts->hostname);
    append_date(out, "Arrival-Date: ", facts->arrival_us);
    buf_append_text(out, "\r\n");
    append_field(out, "Final-Recipient: rfc822; ", facts->recipient);
    buf_append_text(out, "Action: failed\r\n");
    append_field(out, "Status: ", find_status(facts->response));
    if (facts->peer.size) {
        buf_append_text(out, "Remote-MTA: dns; [");
        append_clean(out, facts->peer);
        buf_append_text(out, "]\r\n");
    }
    append_field(out, "Diagnostic-Code: smtp; ", facts->response);
    append_date(out, "Last-Attempt-Date: ", facts->now_us);
}

static bool has_eight_bit(struct slice text)
{
    for (size_t i = 0; i < text.size; i++)
        if ((unsigned char)text.data[i] > 127)
            return true;
    return false;
}

static void render_original(const struct dsn_facts *facts, const char *boundary, struct buf *out)
{
    struct slice original = facts->original;
    if (original.size == 0)
        return;
    buf_printf(out, "\r\n--%s\r\nContent-Type: %s\r\n", boundary,
               facts->whole ? "message/rfc822" : "text/rfc822-headers");
    if (has_eight_bit(original))
        buf_append_text(out, "Content-Transfer-Encoding: 8bit\r\n");
    buf_append_text(out, "\r\n");
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
