/*
 * memory: allocation that does not return NULL, and an arena for what lives and dies together.
 *
 * confparse is also linked into tools and includes nothing of src/, so it has its own. Running out of memory
 * ends the process with one line on stderr. An arena belongs to one thread while it grows.
 */
#ifndef IMPULSE_CONFPARSE_MEMORY_H
#define IMPULSE_CONFPARSE_MEMORY_H

#include <stddef.h>

void conf_out_of_memory(void) __attribute__((noreturn));
/* `size` bytes, zeroed; release with free(). */
void *conf_alloc(size_t size) __attribute__((malloc, returns_nonnull));
/* Makes room for `count` elements of `size` bytes at `block`; new bytes are not zeroed. The product is
 * checked. */
void *conf_resize(void *block, size_t count, size_t size) __attribute__((returns_nonnull));

struct conf_arena_block;
struct conf_arena { /* zero-initialised is empty and valid */
    struct conf_arena_block *blocks;
    char *next;  /* where the next piece goes */
    size_t left; /* bytes there */
};

/* `size` bytes, zeroed and aligned for any type; they live until conf_arena_free. */
void *conf_arena_alloc(struct conf_arena *arena, size_t size) __attribute__((returns_nonnull));
/* `count` elements of `size` bytes, zeroed; the product is checked. */
void *conf_arena_array(struct conf_arena *arena, size_t count, size_t size) __attribute__((returns_nonnull));
/* A NUL-terminated copy of `size` bytes at `data`. */
char *conf_arena_text(struct conf_arena *arena, const char *data, size_t size)
    __attribute__((returns_nonnull));
void conf_arena_free(struct conf_arena *arena);

#endif
