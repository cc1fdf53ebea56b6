/*
 * permits: see permits.h.
 *
 * One lock guards all counts; it is held for a few instructions for each connection. A shard that was refused is
 * marked under that lock, so that whoever gives a permit back knows whom to wake: one shard at a time, in turn. It
 * takes what it can use and wakes the next if something is left.
 */
#include "queue/permits.h"

#include <search.h>
#include "base/mem.h"
#include "queue/queue_metrics.h"

/* Bits of permit_shard.wants: why a shard was refused. */
enum {
    WANTS_FIRST = 1,   /* all permits and the reserve are taken; for queues without a connection */
    WANTS_MORE = 2,    /* all permits are taken */
    WANTS_BINDING = 4, /* all permits of a binding are taken */
};

struct permit_binding { /* of all shards; under the lock */
    char *name;
    unsigned given;
};

struct permit_line {
    struct slice name; /* the binding's */
    struct permit_binding *binding;
    struct list_node link;   /* in shard->permits.lines, while queues wait */
    struct list first, more; /* queues that wait: those without a connection; the others */
};

/* ---- bindings and lines ------------------------------------------------------------------------------ */

static int compare_bindings(const void *left, const void *right)
{
    const struct permit_binding *a = left, *b = right;
    return strcmp(a->name, b->name);
}

static struct permit_binding *find_binding(struct permits *permits, const char *name)
{
    struct permit_binding key = {.name = (char *)name}, **found;
    pthread_mutex_lock(&permits->lock);
    found = tfind(&key, &permits->bindings, compare_bindings);
    if (!found) {
        struct permit_binding *binding = mem_new(struct permit_binding);
        binding->name = mem_dup(name);
        found = tsearch(binding, &permits->bindings, compare_bindings);
    }
    if (!found)
        abort(); /* out of memory, as mem_* would have it */
    struct permit_binding *binding = *found;
    pthread_mutex_unlock(&permits->lock);
    return binding;
}

static int compare_lines(const void *left, const void *right)
{
    const struct permit_line *a = left, *b = right;
    return strcmp(a->name.data, b->name.data);
}

struct permit_line *permit_line_of(struct shard *shard, struct slice binding)
{
    char *name = mem_copy_text(binding.data, binding.size);
    struct permit_line key = {.name = slice_text(name)};
    struct permit_line **found = tfind(&key, &shard->permits.tree, compare_lines);
    if (found) {
        free(name);
        return *found;
    }
    struct permit_line *line = mem_new(struct permit_line);
    line->name = slice_text(name);
    line->binding = find_binding(&shard->set->permits, name);
    list_init(&line->first);
    list_init(&line->more);
    if (!tsearch(line, &shard->permits.tree, compare_lines))
        abort();
    return line;
}

/* ---- counting, under the lock ------------------------------------------------------------------------ */

static void note_wants(struct permits *permits)
{
    atomic_store_explicit(&permits->wanted, permits->want_first > 0 || permits->want_more > 0,
                          memory_order_relaxed);
}

static void want(struct shard *shard, unsigned bits)
{
    struct permits *permits = &shard->set->permits;
    unsigned fresh = bits & ~shard->permits.wants;
    shard->permits.wants |= fresh;
    permits->want_first += (fresh & WANTS_FIRST) != 0;
    permits->want_more += (fresh & WANTS_MORE) != 0;
    note_wants(permits);
}

static void want_nothing(struct shard *shard)
{
    struct permits *permits = &shard->set->permits;
    permits->want_first -= (shard->permits.wants & WANTS_FIRST) != 0;
    permits->want_more -= (shard->permits.wants & WANTS_MORE) != 0;
    shard->permits.wants = 0;
    note_wants(permits);
}

static bool has_room(const struct permits *permits, bool first)
{
    uint64_t limit = (uint64_t)permits->limit + (first ? permits->reserve : 0);
    return permits->given < limit;
}

