/*
 * module_policy: what applies to one (Listen, Peer), to one (binding, domain), or to one (binding, host), as
 * modules see it, and what modules derive from it.
 *
 * The options can be read while the modules' policy functions run. Afterwards a policy is an array with one
 * slot per module instance.
 */
#include <stdatomic.h>
#include <stdio.h>
#include "base/mem.h"
#include "confparse/chain.h"
#include "log/paniclog.h"
#include "module/crash_guard.h"
#include "module/option_question.h"
#include "module/set.h"

struct slot {
    void *data;
    void (*release)(void *data);
};

typedef int policy_fn(struct imp_module *module, struct imp_policy *policy);

struct policy_side { /* what a policy applies to */
    const char *name, *runner;
    const char *scopes; /* those that such a policy asks, each between bars */
    size_t function;    /* the offset of the function in a module's definition */
    const struct conf_value *(*value)(const struct conf_chain *chain, const char *option);
};

static const struct policy_side for_clients = {
    "an inbound", "its policy function", "|esmtp_listener|global|listen|pathway|pathway_group|peer|via|",
    offsetof(struct imp_module_definition, policy), conf_chain_value};
static const struct policy_side for_queues = {
    "an outbound", "its outbound policy", "|binding|binding_group|domain|global|",
    offsetof(struct imp_module_definition, outbound_policy), conf_chain_value};
static const struct policy_side for_hosts = {"a host", "its host policy", "|host|",
                                             offsetof(struct imp_module_definition, host_policy),
                                             conf_chain_host_value};

/* While policy functions run. */
struct policy_reading {
    const struct conf_chain *chain;
    const struct policy_side *side;
    struct option_fault fault;
};

struct imp_policy {
    _Atomic unsigned references;
    struct module_set *set; /* one reference, because the slots' release functions belong to the modules */
    struct policy_reading *reading; /* NULL after the policy functions have run */
    struct slot slots[];            /* indexed by imp_module.index */
};

/* ---- asking ----------------------------------------------------------------------------------------------
 */

/* Can the option stand in any scope that such a policy asks? */
static bool is_asked(const struct conf_option *row, const struct policy_side *side)
{
    struct slice scopes = slice_text(row->scopes), scope;
    char wanted[64];
    while (slice_next(&scopes, ',', &scope)) {
        snprintf(wanted, sizeof wanted, "|%.*s|", (int)scope.size, scope.data);
        if (strstr(side->scopes, wanted))
            return true;
    }
    return false;
}

static bool may_ask(struct policy_reading *reading, const char *option, enum asked_type asked)
{
    static const struct conf_place no_place = {0};
    const struct conf_option *row = conf_option_row(reading->chain->conf, option);
    if (!option_question_check(&reading->fault, no_place, option, row, asked,
                               "neither the core nor a manifest declares it for scopes of the core"))
        return false;
    if (is_asked(row, reading->side))
        return true;
    option_fault_note(&reading->fault, no_place, "it asks %s policy for option \"%s\", but it stands in: %s",
                      reading->side->name, option, row->scopes);
    return false;
}

/* The value that applies; NULL: there is none, the question is wrong, or the policy is made already. */
static const struct conf_value *ask(const struct imp_policy *policy, const char *option,
                                    enum asked_type asked)
{
    struct policy_reading *reading = policy->reading;
    return reading && may_ask(reading, option, asked) ? reading->side->value(reading->chain, option) : NULL;
}

const char *imp_policy_text(const struct imp_policy *policy, const char *option)
{
    const struct conf_value *value = ask(policy, option, ASKED_TEXT);
    return value ? value->text : NULL;
}

bool imp_policy_bool(const struct imp_policy *policy, const char *option)
{
    const struct conf_value *value = ask(policy, option, ASKED_BOOL);
    return value && value->number != 0;
}

int64_t imp_policy_int(const struct imp_policy *policy, const char *option)
{
    const struct conf_value *value = ask(policy, option, ASKED_INT);
    return value ? value->number : 0;
}

double imp_policy_seconds(const struct imp_policy *policy, const char *option)
{
    const struct conf_value *value = ask(policy, option, ASKED_SECONDS);
    return value ? value->seconds : 0;
}

int imp_policy_choice(const struct imp_policy *policy, const char *option)
{
    const struct conf_value *value = ask(policy, option, ASKED_CHOICE);
    return value ? (int)value->number - 1 : -1;
}

