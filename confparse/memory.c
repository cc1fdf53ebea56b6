/* memory: see memory.h. */
#include "confparse/memory.h"

#include <stdalign.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { BLOCK_SIZE = 256 * 1024 };

struct conf_arena_block {
    struct conf_arena_block *next;
    alignas(max_align_t) char bytes[];
};

void conf_out_of_memory(void)
{
    fputs("confparse: out of memory\n", stderr);
    abort();
}

static void *checked(void *block)
{
    if (!block)
        conf_out_of_memory();
    return block;
}

void *conf_alloc(size_t size)
{
    return checked(calloc(1, size ? size : 1));
}

void *conf_resize(void *block, size_t count, size_t size)
{
    return checked(reallocarray(block, count ? count : 1, size ? size : 1));
}

static void *add_block(struct conf_arena *arena, size_t size)
{
    if (size > SIZE_MAX - sizeof(struct conf_arena_block))
        conf_out_of_memory();
    struct conf_arena_block *block = conf_alloc(sizeof *block + size);
    block->next = arena->blocks;
    arena->blocks = block;
    return block->bytes;
}

static void *take(struct conf_arena *arena, size_t size, size_t alignment)
{
    size += size == 0; /* even nothing has a place */
    size_t skip = (size_t)(-(uintptr_t)arena->next & (alignment - 1));
    if (size > arena->left || skip > arena->left - size) {
        if (size > BLOCK_SIZE / 8)
            return add_block(arena, size); /* the block in use keeps its rest */
        arena->next = add_block(arena, BLOCK_SIZE);
        arena->left = BLOCK_SIZE;
        skip = 0;
    }
    char *piece = arena->next + skip;
    arena->next += skip + size;
    arena->left -= skip + size;
    return piece;
}

void *conf_arena_alloc(struct conf_arena *arena, size_t size)
{
    return take(arena, size, alignof(max_align_t));
}

void *conf_arena_array(struct conf_arena *arena, size_t count, size_t size)
{
    if (size && count > SIZE_MAX / size)
        conf_out_of_memory();
    return take(arena, count * size, alignof(max_align_t));
}

char *conf_arena_text(struct conf_arena *arena, const char *data, size_t size)
{
    char *text = take(arena, size + 1, 1);
    if (size)
        memcpy(text, data, size);
    text[size] = '\0';
    return text;
}

void conf_arena_free(struct conf_arena *arena)
{
    while (arena->blocks) {
        struct conf_arena_block *next = arena->blocks->next;
        free(arena->blocks);
        arena->blocks = next;
    }
    arena->next = NULL;
    arena->left = 0;
}
