/*
 * mem: allocation that does not return NULL.
 *
 * A daemon that has run out of memory cannot keep a promise it has not made yet; one that has said 250 has
 * the message on disk already. So running out ends the process with one line on stderr, and the supervisor
 * restarts it. What a peer can make us allocate is bounded where it is asked for, not here. Thread: any.
 * Release with free().
 */
#ifndef IMPULSE_BASE_MEM_H
#define IMPULSE_BASE_MEM_H

#include <stdarg.h>
#include <stdlib.h>
#include "base/slice.h"

/* `size` bytes (0 counts as 1), zeroed. */
void *mem_zalloc(size_t size) __attribute__((malloc, returns_nonnull));
/* `count` elements of `size` bytes, zeroed; the product is checked. */
void *mem_array(size_t count, size_t size) __attribute__((malloc, returns_nonnull));
/* Grows or shrinks `block` to `size` bytes; new bytes are not zeroed. */
void *mem_resize(void *block, size_t size) __attribute__((returns_nonnull));
/* A NUL-terminated copy of `size` bytes at `data`. */
char *mem_copy_text(const char *data, size_t size) __attribute__((returns_nonnull));
/* A NUL-terminated copy of `text`, or NULL for NULL. */
char *mem_dup(const char *text);
/* printf into a fresh string. */
char *mem_printf(const char *format, ...) __attribute__((format(printf, 1, 2), returns_nonnull));
/* The same for a list; `*size` becomes the length without the NUL (NULL: not wanted). */
char *mem_vprintf(size_t *size, const char *format, va_list args)
    __attribute__((format(printf, 2, 0), returns_nonnull));

#define mem_new(type) ((type *)mem_zalloc(sizeof(type)))

#endif
