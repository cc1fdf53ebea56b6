/*
 * settings: from the scopes of the configuration to struct queue_settings, whose fields the rows of
 * options.def fill (FIELD(QUEUE, ...)), and what the queues keep of a generation.
 */
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

static void *make_settings(const struct conf_chain *chain, void *closure)
{
    struct generation *generation = closure;
    struct queue_settings *settings = mem_new(struct queue_settings);
    policy_fields_fill(settings, fields, POLICY_FIELD_COUNT(fields), chain);
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

/* Copies `text` with a NUL into `room` if it fits there, else into memory from mem_copy_text. */
static char *terminate(struct slice text, char *room, size_t size)
{
    if (text.size >= size)
        return mem_copy_text(text.data, text.size);
    if (text.size)
        memcpy(room, text.data, text.size);
    room[text.size] = '\0';
    return room;
}

void generation_chain(const struct generation *generation, struct slice binding, struct slice domain,
                      struct conf_chain *chain)
{
    char binding_room[64], domain_room[256];
    char *binding_text = terminate(binding, binding_room, sizeof binding_room);
    char *domain_text = terminate(domain, domain_room, sizeof domain_room);
    conf_chain_outbound(chain, generation->conf, binding_text, domain_text);
    if (binding_text != binding_room)
        free(binding_text);
    if (domain_text != domain_room)
        free(domain_text);
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
    char binding_room[64], host_room[256];
    if (host.size == 0 || !generation->modules || !module_set_wants_hosts(generation->modules))
        return NULL;
    char *binding_text = terminate(binding, binding_room, sizeof binding_room);
    char *host_text = terminate(host, host_room, sizeof host_room);
    conf_route_of(&route, generation->conf, *binding_text ? binding_text : "default");
    conf_chain_host(&chain, generation->conf, &route, host_text);
    if (binding_text != binding_room)
        free(binding_text);
    if (host_text != host_room)
        free(host_text);
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
