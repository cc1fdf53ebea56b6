/*
 * delivery_method: finding and calling the ways to deliver that modules add, and one delivery as a method
 * sees it.
 */
#include <stdio.h>
#include "message/envelope.h"
#include "module/set.h"

const struct module_delivery_method *module_set_delivery_method(const struct module_set *set,
                                                                const char *name)
{
    const struct registry_row *row =
        registry_find(&set->registries[MODULE_DELIVERY_METHODS], slice_text(name));
    return row ? row->what : NULL;
}

struct pool_job_owner module_delivery_owner(const struct module_delivery_method *method)
{
    return (struct pool_job_owner){method->module->label, "its delivery_method", method->name};
}

enum imp_delivery_result module_deliver(const struct module_delivery_method *method,
                                        struct imp_delivery *delivery, char *response, size_t response_size)
{
    static struct panic_rate rate;
    struct runner runner = {method->module->label, "its delivery_method", method->name};
    const struct runner *outer = runner_enter(&runner);
    int result = (int)method->deliver(delivery, response, response_size, method->closure);
    runner_leave(outer);
    response[response_size - 1] = '\0';
    if (result == IMP_DELIVERED || result == IMP_TRANSIENT || result == IMP_PERMANENT)
        return (enum imp_delivery_result)result;
    paniclog_rated(
        &rate, PANIC_ERROR,
        "module %s: its delivery_method \"%s\" returned %d, which is no result; taken as a transient failure",
        method->module->label, method->name, result);
    snprintf(response, response_size, "451 4.3.5 [internal] delivery_method \"%s\" gave no result",
             method->name);
    return IMP_TRANSIENT;
}

uint64_t imp_delivery_message_id(const struct imp_delivery *delivery)
{
    return delivery->envelope->id;
}

const char *imp_delivery_reverse_path(const struct imp_delivery *delivery)
{
    return delivery->envelope->reverse_path.data;
}

const char *imp_delivery_recipient(const struct imp_delivery *delivery)
{
    return delivery->envelope->recipient.data;
}

const char *imp_delivery_recipient_domain(const struct imp_delivery *delivery)
{
    return delivery->envelope->recipient_domain.data;
}

bool imp_delivery_is_binary(const struct imp_delivery *delivery)
{
    return delivery->envelope->flags & ENVELOPE_BINARY;
}

uint64_t imp_delivery_size(const struct imp_delivery *delivery)
{
    return delivery->size;
}

struct imp_message *imp_delivery_message(struct imp_delivery *delivery)
{
    return (struct imp_message *)delivery->message(delivery);
}

void *imp_delivery_policy(const struct imp_delivery *delivery, const struct imp_module *module)
{
    return imp_policy_get(delivery->policy, module);
}

int imp_delivery_read(struct imp_delivery *delivery, const char **data, size_t *size)
{
    return delivery->read_chunk(delivery, data, size);
}
