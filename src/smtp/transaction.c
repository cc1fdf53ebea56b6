/*
 * transaction: a message on its way in.
 *
 * Small content is gathered in one buffer and stored with its envelopes in one request. Content beyond
 * BODY_CHUNK goes to the spool a chunk at a time while it arrives; at most CHUNKS_OUTSTANDING of them wait
 * for the committer, then the session stops reading. The transaction is freed when neither the session nor
 * the spool holds it.
 */
#include "smtp/transaction.h"

#include <stdio.h>
#include "base/clock.h"
#include "base/id.h"
#include "base/mem.h"
#include "message/trace.h"
#include "smtp/worker.h"

enum {
    CHUNKS_OUTSTANDING = 4,
    FIRST_CONTENT = 4 * 1024, /* room made for content of undeclared size */
    RECEIVED_MAX = 100,       /* Received fields: RFC 5321 6.3 */
};

struct recipient {
    char *address;         /* owned */
    const char *domain;    /* inside address */
    char *binding, *group; /* owned; NULL: the default */
};

struct transaction {
    struct session *session; /* NULL once the client has left */
    struct worker *worker;
    struct smtp_generation *generation; /* one reference: the modules that are told */
    uint64_t batch_id, connection_id, received_us, declared_size;
    uint32_t flags;
    struct net_addr peer;
    char *reverse_path;
    const char *reverse_path_domain;
    struct recipient *recipients;
    size_t recipient_count, recipient_room;
    struct recipient proposed;
    /* content */
    struct data_reader reader;
    struct buf content;       /* what is not in the spool yet */
    size_t trace_size;        /* bytes of our own at the start */
    uint64_t stored;          /* bytes handed over as chunks */
    struct body *body;        /* from the first chunk, or from commit */
    char *head;               /* chunk 0, kept for the hooks and the loop check */
    unsigned outstanding;     /* chunks at the committer */
    enum spool_status status; /* of the chunks so far */
    bool too_big, congested, committing;
    /* commit */
    struct envelope **envelopes;
    struct spool_request store;
    struct loop_task stored_task;
    void (*finished)(struct session *session, const struct reply *reply);
};

struct chunk {
    struct spool_request request;
    struct loop_task task;
    struct transaction *transaction;
    char *memory; /* NULL for chunk 0: the transaction's head */
};

/* ---- envelope -------------------------------------------------------------------------------- */

static struct recipient copy_path(const struct mail_path *path)
{
    struct recipient copy = {.address = mem_copy_text(path->mailbox.data, path->mailbox.size)};
    copy.domain = copy.address + path->mailbox.size - path->domain.size;
    return copy;
}

struct transaction *transaction_create(struct session *session, const struct mail_path *reverse_path,
                                       uint64_t declared_size, uint32_t flags)
{
    struct transaction *t = mem_new(struct transaction);
    struct recipient sender = copy_path(reverse_path);
    t->session = session;
    t->worker = session->worker;
    t->generation = smtp_generation_ref(session->generation);
    t->batch_id = id_next();
    t->connection_id = session->view.id;
    t->declared_size = declared_size;
    t->flags = flags;
    t->peer = session->view.peer;
    t->reverse_path = sender.address;
    t->reverse_path_domain = sender.domain;
    server_hold(t->worker->server);
    return t;
}

static void recipient_release(struct recipient *recipient)
{
    free(recipient->address);
    free(recipient->binding);
    free(recipient->group);
    *recipient = (struct recipient){0};
}

static void transaction_free(struct transaction *t)
{
    for (size_t i = 0; i < t->recipient_count; i++)
        recipient_release(&t->recipients[i]);
    free(t->recipients);
    recipient_release(&t->proposed);
    free(t->reverse_path);
    buf_release(&t->content);
    free(t->head);
    free(t->envelopes);
    if (t->body)
        body_unref(t->body);
    smtp_generation_unref(t->generation);
    server_release(t->worker->server);
    free(t);
}

const char *transaction_reverse_path(const struct transaction *t)
{
    return t->reverse_path;
}

