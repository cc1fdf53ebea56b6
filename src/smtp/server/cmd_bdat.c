/*
 * BDAT: content in chunks of announced sizes. RFC 3030 section 2.
 *
 * If a BDAT command is rejected, its chunk is still read and discarded before the reply is sent, because its
 * bytes must never be taken as commands. If the size cannot be parsed, the end of the chunk is unknown, so
 * the session is closed.
 */
#include "smtp/server/acceptance.h"
#include "smtp/server/smtps_verb.h"
#include "smtp/server/session_throttle.h"
#include "smtp/server/transaction.h"

static const struct smtps_reply *find_problem(const struct smtps_session *session, struct slice marker)
{
    if (!(session->policy->extensions & EXTENSION_CHUNKING))
        return &reply_bdat_not_offered;
    if (marker.size > 0 && !session->chunk.last)
        return &reply_bdat_argument;
    if (!session->transaction)
        return &reply_bdat_without_mail;
    if (transaction_recipients(session->transaction) == 0)
        return &reply_bdat_without_rcpt;
    return NULL;
}

/*
 * Rejects a chunk. Does not count as a client error, and is written to the rejectlog only once: after one
 * rejected chunk all following ones fail as well.
 */
static void refuse(struct smtps_session *session, const struct smtps_reply *problem)
{
    if (session->chunk.told)
        session_reply_again(session, problem);
    else
        session_reply(session, problem);
    session->chunk.told = true;
    if (session->transaction && (transaction_content_begun(session->transaction) || !session->chunk.last))
        session_reset_transaction(session); /* a part is lost: the rest must not become a message */
}

/* Called when all bytes of the chunk have been read. */
static void finish_chunk(struct smtps_session *session)
{
    struct smtps_transaction *transaction = session->transaction;
    const struct smtps_reply *problem = session->chunk.problem;
    session->state = SESSION_READING;
    if (problem) {
        refuse(session, problem);
    } else if (session->chunk.last) {
        transaction_end_chunks(transaction);
        acceptance_begin(session);
    } else if ((problem = transaction_verdict(transaction))) {
        refuse(session, problem);
    } else {
        session_replyf(session, 250, "2.0.0", "%llu octets received",
                       (unsigned long long)session->chunk.size);
        if (transaction_congested(transaction))
            session_wait(session); /* nothing else stops reading between chunks */
    }
}

static size_t chunk_content(struct smtps_session *session, struct slice input)
{
    size_t size = input.size < session->chunk.left ? input.size : (size_t)session->chunk.left;
    bool end;
    if (!session->chunk.problem)
        transaction_receive(session->transaction, slice_of(input.data, size), &end);
    session->chunk.left -= size;
    if (session->chunk.left == 0)
        finish_chunk(session);
    return size;
}

static void read_chunk(struct smtps_session *session)
{
    if (session->chunk.left == 0)
        finish_chunk(session);
    else
        session_receive(session, chunk_content);
}

/* Called before the first chunk. */
static void begin_content(struct smtps_session *session, enum hook_outcome outcome)
{
    if (outcome == HOOK_REFUSED)
        session->chunk.problem = &reply_throttled;
    else
        transaction_begin_content(session->transaction, false);
    read_chunk(session);
}

static void cmd_bdat(struct smtps_session *session, struct slice arguments)
{
    struct slice number = {0}, rest = arguments;
    uint64_t size;
    slice_next(&rest, ' ', &number);
    if (!slice_to_uint(number, &size) || size > INT64_MAX) {
        session_reply(session, &reply_chunk_size);
        session_close(session);
        return;
    }
    rest = slice_trim(rest);
    session->chunk.size = session->chunk.left = size;
    session->chunk.last = slice_equal_nocase(rest, SLICE_LITERAL("LAST"));
    session->chunk.problem = find_problem(session, rest);
    if (session->chunk.problem || transaction_content_begun(session->transaction))
        read_chunk(session);
    else
        session_throttle(session, begin_content);
}

/* ---- registered ------------------------------------------------------------------------------ */

static const struct smtps_verb verbs[] = {
    {.verb = "BDAT",
     .help = "sends a part of the content of known size (RFC 3030)",
     .run = cmd_bdat,
     .takes_arguments = true},
};

void cmd_bdat_register(void)
{
    smtps_verbs_add(verbs, sizeof verbs / sizeof *verbs);
}