static void wake(struct shard *shard)
{
    if (shard->permits.posted)
        return;
    shard->permits.posted = true;
    loop_post(shard->loop, &shard->permits.task);
}

/* Wakes the next shard that could use a permit, and all those in which queues of a full binding wait. */
static void wake_next(struct queue_set *set, bool of_binding)
{
    struct permits *permits = &set->permits;
    unsigned useful =
        (has_room(permits, true) ? WANTS_FIRST : 0) | (has_room(permits, false) ? WANTS_MORE : 0);
    bool woken = false;
    for (unsigned i = 0; i < set->shard_count; i++) {
        unsigned index = (permits->turn + i) % set->shard_count;
        struct shard *shard = set->shards[index];
        if (of_binding && (shard->permits.wants & WANTS_BINDING)) {
            wake(shard);
        } else if (!woken && (shard->permits.wants & useful)) {
            wake(shard);
            woken = true;
            permits->turn = index + 1;
        }
    }
}

/* Returns 0, or why the queue gets none. `in_turn`: nobody came before it. */
static unsigned try_take(struct queue *queue, bool in_turn)
{
    struct shard *shard = queue->shard;
    struct permits *permits = &shard->set->permits;
    struct permit_binding *binding = queue->permit_line->binding;
    bool first = queue->connections == 0;
    unsigned refused = 0;
    pthread_mutex_lock(&permits->lock);
    bool others = permits->want_first > 0 || (!first && permits->want_more > 0);
    if (!has_room(permits, first) || (others && !in_turn))
        refused = first ? WANTS_FIRST : WANTS_MORE;
    else if (binding->given >= queue->settings->binding_max_connections)
        refused = WANTS_BINDING;
    want(shard, refused);
    if (!refused) {
        permits->given++;
        binding->given++;
    }
    pthread_mutex_unlock(&permits->lock);
    return refused;
}

void permit_give(struct queue *queue)
{
    struct permits *permits = &queue->shard->set->permits;
    pthread_mutex_lock(&permits->lock);
    permits->given--;
    queue->permit_line->binding->given--;
    wake_next(queue->shard->set, true);
    pthread_mutex_unlock(&permits->lock);
}

/* ---- waiting ----------------------------------------------------------------------------------------- */

void permit_forget(struct queue *queue)
{
    if (!list_linked(&queue->permit_link))
        return;
    list_remove(&queue->permit_link);
    metric_lower(queue_metrics.waiting, 1);
}

/* Behind those of its kind. A queue that has lost its last connection meanwhile changes the list. */
static void wait_in_line(struct queue *queue)
{
    struct permit_line *line = queue->permit_line;
    bool first = queue->connections == 0;
    if (list_linked(&queue->permit_link) && (queue->waits_first || !first))
        return;
    permit_forget(queue);
    queue->waits_first = first;
    list_append(first ? &line->first : &line->more, &queue->permit_link);
    metric_raise(queue_metrics.waiting, 1);
    if (!list_linked(&line->link))
        list_append(&queue->shard->permits.lines, &line->link);
}

static bool has_line(const struct queue *queue)
{
    const struct permit_line *line = queue->permit_line;
    return !list_empty(&line->first) || (queue->connections > 0 && !list_empty(&line->more));
}

bool permit_take(struct queue *queue)
{
    if (!has_line(queue) && try_take(queue, false) == 0) {
        permit_forget(queue);
        return true;
    }
    wait_in_line(queue);
    return false;
}

/* ---- serving ----------------------------------------------------------------------------------------- */

/* Gives one permit to the first queue of the list that still wants one. Returns whether it did. */
static bool serve_list(struct list *list, unsigned *refused)
{
    while (!list_empty(list) && !*refused) {
        struct queue *queue = container_of(list->head.next, struct queue, permit_link);
        struct shard *shard = queue->shard;
        if (!shard->wants_permit(queue)) {
            permit_forget(queue);
            continue;
        }
        *refused = try_take(queue, true);
        if (*refused)
            return false;
        permit_forget(queue);
        shard->use_permit(queue);
        queue_touch(queue); /* it may want another */
        return true;
    }
    return false;
}

