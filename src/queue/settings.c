/*
 * settings: from the scopes of the configuration to struct queue_settings, whose fields the rows of
 * options.def fill (FIELD(QUEUE, ...)), and what the queues keep of a generation.
 */
#include <limits.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include "base/mem.h"
#include "confparse/chain.h"
#include "policy/fields.h"
#include "policy/host_name.h"
#include "policy/policy_table.h"
#include "queue/generation.h"

static const struct policy_field fields[] = {
#define QUEUE(field, option, type) POLICY_FIELD(struct queue_settings, field, option, type),
#include "policy/fields_of.h"
};

/* What the global scope says is for all bindings together, and not for each of them (permits.h). */
static unsigned binding_limit(const struct policy_setting *setting, const struct conf_chain *chain)
{
    bool of_binding = setting->value && setting->level + 1 < chain->count && setting->value->number >= 0;
    if (!of_binding)
        return UINT_MAX;
    return setting->value->number < UINT_MAX ? (unsigned)setting->value->number : UINT_MAX;
}

static void *make_settings(const struct conf_chain *chain, void *closure)
{
    struct generation *generation = closure;
    struct queue_settings *settings = mem_new(struct queue_settings);
    policy_fields_fill(settings, fields, POLICY_FIELD_COUNT(fields), chain);
    settings->binding_max_connections = binding_limit(&settings->server_max, chain);
    if (settings->bind_address && strcmp(settings->bind_address, "*") == 0)
        settings->bind_address = NULL;
    if (generation->modules)
        settings->modules = imp_policy_create_outbound(generation->modules, chain);
    return settings;
}

static void free_settings(void *pointer)
{
    struct queue_settings *settings = pointer;
    imp_policy_unref(settings->modules);
    free(settings);
}

static const struct policy_kind settings_kind = {make_settings, free_settings};

struct scope_name { /* with a NUL; only a long one is allocated */
    char *text;
    char room[256];
};

static void name_open(struct scope_name *name, struct slice text)
{
    if (text.size >= sizeof name->room) {
        name->text = mem_copy_text(text.data, text.size);
        return;
    }
    name->text = name->room;
    if (text.size)
        memcpy(name->room, text.data, text.size);
    name->room[text.size] = '\0';
}

static void name_close(struct scope_name *name)
{
    if (name->text != name->room)
        free(name->text);
}

void generation_chain(const struct generation *generation, struct slice binding, struct slice domain,
                      struct conf_chain *chain)
{
    struct scope_name binding_name, domain_name;
    name_open(&binding_name, binding);
    name_open(&domain_name, domain);
    conf_chain_outbound(chain, generation->conf, binding_name.text, domain_name.text);
    name_close(&binding_name);
    name_close(&domain_name);
}

const struct queue_settings *generation_chain_settings(struct generation *generation,
                                                       const struct conf_chain *chain)
{
    return policy_table_find(generation->settings, chain, generation);
}

const struct queue_settings *generation_settings(struct generation *generation, struct slice binding,
                                                 struct slice domain)
{
    struct conf_chain chain;
    generation_chain(generation, binding, domain, &chain);
    return generation_chain_settings(generation, &chain);
}

/* ---- hosts --------------------------------------------------------------------------------------------- */

static void *make_host_policy(const struct conf_chain *chain, void *modules)
{
    return imp_policy_create_host(modules, chain);
}

static void free_host_policy(void *policy)
{
    imp_policy_unref(policy);
}

static const struct policy_kind host_kind = {make_host_policy, free_host_policy};

const struct imp_policy *generation_host_policy(struct generation *generation, struct slice binding,
                                                struct slice host)
{
    struct conf_chain chain;
    struct conf_route route;
    struct scope_name binding_name, host_name;
    if (host.size == 0 || !generation->modules || !module_set_wants_hosts(generation->modules))
        return NULL;
    name_open(&binding_name, binding.size ? binding : SLICE_LITERAL("default"));
    name_open(&host_name, host);
    conf_route_of(&route, generation->conf, binding_name.text);
    conf_chain_host(&chain, generation->conf, &route, host_name.text);
    name_close(&binding_name);
    name_close(&host_name);
    return policy_table_find(generation->hosts, &chain, generation->modules);
}

/* ---- generations ------------------------------------------------------------------------------------- */

struct generation *generation_create(struct conf *conf, struct module_set *modules)
{
    static _Atomic unsigned last_serial;
    struct generation *generation = mem_new(struct generation);
    atomic_init(&generation->references, 1);
    generation->serial = atomic_fetch_add(&last_serial, 1) + 1;
    generation->conf = conf_ref(conf);
    generation->modules = module_set_ref(modules);
    generation->hostname = policy_host_name(conf);
    generation->settings = policy_table_create(&settings_kind);
    generation->hosts = policy_table_create(&host_kind);
    return generation;
}

struct generation *generation_ref(struct generation *generation)
{
    atomic_fetch_add_explicit(&generation->references, 1, memory_order_relaxed);
    return generation;
}

void generation_unref(struct generation *generation)
{
    if (!generation || atomic_fetch_sub_explicit(&generation->references, 1, memory_order_acq_rel) != 1)
        return;
    policy_table_free(generation->settings);
    policy_table_free(generation->hosts);
    module_set_unref(generation->modules);
    conf_unref(generation->conf);
    free(generation);
}
