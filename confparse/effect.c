/* effect: see effect.h. */
#include "confparse/effect.h"

#include <stdlib.h>
#include "confparse/documented.h"
#include "confparse/memory.h"
#include "confparse/schema.h"
#include "confparse/scope.h"

struct sighting {
    struct conf_span first;
    size_t times;
};

struct module_sighting { /* of a module that is not here, or of an option in a module's stanza */
    const char *module;
    const struct conf_documented *missing; /* the module, or NULL */
    const struct conf_option *row;         /* the option, or NULL */
    struct sighting seen;
};

struct conf_effects {
    struct sighting *rows;       /* one for each of options.def */
    struct sighting *exceptions; /* one for each of values.def */
    bool *has_exceptions;        /* one for each of options.def: a load asks about every option it meets */
    struct module_sighting *modules;
    size_t module_count, module_capacity;
};

struct conf_effects *conf_effects_create(void)
{
    struct conf_effects *effects = conf_alloc(sizeof *effects);
    effects->rows = conf_alloc(conf_option_count() * sizeof *effects->rows);
    effects->exceptions = conf_alloc(conf_exception_count() * sizeof *effects->exceptions);
    effects->has_exceptions = conf_alloc(conf_option_count() * sizeof *effects->has_exceptions);
    for (size_t i = 0; i < conf_exception_count(); i++)
        effects->has_exceptions[conf_schema_index(conf_option_find(conf_exception_at(i)->option))] = true;
    return effects;
}

static void notice(struct sighting *seen, struct conf_span span)
{
    if (seen->times++ == 0)
        seen->first = span;
}

/* An unsupported option that is off, or as its default has it, or as its row knows to be harmless, asks for
 * nothing. */
static bool asks_for_nothing(const struct conf_option *row, const struct conf_value *value,
                             const struct conf_value *fallback)
{
    if (value->type == CONF_STRING && conf_documented_harmless(row, value->text))
        return true;
    switch (value->type) {
    case CONF_BOOL:
    case CONF_INT:
    case CONF_SIZE:
    case CONF_DURATION:
        return fallback && value->number == fallback->number && value->seconds == fallback->seconds;
    case CONF_THROTTLE:
        return value->number == 0;
    default:
        return !fallback && value->count == 0 && !*value->text;
    }
}

bool conf_asks_for_nothing(const struct conf *conf, const struct conf_scope *scope,
                           const struct conf_option *option, const struct conf_value *value)
{
    const struct conf_value *fallback = NULL;
    if (scope->module)
        fallback = conf_module_default(conf, scope->kind, option->name);
    else if (!scope->documented)
        fallback = conf_default_value(conf, option->name);
    return asks_for_nothing(option, value, fallback);
}

void conf_effects_option(struct conf_effects *effects, const struct conf_option *row,
                         const struct conf_scope *scope, const struct conf_value *value,
                         const struct conf_value *fallback, struct conf_span span)
{
    const struct conf_exception *found[CONF_EXCEPTIONS_MAX];
    size_t index = conf_schema_index(row);
    size_t count = effects->has_exceptions[index] ? conf_exceptions_find(row, scope, value, found) : 0;
    for (size_t i = 0; i < count; i++)
        if (found[i]->support != CONF_HONOURED)
            notice(&effects->exceptions[found[i] - conf_exception_at(0)], span);
    if (!count && row->support != CONF_HONOURED &&
        (row->support != CONF_UNSUPPORTED || !asks_for_nothing(row, value, fallback)))
        notice(&effects->rows[index], span);
}

void conf_effects_scope(struct conf_effects *effects, const struct conf_option *row, struct conf_span span)
{
    if (row->support != CONF_HONOURED)
        notice(&effects->rows[conf_schema_index(row)], span);
}

static void notice_module(struct conf_effects *effects, struct module_sighting sighting,
                          struct conf_span span)
{
    size_t at = 0;
    while (at < effects->module_count &&
           (effects->modules[at].module != sighting.module || effects->modules[at].row != sighting.row))
        at++;
    if (at == effects->module_capacity) {
        effects->module_capacity = effects->module_capacity ? 2 * effects->module_capacity : 16;
        effects->modules = conf_resize(effects->modules, effects->module_capacity, sizeof *effects->modules);
    }
    if (at == effects->module_count)
        effects->modules[effects->module_count++] = sighting;
    notice(&effects->modules[at].seen, span);
}

