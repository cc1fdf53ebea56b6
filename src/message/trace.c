/*
 * trace: the Received field. Its parts were checked when they were received (address.c, cmd_hello.c), so they
 * are printed as they are.
 */
#include "message/trace.h"

#include "base/clock.h"
#include "base/id.h"

static void append_hello(const char *hello, struct buf *out)
{
    size_t size = strlen(hello);
    char *text = buf_reserve(out, size);
    for (size_t i = 0; i < size; i++) {
        char c = ascii_lower(hello[i]);
        bool plain = (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || strchr("-._:[]", c);
        text[i] = plain ? hello[i] : '?';
    }
    buf_commit(out, size);
}

/* RFC 3848 and RFC 6531 have names for EHLO alone. */
static void append_protocol(const struct trace_facts *facts, struct buf *out)
{
    if (!facts->extended) {
        buf_append_text(out, "SMTP");
        return;
    }
    buf_append_text(out, facts->utf8 ? "UTF8SMTP" : "ESMTP");
    if (facts->tls)
        buf_append_text(out, "S");
    if (facts->authenticated)
        buf_append_text(out, "A");
}

/* The usual comment; RFC 8314 section 7.4 has a clause of its own, which few know. */
static void append_tls(const struct tls_facts *tls, struct buf *out)
{
    if (tls)
        buf_printf(out, "\r\n\t(version=%s cipher=%s bits=%u)", tls->protocol, tls->cipher, tls->used_bits);
}

/* For whom, if that is one, and when. */
static void append_end(struct slice recipient, uint64_t time_us, struct buf *out)
{
    char date[40];
    clock_rfc5322(time_us, date, sizeof date);
    if (recipient.size) {
        buf_append_text(out, "\r\n\tfor <");
        buf_append_slice(out, recipient);
        buf_append_text(out, ">");
    }
    buf_append_text(out, ";\r\n\t");
    buf_append_text(out, date);
    buf_append_text(out, "\r\n");
}

void trace_append_internal(const char *by, uint64_t id, struct slice recipient, uint64_t time_us,
                           struct buf *out)
{
    char text[ID_TEXT_SIZE];
    id_format(id, text);
    buf_printf(out, "Received: by %s (Impulse) id %s", by, text);
    append_end(recipient, time_us, out);
}

void trace_append_received(const struct trace_facts *facts, struct buf *out)
{
    char peer[NET_ADDR_TEXT_SIZE], id[ID_TEXT_SIZE];
    const char *hello = facts->hello[0] ? facts->hello : "unknown";
    id_format(facts->id, id);
    buf_append_text(out, "Received: from ");
    append_hello(hello, out);
    if (facts->peer->family == AF_UNIX) {
        buf_append_text(out, " (local)");
    } else if (facts->peer->family != AF_UNSPEC) { /* XCLIENT may say that it is not known */
        buf_append_text(out, facts->peer->family == AF_INET6 ? " ([IPv6:" : " ([");
        buf_append_text(out, net_addr_format(facts->peer, peer));
        buf_append_text(out, "])");
    }
    buf_append_text(out, "\r\n\tby ");
    buf_append_text(out, facts->by);
    buf_append_text(out, " (Impulse) with ");
    append_protocol(facts, out);
    buf_append_text(out, " id ");
    buf_append_text(out, id);
    append_tls(facts->tls, out);
    append_end(facts->recipient, facts->time_us, out);
}

void trace_append_server(const char *by, struct buf *out)
{
    size_t size = strlen(by);
    char *text = buf_reserve(out, size);
    for (size_t i = 0; i < size; i++) {
        unsigned char c = (unsigned char)by[i];
        text[i] = c > ' ' && c < 127 && !strchr("()<>@,;:\\\"/[]?=", c) ? by[i] : '-';
    }
    buf_commit(out, size);
}

void trace_append_authentication(const char *by, const char *result, const char *mechanism, struct buf *out)
{
    buf_append_text(out, "Authentication-Results: ");
    trace_append_server(by, out);
    buf_printf(out, ";\r\n\tauth=%s (%s) smtp.auth=xxxx\r\n", result, mechanism);
}
