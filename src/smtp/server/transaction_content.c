/*
 * transaction_content: receives the content after 354.
 *
 * Small content is collected in one buffer and stored together with its envelopes in one request. Content
 * above Large_Message_Threshold is stored in chunks while it arrives, after its header was checked. At most
 * CHUNKS_OUTSTANDING chunks wait for the committer; then the session stops reading.
 */
#include "smtp/server/transaction_private.h"

#include <errno.h>
#include "base/clock.h"
#include "base/mem.h"
#include "message/trace.h"
#include "smtp/server/auth.h"
#include "spool/intake.h"

enum {
    FIRST_CONTENT = 4 * 1024, /* bytes allocated at first for content of undeclared size */
    CHUNKS_OUTSTANDING = 4,   /* chunks of a message that wait for the committer; then it is not read */
};

struct chunk {
    struct spool_request request;
    struct loop_task task;
    struct smtps_transaction *transaction;
    struct body *body; /* one reference */
    char *memory;      /* NULL for chunk 0 of the received content, the message's head */
};

/*
 * Returns the recipient as the client gave it, for the trace header (Momentum 4 manual,
 * domain_for_unqualified_recipient_addresses).
 */
static const char *given_address(const struct message_recipient *recipient)
{
    return recipient->given ? recipient->given : recipient->address;
}

static void begin_reader(struct smtps_transaction *t, bool dot_stuffed)
{
    const struct esmtp_policy *policy = t->session->policy;
    bool breaks = policy->line_length_rule == LINE_LENGTH_FIX;
    struct data_rules rules = {
        .line_endings = {policy->header_line_endings, policy->line_endings},
        .break_lines = breaks ? policy->max_line_length : 0,
        .dot_stuffed = dot_stuffed,
        .binary = t->message->flags & ENVELOPE_BINARY,
    };
    data_reader_init(&t->reader, &rules);
}

void transaction_begin_content(struct smtps_transaction *t, bool dot_stuffed)
{
    struct smtps_session *session = t->session;
    struct trace_facts facts = {
        .hello = session->hello_name ? session->hello_name : "",
        .peer = &t->peer,
        .by = session->policy->received_hostname,
        .extended = session->hello == HELLO_EHLO,
        .tls = session->tls,
        .authenticated = session->user != NULL,
        .utf8 = t->message->flags & ENVELOPE_SMTPUTF8,
        .id = t->message->id,
        .recipient = t->message->recipient_count == 1 ? slice_text(given_address(t->message->recipients[0]))
                                                      : slice_of(NULL, 0),
        .time_us = clock_wall_us(),
    };
    size_t room = FIRST_CONTENT;
    if (t->declared_size > FIRST_CONTENT - 1024)
        room = t->declared_size < BODY_CHUNK ? (size_t)t->declared_size + 1024 : BODY_CHUNK;
    buf_reserve(&t->message->content, room);
    auth_append_results(session, &t->message->content);
    if (session->policy->add_received)
        trace_append_received(&facts, &t->message->content);
    t->trace_size = buf_size(&t->message->content);
    t->received_us = facts.time_us;
    t->begun = true;
    begin_reader(t, dot_stuffed);
    transaction_count_memory(t);
}

bool transaction_content_begun(const struct smtps_transaction *t)
{
    return t->begun;
}

void transaction_discard_chunks(struct smtps_transaction *t)
{
    if (t->message->stored == 0)
        return;
    t->message->stored = 0;
    intake_discard(t->worker->server->spool, t->message->body);
}

void transaction_abandon(struct smtps_transaction *t)
{
    message_seal(t->message); /* first: nobody may read or edit it while the last chunks are being stored */
    t->session = NULL;
    if (t->committing || t->outstanding > 0)
        return; /* the completion of the last request continues */
    transaction_discard_chunks(t);
    transaction_free(t);
}

static void chunk_settled(struct loop_task *task)
{
    struct chunk *chunk = container_of(task, struct chunk, task);
    struct smtps_transaction *t = chunk->transaction;
    t->outstanding--;
    transaction_count_settled(t);
    body_unref(chunk->body);
    free(chunk->memory);
    free(chunk);
    if (!t->session) {
        transaction_abandon(t);
    } else if (t->when_settled && t->outstanding == 0) {
        void (*go_on)(struct smtps_session *) = t->when_settled;
        t->when_settled = NULL;
        go_on(t->session);
    } else if (t->congested) {
        t->congested = false;
        session_resume(t->session);
    }
}

