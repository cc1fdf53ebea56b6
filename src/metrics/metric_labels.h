/*
 * metric_labels: names and labels of metrics as text. Private to src/metrics.
 */
#ifndef IMPULSE_METRICS_METRIC_LABELS_H
#define IMPULSE_METRICS_METRIC_LABELS_H

#include <stdbool.h>
#include <stddef.h>

bool metric_name_is_valid(const char *name);
/*
 * Renders name, value, name, value, ..., NULL as `a="x",b="y"`, in the order of the names, values escaped,
 * cut to METRIC_LABEL_SIZE_MAX bytes and made UTF-8 (a byte that is none becomes '?'). "" for NULL. To be
 * freed. NULL with one line in error[]: a name is none, is there twice, or lacks a value.
 */
char *metric_labels_render(const char *const *labels, char *error, size_t error_size);
/* `text` with backslash and newline escaped, for HELP lines; to be freed. */
char *metric_help_render(const char *text);

#endif
