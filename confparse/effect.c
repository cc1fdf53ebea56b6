/* effect: see effect.h. */
#include "confparse/effect.h"

#include <stdlib.h>
#include "confparse/memory.h"
#include "confparse/schema.h"

static const struct value_row {
    const char *option, *value;
    enum conf_support support;
    const char *note;
} value_rows[] = {
#define VALUE(option, value, support, note) {option, value, CONF_##support, note},
#include "confparse/values.def"
#undef VALUE
};

enum { VALUE_COUNT = sizeof value_rows / sizeof value_rows[0] };

struct sighting {
    struct conf_span first;
    size_t times;
};

struct missing {
    const char *name;
    struct sighting seen;
};

struct conf_effects {
    struct sighting *rows; /* one for each of options.def */
    struct sighting values[VALUE_COUNT];
    struct missing *missing;
    size_t missing_count, missing_capacity;
};

struct conf_effects *conf_effects_create(void)
{
    struct conf_effects *effects = conf_alloc(sizeof *effects);
    effects->rows = conf_alloc(conf_option_count() * sizeof *effects->rows);
    return effects;
}

static void notice(struct sighting *seen, struct conf_span span)
{
    if (seen->times++ == 0)
        seen->first = span;
}

/* An unsupported option that is off, or as its default has it, asks for nothing. */
static bool asks_for_nothing(const struct conf_value *value, const struct conf_value *fallback)
{
    if (fallback && value->type == CONF_BOOL)
        return value->number == fallback->number;
    return !fallback && value->count == 0 && !*value->text;
}

static bool has_item(const struct conf_value *value, const char *word)
{
    if (value->type != CONF_LIST)
        return conf_text_is(conf_text_of(value->text), word);
    for (size_t i = 0; i < value->count; i++)
        if (conf_text_is((struct conf_text){value->items[i], strcspn(value->items[i], " \t=")}, word))
            return true;
    return false;
}

void conf_effects_option(struct conf_effects *effects, const struct conf_option *row,
                         const struct conf_value *value, const struct conf_value *fallback,
                         struct conf_span span)
{
    for (size_t i = 0; i < VALUE_COUNT; i++)
        if (strcmp(value_rows[i].option, row->name) == 0 && has_item(value, value_rows[i].value)) {
            notice(&effects->values[i], span);
            if (row->support == CONF_ACCEPTED) /* one finding about an option is enough */
                return;
        }
    if (row->support == CONF_HONOURED ||
        (row->support == CONF_UNSUPPORTED && asks_for_nothing(value, fallback)))
        return;
    notice(&effects->rows[conf_schema_index(row)], span);
}

void conf_effects_scope(struct conf_effects *effects, const struct conf_option *row, struct conf_span span)
{
    if (row->support != CONF_HONOURED)
        notice(&effects->rows[conf_schema_index(row)], span);
}

void conf_effects_missing_module(struct conf_effects *effects, const char *name, struct conf_span span)
{
    size_t at = 0;
    while (at < effects->missing_count && effects->missing[at].name != name)
        at++;
    if (at == effects->missing_capacity) {
        effects->missing_capacity = effects->missing_capacity ? 2 * effects->missing_capacity : 16;
        effects->missing = conf_resize(effects->missing, effects->missing_capacity, sizeof *effects->missing);
    }
    if (at == effects->missing_count)
        effects->missing[effects->missing_count++] = (struct missing){.name = name};
    notice(&effects->missing[at].seen, span);
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

static void report_one(struct conf_report *report, bool lenient, const char *what, enum conf_support support,
                       const char *note, const struct sighting *seen)
{
    char more[ELSEWHERE_SIZE];
    if (!seen->times)
        return;
    if (support == CONF_UNSUPPORTED)
        conf_report_at_span(report, lenient ? CONF_WARNING : CONF_ERROR, seen->first,
                            "%s is not supported in this version: %s%s", what, note, elsewhere(seen, more));
    else
        conf_report_at_span(report, CONF_WARNING, seen->first,
                            "%s is read but has no effect in this version: %s%s", what, note,
                            elsewhere(seen, more));
}

void conf_effects_report(const struct conf_effects *effects, struct conf_report *report, bool lenient)
{
    char what[160], more[ELSEWHERE_SIZE];
    for (size_t i = 0; i < conf_option_count(); i++) {
        const struct conf_option *row = conf_option_at(i);
        snprintf(what, sizeof what, "%s %s", row->type == CONF_SCOPE ? "stanza" : "option", row->name);
        report_one(report, lenient, what, row->support, row->note, &effects->rows[i]);
    }
    for (size_t i = 0; i < VALUE_COUNT; i++) {
        snprintf(what, sizeof what, "value %s of option %s", value_rows[i].value, value_rows[i].option);
        report_one(report, lenient, what, value_rows[i].support, value_rows[i].note, &effects->values[i]);
    }
    for (size_t i = 0; i < effects->missing_count; i++) {
        const struct missing *missing = &effects->missing[i];
        conf_report_at_span(report, CONF_WARNING, missing->seen.first,
                            "module %s is not available: its stanza is read but has no effect%s",
                            missing->name, elsewhere(&missing->seen, more));
    }
}

void conf_effects_free(struct conf_effects *effects)
{
    free(effects->rows);
    free(effects->missing);
    free(effects);
}
