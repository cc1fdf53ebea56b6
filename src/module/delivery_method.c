/*
 * delivery_method: the ways to deliver that modules add, and one delivery as such a method sees it.
 */
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

int imp_delivery_method(struct imp_module *module, const char *name, imp_deliver_fn *deliver,
                        const char *pool)
{
    struct module_set *set = module->set;
    if (!module->in_setup || !name || !*name || !deliver || module_set_delivery_method(set, name))
        return -1;
    for (size_t i = 0; i < sizeof reserved / sizeof reserved[0]; i++)
        if (strcasecmp(reserved[i], name) == 0)
            return -1;
    set->methods = mem_resize(set->methods, (set->method_count + 1) * sizeof *set->methods);
    set->methods[set->method_count++] = (struct module_delivery_method){
        .name = mem_dup(name), .pool = mem_dup(pool ? pool : "IO"), .deliver = deliver, .module = module};
    return 0;
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
