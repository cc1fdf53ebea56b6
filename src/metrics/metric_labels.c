/*
 * metric_labels: names and labels of metrics as text.
 * Source: Prometheus, "Exposition formats", text format 0.0.4.
 */
#include "metrics/metric_labels.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "base/buf.h"
#include "base/utf8.h"
#include "metrics/metric.h"

static bool is_name(const char *name, const char *also)
{
    static const char letters[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ_";
    for (const char *at = name; *at; at++)
        if (!strchr(letters, *at) && !strchr(also, *at) && !(at > name && *at >= '0' && *at <= '9'))
            return false;
    return *name != '\0';
}

bool metric_name_is_valid(const char *name)
{
    return name && is_name(name, ":");
}

/* A byte that is neither printable nor part of a UTF-8 sequence becomes '?'. */
static void escape(struct buf *out, const char *text, size_t size, const char *special)
{
    for (size_t i = 0; i < size;) {
        size_t sequence = utf8_sequence(text + i, size - i);
        if (text[i] == '\n')
            buf_append_text(out, "\\n");
        else if (!sequence || ascii_is_control(text[i]))
            buf_append_text(out, "?");
        else if (strchr(special, text[i]))
            buf_printf(out, "\\%c", text[i]);
        else
            buf_append(out, &text[i], sequence);
        i += sequence ? sequence : 1;
    }
}

static char *finish(struct buf *out)
{
    size_t size;
    buf_append(out, "", 1);
    return buf_take(out, &size);
}

/* A character that would be cut in two is left out. */
static void append_value(struct buf *out, const char *value)
{
    size_t size = strnlen(value, METRIC_LABEL_SIZE_MAX + 1);
    if (size > METRIC_LABEL_SIZE_MAX)
        for (size = METRIC_LABEL_SIZE_MAX; size > 0 && ((unsigned char)value[size] & 0xc0) == 0x80;)
            size--;
    escape(out, value, size, "\\\"");
}

struct label {
    const char *name, *value;
};

static int by_name(const void *a, const void *b)
{
    return strcmp(((const struct label *)a)->name, ((const struct label *)b)->name);
}

/* Fills sorted[] with what is in `labels`; how many, or -1 with a line in error[]. */
static int sort_labels(const char *const *labels, struct label sorted[METRIC_LABELS_MAX], char *error,
                       size_t error_size)
{
    int count = 0;
    for (; labels && *labels; labels += 2, count++) {
        if (count == METRIC_LABELS_MAX || !labels[1]) {
            snprintf(error, error_size,
                     count == METRIC_LABELS_MAX ? "more than %d labels" : "a label without a value",
                     METRIC_LABELS_MAX);
            return -1;
        }
        if (!is_name(labels[0], "") || strncmp(labels[0], "__", 2) == 0 || strcmp(labels[0], "le") == 0) {
            snprintf(error, error_size, "\"%.64s\" is not a name for a label", labels[0]);
            return -1;
        }
        sorted[count] = (struct label){labels[0], labels[1]};
    }
    if (count > 1)
        qsort(sorted, (size_t)count, sizeof *sorted, by_name);
    for (int i = 1; i < count; i++)
        if (by_name(&sorted[i - 1], &sorted[i]) == 0) {
            snprintf(error, error_size, "label \"%.64s\" is there twice", sorted[i].name);
            return -1;
        }
    return count;
}

char *metric_labels_render(const char *const *labels, char *error, size_t error_size)
{
    struct label sorted[METRIC_LABELS_MAX];
    struct buf out = {0};
    int count = sort_labels(labels, sorted, error, error_size);
    if (count < 0)
        return NULL;
    for (int i = 0; i < count; i++) {
        buf_printf(&out, "%s%s=\"", i ? "," : "", sorted[i].name);
        append_value(&out, sorted[i].value);
        buf_append_text(&out, "\"");
    }
    return finish(&out);
}

char *metric_help_render(const char *text)
{
    struct buf out = {0};
    escape(&out, text, strlen(text), "\\");
    return finish(&out);
}
