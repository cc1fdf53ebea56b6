/*
 * transaction_content: what comes after 354.
 *
 * Small content is gathered in one buffer and stored with its envelopes in one request. Content beyond
 * BODY_CHUNK goes to the spool a chunk at a time while it arrives; at most CHUNKS_OUTSTANDING of them wait
 * for the committer, then the session stops reading.
 */
#include "smtp/transaction_private.h"

#include "base/clock.h"
#include "base/id.h"
#include "base/mem.h"
#include "message/trace.h"
#include "smtp/auth.h"

enum {
    CHUNKS_OUTSTANDING = 4,
    FIRST_CONTENT = 4 * 1024, /* room made for content of undeclared size */
    RECEIVED_MAX = 100,       /* Received fields: RFC 5321 6.3 */
};

struct chunk {
    struct spool_request request;
    struct loop_task task;
    struct transaction *transaction;
    char *memory; /* NULL for chunk 0: the transaction's head */
};

/* The trace header has what the client wrote (Momentum 4 manual,
 * domain_for_unqualified_recipient_addresses). */
static const char *given_address(const struct recipient *recipient)
{
    return recipient->given ? recipient->given : recipient->address;
}

void transaction_begin_content(struct transaction *t)
{
    struct session *session = t->session;
    struct trace_facts facts = {
        .hello = session->hello_name ? session->hello_name : "",
        .peer = &t->peer,
        .by = session->policy->received_hostname,
        .extended = session->hello == HELLO_EHLO,
        .tls = session->tls,
        .authenticated = session->user != NULL,
        .utf8 = t->flags & ENVELOPE_SMTPUTF8,
        .id = t->batch_id,
        .recipient =
            t->recipient_count == 1 ? slice_text(given_address(&t->recipients[0])) : slice_of(NULL, 0),
        .time_us = clock_wall_us(),
    };
    size_t room = FIRST_CONTENT;
    if (t->declared_size > FIRST_CONTENT - 1024)
        room = t->declared_size < BODY_CHUNK ? (size_t)t->declared_size + 1024 : BODY_CHUNK;
    buf_reserve(&t->content, room);
    auth_append_results(session, &t->content);
    trace_append_received(&facts, &t->content);
    t->trace_size = buf_size(&t->content);
    t->received_us = facts.time_us;
    data_reader_init(&t->reader, session->policy->line_endings == LINE_ENDINGS_FIX);
}

void transaction_discard_chunks(struct transaction *t)
{
    if (t->stored == 0)
        return;
    struct spool_request *discard = mem_new(struct spool_request);
    discard->kind = SPOOL_DISCARD;
    discard->body = t->body;
    t->stored = 0;
    spool_submit(t->worker->server->spool, discard);
}

void transaction_abandon(struct transaction *t)
{
    t->session = NULL;
    if (t->committing || t->outstanding > 0)
        return; /* whoever settles the last request goes on */
    transaction_discard_chunks(t);
    transaction_free(t);
}

static void chunk_settled(struct loop_task *task)
{
    struct chunk *chunk = container_of(task, struct chunk, task);
    struct transaction *t = chunk->transaction;
    if (chunk->request.status != SPOOL_OK && t->status == SPOOL_OK)
        t->status = chunk->request.status;
    t->outstanding--;
    free(chunk->memory);
    free(chunk);
    if (!t->session) {
        transaction_abandon(t);
    } else if (t->congested) {
        t->congested = false;
        session_resume(t->session);
    }
}

static void chunk_done(struct spool_request *request)
{
    struct chunk *chunk = container_of(request, struct chunk, request);
    loop_post(chunk->transaction->worker->loop, &chunk->task);
}

static void store_chunk(struct transaction *t, char *memory, size_t size)
{
    struct chunk *chunk = mem_new(struct chunk);
    if (!t->body) {
        t->body = body_create(id_next(), NULL, 0);
        t->body->chunks = 0; /* counted as they go */
    }
    chunk->transaction = t;
    chunk->task.run = chunk_settled;
    if (t->stored == 0)
        t->head = memory;
    else
        chunk->memory = memory;
    chunk->request = (struct spool_request){
        .kind = SPOOL_CHUNK,
        .body = t->body,
        .chunk = t->body->chunks++,
        .data = slice_of(memory, size),
        .done = chunk_done,
    };
    t->stored += size;
    t->outstanding++;
    spool_submit(t->worker->server->spool, &chunk->request);
}

/* Hands full chunks to the spool; what is left stays in `content`. */
static void spill(struct transaction *t)
{
    while (buf_size(&t->content) > BODY_CHUNK) {
        size_t size;
        struct buf rest = {0};
        buf_append(&rest, buf_slice(&t->content).data + BODY_CHUNK, buf_size(&t->content) - BODY_CHUNK);
        char *memory = buf_take(&t->content, &size);
        t->content = rest;
        store_chunk(t, memory, BODY_CHUNK);
    }
    t->congested = t->outstanding >= CHUNKS_OUTSTANDING;
}

size_t transaction_receive(struct transaction *t, struct slice input, bool *end)
{
    uint64_t limit = t->session->policy->max_message_size;
    size_t used = data_reader_feed(&t->reader, input, &t->content, end);
    if (limit && transaction_size(t) - t->trace_size > limit)
        t->too_big = true;
    if (t->too_big || t->status != SPOOL_OK) {
        t->reader.keep = false;
        buf_clear(&t->content);
    } else if (buf_size(&t->content) > BODY_CHUNK) {
        spill(t);
    }
    if (*end)
        t->congested = false; /* nothing more comes: from here on the session waits for something else */
    return used;
}

bool transaction_congested(const struct transaction *t)
{
    return t->congested;
}

uint64_t transaction_size(const struct transaction *t)
{
    return t->stored + buf_size(&t->content);
}

struct slice transaction_head(const struct transaction *t)
{
    return t->head ? slice_of(t->head, BODY_CHUNK) : buf_slice(&t->content);
}

const struct reply *transaction_status_reply(enum spool_status status)
{
    return status == SPOOL_FULL ? &reply_spool_full : &reply_spool_error;
}

const struct reply *transaction_verdict(struct transaction *t)
{
    if (t->too_big)
        return &reply_too_big;
    if (t->status != SPOOL_OK)
        return transaction_status_reply(t->status);
    if (t->reader.bare && t->session->policy->line_endings == LINE_ENDINGS_REJECT)
        return &reply_bare_newline;
    if (trace_count_received(transaction_head(t)) > RECEIVED_MAX)
        return &reply_loop;
    return NULL;
}
