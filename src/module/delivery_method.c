/*
 * delivery_method: the ways to deliver that modules add, and one delivery as such a method sees it.
 */
#include <stdio.h>
#include <strings.h>
#include "base/mem.h"
#include "message/envelope.h"
#include "module/set.h"

/* The daemon's own transports; see the delivery_method option. */
static const char *const reserved[] = {"esmtp", "smtp", "lmtp", "blackhole"};

const struct module_delivery_method *module_set_delivery_method(const struct module_set *set,
                                                                const char *name)
{
    for (size_t i = 0; i < set->method_count; i++)
        if (strcasecmp(set->methods[i].name, name) == 0)
            return &set->methods[i];
    return NULL;
}

static bool is_reserved(const char *name)
{
    for (size_t i = 0; i < sizeof reserved / sizeof reserved[0]; i++)
        if (strcasecmp(reserved[i], name) == 0)
            return true;
    return false;
}

int imp_delivery_method(struct imp_module *module, const struct imp_delivery_method *given)
{
    struct module_set *set = module->set;
    struct imp_delivery_method method = {0};
    memcpy(&method, given, given->size < sizeof method ? given->size : sizeof method);
    if (!module->in_setup)
        return module_misregistered(module, "imp_delivery_method: only setup may register methods");
    if (!method.name || !*method.name || !method.deliver)
        return module_misregistered(module, "imp_delivery_method: the method has no name or no function");
    if (is_reserved(method.name) || module_set_delivery_method(set, method.name))
        return module_misregistered(module, "there is a delivery_method \"%s\" already", method.name);
    set->methods = mem_resize(set->methods, (set->method_count + 1) * sizeof *set->methods);
    set->methods[set->method_count++] = (struct module_delivery_method){
        .name = mem_dup(method.name),
        .pool = mem_dup(method.pool ? method.pool : "IO"),
        .deliver = method.deliver,
        .closure = method.closure,
        .module = module,
    };
    return 0;
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
    return envelope_size(delivery->envelope);
}

int imp_delivery_read(struct imp_delivery *delivery, const char **data, size_t *size)
{
    return delivery->read_chunk(delivery, data, size);
}
