/* option_question: see option_question.h. */
#include "module/option_question.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

static const char *const type_words[] = {
    [CONF_BOOL] = "bool",         [CONF_INT] = "int",           [CONF_SIZE] = "size",
    [CONF_DURATION] = "duration", [CONF_MODE] = "mode",         [CONF_PORT] = "port",
    [CONF_STRING] = "string",     [CONF_ENUM] = "enum",         [CONF_ADDRESS] = "address",
    [CONF_CIDR] = "cidr",         [CONF_LIST] = "list",         [CONF_CIDR_LIST] = "cidr_list",
    [CONF_DICT] = "dict",         [CONF_THROTTLE] = "throttle", [CONF_SCOPE] = "stanza",
};

#define BIT(type) (1u << CONF_##type)

static const struct {
    const char *word;
    unsigned types; /* that may be asked for like that */
} questions[] = {
    [ASKED_ANY] = {"an option", ~BIT(SCOPE)},
    [ASKED_TEXT] = {"text", BIT(STRING) | BIT(ENUM) | BIT(ADDRESS) | BIT(CIDR)},
    [ASKED_BOOL] = {"bool", BIT(BOOL)},
    [ASKED_INT] = {"int", BIT(INT) | BIT(SIZE) | BIT(DURATION) | BIT(MODE) | BIT(PORT) | BIT(THROTTLE)},
    [ASKED_SECONDS] = {"seconds", BIT(DURATION) | BIT(THROTTLE)},
    [ASKED_CHOICE] = {"choice", BIT(ENUM)},
    [ASKED_ITEMS] = {"list", BIT(LIST) | BIT(CIDR_LIST) | BIT(DICT)},
    [ASKED_PAIRS] = {"dict", BIT(DICT)},
};

static size_t begin_line(struct option_fault *fault, struct conf_place place)
{
    int used = 0;
    if (place.file && place.line && place.column)
        used = snprintf(fault->line, sizeof fault->line, "%s:%u:%u: ", place.file, place.line, place.column);
    else if (place.file && place.line)
        used = snprintf(fault->line, sizeof fault->line, "%s:%u: ", place.file, place.line);
    size_t at = used > 0 ? (size_t)used : 0;
    if (at < sizeof fault->line)
        used = snprintf(fault->line + at, sizeof fault->line - at, "module %s: ", fault->module);
    at += used > 0 ? (size_t)used : 0;
    return at < sizeof fault->line ? at : sizeof fault->line - 1;
}

void option_fault_note(struct option_fault *fault, struct conf_place place, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    option_fault_note_list(fault, place, NULL, format, arguments);
    va_end(arguments);
}

void option_fault_note_list(struct option_fault *fault, struct conf_place place, const char *option,
                            const char *format, va_list arguments)
{
    if (fault->line[0])
        return;
    size_t at = begin_line(fault, place);
    int used = option ? snprintf(fault->line + at, sizeof fault->line - at, "%s: ", option) : 0;
    at += used > 0 ? (size_t)used : 0;
    if (at < sizeof fault->line)
        vsnprintf(fault->line + at, sizeof fault->line - at, format, arguments);
}

bool option_question_check(struct option_fault *fault, struct conf_place place, const char *option,
                           const struct conf_option *row, enum asked_type asked, const char *unknown)
{
    if (!row)
        option_fault_note(fault, place, "it asks for option \"%s\" as %s, but %s", option,
                          questions[asked].word, unknown);
    else if (!(questions[asked].types & 1u << row->type))
        option_fault_note(fault, place, "it asks for option \"%s\" as %s, but it is declared as %s", option,
                          questions[asked].word, type_words[row->type]);
    else
        return true;
    return false;
}

const char *option_answer_item(const struct conf_value *value, size_t index)
{
    if (!value || index >= value->count)
        return NULL;
    return value->type == CONF_DICT ? value->items[2 * index + 1] : value->items[index];
}

const char *option_answer_key(const struct conf_value *value, size_t index)
{
    return value && index < value->count ? value->items[2 * index] : NULL;
}

const char *option_answer_lookup(const struct conf_value *value, const char *key)
{
    for (size_t i = 0; value && i < value->count; i++)
        if (strcasecmp(value->items[2 * i], key) == 0)
            return value->items[2 * i + 1];
    return NULL;
}
