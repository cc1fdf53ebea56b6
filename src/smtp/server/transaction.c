/*
 * transaction: the envelope of an arriving message. The transaction is freed when neither the session nor the
 * spool uses it.
 */
#include "smtp/server/transaction_private.h"

#include "base/clock.h"
#include "base/id.h"
#include "base/mem.h"

/*
 * Returns the address of a path, which the caller owns. `default_domain` is added to an address that has no
 * domain and is not null.
 */
static char *copy_address(const struct mail_path *path, const char *default_domain, const char **domain)
{
    const struct slice mailbox = path->mailbox;
    bool lacks_domain = path->domain.size == 0 && mailbox.size > 0;
    char *address = lacks_domain ? mem_printf("%.*s@%s", (int)mailbox.size, mailbox.data, default_domain)
                                 : mem_copy_text(mailbox.data, mailbox.size);
    *domain = address + (lacks_domain ? mailbox.size + 1 : mailbox.size - path->domain.size);
    return address;
}

/* Appends name NUL value NUL. */
static void append_parameter(struct buf *out, const char *name, struct slice value)
{
    if (value.size == 0)
        return;
    buf_append(out, name, strlen(name) + 1);
    buf_append_slice(out, value);
    buf_append(out, "", 1);
}

/* Appends the parameters of modules: name NUL value NUL, also where the value is empty. */
static void keep_added(struct buf *out, const struct parameters *parameters)
{
    for (size_t i = 0; i < parameters->added_count; i++) {
        const struct parameter_added *added = &parameters->added[i];
        buf_append(out, added->name, strlen(added->name) + 1);
        buf_append_slice(out, added->value);
        buf_append(out, "", 1);
    }
}

struct smtps_transaction *transaction_create(struct smtps_session *session,
                                             const struct mail_path *reverse_path,
                                             const struct parameters *parameters)
{
    struct smtps_transaction *t = mem_new(struct smtps_transaction);
    const char *domain;
    char *sender = copy_address(reverse_path, session->policy->sender_domain, &domain);
    t->session = session;
    t->worker = session->worker;
    t->generation = smtp_generation_ref(session->generation);
    t->message = message_create(id_next(), sender, domain);
    t->connection_id = session->view.id;
    t->declared_size = parameters->size;
    t->message->flags = parameters->flags;
    append_parameter(&t->parameters, "ENVID", parameters->envid);
    append_parameter(&t->parameters, "AUTH", parameters->auth);
    keep_added(&t->message->parameters, parameters);
    t->peer = session->view.peer;
    t->message->keeper = &transaction_keeper;
    t->message->owner = t;
    pending_init(&t->writes);
    server_hold(t->worker->server);
    return t;
}

void transaction_free(struct smtps_transaction *t)
{
    transaction_release_memory(t);
    message_end(t->message);
    message_unref(t->message);
    pending_destroy(&t->writes);
    buf_release(&t->parameters);
    free(t->envelopes);
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

struct message *transaction_message(const struct smtps_transaction *t)
{
    return t->message;
}

uint32_t transaction_flags(const struct smtps_transaction *t)
{
    return t->message->flags;
}

void transaction_set_peer(struct smtps_transaction *t, const struct net_addr *peer)
{
    t->peer = *peer;
}

struct message_recipient *transaction_propose(struct smtps_transaction *t, const struct mail_path *path,
                                              const struct parameters *parameters, const char *default_domain)
{
    const char *domain;
    char *address = copy_address(path, default_domain, &domain);
    struct message_recipient *recipient = recipient_create(t->message, address, domain);
    if (path->domain.size == 0 && path->mailbox.size > 0)
        recipient->given = mem_copy_text(path->mailbox.data, path->mailbox.size);
    recipient->flags = parameters->flags;
    if (parameters->orcpt.size > 0)
        recipient->orcpt = mem_copy_text(parameters->orcpt.data, parameters->orcpt.size);
    keep_added(&recipient->parameters, parameters);
    recipient_free(t->message->proposed);
    t->message->proposed = recipient;
    return recipient;
}

void transaction_settle_proposed(struct smtps_transaction *t, bool accepted)
{
    struct message_recipient *recipient = t->message->proposed;
    t->message->proposed = NULL;
    if (accepted)
        message_add_recipient(t->message, recipient);
    else
        recipient_free(recipient);
}

size_t transaction_recipients(const struct smtps_transaction *t)
{
    return t->message->recipient_count;
}

void transaction_append_parameters(const struct smtps_transaction *t,
                                   const struct message_recipient *recipient, struct buf *out)
{
    if (buf_size(&t->parameters) > 0)
        buf_append_slice(out, buf_slice(&t->parameters));
    if (buf_size(&t->message->parameters) > 0)
        buf_append_slice(out, buf_slice(&t->message->parameters));
    if (buf_size(&recipient->parameters) > 0)
        buf_append_slice(out, buf_slice(&recipient->parameters));
    append_parameter(out, "ORCPT", slice_text(recipient->orcpt));
    append_parameter(out, "REFUSAL", slice_text(recipient->refusal));
}

struct message_recipient *transaction_recipient(const struct smtps_transaction *t, size_t index)
{
    return t->message->recipients[index];
}

void transaction_set_binding(struct smtps_transaction *t, size_t index, const char *binding,
                             const char *group)
{
    struct message_recipient *recipient = t->message->recipients[index];
    free(recipient->binding);
    free(recipient->group);
    recipient->binding = mem_dup(binding);
    recipient->group = group && *group ? mem_dup(group) : NULL;
}

void transaction_refuse_recipient(struct smtps_transaction *t, size_t index, const struct hook_reply *reply)
{
    struct message_recipient *recipient = t->message->recipients[index];
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

void transaction_end_content(struct smtps_transaction *t)
{
    uint32_t seconds = t->session->policy->data_processing_timeout;
    t->complete = true;
    transaction_end_turn(t);
    t->message->readable = !t->refusal;
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
