/*
 * protocol: the step from a line to the function of its command.
 */
#include "smtp/server/protocol.h"

#include "smtp/server/auth.h"
#include "smtp/server/offers.h"
#include "smtp/server/smtps_call.h"
#include "smtp/server/transaction.h"
#include "smtp/server/worker.h"

static bool printable(struct slice line)
{
    for (size_t i = 0; i < line.size; i++)
        if (ascii_is_control(line.data[i]) && line.data[i] != '\t')
            return false;
    return true;
}

static bool announces_content(struct slice start)
{
    return slice_starts_nocase(start, SLICE_LITERAL("BDAT"));
}

static void refuse_unrecognized(struct smtps_session *session, struct slice line)
{
    session_refuse(session, &reply_unrecognized);
    if (announces_content(line))
        session_close(session);
}

/* The server's own, else one of the modules of the session's generation; as far as it is offered. */
static const struct smtps_verb *find(const struct smtps_session *session, struct slice name)
{
    const struct smtps_verb *verb = smtps_verb_find(name);
    if (!verb) {
        const struct registry *others =
            module_set_registry(generation_modules(session->generation), MODULE_SMTP_COMMANDS);
        const struct registry_row *row = others->count ? registry_find(others, name) : NULL;
        verb = row ? row->what : NULL;
    }
    return verb && verb->extension && (verb->extension & ~session_offers(session)) ? NULL : verb;
}

static void run_command(struct smtps_session *session, struct slice line)
{
    struct slice rest = line, name;
    const struct smtps_verb *verb = NULL;
    if (printable(line) && slice_next(&rest, ' ', &name))
        verb = find(session, name);
    if (!verb) {
        refuse_unrecognized(session, line);
        return;
    }
    struct slice arguments = slice_trim(rest);
    if (!verb->takes_arguments && arguments.size > 0)
        session_refuse(session, &reply_no_parameters);
    else if (verb->run)
        verb->run(session, arguments);
    else
        smtps_call_start(session, verb, arguments);
}

static const char *phase(const struct smtps_session *session)
{
    const struct smtps_transaction *transaction = session->transaction;
    if (session->state == SESSION_RECEIVING || (transaction && transaction_has_content(transaction)))
        return "reading body";
    if (transaction && transaction_is_open(transaction))
        return "awaiting rcptto";
    return session->hello == HELLO_NONE ? "awaiting ehlo/helo" : "awaiting mailfrom";
}

static bool congested(const struct smtps_session *session)
{
    const struct smtps_transaction *transaction = session->transaction;
    return transaction && (transaction_congested(transaction) || transaction_paused(transaction));
}

static size_t content_size(const struct smtps_session *session)
{
    size_t size = session->policy->data_buffer_size;
    return session->transaction ? transaction_read_size(session->transaction, size) : size;
}

static void settled(struct smtps_session *session)
{
    if (session->transaction)
        transaction_watch_memory(session->transaction);
}

static void reset(struct smtps_session *session)
{
    auth_cancel(session);
    smtps_call_cancel(session);
    if (session->transaction)
        transaction_abandon(session->transaction);
    session->transaction = NULL;
}

static bool is_long(struct slice line)
{
    return slice_starts_nocase(line, SLICE_LITERAL("AUTH ")); /* may carry an initial response */
}

const struct session_protocol smtp_protocol = {
    .command = run_command,
    .is_long = is_long,
    .announces_content = announces_content,
    .congested = congested,
    .content_size = content_size,
    .settled = settled,
    .reset = reset,
    .phase = phase,
};
