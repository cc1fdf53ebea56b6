/*
 * XCLIENT ATTRIBUTE=VALUE ...: a trusted client acts on behalf of another client. Postfix's XCLIENT_README.
 * Values are xtext; "[UNAVAILABLE]" and "[TEMPUNAVAIL]" mean that the value is not known.
 *
 * Nothing changes unless all attributes are valid. The session then starts again with the banner, now as the
 * other client's session, and calls the hooks of validate_connect for it. HELO= (with PROTO=) and LOGIN= have
 * the same effect as EHLO and AUTH by that client.
 */
#include "base/mem.h"
#include "base/xtext.h"
#include "smtp/wire/address.h"
#include "smtp/server/auth.h"
#include "smtp/server/extension.h"
#include "smtp/server/smtps_verb.h"
#include "smtp/server/stand_in.h"

struct identity {
    struct net_addr peer, local;
    bool peer_given, peer_port_given, local_given, name_given;
    struct buf name, login, helo; /* NUL-terminated; empty: not given or not known */
    enum hello_kind protocol;
};

/*
 * Stores one attribute. `value` is decoded and NUL-terminated; `known` is false if the client does not know
 * it. Returns false if the value is invalid.
 */
typedef bool attribute_fn(struct identity *identity, struct slice value, bool known);

static bool keep_text(struct buf *out, struct slice value, bool known)
{
    buf_clear(out);
    if (known)
        buf_append(out, value.data, value.size + 1);
    return true;
}

static bool read_name(struct identity *identity, struct slice value, bool known)
{
    identity->name_given = true;
    return keep_text(&identity->name, value, known) && (!known || address_domain_valid(value));
}

static bool read_login(struct identity *identity, struct slice value, bool known)
{
    return keep_text(&identity->login, value, known);
}

static bool read_helo(struct identity *identity, struct slice value, bool known)
{
    return keep_text(&identity->helo, value, known) && value.size <= DOMAIN_MAX;
}

static bool read_proto(struct identity *identity, struct slice value, bool known)
{
    bool extended = slice_equal_nocase(value, SLICE_LITERAL("ESMTP"));
    identity->protocol = extended ? HELLO_EHLO : HELLO_HELO;
    return !known || extended || slice_equal_nocase(value, SLICE_LITERAL("SMTP"));
}

static bool read_address(struct net_addr *address, struct slice value, bool known)
{
    uint16_t port = address->port;
    *address = (struct net_addr){.family = AF_UNSPEC};
    if (known && !stand_in_parse_address(value, address))
        return false;
    address->port = port;
    return true;
}

static bool read_port(struct net_addr *address, struct slice value, bool known)
{
    uint64_t port = 0;
    if (known && (!slice_to_uint(value, &port) || port > UINT16_MAX))
        return false;
    address->port = (uint16_t)port;
    return true;
}

static bool read_addr(struct identity *identity, struct slice value, bool known)
{
    identity->peer_given = true;
    return read_address(&identity->peer, value, known);
}

static bool read_peer_port(struct identity *identity, struct slice value, bool known)
{
    identity->peer_port_given = true;
    return read_port(&identity->peer, value, known);
}

static bool read_destaddr(struct identity *identity, struct slice value, bool known)
{
    identity->local_given = true;
    return read_address(&identity->local, value, known);
}

static bool read_destport(struct identity *identity, struct slice value, bool known)
{
    identity->local_given = true;
    return read_port(&identity->local, value, known);
}

static const struct {
    struct slice name;
    attribute_fn *read;
} attributes[] = {
    {{"NAME", 4}, read_name},         {{"ADDR", 4}, read_addr},         {{"PORT", 4}, read_peer_port},
    {{"PROTO", 5}, read_proto},       {{"HELO", 4}, read_helo},         {{"LOGIN", 5}, read_login},
    {{"DESTADDR", 8}, read_destaddr}, {{"DESTPORT", 8}, read_destport},
};

static bool is_unknown(struct slice value)
{
    return slice_equal_nocase(value, SLICE_LITERAL("[UNAVAILABLE]")) ||
           slice_equal_nocase(value, SLICE_LITERAL("[TEMPUNAVAIL]"));
}