size_t imp_policy_count(const struct imp_policy *policy, const char *option)
{
    const struct conf_value *value = ask(policy, option, ASKED_ITEMS);
    return value ? value->count : 0;
}

const char *imp_policy_item(const struct imp_policy *policy, const char *option, size_t index)
{
    return option_answer_item(ask(policy, option, ASKED_ITEMS), index);
}

const char *imp_policy_key(const struct imp_policy *policy, const char *option, size_t index)
{
    return option_answer_key(ask(policy, option, ASKED_PAIRS), index);
}

const char *imp_policy_lookup(const struct imp_policy *policy, const char *option, const char *key)
{
    return option_answer_lookup(ask(policy, option, ASKED_PAIRS), key);
}

const void *imp_policy_source(const struct imp_policy *policy, const char *option)
{
    struct policy_reading *reading = policy->reading;
    return reading && may_ask(reading, option, ASKED_ANY) ? conf_chain_set_value(reading->chain, option)
                                                          : NULL;
}

bool imp_policy_is_set(const struct imp_policy *policy, const char *option)
{
    return imp_policy_source(policy, option) != NULL;
}

int imp_policy_error(const struct imp_policy *policy, const char *option, const char *format, ...)
{
    struct policy_reading *reading = policy->reading;
    if (!reading)
        return -1;
    const struct conf_value *value = option ? conf_chain_set_value(reading->chain, option) : NULL;
    struct conf_place place = {0};
    if (value)
        place = value->place;
    va_list arguments;
    va_start(arguments, format);
    option_fault_note_list(&reading->fault, place, option, format, arguments);
    va_end(arguments);
    return -1;
}

/* ---- slots ----------------------------------------------------------------------------------------------
 */

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
    return policy && module->set == policy->set ? policy->slots[module->index].data : NULL;
}

/* ---- making one ------------------------------------------------------------------------------------------
 */

static policy_fn *function_of(const struct imp_module *module, const struct policy_side *side)
{
    return *(policy_fn *const *)(const void *)((const char *)module->definition + side->function);
}

static bool is_wanted(const struct module_set *set, const struct policy_side *side)
{
    for (size_t i = 0; i < set->instance_count; i++)
        if (function_of(set->instances[i], side))
            return true;
    return false;
}

static struct imp_policy *new_policy(struct module_set *set, struct policy_reading *reading)
{
    struct imp_policy *policy = mem_zalloc(sizeof *policy + set->instance_count * sizeof policy->slots[0]);
    atomic_init(&policy->references, 1);
    policy->set = module_set_ref(set);
    policy->reading = reading;
    return policy;
}

struct asking {
    struct imp_module *module;
    struct imp_policy *policy;
};

static int ask_module(void *closure)
{
    struct asking *asking = closure;
    return function_of(asking->module, asking->policy->reading->side)(asking->module, asking->policy);
}

/* The line about a module whose function failed, or asked wrongly; NULL: it did neither. Main thread: it may
 * have said why with imp_module_error. */
static const char *judge(struct imp_module *module, struct policy_reading *reading, int answer)
{
    static const struct conf_place no_place = {0};
    if (answer != 0)
        option_fault_note(&reading->fault, no_place, "%s",
                          module->error[0] ? module->error : "its policy function failed without saying why");
    return reading->fault.line[0] ? reading->fault.line : NULL;
}

/* On the main thread, while a generation is loaded. */
static struct imp_policy *make_checked(struct module_set *set, struct policy_reading *reading, char *error,
                                       size_t error_size)
{
    struct imp_policy *policy = new_policy(set, reading);
    for (size_t i = 0; i < set->instance_count; i++) {
        struct imp_module *module = set->instances[i];
        if (!function_of(module, reading->side))
            continue;
        module->error[0] = '\0';
        reading->fault = (struct option_fault){.module = module->label};
        struct runner runner = {module->label, reading->side->runner, ""};
        int answer = crash_guard_call(&runner, ask_module, &(struct asking){module, policy});
        const char *fault = judge(module, reading, answer);
        if (fault) {
            snprintf(error, error_size, "%s", fault);
            imp_policy_unref(policy);
            return NULL;
        }
    }
    policy->reading = NULL;
    return policy;
}

struct imp_policy *imp_policy_create(struct module_set *set, const struct conf_chain *chain, char *error,
                                     size_t error_size)
{
    struct policy_reading reading = {.chain = chain, .side = &for_clients};
    return make_checked(set, &reading, error, error_size);
}

