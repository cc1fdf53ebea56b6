/*
 * view: what a thread remembers of the configuration, so that accepting a message takes no lock.
 *
 * Each thread keeps a reference to the generation it last saw and the settings it last asked for. A thread
 * notices a new generation by its serial number, on its next call; the settings it handed out before stay
 * valid one generation longer, because the previous reference is given up only when yet another generation
 * comes, or by view_forget, which the queues' own loops call between turns.
 */
#include "base/mem.h"
#include "queue/view.h"

enum {
    VIEW_SLOTS = 8,
    VIEW_NAME_SIZE = 160, /* longer names are looked up each time */
};

struct view_slot {
    const struct queue_settings *settings; /* NULL: unused */
    size_t binding_size, domain_size;
    char names[VIEW_NAME_SIZE]; /* binding, then domain */
};

struct view {
    struct generation *current, *previous; /* references; NULL before the first use */
    unsigned next_slot;
    struct view_slot slots[VIEW_SLOTS];
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
    for (unsigned i = 0; i < VIEW_SLOTS; i++)
        view->slots[i].settings = NULL;
    return view;
}

struct generation *view_generation(const struct view *view)
{
    return view->current;
}

static bool slot_matches(const struct view_slot *slot, struct slice binding, struct slice domain)
{
    return slot->settings && slot->domain_size == domain.size && slot->binding_size == binding.size &&
           slice_equal_nocase(slice_of(slot->names + binding.size, domain.size), domain) &&
           slice_equal(slice_of(slot->names, binding.size), binding);
}

const struct queue_settings *view_settings(struct view *view, struct slice binding, struct slice domain)
{
    for (unsigned i = 0; i < VIEW_SLOTS; i++)
        if (slot_matches(&view->slots[i], binding, domain))
            return view->slots[i].settings;
    const struct queue_settings *settings = generation_settings(view->current, binding, domain);
    if (binding.size + domain.size > VIEW_NAME_SIZE)
        return settings;
    struct view_slot *slot = &view->slots[view->next_slot++ % VIEW_SLOTS];
    slot->settings = settings;
    slot->binding_size = binding.size;
    slot->domain_size = domain.size;
    if (binding.size)
        memcpy(slot->names, binding.data, binding.size);
    if (domain.size)
        memcpy(slot->names + binding.size, domain.data, domain.size);
    return settings;
}

const struct queue_settings *queue_settings_find(struct queue_set *set, struct slice binding,
                                                 struct slice domain)
{
    return view_settings(view_of(set), binding, domain);
}
