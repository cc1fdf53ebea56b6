/*
 * module_set: the life of a generation's modules after they were loaded (set_load.c): shared by reference, torn
 * down on the main thread.
 *
 * The last reference to an old generation is usually given up by a session, on a loop thread. Such a set is
 * put on the list of retired ones, and the main thread's next tick tears it down.
 */
#include "base/clock.h"
#include "base/mem.h"
#include "metrics/metric.h"
#include "module/set.h"

static struct list retired_sets = {{&retired_sets.head, &retired_sets.head}};
static pthread_mutex_t retired_lock = PTHREAD_MUTEX_INITIALIZER;
static void (*_Atomic begin_end)(struct module_set *set); /* module_set_on_end */

struct module_set *module_set_create(struct pool_set *pools)
{
    struct module_set *set = mem_new(struct module_set);
    set->references = 2; /* the caller's, and its own, which it gives up when it ends */
    set->home = pthread_self();
    set->pools = pools;
    for (size_t i = 0; i < HOOK_POINTS; i++)
        set->chains[i].row = core_point((enum hook_point)i);
    return set;
}

struct imp_module *module_set_add(struct module_set *set, const struct imp_module_definition *definition,
                                  const char *instance)
{
    struct imp_module *module = mem_new(struct imp_module);
    module->set = set;
    module->definition = definition;
    module->instance = mem_dup(instance);
    module->label = *instance ? mem_printf("%s:%s", definition->name, instance) : mem_dup(definition->name);
    module->owner = mem_printf("module %s", module->label);
    module->level = IMP_ERROR;
    module->index = set->instance_count;
    set->instances = mem_resize(set->instances, (set->instance_count + 1) * sizeof(struct imp_module *));
    set->instances[set->instance_count++] = module;
    return module;
}

static const char *api_of(const struct module_set *set, const struct imp_module *module)
{
    for (size_t i = 0; i < set->listener_count; i++)
        if (set->listeners[i].module == module)
            return "Logger";
    return module->definition->kind == IMP_SINGLETON ? "Singleton" : "Generic";
}

void module_set_list(const struct module_set *set,
                     void (*told)(const struct module_facts *facts, void *closure), void *closure)
{
    for (size_t i = 0; i < set->instance_count; i++) {
        const struct imp_module *module = set->instances[i];
        struct module_facts facts = {module->definition->name, module->instance, api_of(set, module),
                                     module->definition->description};
        told(&facts, closure);
    }
}

const struct registry *module_set_registry(const struct module_set *set, enum module_registry which)
{
    return &set->registries[which];
}

/* ---- references --------------------------------------------------------------------------------------- */

static void module_free(struct imp_module *module)
{
    struct runner runner = {module->label, "its teardown", ""};
    if (module->definition->teardown && !module->failed) {
        const struct runner *outer = runner_enter(&runner);
        module->definition->teardown(module);
        runner_leave(outer);
    }
    metric_owner_end(module);
    free(module->instance);
    free(module->label);
    free(module->owner);
    free(module);
}

static void module_set_free(struct module_set *set)
{
    log_hooks_leave_paniclog(set);
    while (set->instance_count > 0) /* the last one set up may use the others to the end */
        module_free(set->instances[--set->instance_count]);
    module_set_free_hooks(set);
    for (size_t i = 0; i < MODULE_REGISTRIES; i++)
        registry_release(&set->registries[i]);
    free(set->instances);
    free(set->listeners);
    free(set->periodics);
    free(set);
}

static void free_retired(void)
{
    for (;;) {
        pthread_mutex_lock(&retired_lock);
        struct list_node *node = list_pop(&retired_sets);
        pthread_mutex_unlock(&retired_lock);
        if (!node)
            return;
        module_set_free(container_of(node, struct module_set, retired));
    }
}

struct module_set *module_set_ref(struct module_set *set)
{
    atomic_fetch_add_explicit(&set->references, 1, memory_order_relaxed);
    return set;
}

static void retire(struct module_set *set)
{
    if (pthread_equal(pthread_self(), set->home)) {
        module_set_free(set);
        free_retired();
        return;
    }
    pthread_mutex_lock(&retired_lock);
    list_append(&retired_sets, &set->retired);
    pthread_mutex_unlock(&retired_lock);
}

void module_set_unref(struct module_set *set)
{
    if (!set)
        return;
    unsigned before = atomic_fetch_sub_explicit(&set->references, 1, memory_order_acq_rel);
    if (before == 1)
        retire(set);
    if (before != 2 || atomic_exchange(&set->ending, true))
        return;
    void (*begin)(struct module_set *) = atomic_load(&begin_end); /* a late resume may meet the end */
    if (begin && atomic_load(&set->keeps_open))
        begin(set);
    else
        module_set_unref(set);
}

void module_set_on_end(void (*begin)(struct module_set *set))
{
    atomic_store(&begin_end, begin);
}

bool module_set_keep_open(struct module_set *set)
{
    atomic_store(&set->keeps_open, true);
    return !atomic_load(&set->ending);
}

void module_set_tick(struct module_set *set)
{
    free_retired();
    if (!set)
        return;
    log_hooks_take_paniclog(set);
    uint64_t now = clock_mono_ms();
    for (size_t i = 0; i < set->periodic_count; i++) {
        struct periodic *periodic = &set->periodics[i];
        if (periodic->due_ms == 0) /* the first one is a whole period after the generation has begun */
            periodic->due_ms = now + periodic->seconds * UINT64_C(1000);
        if (now < periodic->due_ms)
            continue;
        periodic->due_ms = now + periodic->seconds * UINT64_C(1000);
        const struct runner *outer = runner_enter(&periodic->runner);
        periodic->tick(periodic->closure);
        runner_leave(outer);
    }
}
