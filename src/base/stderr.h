/*
 * stderr: writing to standard error without waiting for whoever reads it.
 */
#ifndef IMPULSE_BASE_STDERR_H
#define IMPULSE_BASE_STDERR_H

#include <stddef.h>

/*
 * Writes the bytes. What stderr does not take within a second, because it is a pipe that nobody reads or a terminal that
 * was stopped, is lost. Any thread; async-signal-safe; keeps errno.
 */
void stderr_write(const char *bytes, size_t size);

#endif
