/*
 * view: what a thread remembers of the configuration, so that accepting a message takes no lock.
 *
 * Two tables remember settings, in each of which a later entry replaces an earlier one of the same hash: by the
 * names of queues, and by the levels of the chains that the names resolve to. The second serves a thread that
 * sees many more domains than the first can hold, because most of them have the same levels.
 *
 * Each thread keeps a reference to the generation it last saw and the settings it last asked for. A thread
 * notices a new generation by its serial number, on its next call; the settings it handed out before stay
 * valid one generation longer, because the previous reference is given up only when yet another generation
 * comes, or by view_forget, which the queues' own loops call between turns.
 */
#include "base/mem.h"
#include "queue/view.h"

enum {
    VIEW_NAMES = 64,
    VIEW_CHAINS = 16,
    VIEW_NAME_SIZE = 160, /* longer names are resolved each time */
    VIEW_LEVELS = 6,      /* settings of longer chains are found in the generation */
};

struct view_name {
    const struct queue_settings *settings; /* NULL: unused */
    size_t binding_size, domain_size;
    char text[VIEW_NAME_SIZE]; /* binding, then domain */
};

struct view_chain {
    const struct queue_settings *settings; /* NULL: unused */
    size_t count;
    const struct conf_scope *levels[VIEW_LEVELS];
};

struct view {
    struct generation *current, *previous; /* references; NULL before the first use */
    struct view_name names[VIEW_NAMES];
    struct view_chain chains[VIEW_CHAINS];
};

static pthread_key_t view_key;
static pthread_once_t view_once = PTHREAD_ONCE_INIT;
static _Thread_local struct view *this_view;

static void free_view(void *pointer)
{
    struct view *view = pointer;
    this_view = NULL;
    generation_unref(view->current);
    generation_unref(view->previous);
    free(view);
}

static void make_key(void)
{
    if (pthread_key_create(&view_key, free_view) != 0)
        abort();
}

static struct view *create_view(void)
{
    pthread_once(&view_once, make_key);
    this_view = mem_new(struct view);
    pthread_setspecific(view_key, this_view);
    return this_view;
}

void view_forget(void)
{
    if (!this_view)
        return;
    pthread_setspecific(view_key, NULL);
    free_view(this_view);
}

struct generation *set_generation(struct queue_set *set)
{
    pthread_mutex_lock(&set->lock);
    struct generation *generation = generation_ref(set->generation);
    pthread_mutex_unlock(&set->lock);
    return generation;
}

struct view *view_of(struct queue_set *set)
{
    struct view *view = this_view ? this_view : create_view();
    unsigned serial = atomic_load_explicit(&set->serial, memory_order_relaxed);
    if (view->current && view->current->serial == serial)
        return view;
    generation_unref(view->previous);
    view->previous = view->current;
    view->current = set_generation(set);
    for (unsigned i = 0; i < VIEW_NAMES; i++)
        view->names[i].settings = NULL;
    for (unsigned i = 0; i < VIEW_CHAINS; i++)
        view->chains[i].settings = NULL;
    return view;
}

struct generation *view_generation(const struct view *view)
{
    return view->current;
}

static struct view_chain *chain_slot(struct view *view, const struct conf_chain *chain)
{
    uint64_t hash = 0;
    for (size_t i = 0; i < chain->count; i++)
        hash = (hash ^ (uintptr_t)chain->levels[i]) * UINT64_C(0x9e3779b97f4a7c15);
    return &view->chains[hash >> 32 & (VIEW_CHAINS - 1)];
}

/* Returns the settings of names that the view does not remember. Takes the generation's lock if it does not
 * remember their chain either. */
static const struct queue_settings *resolve(struct view *view, struct slice binding, struct slice domain)
{
    struct conf_chain chain;
    generation_chain(view->current, binding, domain, &chain);
    if (chain.count > VIEW_LEVELS)
        return generation_chain_settings(view->current, &chain);
    struct view_chain *slot = chain_slot(view, &chain);
    size_t size = chain.count * sizeof *chain.levels;
    if (!slot->settings || slot->count != chain.count || memcmp(slot->levels, chain.levels, size) != 0) {
        slot->settings = generation_chain_settings(view->current, &chain);
        slot->count = chain.count;
        memcpy(slot->levels, chain.levels, size);
    }
    return slot->settings;
}

/* FNV-1a of the names; two spellings of a domain have one slot. */
static struct view_name *name_slot(struct view *view, struct slice binding, struct slice domain)
{
    uint32_t hash = 2166136261u;
    for (size_t i = 0; i < domain.size; i++)
        hash = (hash ^ (unsigned char)ascii_lower(domain.data[i])) * 16777619u;
    for (size_t i = 0; i < binding.size; i++)
        hash = (hash ^ (unsigned char)binding.data[i]) * 16777619u;
    return &view->names[(hash ^ hash >> 16) & (VIEW_NAMES - 1)];
}

static bool is_of(const struct view_name *slot, struct slice binding, struct slice domain)
{
    return slot->settings && slot->domain_size == domain.size && slot->binding_size == binding.size &&
           slice_equal_nocase(slice_of(slot->text + binding.size, domain.size), domain) &&
           slice_equal(slice_of(slot->text, binding.size), binding);
}

const struct queue_settings *view_settings(struct view *view, struct slice binding, struct slice domain)
{
    if (binding.size + domain.size > VIEW_NAME_SIZE)
        return resolve(view, binding, domain);
    struct view_name *slot = name_slot(view, binding, domain);
    if (is_of(slot, binding, domain))
        return slot->settings;
    slot->settings = resolve(view, binding, domain);
    slot->binding_size = binding.size;
    slot->domain_size = domain.size;
    if (binding.size)
        memcpy(slot->text, binding.data, binding.size);
    if (domain.size)
        memcpy(slot->text + binding.size, domain.data, domain.size);
    return slot->settings;
}

const struct queue_settings *queue_settings_find(struct queue_set *set, struct slice binding,
                                                 struct slice domain)
{
    return view_settings(view_of(set), binding, domain);
}