static void chunk_done(struct spool_request *request)
{
    struct chunk *chunk = container_of(request, struct chunk, request);
    struct smtps_transaction *t = chunk->transaction;
    struct loop *loop = t->worker->loop;
    int none = SPOOL_OK;
    if (request->status != SPOOL_OK) /* the first failure counts: those behind it fail because of it */
        atomic_compare_exchange_strong(&t->status, &none, (int)request->status);
    pending_end(&t->writes);
    loop_post(loop, &chunk->task); /* chunk and transaction may be freed from here on */
}

/*
 * Passes `bytes` to the spool as the next part of `body`. `memory` is the allocation that contains them,
 * which is freed afterwards; NULL if it is kept.
 */
static void submit_chunk(struct smtps_transaction *t, struct body **body, struct slice bytes, char *memory)
{
    struct chunk *chunk = mem_new(struct chunk);
    chunk->transaction = t;
    chunk->task.run = chunk_settled;
    chunk->memory = memory;
    intake_part(&chunk->request, body, bytes, chunk_done);
    chunk->body = body_ref(*body);
    t->outstanding++;
    pending_begin(&t->writes);
    spool_submit(t->worker->server->spool, &chunk->request);
}

static void store_chunk(struct smtps_transaction *t, char *memory, size_t size)
{
    struct message *message = t->message;
    bool first = message->stored == 0;
    if (first)
        message->head = memory;
    message_note_part(message, t->reader.eight_bit && !slice_is_ascii(slice_of(memory, size)));
    submit_chunk(t, &message->body, slice_of(memory, size), first ? NULL : memory);
    message->stored += size;
}

/* Passes full chunks to the spool; the rest stays in `content`. */
static void spill(struct smtps_transaction *t)
{
    while (buf_size(&t->message->content) > BODY_CHUNK) {
        char *memory = mem_resize(NULL, BODY_CHUNK);
        memcpy(memory, buf_slice(&t->message->content).data, BODY_CHUNK);
        buf_consume(&t->message->content, BODY_CHUNK);
        store_chunk(t, memory, BODY_CHUNK);
    }
}

/* Returns the reply if a line of that part exceeds a limit, otherwise NULL. */
static const struct smtps_reply *judge_length(const struct smtps_transaction *t, enum content_part part)
{
    const struct esmtp_policy *policy = t->session->policy;
    uint64_t longest = t->reader.longest_line[part];
    if (part == CONTENT_HEADER && policy->line_length_rule == LINE_LENGTH_FIX && !t->header_done)
        return NULL; /* the header has not been folded yet */
    if (policy->line_length_hard_limit && longest > policy->line_length_hard_limit)
        return &reply_content_line_too_long;
    if (policy->line_length_rule == LINE_LENGTH_REJECT && longest > policy->max_line_length)
        return part == CONTENT_HEADER ? &reply_header_line_too_long : &reply_body_line_too_long;
    return NULL;
}

static const struct smtps_reply *judge(const struct smtps_transaction *t)
{
    const struct esmtp_policy *policy = t->session->policy;
    const struct data_reader *reader = &t->reader;
    const struct smtps_reply *problem;
    if (policy->max_message_size && reader->size > policy->max_message_size)
        return &reply_too_big;
    if (t->status != SPOOL_OK)
        return transaction_status_reply((enum spool_status)t->status);
    if (reader->bare[CONTENT_HEADER] && policy->header_line_endings == LINE_ENDINGS_REJECT)
        return &reply_bare_newline_in_header;
    if (reader->bare[CONTENT_BODY] && policy->line_endings == LINE_ENDINGS_REJECT)
        return &reply_bare_newline_in_body;
    problem = judge_length(t, CONTENT_HEADER);
    return problem ? problem : judge_length(t, CONTENT_BODY);
}