const char *transaction_reverse_path_domain(const struct transaction *t)
{
    return t->reverse_path_domain;
}

void transaction_propose(struct transaction *t, const struct mail_path *recipient, const char *default_domain)
{
    recipient_release(&t->proposed);
    t->proposed = copy_path(recipient);
    if (recipient->domain.size > 0)
        return;
    char *qualified = mem_printf("%s@%s", t->proposed.address, default_domain);
    free(t->proposed.address);
    t->proposed.address = qualified;
    t->proposed.domain = qualified + recipient->mailbox.size + 1;
}

const char *transaction_proposed(const struct transaction *t)
{
    return t->proposed.address;
}

const char *transaction_proposed_domain(const struct transaction *t)
{
    return t->proposed.domain;
}

void transaction_add_proposed(struct transaction *t)
{
    if (t->recipient_count == t->recipient_room) {
        t->recipient_room = t->recipient_room ? t->recipient_room * 2 : 4;
        t->recipients = mem_resize(t->recipients, t->recipient_room * sizeof *t->recipients);
    }
    t->recipients[t->recipient_count++] = t->proposed;
    t->proposed = (struct recipient){0};
}

size_t transaction_recipients(const struct transaction *t)
{
    return t->recipient_count;
}

const char *transaction_recipient(const struct transaction *t, size_t index, const char **domain)
{
    *domain = t->recipients[index].domain;
    return t->recipients[index].address;
}

void transaction_set_binding(struct transaction *t, size_t index, const char *binding, const char *group)
{
    struct recipient *recipient = &t->recipients[index];
    free(recipient->binding);
    free(recipient->group);
    recipient->binding = mem_dup(binding);
    recipient->group = group && *group ? mem_dup(group) : NULL;
}

/* ---- content --------------------------------------------------------------------------------- */

void transaction_begin_content(struct transaction *t)
{
    struct session *session = t->session;
    struct trace_facts facts = {
        .hello = session->hello_name ? session->hello_name : "",
        .peer = &t->peer,
        .by = session->policy->received_hostname,
        .extended = session->hello == HELLO_EHLO,
        .id = t->batch_id,
        .recipient = t->recipient_count == 1 ? slice_text(t->recipients[0].address) : slice_of(NULL, 0),
        .time_us = clock_wall_us(),
    };
    size_t room = FIRST_CONTENT;
    if (t->declared_size > FIRST_CONTENT - 1024)
        room = t->declared_size < BODY_CHUNK ? (size_t)t->declared_size + 1024 : BODY_CHUNK;
    buf_reserve(&t->content, room);
    trace_append_received(&facts, &t->content);
    t->trace_size = buf_size(&t->content);
    t->received_us = facts.time_us;
    data_reader_init(&t->reader, session->policy->line_endings == LINE_ENDINGS_FIX);
}

/* The spool forgets the chunks of a body that nobody will have. */
static void discard_chunks(struct transaction *t)
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
    discard_chunks(t);
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

static const struct reply *status_reply(enum spool_status status)
{
    return status == SPOOL_FULL ? &reply_spool_full : &reply_spool_error;
}

const struct reply *transaction_verdict(struct transaction *t)
{
    if (t->too_big)
        return &reply_too_big;
    if (t->status != SPOOL_OK)
        return status_reply(t->status);
    if (t->reader.bare && t->session->policy->line_endings == LINE_ENDINGS_REJECT)
        return &reply_bare_newline;
    if (trace_count_received(transaction_head(t)) > RECEIVED_MAX)
        return &reply_loop;
    return NULL;
}

/* ---- commit ---------------------------------------------------------------------------------- */

static struct imp_text text_of(struct slice s)
{
    return (struct imp_text){s.data, s.size};
}

/* What stands before the '@' of an address whose domain is known. */
static struct imp_text local_part(struct slice address, struct slice domain)
{
    return (struct imp_text){address.data, domain.size ? address.size - domain.size - 1 : address.size};
}