/* On any thread, when something is first delivered. */
static struct imp_policy *make_late(struct module_set *set, const struct conf_chain *chain,
                                    const struct policy_side *side)
{
    struct policy_reading reading = {.chain = chain, .side = side};
    if (!is_wanted(set, side))
        return NULL;
    struct imp_policy *policy = new_policy(set, &reading);
    for (size_t i = 0; i < set->instance_count; i++) {
        struct imp_module *module = set->instances[i];
        if (!function_of(module, side))
            continue;
        struct runner runner = {module->label, side->runner, ""};
        reading.fault = (struct option_fault){.module = module->label};
        const struct runner *outer = runner_enter(&runner);
        int answer = ask_module(&(struct asking){module, policy});
        runner_leave(outer);
        if (answer != 0)
            option_fault_note(&reading.fault, (struct conf_place){0}, "%s failed", side->runner);
        if (!reading.fault.line[0])
            continue;
        paniclog(PANIC_ERROR, "%s; deliveries go on without what it would have kept", reading.fault.line);
        slot_clear(&policy->slots[i], module);
    }
    policy->reading = NULL;
    return policy;
}

struct imp_policy *imp_policy_create_outbound(struct module_set *set, const struct conf_chain *chain)
{
    return make_late(set, chain, &for_queues);
}

bool module_set_wants_hosts(const struct module_set *set)
{
    return is_wanted(set, &for_hosts);
}

struct imp_policy *imp_policy_create_host(struct module_set *set, const struct conf_chain *chain)
{
    return make_late(set, chain, &for_hosts);
}

/* ---- outbound policies while a generation is loaded ---------------------------------------------------- */

struct outbound_check {
    struct module_set *set;
    const struct conf *conf;
    char *error;
    size_t error_size;
};

/* The levels of a scope by itself: it, and what it stands in; a Host falls back to other Hosts only. NULL: no level. */
static bool check_scope(const struct outbound_check *check, const struct policy_side *side,
                        const struct conf_scope *scope)
{
    struct conf_chain chain = {.conf = check->conf};
    struct policy_reading reading = {.chain = &chain, .side = side};
    for (; scope; scope = side == &for_hosts ? NULL : conf_scope_parent(scope))
        chain.levels[chain.count++] = scope;
    struct imp_policy *policy = make_checked(check->set, &reading, check->error, check->error_size);
    imp_policy_unref(policy);
    return policy != NULL;
}

/* Does the scope set an option that a module added? */
static bool sets_added(const struct outbound_check *check, const struct conf_scope *scope)
{
    const char *option;
    for (size_t i = 0; conf_scope_value_at(scope, i, &option); i++)
        if (conf_option_module(check->conf, option))
            return true;
    return false;
}

static bool check_children(const struct outbound_check *check, const struct conf_scope *parent)
{
    static const struct {
        const char *kind;
        const struct policy_side *side;
    } rows[] = {{"binding_group", &for_queues},
                {"binding", &for_queues},
                {"domain", &for_queues},
                {"host", &for_hosts}};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        for (const struct conf_scope *at = NULL; (at = conf_scope_next(parent, rows[i].kind, at));)
            if ((sets_added(check, at) && !check_scope(check, rows[i].side, at)) ||
                !check_children(check, at))
                return false;
    return true;
}

bool module_set_check_outbound(struct module_set *set, const struct conf *conf, char *error,
                               size_t error_size)
{
    struct outbound_check check = {set, conf, error, error_size};
    if (!is_wanted(set, &for_queues) && !is_wanted(set, &for_hosts))
        return true;
    return check_scope(&check, &for_queues, conf_root(conf)) && check_scope(&check, &for_hosts, NULL) &&
           check_children(&check, conf_root(conf));
}

/* ---- references ------------------------------------------------------------------------------------------
 */

struct imp_policy *imp_policy_ref(struct imp_policy *policy)
{
    if (policy)
        atomic_fetch_add_explicit(&policy->references, 1, memory_order_relaxed);
    return policy;
}

void imp_policy_unref(struct imp_policy *policy)
{
    if (!policy || atomic_fetch_sub_explicit(&policy->references, 1, memory_order_acq_rel) != 1)
        return;
    for (size_t i = 0; i < policy->set->instance_count; i++)
        slot_clear(&policy->slots[i], policy->set->instances[i]);
    module_set_unref(policy->set);
    free(policy);
}
