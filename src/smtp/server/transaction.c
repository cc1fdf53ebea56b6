/*
 * transaction: the envelope of a message on its way in. The transaction is freed when neither the session nor
 * the spool holds it.
 */
#include "smtp/server/transaction_private.h"

#include "base/clock.h"
#include "base/id.h"
#include "base/mem.h"

/* An address that is not null and has no domain gets `default_domain`. */
static struct recipient copy_path(const struct mail_path *path, const char *default_domain)
{
    struct recipient copy = {.address = mem_copy_text(path->mailbox.data, path->mailbox.size)};
    copy.domain = copy.address + path->mailbox.size - path->domain.size;
    if (path->domain.size > 0 || path->mailbox.size == 0)
        return copy;
    copy.given = copy.address;
    copy.address = mem_printf("%s@%s", copy.given, default_domain);
    copy.domain = copy.address + path->mailbox.size + 1;
    return copy;
}

/* name NUL value NUL */
static void append_parameter(struct buf *out, const char *name, struct slice value)
{
    if (value.size == 0)
        return;
    buf_append(out, name, strlen(name) + 1);
    buf_append_slice(out, value);
    buf_append(out, "", 1);
}

struct smtps_transaction *transaction_create(struct smtps_session *session,
                                             const struct mail_path *reverse_path,
                                             const struct parameters *parameters)
{
    struct smtps_transaction *t = mem_new(struct smtps_transaction);
    struct recipient sender = copy_path(reverse_path, session->policy->sender_domain);
    t->session = session;
    t->worker = session->worker;
    t->generation = smtp_generation_ref(session->generation);
    t->batch_id = id_next();
    t->connection_id = session->view.id;
    t->declared_size = parameters->size;
    t->flags = parameters->flags;
    append_parameter(&t->parameters, "ENVID", parameters->envid);
    append_parameter(&t->parameters, "AUTH", parameters->auth);
    t->peer = session->view.peer;
    t->reverse_path = sender.address;
    t->reverse_path_domain = sender.domain;
    free(sender.given);
    server_hold(t->worker->server);
    return t;
}

static void recipient_release(struct recipient *recipient)
{
    free(recipient->address);
    free(recipient->given);
    free(recipient->orcpt);
    free(recipient->binding);
    free(recipient->group);
    free(recipient->refusal);
    buf_release(&recipient->context);
    *recipient = (struct recipient){0};
}

void transaction_free(struct smtps_transaction *t)
{
    for (size_t i = 0; i < t->recipient_count; i++)
        recipient_release(&t->recipients[i]);
    free(t->recipients);
    recipient_release(&t->proposed);
    free(t->reverse_path);
    buf_release(&t->parameters);
    buf_release(&t->content);
    free(t->head);
    free(t->envelopes);
    if (t->body)
        body_unref(t->body);
    smtp_generation_unref(t->generation);
    server_release(t->worker->server);
    free(t);
}

void transaction_open(struct smtps_transaction *t)
{
    t->open = true;
}

bool transaction_is_open(const struct smtps_transaction *t)
{
    return t->open;
}

const char *transaction_reverse_path(const struct smtps_transaction *t)
{
    return t->reverse_path;
}

const char *transaction_reverse_path_domain(const struct smtps_transaction *t)
{
    return t->reverse_path_domain;
}

uint32_t transaction_flags(const struct smtps_transaction *t)
{
    return t->flags;
}

void transaction_set_peer(struct smtps_transaction *t, const struct net_addr *peer)
{
    t->peer = *peer;
}

void transaction_propose(struct smtps_transaction *t, const struct mail_path *recipient,
                         const struct parameters *parameters, const char *default_domain)
{
    recipient_release(&t->proposed);
    t->proposed = copy_path(recipient, default_domain);
    t->proposed.flags = parameters->flags;
    if (parameters->orcpt.size > 0)
        t->proposed.orcpt = mem_copy_text(parameters->orcpt.data, parameters->orcpt.size);
}

const char *transaction_proposed(const struct smtps_transaction *t)
{
    return t->proposed.address;
}

const char *transaction_proposed_domain(const struct smtps_transaction *t)
{
    return t->proposed.domain;
}

void transaction_add_proposed(struct smtps_transaction *t)
{
    if (t->recipient_count == t->recipient_room) {
        t->recipient_room = t->recipient_room ? t->recipient_room * 2 : 4;
        t->recipients = mem_resize(t->recipients, t->recipient_room * sizeof *t->recipients);
    }
    t->recipients[t->recipient_count++] = t->proposed;
    t->proposed = (struct recipient){0};
}

size_t transaction_recipients(const struct smtps_transaction *t)
{
    return t->recipient_count;
}

void transaction_append_parameters(const struct smtps_transaction *t, const struct recipient *recipient,
                                   struct buf *out)
{
    if (buf_size(&t->parameters) > 0)
        buf_append_slice(out, buf_slice(&t->parameters));
    append_parameter(out, "ORCPT", slice_text(recipient->orcpt));
    append_parameter(out, "REFUSAL", slice_text(recipient->refusal));
}

const char *transaction_recipient(const struct smtps_transaction *t, size_t index, const char **domain)
{
    *domain = t->recipients[index].domain;
    return t->recipients[index].address;
}

void transaction_set_binding(struct smtps_transaction *t, size_t index, const char *binding,
                             const char *group)
{
    struct recipient *recipient = &t->recipients[index];
    free(recipient->binding);
    free(recipient->group);
    recipient->binding = mem_dup(binding);
    recipient->group = group && *group ? mem_dup(group) : NULL;
}

void transaction_refuse_recipient(struct smtps_transaction *t, size_t index, const struct hook_reply *reply)
{
    struct recipient *recipient = &t->recipients[index];
    recipient->refusal = reply && reply->code
                             ? mem_printf("%d %s%s[internal] %s", reply->code, reply->enhanced,
                                          reply->enhanced[0] ? " " : "", reply->text)
                             : mem_printf("%d %s [internal] %s", reply_policy_refused.code,
                                          reply_policy_refused.enhanced, reply_policy_refused.text);
    t->refused_count++;
}

size_t transaction_refused(const struct smtps_transaction *t)
{
    return t->refused_count;
}

void transaction_keep_context(struct smtps_transaction *t, size_t index)
{
    struct recipient *recipient = &t->recipients[index];
    buf_append_slice(&recipient->context, context_pairs(&t->session->view.message_context));
    recipient->has_context = true;
}

void transaction_end_content(struct smtps_transaction *t)
{
    uint32_t seconds = t->session->policy->data_processing_timeout;
    t->complete = true;
    t->due_ms = seconds ? clock_mono_ms() + seconds * UINT64_C(1000) : 0;
}

bool transaction_has_content(const struct smtps_transaction *t)
{
    return t->complete;
}

uint64_t transaction_due(const struct smtps_transaction *t)
{
    return t->due_ms;
}

bool transaction_is_overdue(const struct smtps_transaction *t)
{
    return t->due_ms && clock_mono_ms() > t->due_ms;
}