static void log_reception(struct transaction *t, const struct envelope *envelope)
{
    char peer[NET_ADDR_TEXT_SIZE];
    struct imp_log_reception event = {
        .time_us = envelope->received_us,
        .message_id = envelope->id,
        .batch_id = envelope->batch_id,
        .connection_id = envelope->connection_id,
        .recipient_local = local_part(envelope->recipient, envelope->recipient_domain),
        .recipient_domain = text_of(envelope->recipient_domain),
        .sender_local = local_part(envelope->reverse_path, envelope->sender_domain),
        .sender_domain = text_of(envelope->sender_domain),
        .peer = text_of(slice_text(net_addr_format(&envelope->origin, peer))),
        .size = envelope->body->size,
        .protocol = {"esmtp", 5},
        .binding_group = text_of(envelope->binding_group),
        .binding = text_of(envelope->binding),
    };
    module_set_log_reception(generation_modules(t->generation), &event);
}

/* The message is durable: from here on it is the upper layer's, whoever still listens. */
static void hand_over(struct transaction *t)
{
    const struct smtp_upper *upper = &t->worker->server->upper;
    counter_add(&t->worker->received, t->recipient_count);
    for (size_t i = 0; i < t->recipient_count; i++) {
        log_reception(t, t->envelopes[i]);
        upper->accept(upper->upper, t->envelopes[i]);
    }
}

static void store_settled(struct loop_task *task)
{
    struct transaction *t = container_of(task, struct transaction, stored_task);
    struct session *session = t->session;
    void (*finished)(struct session *, const struct reply *) = t->finished;
    char text[ID_TEXT_SIZE + 8] = "OK ";
    struct reply reply = {250, "2.0.0", text};
    if (t->store.status == SPOOL_OK) {
        id_format(t->envelopes[0]->id, text + 3);
        hand_over(t);
    } else {
        reply = *status_reply(t->store.status);
        for (size_t i = 0; i < t->recipient_count; i++)
            envelope_free(t->envelopes[i]);
        discard_chunks(t);
    }
    transaction_free(t);
    if (session)
        finished(session, &reply);
}

static void store_done(struct spool_request *request)
{
    struct transaction *t = container_of(request, struct transaction, store);
    loop_post(t->worker->loop, &t->stored_task);
}

static void create_envelopes(struct transaction *t)
{
    struct slice context = context_pairs(&t->session->view.message_context);
    t->envelopes = mem_array(t->recipient_count, sizeof *t->envelopes);
    for (size_t i = 0; i < t->recipient_count; i++) {
        const struct recipient *recipient = &t->recipients[i];
        struct envelope_facts facts = {
            .reverse_path = slice_text(t->reverse_path),
            .recipient = slice_text(recipient->address),
            .binding = slice_text(recipient->binding ? recipient->binding : "default"),
            .binding_group = slice_text(recipient->group ? recipient->group : "default"),
            .context = context,
            .origin = t->peer,
            .id = id_next(),
            .batch_id = t->batch_id,
            .connection_id = t->connection_id,
            .received_us = t->received_us,
            .flags = t->flags,
        };
        t->envelopes[i] = envelope_create(&facts, t->body);
    }
}

void transaction_commit(struct transaction *t,
                        void (*finished)(struct session *session, const struct reply *reply))
{
    size_t size = buf_size(&t->content);
    if (!t->body) {
        char *memory = buf_take(&t->content, &size);
        t->body = body_create(id_next(), memory, size);
        t->store.data = slice_of(memory, size);
        t->store.chunk = 0;
    } else {
        t->body->size = t->stored + size;
        t->store.data = buf_slice(&t->content);
        t->store.chunk = t->body->chunks++;
    }
    t->body->eight_bit = t->reader.eight_bit;
    t->committing = true;
    t->finished = finished;
    create_envelopes(t);
    t->store.kind = SPOOL_STORE;
    t->store.body = t->body;
    t->store.envelopes = t->envelopes;
    t->store.envelope_count = t->recipient_count;
    t->store.done = store_done;
    t->stored_task.run = store_settled;
    spool_submit(t->worker->server->spool, &t->store);
}
