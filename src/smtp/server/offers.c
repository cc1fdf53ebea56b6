/*
 * offers: see offers.h. The arguments of a keyword are rows of `arguments`.
 */
#include "smtp/server/offers.h"

#include "smtp/server/auth.h"
#include "smtp/server/extension.h"
#include "smtp/server/worker.h"

enum { LIMIT_MAX = 999999 }; /* RFC 9422: at most six digits */

unsigned session_offers(const struct smtps_session *session)
{
    const struct esmtp_policy *policy = session->policy;
    unsigned bits = policy->extensions;
    if (session->real_extensions)
        bits = (bits & ~(unsigned)EXTENSIONS_TRUSTED) | (session->real_extensions & EXTENSIONS_TRUSTED);
    if (session->tls)
        bits &= ~(unsigned)EXTENSION_STARTTLS;
    else
        bits &= ~(unsigned)EXTENSION_REQUIRETLS;
    if (!policy->tls)
        bits &= ~(unsigned)EXTENSION_STARTTLS;
    if (!auth_mechanisms(session))
        bits &= ~(unsigned)EXTENSION_AUTH;
    return bits;
}

unsigned session_offers_parameters(const struct smtps_session *session)
{
    return session->hello == HELLO_EHLO ? session_offers(session) : 0;
}

struct parameter_source session_parameter_source(struct smtps_session *session)
{
    if (session->hello != HELLO_EHLO)
        return (struct parameter_source){0};
    return (struct parameter_source){
        module_set_registry(generation_modules(session->generation), MODULE_SMTP_PARAMETERS), &session->view};
}

static void append_size(const struct smtps_session *session, struct buf *out)
{
    if (session->policy->max_message_size)
        buf_printf(out, " %llu", (unsigned long long)session->policy->max_message_size);
}

static void append_limit(struct buf *out, const char *name, uint32_t limit)
{
    if (limit)
        buf_printf(out, " %s=%u", name, limit < LIMIT_MAX ? limit : LIMIT_MAX);
}

static uint32_t smaller_limit(uint32_t a, uint32_t b)
{
    return a && (!b || a < b) ? a : b;
}

/* Appends the limits of RFC 9422. RCPTDOMAINMAX is not among them because there is no such limit. */
static void append_limits(const struct smtps_session *session, struct buf *out)
{
    const struct esmtp_policy *policy = session->policy;
    append_limit(out, "MAILMAX",
                 smaller_limit(policy->max_receptions_per_connection, policy->max_messages_per_connection));
    append_limit(out, "RCPTMAX",
                 smaller_limit(policy->max_recipients_per_message, policy->max_recipients_per_connection));
}

static void append_xclient(const struct smtps_session *session, struct buf *out)
{
    (void)session;
    buf_append_text(out, " NAME ADDR PORT PROTO HELO LOGIN DESTADDR DESTPORT");
}

static void append_auth(const struct smtps_session *session, struct buf *out)
{
    auth_append_mechanisms(session, ' ', out);
}

/* Appends "AUTH=LOGIN PLAIN", the form that clients older than RFC 2554 parse and that Momentum sends. */
static void append_old_auth(const struct smtps_session *session, struct buf *out)
{
    buf_append_text(out, "250-AUTH");
    auth_append_mechanisms(session, '=', out);
    buf_append_text(out, "\r\n");
}

static const struct {
    unsigned bit;
    void (*append)(const struct smtps_session *session, struct buf *out);
} arguments[] = {
    {EXTENSION_AUTH, append_auth},
    {EXTENSION_SIZE, append_size},
    {EXTENSION_LIMITS, append_limits},
    {EXTENSION_XCLIENT, append_xclient},
};

static void append_offer(const struct smtps_session *session, const struct extension *extension, bool last,
                         struct buf *out)
{
    if (extension->bit == EXTENSION_AUTH)
        append_old_auth(session, out);
    buf_append_text(out, last ? "250 " : "250-");
    buf_append_text(out, extension->keyword);
    for (size_t i = 0; i < sizeof arguments / sizeof *arguments; i++)
        if (arguments[i].bit == extension->bit)
            arguments[i].append(session, out);
    buf_append_text(out, "\r\n");
}

/* One keyword belongs to one module of a generation; which are offered may be a matter of the policy. */
static void append_of_modules(const struct smtps_session *session, unsigned offered, struct buf *out)
{
    const struct registry *rows =
        module_set_registry(generation_modules(session->generation), MODULE_SMTP_EXTENSIONS);
    for (size_t i = 0; i < rows->count; i++) {
        const struct module_extension *row = rows->rows[i].what;
        if (!row->when_named || (offered & row->bit))
            buf_printf(out, "250-%s%s%s\r\n", row->keyword, *row->arguments ? " " : "", row->arguments);
    }
}

void offers_append(const struct smtps_session *session, struct buf *out)
{
    unsigned offered = session_offers(session);
    const struct extension *next = NULL;
    for (size_t i = 0; extension_at(i); i++) {
        const struct extension *extension = extension_at(i);
        if (!(offered & extension->bit))
            continue;
        if (next)
            append_offer(session, next, false, out);
        next = extension;
    }
    append_of_modules(session, offered, out);
    append_offer(session, next, true, out); /* SIZE is always offered */
}