/* Returns the bytes in memory above which content goes to the spool: at least BODY_CHUNK. */
static uint64_t spill_threshold(const struct smtps_transaction *t)
{
    bool early = t->message->stored || transaction_memory_is_scarce();
    return early ? BODY_CHUNK : t->session->policy->large_message;
}

/* Called after the reader took some content; `all`: the content is complete. */
static void settle_content(struct smtps_transaction *t, bool all)
{
    bool complete = all || t->reader.part == CONTENT_BODY;
    if (!t->refusal)
        t->refusal = judge(t);
    if (!t->refusal && !t->header_done && (complete || buf_size(&t->message->content) > BODY_CHUNK)) {
        t->refusal = transaction_apply_header_rules(t, complete);
        t->header_done = true;
        if (!t->refusal)
            t->refusal = judge_length(t, CONTENT_HEADER);
    }
    if (t->refusal) {
        t->reader.keep = false;
        buf_release(&t->message->content);
    } else if (buf_size(&t->message->content) > BODY_CHUNK &&
               buf_size(&t->message->content) > spill_threshold(t)) {
        spill(t);
        if (transaction_memory_is_scarce())
            buf_fit(&t->message->content);
    }
    /* Once the content is complete, the session does not wait for the chunks but for the commit. */
    t->congested = !all && t->outstanding >= CHUNKS_OUTSTANDING;
    transaction_count_memory(t);
    if (!all)
        transaction_judge_memory(t);
}

size_t transaction_receive(struct smtps_transaction *t, struct slice input, bool *end)
{
    size_t used = data_reader_feed(&t->reader, input, &t->message->content, end);
    settle_content(t, *end);
    return used;
}

void transaction_end_chunks(struct smtps_transaction *t)
{
    data_reader_finish(&t->reader, &t->message->content);
    settle_content(t, true);
}

bool transaction_congested(const struct smtps_transaction *t)
{
    return t->congested;
}

bool transaction_when_settled(struct smtps_transaction *t, void (*go_on)(struct smtps_session *session))
{
    if (t->outstanding == 0)
        return false;
    t->when_settled = go_on;
    return true;
}

const struct smtps_reply *transaction_status_reply(enum spool_status status)
{
    if (status == SPOOL_UNKNOWN)
        return NULL;
    return status == SPOOL_FULL ? &reply_spool_full : &reply_spool_error;
}

const struct smtps_reply *transaction_verdict(struct smtps_transaction *t)
{
    if (!t->refusal && t->status != SPOOL_OK)
        return transaction_status_reply((enum spool_status)t->status);
    return t->refusal;
}

/* ---- keeper of the message's content ------------------------------------------------------------- */

static struct smtps_transaction *kept_by(const struct message *message)
{
    return message->owner;
}

static struct content_reader *reader_on_loop(struct message *message)
{
    return &kept_by(message)->worker->reader;
}

static struct content_reader *reader_that_blocks(struct message *message)
{
    return &kept_by(message)->worker->server->reader;
}

static uint64_t threshold(const struct message *message)
{
    return spill_threshold(kept_by(message));
}

static int keep_chunk(struct message *message, struct body *body, const char *bytes)
{
    struct smtps_transaction *t = kept_by(message);
    if (t->status != SPOOL_OK)
        return -EIO;
    if (t->outstanding >= CHUNKS_OUTSTANDING) {
        if (loop_current())
            return -EAGAIN;
        pending_wait(&t->writes);
    }
    char *memory = mem_resize(NULL, BODY_CHUNK);
    memcpy(memory, bytes, BODY_CHUNK);
    submit_chunk(t, &body, slice_of(memory, BODY_CHUNK), memory);
    return 0;
}

static int settle_chunks(struct message *message)
{
    struct smtps_transaction *t = kept_by(message);
    if (loop_current() && t->outstanding > 0)
        return -EAGAIN;
    pending_wait(&t->writes);
    return t->status == SPOOL_OK ? 0 : -EIO;
}

static void discard_chunks(struct message *message, struct body *body)
{
    intake_discard(kept_by(message)->worker->server->spool, body);
}

const struct message_keeper transaction_keeper = {
    .on_loop = reader_on_loop,
    .blocking = reader_that_blocks,
    .threshold = threshold,
    .store = keep_chunk,
    .settle = settle_chunks,
    .discard = discard_chunks,
};
