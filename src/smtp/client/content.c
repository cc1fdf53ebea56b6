/*
 * content: pinned memory, or chunks through the SwapIn pool.
 */
#include "smtp/client/content.h"

#include <errno.h>
#include "base/mem.h"

struct content_read {      /* lives until it is back on the loop, whoever asked may be gone by then */
    struct list_node node; /* in home->reads */
    struct pool_job job;
    struct loop_task task;
    struct content *content; /* NULL: nobody waits */
    struct smtpc_loop *home;
    struct body *body; /* a reference */
    uint32_t chunk;
    char *data;
    size_t size;
    int error;
};

static void free_read(struct content_read *read)
{
    list_remove(&read->node);
    body_unref(read->body);
    free(read->data);
    free(read);
}

static void read_back(struct loop_task *task)
{
    struct content_read *read = container_of(task, struct content_read, task);
    struct content *content = read->content;
    if (content) {
        content->reading = NULL;
        content->error = read->error;
        content->memory = read->data;
        content->part = slice_of(read->data, read->error ? 0 : read->size);
        content->next_chunk++;
        read->data = NULL;
    }
    free_read(read);
    if (content)
        content->arrived(content->owner);
}

/* On a SwapIn thread. */
static void read_chunk(struct pool_job *job)
{
    struct content_read *read = container_of(job, struct content_read, job);
    const struct smtpc_shared *shared = read->home->shared;
    read->error = spool_body_read(shared->spool, read->body, read->chunk, &read->data, &read->size);
    if (read->error)
        read->data = NULL;
    else if (read->size == 0)
        read->error = -EIO;
    loop_post(read->home->loop, &read->task);
    pending_end(shared->outside);
}

static void start_reading(struct content *content)
{
    struct content_read *read = mem_new(struct content_read);
    read->content = content;
    read->home = content->home;
    read->body = body_ref(content->body);
    read->chunk = content->next_chunk;
    read->job.work = read_chunk;
    content->reading = read;
    read->task.run = read_back;
    list_append(&content->home->reads, &read->node);
    const struct smtpc_shared *shared = read->home->shared;
    pending_begin(shared->outside);
    if (pool_queue(shared->swap_in, &read->job))
        return;
    pending_end(shared->outside);
    read->error = -ENOMEM; /* no thread can be started */
    loop_post(read->home->loop, &read->task);
}

void content_open(struct content *content, struct smtpc_loop *home, struct body *body,
                  void (*arrived)(void *owner), void *owner)
{
    *content = (struct content){.home = home, .body = body_ref(body), .arrived = arrived, .owner = owner};
    const char *memory = body_pin(body);
    content->pinned = memory != NULL;
    if (memory)
        content->part = slice_of(memory, body->size);
}

int content_fetch(struct content *content)
{
    if (content->part.size > 0)
        return 1;
    if (content->error)
        return content->error;
    free(content->memory);
    content->memory = NULL;
    if (content->pinned || content->body->size == 0 || content->next_chunk == content->body->chunks)
        return 0;
    if (!content->reading)
        start_reading(content);
    return -EAGAIN;
}

void content_close(struct content *content)
{
    if (!content->body)
        return;
    if (content->reading)
        content->reading->content = NULL;
    if (content->pinned)
        body_unpin(content->body);
    free(content->memory);
    body_unref(content->body);
    *content = (struct content){0};
}

void content_free_all(struct smtpc_loop *home)
{
    list_each(&home->reads, node, after)
        free_read(container_of(node, struct content_read, node));
}
