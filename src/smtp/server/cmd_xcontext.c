/*
 * XSETCONTEXT and XDUMPCONTEXT: a trusted client sets and reads the contexts on which modules base decisions.
 * Momentum 4 manual, "SMTP Extensions".
 */
#include "base/xtext.h"
#include "smtp/server/extension.h"
#include "smtp/server/smtps_verb.h"

/* ---- XSETCONTEXT NAME=VALUE ... ------------------------------------------------------------------ */

/* Appends the decoded `text` and a NUL. Returns false if `text` is not valid xtext or encodes a NUL. */
static bool decode(struct slice text, struct buf *out)
{
    size_t before = buf_size(out);
    if (!xtext_decode(text, out) || memchr(buf_slice(out).data + before, '\0', buf_size(out) - before))
        return false;
    buf_append(out, "", 1);
    return true;
}

/*
 * Decodes all pairs to name NUL value NUL ..., so that none is set if one is invalid. Returns false if there
 * is none or one is invalid.
 */
static bool decode_pairs(struct slice arguments, struct buf *out)
{
    struct slice pair, name;
    while (slice_next(&arguments, ' ', &pair)) {
        const char *equals = memchr(pair.data, '=', pair.size);
        if (pair.size == 0)
            continue;
        if (!equals || equals == pair.data)
            return false;
        name = slice_of(pair.data, (size_t)(equals - pair.data));
        size_t before = buf_size(out);
        if (!decode(name, out) || /* names are written to replies and logs unquoted */
            slice_has_control(slice_of(buf_slice(out).data + before, buf_size(out) - before - 1)) ||
            !decode(slice_of(equals + 1, pair.size - name.size - 1), out))
            return false;
    }
    return buf_size(out) > 0;
}

static void cmd_xsetcontext(struct smtps_session *session, struct slice arguments)
{
    struct buf pairs = {0};
    const struct smtps_reply *answer = &reply_ok;
    buf_reserve(&pairs, arguments.size + 2);
    if (decode_pairs(arguments, &pairs)) {
        struct slice rest = buf_slice(&pairs), name, value;
        while (answer == &reply_ok && slice_next(&rest, '\0', &name) && slice_next(&rest, '\0', &value))
            if (!imp_context_set(&session->view, IMP_CONTEXT_CONNECTION, name.data, value.data))
                answer = &reply_context_full;
        session_reply(session, answer);
    } else {
        session_refuse(session, &reply_parameter_value);
    }
    buf_release(&pairs);
}

/* ---- XDUMPCONTEXT -------------------------------------------------------------------------------- */

static void dump(const char *which, const struct context *context, struct buf *out)
{
    struct slice rest = context_pairs(context), name, value;
    while (slice_next(&rest, '\0', &name) && slice_next(&rest, '\0', &value)) {
        buf_printf(out, "250-[%s] ", which);
        buf_append_printable(out, name); /* neither name nor value may end the line */
        buf_append_text(out, " ");
        buf_append_printable(out, value);
        buf_append_text(out, "\r\n");
    }
}

static void cmd_xdumpcontext(struct smtps_session *session, struct slice arguments)
{
    struct buf *out = &session->stream.out;
    (void)arguments;
    dump("connection", &session->view.connection_context, out);
    if (session->view.message)
        dump("message", message_context(session->view.message), out);
    buf_append_text(out, "250 XDUMPCONTEXT complete\r\n");
}

/* ---- registered ------------------------------------------------------------------------------ */

static const struct smtps_verb verbs[] = {
    {.verb = "XSETCONTEXT",
     .help = "sets a pair of a context",
     .run = cmd_xsetcontext,
     .takes_arguments = true,
     .extension = EXTENSION_XSETCONTEXT},
    {.verb = "XDUMPCONTEXT",
     .help = "shows the contexts",
     .run = cmd_xdumpcontext,
     .extension = EXTENSION_XDUMPCONTEXT},
};

void cmd_xcontext_register(void)
{
    smtps_verbs_add(verbs, sizeof verbs / sizeof *verbs);
}
