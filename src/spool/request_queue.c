/*
 * request_queue: see request_queue.h.
 */
#include "spool/request_queue.h"

void request_queue_init(struct request_queue *queue)
{
    queue->first = NULL;
    queue->end = &queue->first;
    queue->count = 0;
}

void request_queue_append(struct request_queue *queue, struct spool_request *request)
{
    request->next = NULL;
    *queue->end = request;
    queue->end = &request->next;
    queue->count++;
}

struct spool_request *request_queue_pop(struct request_queue *queue)
{
    struct spool_request *request = queue->first;
    if (!request)
        return NULL;
    queue->first = request->next;
    if (!queue->first)
        queue->end = &queue->first;
    queue->count--;
    return request;
}

void request_queue_prepend(struct request_queue *to, struct request_queue *from)
{
    if (!from->first)
        return;
    *from->end = to->first;
    if (!to->first)
        to->end = from->end;
    to->first = from->first;
    to->count += from->count;
    request_queue_init(from);
}
