/*
 * buf: a growable byte buffer. Growth doubles; room freed at the head is reused before growing.
 */
#include "base/buf.h"

#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include "base/mem.h"

enum { SMALLEST = 256 };

/* Makes room. False: there is no memory, and mem_resize ended the process unless the caller `may_fail`. */
static bool make_room(struct buf *b, size_t size, bool may_fail)
{
    if (b->capacity - b->tail >= size && b->memory)
        return true;
    size_t used = b->tail - b->head;
    if (b->memory && b->capacity - used >= size && b->head >= used) {
        memcpy(b->memory, b->memory + b->head, used);
    } else {
        size_t wanted = b->capacity ? b->capacity : SMALLEST;
        while (wanted - used < size)
            wanted *= 2;
        if (b->head) {
            memmove(b->memory, b->memory + b->head, used);
            b->head = 0;
            b->tail = used;
        }
        char *grown = may_fail ? realloc(b->memory, wanted) : mem_resize(b->memory, wanted);
        if (!grown)
            return false;
        b->memory = grown;
        b->capacity = wanted;
    }
    b->head = 0;
    b->tail = used;
    return true;
}

char *buf_reserve(struct buf *b, size_t size)
{
    make_room(b, size, false);
    return b->memory + b->tail;
}

char *buf_try_reserve(struct buf *b, size_t size)
{
    return make_room(b, size, true) ? b->memory + b->tail : NULL;
}

void buf_append(struct buf *b, const void *data, size_t size)
{
    if (size == 0)
        return;
    memcpy(buf_reserve(b, size), data, size);
    b->tail += size;
}

void buf_append_printable(struct buf *b, struct slice text)
{
    char *room = buf_reserve(b, text.size);
    for (size_t i = 0; i < text.size; i++)
        room[i] = ascii_printable(text.data[i]);
    buf_commit(b, text.size);
}

void buf_replace(struct buf *b, size_t offset, size_t size, struct slice with)
{
    size_t behind = buf_size(b) - offset - size;
    char *end = buf_reserve(b, with.size);
    memmove(end - behind + with.size - size, end - behind, behind);
    if (with.size)
        memcpy(end - behind - size, with.data, with.size);
    b->tail = b->tail + with.size - size;
}

void buf_append_text(struct buf *b, const char *text)
{
    buf_append(b, text, strlen(text));
}

void buf_printf(struct buf *b, const char *format, ...)
{
    va_list args, again;
    va_start(args, format);
    va_copy(again, args);
    char *room = buf_reserve(b, 128);
    size_t available = b->capacity - b->tail;
    int size = vsnprintf(room, available, format, args);
    if (size > 0 && (size_t)size >= available)
        vsnprintf(buf_reserve(b, (size_t)size + 1), (size_t)size + 1, format, again);
    if (size > 0)
        b->tail += (size_t)size;
    va_end(again);
    va_end(args);
}

void buf_fit(struct buf *b)
{
    struct buf fitting = {0};
    if (b->capacity / 2 <= buf_size(b) || b->capacity <= SMALLEST)
        return;
    buf_append_slice(&fitting, buf_slice(b));
    buf_release(b);
    *b = fitting;
}

void buf_release(struct buf *b)
{
    free(b->memory);
    *b = (struct buf){0};
}

char *buf_take(struct buf *b, size_t *size)
{
    size_t used = buf_size(b);
    if (b->head)
        memmove(b->memory, b->memory + b->head, used);
    char *memory = b->memory ? b->memory : mem_zalloc(1);
    *size = used;
    *b = (struct buf){0};
    return memory;
}