static bool read_attribute(struct identity *identity, struct slice attribute)
{
    struct slice value = attribute, name;
    struct buf decoded = {0};
    bool good = false;
    if (!slice_next(&value, '=', &name) || value.size == 0)
        return false;
    /* control characters must not reach log lines and headers */
    if (xtext_decode(value, &decoded) && !slice_has_control(buf_slice(&decoded))) {
        buf_append(&decoded, "", 1);
        struct slice text = slice_of(buf_slice(&decoded).data, buf_size(&decoded) - 1);
        for (size_t i = 0; i < sizeof attributes / sizeof *attributes; i++)
            if (slice_equal_nocase(name, attributes[i].name))
                good = attributes[i].read(identity, text, !is_unknown(text));
    }
    buf_release(&decoded);
    return good;
}

static bool outlives_xclient(struct slice name)
{
    return slice_starts_nocase(name, SLICE_LITERAL("tls")) ||
           slice_equal(name, SLICE_LITERAL("xclient_name"));
}

/*
 * Resets the session to the state of a client that has just connected, but keeps what TLS and an earlier
 * XCLIENT have set in the connection context.
 */
static void start_over(struct smtps_session *session)
{
    struct context *context = &session->view.connection_context, kept = {{0}};
    struct slice rest = context_pairs(context), name, value;
    while (slice_next(&rest, '\0', &name) && slice_next(&rest, '\0', &value))
        if (outlives_xclient(name))
            context_set(&kept, name.data, value.data);
    context_clear(context);
    *context = kept;
    hello_forget(session);
    auth_forget(session);
}

static const char *text_of(const struct buf *buf)
{
    return buf_size(buf) > 0 ? buf_slice(buf).data : NULL;
}

static void become(struct smtps_session *session, struct identity *identity)
{
    struct imp_session *view = &session->view;
    const char *helo = text_of(&identity->helo), *login = text_of(&identity->login);
    start_over(session);
    if (identity->peer_given && !identity->peer_port_given)
        identity->peer.port = 0;
    const struct smtps_reply *refusal =
        stand_in_for(session, &identity->peer, identity->local_given ? &identity->local : NULL);
    if (refusal) {
        session_reply(session, refusal);
        session_close(session);
        return;
    }
    if (identity->name_given)
        imp_context_set(view, IMP_CONTEXT_CONNECTION, "xclient_name", text_of(&identity->name));
    if (helo) {
        session->hello = identity->protocol;
        session->hello_name = mem_dup(helo);
        view->ehlo = session->hello_name;
        imp_context_set(view, IMP_CONTEXT_CONNECTION, "ehlo_domain", helo);
    }
    if (login) {
        auth_record(session, "XCLIENT", AUTH_PASS, login);
        auth_accept(session, login);
    }
    session_greet(session);
}

static void cmd_xclient(struct smtps_session *session, struct slice arguments)
{
    struct identity identity = {
        .peer = session->view.peer, .local = session->view.local, .protocol = HELLO_HELO};
    struct slice attribute;
    bool good = arguments.size > 0;
    if (session->transaction) {
        session_refuse(session, &reply_in_transaction);
        return;
    }
    while (good && slice_next(&arguments, ' ', &attribute))
        good = attribute.size == 0 || read_attribute(&identity, attribute);
    if (good)
        become(session, &identity);
    else
        session_refuse(session, &reply_parameter_value);
    buf_release(&identity.name);
    buf_release(&identity.login);
    buf_release(&identity.helo);
}

/* ---- registered ------------------------------------------------------------------------------ */

static const struct smtps_verb verbs[] = {
    {.verb = "XCLIENT",
     .help = "lets a trusted client stand in for another one",
     .run = cmd_xclient,
     .takes_arguments = true,
     .extension = EXTENSION_XCLIENT},
};

void cmd_xclient_register(void)
{
    smtps_verbs_add(verbs, sizeof verbs / sizeof *verbs);
}
