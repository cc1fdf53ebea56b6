/*
 * transaction_commit: a received message becomes durable, is logged, and goes to the layer above.
 */
#include "smtp/transaction_private.h"

#include "base/id.h"
#include "base/mem.h"

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
        reply = *transaction_status_reply(t->store.status);
        for (size_t i = 0; i < t->recipient_count; i++)
            envelope_free(t->envelopes[i]);
        transaction_discard_chunks(t);
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
