/*
 * mem: allocation that does not return NULL; see mem.h for why running out ends the process.
 */
#include "base/mem.h"

#include <stdarg.h>
#include <stdio.h>
#include <unistd.h>

static _Noreturn void out_of_memory(void)
{
    static const char line[] = "impulse: out of memory\n";
    ssize_t ignored = write(STDERR_FILENO, line, sizeof line - 1);
    (void)ignored;
    abort();
}

void *mem_zalloc(size_t size)
{
    void *block = calloc(1, size ? size : 1);
    if (!block)
        out_of_memory();
    return block;
}

void *mem_array(size_t count, size_t size)
{
    void *block = calloc(count ? count : 1, size ? size : 1); /* calloc checks the product */
    if (!block)
        out_of_memory();
    return block;
}

void *mem_resize(void *block, size_t size)
{
    void *grown = realloc(block, size ? size : 1);
    if (!grown)
        out_of_memory();
    return grown;
}

char *mem_copy_text(const char *data, size_t size)
{
    char *copy = mem_resize(NULL, size + 1);
    if (size)
        memcpy(copy, data, size);
    copy[size] = '\0';
    return copy;
}

char *mem_dup(const char *text)
{
    return text ? mem_copy_text(text, strlen(text)) : NULL;
}

char *mem_vprintf(size_t *size, const char *format, va_list args)
{
    char *text;
    int length = vasprintf(&text, format, args);
    if (length < 0)
        out_of_memory();
    if (size)
        *size = (size_t)length;
    return text;
}

char *mem_printf(const char *format, ...)
{
    va_list args;
    va_start(args, format);
    char *text = mem_vprintf(NULL, format, args);
    va_end(args);
    return text;
}
