/*
 * module_policy: the inbound options of one (Listen, Peer) as modules see them, and what modules derive from
 * them.
 *
 * The options can be read while the modules' policy functions run. Afterwards a policy is an array with one
 * slot per module instance.
 */
#include <stdio.h>
#include "base/mem.h"
#include "module/crash_guard.h"
#include "module/set.h"

struct slot {
    void *data;
    void (*release)(void *data);
};

struct imp_policy {
    struct module_set *set; /* one reference, because the slots' release functions belong to the modules */
    const struct conf_chain *chain; /* NULL after the policy functions have run */
    struct slot slots[];            /* indexed by imp_module.index */
};

static const struct conf_value *value_of(const struct imp_policy *policy, const char *option)
{
    return policy->chain ? conf_chain_value(policy->chain, option) : NULL;
}

const char *imp_policy_text(const struct imp_policy *policy, const char *option)
{
    const struct conf_value *value = value_of(policy, option);
    return value ? value->text : NULL;
}

bool imp_policy_bool(const struct imp_policy *policy, const char *option)
{
    return imp_policy_int(policy, option) != 0;
}

int64_t imp_policy_int(const struct imp_policy *policy, const char *option)
{
    const struct conf_value *value = value_of(policy, option);
    return value ? value->number : 0;
}

const char *imp_policy_item(const struct imp_policy *policy, const char *option, size_t index)
{
    const struct conf_value *value = value_of(policy, option);
    return value && index < value->count ? value->items[index] : NULL;
}

const void *imp_policy_source(const struct imp_policy *policy, const char *option)
{
    for (size_t i = 0; policy->chain && i < policy->chain->count; i++) {
        const struct conf_value *value = conf_scope_value(policy->chain->levels[i], option);
        if (value)
            return value;
    }
    return NULL;
}

bool imp_policy_is_set(const struct imp_policy *policy, const char *option)
{
    return imp_policy_source(policy, option) != NULL;
}

static void slot_clear(struct slot *slot, const struct imp_module *module)
{
    struct runner runner = {module->label, "its release function of a policy", ""};
    if (slot->release) {
        const struct runner *outer = runner_enter(&runner);
        slot->release(slot->data);
        runner_leave(outer);
    }
    *slot = (struct slot){0};
}

void imp_policy_set(struct imp_policy *policy, struct imp_module *module, void *data,
                    void (*release)(void *data))
{
    struct slot *slot = &policy->slots[module->index];
    slot_clear(slot, module);
    *slot = (struct slot){data, release};
}

void *imp_policy_get(const struct imp_policy *policy, const struct imp_module *module)
{
    return module->set == policy->set ? policy->slots[module->index].data : NULL;
}

struct asking {
    struct imp_module *module;
    struct imp_policy *policy;
};

static int ask_module(void *closure)
{
    struct asking *asking = closure;
    return asking->module->definition->policy(asking->module, asking->policy);
}

struct imp_policy *imp_policy_create(struct module_set *set, const struct conf_chain *chain, char *error,
                                     size_t error_size)
{
    struct imp_policy *policy = mem_zalloc(sizeof *policy + set->instance_count * sizeof policy->slots[0]);
    policy->set = module_set_ref(set);
    policy->chain = chain;
    for (size_t i = 0; i < set->instance_count; i++) {
        struct imp_module *module = set->instances[i];
        if (!module->definition->policy)
            continue;
        module->error[0] = '\0';
        struct runner runner = {module->label, "its policy function", ""};
        if (crash_guard_call(&runner, ask_module, &(struct asking){module, policy}) != 0) {
            snprintf(error, error_size, "module %s: %s", module->label,
                     module->error[0] ? module->error : "its policy function failed without saying why");
            imp_policy_free(policy);
            return NULL;
        }
    }
    policy->chain = NULL;
    return policy;
}

void imp_policy_free(struct imp_policy *policy)
{
    if (!policy)
        return;
    for (size_t i = 0; i < policy->set->instance_count; i++)
        slot_clear(&policy->slots[i], policy->set->instances[i]);
    module_set_unref(policy->set);
    free(policy);
}
