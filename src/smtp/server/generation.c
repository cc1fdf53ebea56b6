/*
 * generation: one loaded configuration in the form that the SMTP server uses: the policies of each Listen,
 * found by its endpoint.
 */
#include <stdatomic.h>
#include <stdio.h>
#include "base/mem.h"
#include "log/paniclog.h"
#include "net/listener.h"
#include "smtp/server/listen_policies.h"
#include "smtp/server/worker.h"

struct listen_entry {
    char key[LISTENER_KEY_SIZE];
    struct listen_policies *policies;
};

struct smtp_generation {
    _Atomic unsigned references;
    struct conf *conf;
    struct module_set *modules;
    struct policy_table *policies;
    struct listen_entry *listens;
    size_t count;
};

static bool add_listen(struct smtp_generation *generation, const struct conf_scope *listener,
                       const struct conf_scope *listen, char *error, size_t error_size)
{
    struct listen_policies *policies = listen_policies_create(
        generation->conf, listener, listen, generation->modules, generation->policies, error, error_size);
    if (!policies)
        return false;
    generation->listens =
        mem_resize(generation->listens, (generation->count + 1) * sizeof *generation->listens);
    struct listen_entry *entry = &generation->listens[generation->count++];
    listener_endpoint_key(conf_scope_name(listen), entry->key);
    entry->policies = policies;
    return true;
}

static void warn_of_deferral(const struct smtp_generation *generation)
{
    bool defers = false;
    for (size_t i = 0; i < generation->count && !defers; i++)
        defers = listen_policies_defer(generation->listens[i].policies);
    if (defers)
        paniclog(PANIC_WARNING,
                 "deferred_spool is on: a 250 is no promise; a message that was not tried yet is "
                 "lost when the process or the machine fails");
}

struct smtp_generation *smtp_generation_create(struct conf *conf, struct module_set *modules, char *error,
                                               size_t error_size)
{
    struct smtp_generation *generation = mem_new(struct smtp_generation);
    const struct conf_scope *listener = NULL;
    atomic_init(&generation->references, 1);
    generation->conf = conf_ref(conf);
    generation->modules = modules ? module_set_ref(modules) : NULL;
    generation->policies = policy_table_create(&esmtp_policy_kind);
    while ((listener = conf_scope_next(conf_root(conf), "esmtp_listener", listener))) {
        const struct conf_scope *listen = NULL;
        while ((listen = conf_scope_next(listener, "listen", listen))) {
            if (!add_listen(generation, listener, listen, error, error_size)) {
                smtp_generation_unref(generation);
                return NULL;
            }
        }
    }
    warn_of_deferral(generation);
    return generation;
}

struct smtp_generation *smtp_generation_ref(struct smtp_generation *generation)
{
    atomic_fetch_add_explicit(&generation->references, 1, memory_order_relaxed);
    return generation;
}

void smtp_generation_unref(struct smtp_generation *generation)
{
    if (!generation || atomic_fetch_sub_explicit(&generation->references, 1, memory_order_acq_rel) > 1)
        return;
    for (size_t i = 0; i < generation->count; i++)
        listen_policies_free(generation->listens[i].policies);
    free(generation->listens);
    policy_table_free(generation->policies);
    module_set_unref(generation->modules);
    conf_unref(generation->conf);
    free(generation);
}

struct module_set *generation_modules(const struct smtp_generation *generation)
{
    return generation->modules;
}

const char *generation_binding_group(const struct smtp_generation *generation, const char *binding)
{
    const struct conf_scope *group = NULL;
    while ((group = conf_scope_next(conf_root(generation->conf), "binding_group", group)))
        if (conf_scope_find(group, "binding", binding))
            return conf_scope_name(group);
    return NULL;
}

struct listen_policies *generation_policies(const struct smtp_generation *generation, const char *key)
{
    for (size_t i = 0; i < generation->count; i++)
        if (strcmp(generation->listens[i].key, key) == 0)
            return generation->listens[i].policies;
    return NULL;
}
