/* conf_harness: what the tests of confparse share. Each loads a file of tests/conf or a text, and looks at
 * it. */
#ifndef IMPULSE_TESTS_CONF_HARNESS_H
#define IMPULSE_TESTS_CONF_HARNESS_H

#include <stdarg.h>
#include <string.h>
#include "confparse/confparse.h"
#include "unit.h"

/* The findings of the last load; conf_drop frees them. */
static struct conf_report *found;

static inline void conf_drop(struct conf *conf)
{
    conf_unref(conf);
    conf_report_free(found);
    found = NULL;
}

static inline struct conf *conf_of_file(const char *name)
{
    char path[512];
    const char *source = getenv("srcdir");
    snprintf(path, sizeof path, "%s/tests/conf/%s", source ? source : ".", name);
    return conf_load(path, NULL, &found);
}

static inline struct conf *conf_of_bytes(const char *text, size_t size)
{
    return conf_load_text("text", text, size, NULL, &found);
}

static inline struct conf *conf_of(const char *text)
{
    return conf_of_bytes(text, strlen(text));
}

/* The scope reached by pairs of kind and name, ended by NULL: at(conf, "domain", "a.example", NULL). */
static inline const struct conf_scope *at(const struct conf *conf, ...)
{
    const struct conf_scope *scope = conf_root(conf);
    va_list path;
    va_start(path, conf);
    for (const char *kind; scope && (kind = va_arg(path, const char *));)
        scope = conf_scope_find(scope, kind, va_arg(path, const char *));
    va_end(path);
    return scope;
}

/* The text of an option set in this very scope, or "(unset)". */
static inline const char *text_of(const struct conf_scope *scope, const char *option)
{
    const struct conf_value *value = scope ? conf_scope_value(scope, option) : NULL;
    return value ? value->text : "(unset)";
}

/* Is there exactly one finding, at that place, with that in its message? */
static inline bool only_finding(unsigned line, unsigned column, const char *part)
{
    const struct conf_diagnostic *d = conf_report_at(found, 0);
    bool good = conf_report_count(found) == 1 && d->place.line == line && d->place.column == column &&
                strstr(d->message, part);
    if (!good)
        conf_report_print(found, CONF_NOTE, stderr);
    return good;
}

/* Loads a text that must be refused for exactly that reason. */
static inline bool refused(const char *text, unsigned line, unsigned column, const char *part)
{
    struct conf *conf = conf_of(text);
    bool good = !conf && only_finding(line, column, part) && conf_report_errors(found) == 1;
    conf_drop(conf);
    return good;
}

/* Loads a text that must be good without a word of reproach; a note of what differs from Momentum is none. */
static inline struct conf *clean(const char *text)
{
    struct conf *conf = conf_of(text);
    size_t reproaches = conf_report_errors(found) + conf_report_warnings(found);
    CU_ASSERT_EQUAL(reproaches, 0);
    if (reproaches)
        conf_report_print(found, CONF_NOTE, stderr);
    CU_ASSERT_PTR_NOT_NULL_FATAL(conf);
    return conf;
}

#endif