/* The lines before `first` have had their turn: the next time, `first` begins. */
static void turn_lines(struct list *lines, struct list_node *first)
{
    while (lines->head.next != first)
        list_append(lines, list_pop(lines));
}

/* One permit for each line. Returns how many were given. */
static unsigned serve_lines(struct shard *shard, bool first)
{
    unsigned served = 0;
    list_each(&shard->permits.lines, node, after) {
        struct permit_line *line = container_of(node, struct permit_line, link);
        unsigned refused = 0;
        served += serve_list(first ? &line->first : &line->more, &refused);
        if (list_empty(&line->first) && list_empty(&line->more))
            list_remove(&line->link);
        if (refused & (WANTS_FIRST | WANTS_MORE)) {
            if (served)
                turn_lines(&shard->permits.lines, node);
            return served;
        }
    }
    if (served && !list_empty(&shard->permits.lines)) /* another one begins the next time */
        list_append(&shard->permits.lines, list_pop(&shard->permits.lines));
    return served;
}

void permits_serve(struct shard *shard)
{
    struct permits *permits = &shard->set->permits;
    unsigned total = 0, served;
    pthread_mutex_lock(&permits->lock);
    want_nothing(shard);
    pthread_mutex_unlock(&permits->lock);
    do {
        served = serve_lines(shard, true);
        total += served;
    } while (served && total < QUEUE_BATCH);
    do {
        served = total < QUEUE_BATCH ? serve_lines(shard, false) : 0;
        total += served;
    } while (served);
    pthread_mutex_lock(&permits->lock);
    if (total >= QUEUE_BATCH)
        wake(shard);
    wake_next(shard->set, false);
    pthread_mutex_unlock(&permits->lock);
    shard->end_turn(shard);
}

static void run_serve(struct loop_task *task)
{
    struct shard *shard = container_of(task, struct shard, permits.task);
    pthread_mutex_lock(&shard->set->permits.lock);
    shard->permits.posted = false; /* only here: a reload serves while the task may be on its way */
    pthread_mutex_unlock(&shard->set->permits.lock);
    permits_serve(shard);
}

bool permits_are_wanted(const struct shard *shard)
{
    return atomic_load_explicit(&shard->set->permits.wanted, memory_order_relaxed);
}

/* ---- life -------------------------------------------------------------------------------------------- */

void permits_init(struct queue_set *set)
{
    pthread_mutex_init(&set->permits.lock, NULL);
    set->permits.limit = UINT_MAX;
    for (unsigned i = 0; i < set->shard_count; i++) {
        set->shards[i]->permits.task.run = run_serve;
        list_init(&set->shards[i]->permits.lines);
    }
}

void queue_set_limit_connections(struct queue_set *set, unsigned limit, unsigned reserve)
{
    pthread_mutex_lock(&set->permits.lock);
    set->permits.limit = limit;
    set->permits.reserve = reserve;
    for (unsigned i = 0; i < set->shard_count; i++)
        if (set->shards[i]->permits.wants)
            wake(set->shards[i]);
    pthread_mutex_unlock(&set->permits.lock);
}

static void free_line(void *pointer)
{
    struct permit_line *line = pointer;
    free((char *)line->name.data);
    free(line);
}

void permits_free_lines(struct shard *shard)
{
    tdestroy(shard->permits.tree, free_line);
}

static void free_binding(void *pointer)
{
    struct permit_binding *binding = pointer;
    free(binding->name);
    free(binding);
}

void permits_free(struct queue_set *set)
{
    tdestroy(set->permits.bindings, free_binding);
    pthread_mutex_destroy(&set->permits.lock);
}
