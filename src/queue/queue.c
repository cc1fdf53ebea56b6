/*
 * queue: the queue of one (binding, domain) by its name, from its first envelope to its end.
 *
 * An envelope is in one place at a time: on the ready list, behind a struct delayed in the shard's schedule,
 * in the transport's hands, condemned, or in a bounce. `held` counts them all; the queue lives while it or a
 * connection does.
 */
#include <search.h>
#include "base/mem.h"
#include "queue/permits.h"

/* Shorter names first: most comparisons end at the size, and the order means nothing else. */
static int compare_names(struct slice a, struct slice b)
{
    if (a.size != b.size)
        return a.size < b.size ? -1 : 1;
    return a.size ? memcmp(a.data, b.data, a.size) : 0;
}

static int compare_queues(const void *left, const void *right)
{
    const struct queue *a = left, *b = right;
    int order = compare_names(a->domain, b->domain);
    return order ? order : compare_names(a->binding, b->binding);
}

static struct queue *queue_create(struct shard *shard, struct slice binding, struct slice domain)
{
    struct queue *queue = mem_new(struct queue);
    queue->shard = shard;
    queue->binding = slice_of(mem_copy_text(binding.data, binding.size), binding.size);
    queue->domain = slice_of(mem_copy_text(domain.data, domain.size), domain.size);
    queue->settings = generation_settings(shard->generation, binding, domain);
    list_init(&queue->ready);
    list_init(&queue->condemned);
    list_init(&queue->waiters);
    queue->permit_line = permit_line_of(shard, queue->binding);
    list_append(&shard->queues, &queue->link);
    return queue;
}

struct queue *queue_find(struct shard *shard, struct slice binding, struct slice domain)
{
    struct queue key = {.binding = binding, .domain = domain};
    struct queue **found = tfind(&key, &shard->tree, compare_queues);
    if (found)
        return *found;
    struct queue *queue = queue_create(shard, binding, domain);
    if (!tsearch(queue, &shard->tree, compare_queues))
        abort(); /* out of memory, as mem_* would have it */
    return queue;
}

void queue_free(struct queue *queue)
{
    tdelete(queue, &queue->shard->tree, compare_queues);
    list_remove(&queue->link);
    list_remove(&queue->touched);
    permit_forget(queue);
    schedule_remove(&queue->shard->schedule, &queue->expiry);
    schedule_remove(&queue->shard->schedule, &queue->growth);
    schedule_remove(&queue->shard->schedule, &queue->hold);
    for (struct list_node *node; (node = list_pop(&queue->ready)) || (node = list_pop(&queue->condemned));)
        queue_abandon(queue->shard->set, container_of(node, struct envelope, link));
    free(queue->verdict);
    free((char *)queue->binding.data);
    free((char *)queue->domain.data);
    free(queue);
}

void queue_free_unused(struct queue *queue)
{
    if (queue->held == 0 && queue->connections == 0 && !queue->condemn_posted)
        queue_free(queue);
}

void queue_touch(struct queue *queue)
{
    if (!list_linked(&queue->touched))
        list_append(&queue->shard->touched, &queue->touched);
}

void queue_drop(struct queue *queue)
{
    queue->held--;
    atomic_fetch_sub_explicit(&queue->shard->set->count, 1, memory_order_relaxed);
}

/* ---- what the transport may ask ---------------------------------------------------------------------- */

const struct queue_settings *queue_settings(struct queue *queue)
{
    return queue->settings;
}

struct module_set *queue_modules(struct queue *queue)
{
    return queue->shard->generation->modules;
}

struct generation *queue_generation(struct queue *queue)
{
    return queue->shard->generation;
}

struct slice queue_domain(const struct queue *queue)
{
    return queue->domain;
}

struct loop *queue_loop(const struct queue *queue)
{
    return queue->shard->loop;
}
