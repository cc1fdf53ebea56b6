/* exception: where an option's row of options.def is not the whole truth (values.def). See confparse.h. */
#include <string.h>
#include "confparse/confparse.h"
#include "confparse/text.h"

#define INSTEAD(note, remedy) note, remedy

static const struct conf_exception exceptions[] = {
#define IN(name, kind, level, why) {.option = (name), .stanza = (kind), .support = CONF_##level, .note = why},
#define VALUE(name, word, level, why)                                                                        \
    {.option = (name), .value = (word), .support = CONF_##level, .note = why},
#define DEFAULT(option, theirs, ours)
#include "confparse/values.def"
#undef IN
#undef VALUE
#undef DEFAULT
};

static const struct conf_other_default defaults[] = {
#define IN(name, kind, level, why)
#define VALUE(name, word, level, why)
#define DEFAULT(option, theirs, ours) {option, theirs, ours},
#include "confparse/values.def"
#undef IN
#undef VALUE
#undef DEFAULT
};

enum {
    EXCEPTION_COUNT = sizeof exceptions / sizeof *exceptions,
    DEFAULT_COUNT = sizeof defaults / sizeof *defaults,
};

size_t conf_exception_count(void)
{
    return EXCEPTION_COUNT;
}

const struct conf_exception *conf_exception_at(size_t index)
{
    return index < EXCEPTION_COUNT ? &exceptions[index] : NULL;
}

size_t conf_other_default_count(void)
{
    return DEFAULT_COUNT;
}

const struct conf_other_default *conf_other_default_at(size_t index)
{
    return index < DEFAULT_COUNT ? &defaults[index] : NULL;
}

/* ---- which apply --------------------------------------------------------------------------------------- */

/* Of a boolean `word` is "true" or "false", however it was spelled. */
static bool is_value(const struct conf_value *value, const char *word)
{
    if (value->type == CONF_BOOL)
        return (value->number != 0) == (strcmp(word, "true") == 0);
    if (value->type != CONF_LIST)
        return conf_text_is(conf_text_of(value->text), word);
    for (size_t i = 0; i < value->count; i++)
        if (conf_text_is((struct conf_text){value->items[i], strcspn(value->items[i], " \t=")}, word))
            return true;
    return false;
}

/* What it would be dangerous to pass over in a stanza is harmless when it is off. */
static bool asks_for_nothing(const struct conf_exception *exception, const struct conf_value *value)
{
    return !exception->value && exception->support == CONF_UNSUPPORTED && value->type == CONF_BOOL &&
           !value->number;
}

static bool applies(const struct conf_exception *exception, const struct conf_scope *scope,
                    const struct conf_value *value)
{
    if (exception->stanza && strcmp(exception->stanza, conf_scope_kind(conf_scope_outermost(scope))) != 0)
        return false;
    return exception->value ? is_value(value, exception->value) : !asks_for_nothing(exception, value);
}

size_t conf_exceptions_find(const struct conf_option *option, const struct conf_scope *scope,
                            const struct conf_value *value,
                            const struct conf_exception *found[CONF_EXCEPTIONS_MAX])
{
    size_t count = 0;
    for (size_t i = 0; i < EXCEPTION_COUNT && count < CONF_EXCEPTIONS_MAX; i++)
        if (strcmp(exceptions[i].option, option->name) == 0 && applies(&exceptions[i], scope, value))
            found[count++] = &exceptions[i];
    return count;
}