void conf_effects_module_option(struct conf_effects *effects, const char *module,
                                const struct conf_option *row, const struct conf_value *value,
                                const struct conf_value *fallback, struct conf_span span)
{
    if (row->support == CONF_HONOURED ||
        (row->support == CONF_UNSUPPORTED && asks_for_nothing(row, value, fallback)))
        return;
    notice_module(effects, (struct module_sighting){.module = module, .row = row}, span);
}

void conf_effects_missing_module(struct conf_effects *effects, const struct conf_documented *module,
                                 struct conf_span span)
{
    notice_module(effects, (struct module_sighting){.module = module->name, .missing = module}, span);
}

/* ---- reporting ----------------------------------------------------------------------------------------- */

enum { ELSEWHERE_SIZE = 60 };

static const char *elsewhere(const struct sighting *seen, char text[ELSEWHERE_SIZE])
{
    text[0] = '\0';
    if (seen->times > 1)
        snprintf(text, ELSEWHERE_SIZE, " (and in %zu more place%s)", seen->times - 1,
                 seen->times > 2 ? "s" : "");
    return text;
}

/* What a finding says, by how well the thing is supported. */
static const struct wording {
    enum conf_severity severity;
    const char *text;
} wordings[] = {
    [CONF_DIFFERENT] = {CONF_NOTE, "differs from Momentum"},
    [CONF_ACCEPTED] = {CONF_WARNING, "is read but has no effect in this version"},
    [CONF_UNSUPPORTED] = {CONF_ERROR, "is not supported in this version"},
};

static void report_one(struct conf_report *report, bool lenient, const char *what, enum conf_support support,
                       const char *note, const char *instead, const struct sighting *seen)
{
    char more[ELSEWHERE_SIZE];
    const struct wording *wording = &wordings[support];
    if (!seen->times)
        return;
    conf_report_at_span(report, lenient && wording->severity == CONF_ERROR ? CONF_WARNING : wording->severity,
                        seen->first, "%s %s: %s%s%s%s", what, wording->text, note,
                        instead ? "; instead: " : "", instead ? instead : "", elsewhere(seen, more));
}

static void report_exception(struct conf_report *report, bool lenient, const struct conf_exception *exception,
                             const struct sighting *seen)
{
    char what[160];
    if (exception->value)
        snprintf(what, sizeof what, "value %s of option %s", exception->value, exception->option);
    else
        snprintf(what, sizeof what, "option %s in %s", exception->option, exception->stanza);
    report_one(report, lenient, what, exception->support, exception->note, exception->instead, seen);
}

static void report_missing(struct conf_report *report, bool lenient, const struct conf_documented *module,
                           const struct sighting *seen)
{
    char more[ELSEWHERE_SIZE];
    bool dangerous = module->support == CONF_UNSUPPORTED;
    conf_report_at_span(
        report, dangerous && !lenient ? CONF_ERROR : CONF_WARNING, seen->first,
        "module %s is not available (%s): %s%s%s%s", module->name, module->what,
        dangerous ? "it would be dangerous to go on without it" : "its stanza is read but has no effect",
        module->instead ? "; instead: " : "", module->instead ? module->instead : "", elsewhere(seen, more));
}

static void report_module(struct conf_report *report, bool lenient, const struct module_sighting *sighting)
{
    char what[160];
    if (sighting->missing) {
        report_missing(report, lenient, sighting->missing, &sighting->seen);
        return;
    }
    snprintf(what, sizeof what, "option %s of module %s", sighting->row->name, sighting->module);
    report_one(report, lenient, what, sighting->row->support, sighting->row->note, sighting->row->instead,
               &sighting->seen);
}

void conf_effects_report(const struct conf_effects *effects, struct conf_report *report, bool lenient)
{
    char what[160];
    for (size_t i = 0; i < conf_option_count(); i++) {
        const struct conf_option *row = conf_option_at(i);
        snprintf(what, sizeof what, "%s %s", row->type == CONF_SCOPE ? "stanza" : "option", row->name);
        report_one(report, lenient, what, row->support, row->note, row->instead, &effects->rows[i]);
    }
    for (size_t i = 0; i < conf_exception_count(); i++)
        report_exception(report, lenient, conf_exception_at(i), &effects->exceptions[i]);
    for (size_t i = 0; i < effects->module_count; i++)
        report_module(report, lenient, &effects->modules[i]);
}

void conf_effects_free(struct conf_effects *effects)
{
    free(effects->rows);
    free(effects->exceptions);
    free(effects->has_exceptions);
    free(effects->modules);
    free(effects);
}
