/*
 * hook: registering hooks, and the chains that they form.
 *
 * A chain is an array in the order of calling, made once while its generation is loaded. A hook of a point
 * that nobody has declared yet waits until all modules are set up: modules need not know who is set up first.
 */
#include <stdarg.h>
#include <stdio.h>
#include <strings.h>
#include "base/mem.h"
#include "module/set.h"

int module_misregistered(struct imp_module *module, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    vsnprintf(module->error, sizeof module->error, format, args);
    va_end(args);
    module->misregistered = true;
    return -1;
}

static void chain_insert(struct hook_chain *chain, const struct hook *hook)
{
    chain->hooks = mem_resize(chain->hooks, (chain->count + 1) * sizeof *chain->hooks);
    size_t at = chain->count++;
    for (; at > 0 && chain->hooks[at - 1].priority > hook->priority; at--)
        chain->hooks[at] = chain->hooks[at - 1];
    chain->hooks[at] = *hook;
    chain->hooks[at].runner.what = chain->row->name;
}

static struct hook_chain *find_chain(struct module_set *set, const char *point)
{
    enum hook_point core = core_point_find(point);
    if (core < HOOK_POINTS)
        return &set->chains[core];
    for (size_t i = 0; i < set->point_count; i++)
        if (strcasecmp(set->points[i]->row.name, point) == 0)
            return &set->points[i]->chain;
    return NULL;
}

static int place(struct imp_module *module, struct hook_chain *chain, const struct hook *hook)
{
    if (hook->flags & IMP_HOOK_MAY_BLOCK && !(chain->row->flags & POINT_MAY_SUSPEND))
        return module_misregistered(
            module, "imp_hook_add: \"%s\" waits for no hook, so that none may block there", chain->row->name);
    chain_insert(chain, hook);
    return 0;
}

static int find_pool(struct imp_module *module, const char *name, struct pool **pool)
{
    name = name ? name : "IO";
    *pool = module->set->pools ? pool_set_find(module->set->pools, name) : NULL;
    return *pool ? 0 : module_misregistered(module, "imp_hook_add: there is no ThreadPool \"%s\"", name);
}

int imp_hook_add(struct imp_module *module, const struct imp_hook *given)
{
    struct module_set *set = module->set;
    struct imp_hook asked;
    bool sized = module_copy_struct(&asked, sizeof asked, given);
    if (!module->in_setup)
        return module_misregistered(module, "imp_hook_add: only setup may register hooks");
    if (!sized)
        return module_misregistered(module, "imp_hook_add: the hook's size is not set");
    if (!asked.point || !asked.run)
        return module_misregistered(module, "imp_hook_add: the hook has no point or no function");
    if (asked.priority < IMP_PRIORITY_FIRST || asked.priority > IMP_PRIORITY_LAST)
        return module_misregistered(module,
                                    "imp_hook_add: priority %d of its hook at \"%s\" is not from %d to %d",
                                    asked.priority, asked.point, IMP_PRIORITY_FIRST, IMP_PRIORITY_LAST);
    struct hook hook = {
        .run = asked.run,
        .closure = asked.closure,
        .module = module,
        .runner = {module->label, "its hook at", NULL},
        .priority = asked.priority,
        .flags = asked.flags,
        .deadline_ms = asked.deadline_ms,
    };
    if (asked.flags & IMP_HOOK_MAY_BLOCK && find_pool(module, asked.pool, &hook.pool) != 0)
        return -1;
    struct hook_chain *chain = find_chain(set, asked.point);
    if (chain)
        return place(module, chain, &hook);
    set->early_hooks = mem_resize(set->early_hooks, (set->early_count + 1) * sizeof *set->early_hooks);
    set->early_hooks[set->early_count++] = (struct early_hook){mem_dup(asked.point), hook};
    return 0;
}

/* ---- when all modules are set up --------------------------------------------------------------------- */

static void say_unknown(const struct module_set *set, const struct early_hook *early, char *error,
                        size_t error_size)
{
    struct nearest_name nearest = {.wrong = early->point};
    for (unsigned i = 0; i < HOOK_POINTS; i++)
        nearest_name_offer(&nearest, core_point((enum hook_point)i)->name);
    for (size_t i = 0; i < set->point_count; i++)
        nearest_name_offer(&nearest, set->points[i]->row.name);
    snprintf(error, error_size, "module %s: there is no hook point \"%s\"%s%s%s", early->hook.module->label,
             early->point, nearest.name ? "; did it mean \"" : "", nearest.name ? nearest.name : "",
             nearest.name ? "\"?" : "");
}

static void free_early_hooks(struct module_set *set)
{
    for (size_t i = 0; i < set->early_count; i++)
        free(set->early_hooks[i].point);
    free(set->early_hooks);
    set->early_hooks = NULL;
    set->early_count = 0;
}

bool module_set_place_hooks(struct module_set *set, char *error, size_t error_size)
{
    bool fine = true;
    for (size_t i = 0; fine && i < set->early_count; i++) {
        struct early_hook *early = &set->early_hooks[i];
        struct imp_module *module = early->hook.module;
        struct hook_chain *chain = find_chain(set, early->point);
        fine = chain && place(module, chain, &early->hook) == 0;
        if (!chain)
            say_unknown(set, early, error, error_size);
        else if (!fine)
            snprintf(error, error_size, "module %s: %s", module->label, module->error);
    }
    free_early_hooks(set);
    return fine;
}

void module_set_free_hooks(struct module_set *set)
{
    free_early_hooks(set);
    for (size_t i = 0; i < HOOK_POINTS; i++)
        free(set->chains[i].hooks);
    for (size_t i = 0; i < set->point_count; i++) {
        struct imp_point *point = set->points[i];
        free((char *)point->row.name);
        free((char *)point->row.help);
        free(point->chain.hooks);
        free(point);
    }
    free(set->points);
}

/* ---- listing ----------------------------------------------------------------------------------------- */

static void list_chain(const struct module_set *set, const struct hook_chain *chain,
                       const struct module_hook_listener *listener)
{
    listener->point(chain->row, listener->closure);
    for (size_t i = 0; i < chain->count; i++) {
        const struct hook *hook = &chain->hooks[i];
        struct hook_facts facts = {
            .module = hook->module->label,
            .priority = hook->priority,
            .deadline_ms = !(chain->row->flags & POINT_MAY_SUSPEND) ? 0
                           : hook->deadline_ms                      ? hook->deadline_ms
                                                                    : set->hook_limits.timeout * 1000,
            .pool = hook->pool ? pool_name(hook->pool) : NULL,
        };
        listener->hook(&facts, listener->closure);
    }
}

void module_set_list_hooks(const struct module_set *set, const struct module_hook_listener *listener)
{
    for (size_t i = 0; i < HOOK_POINTS; i++)
        list_chain(set, &set->chains[i], listener);
    for (size_t i = 0; i < set->point_count; i++)
        list_chain(set, &set->points[i]->chain, listener);
}
