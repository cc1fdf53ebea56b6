/*
 * body: reference counts, and the memory that a body may let go while it waits.
 *
 * `pins` is the whole protocol: 0 and above counts readers of the memory; BODY_DROPPED says that it is gone,
 * for good. Whoever moves it from 0 to BODY_DROPPED frees the memory, and nobody can pin it from then on.
 */
#include "message/body.h"

#include "base/mem.h"
#include "message/edits.h"

enum { BODY_DROPPED = INT32_MIN };

static _Atomic uint64_t resident_bytes;

struct body *body_create(uint64_t id, char *memory, uint64_t size)
{
    struct body *body = mem_new(struct body);
    body->id = id;
    body->size = size;
    body->chunks = 1;
    body->memory = memory;
    atomic_init(&body->references, 1);
    atomic_init(&body->undelivered, 0);
    atomic_init(&body->pins, memory ? 0 : BODY_DROPPED);
    if (memory)
        atomic_fetch_add_explicit(&resident_bytes, size, memory_order_relaxed);
    return body;
}

struct body *body_ref(struct body *body)
{
    atomic_fetch_add_explicit(&body->references, 1, memory_order_relaxed);
    return body;
}

void body_unref(struct body *body)
{
    if (atomic_fetch_sub_explicit(&body->references, 1, memory_order_acq_rel) != 1)
        return;
    body_drop(body);
    free(body->edits);
    free(body);
}

void body_set_edits(struct body *body, char *edits, uint32_t size)
{
    free(body->edits);
    body->edits = edits;
    body->edits_size = size;
}

uint64_t body_edited_size(const struct body *body)
{
    return body->edits ? edits_sealed_size(body_edits(body)) : body->size;
}

const char *body_pin(struct body *body)
{
    int32_t pins = atomic_load_explicit(&body->pins, memory_order_relaxed);
    while (pins >= 0)
        if (atomic_compare_exchange_weak_explicit(&body->pins, &pins, pins + 1, memory_order_acquire,
                                                  memory_order_relaxed))
            return body->memory;
    return NULL;
}

void body_unpin(struct body *body)
{
    atomic_fetch_sub_explicit(&body->pins, 1, memory_order_release);
}

void body_drop(struct body *body)
{
    int32_t unpinned = 0;
    if (!atomic_compare_exchange_strong_explicit(&body->pins, &unpinned, BODY_DROPPED, memory_order_acq_rel,
                                                 memory_order_relaxed))
        return;
    free(body->memory);
    body->memory = NULL;
    atomic_fetch_sub_explicit(&resident_bytes, body->size, memory_order_relaxed);
}

uint64_t body_resident_bytes(void)
{
    return atomic_load_explicit(&resident_bytes, memory_order_relaxed);
}
