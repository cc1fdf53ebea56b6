/*
 * value: one row of a table for each scalar type, and the shapes above them.
 *
 * Numbers are read by hand, digit by digit: strtod follows the locale, and an overflow is an error of the
 * operator.
 */
#include "confparse/value.h"

#include <stdio.h>
#include <stdlib.h>
#include "confparse/address.h"
#include "confparse/quote.h"
#include "confparse/schema.h"

enum { PROBLEM_WORDS = 60 }; /* bytes of a wrong value that are quoted */

/* ---- numbers ------------------------------------------------------------------------------------------- */

/* Reads digits of `base` at *at and moves past them. False when there is none or the number is above
 * INT64_MAX. */
static bool read_digits(const char **at, unsigned base, int64_t *number)
{
    const char *first = *at;
    int64_t sum = 0;
    for (; **at >= '0' && **at < (char)('0' + base); ++*at)
        if (__builtin_mul_overflow(sum, (int64_t)base, &sum) || __builtin_add_overflow(sum, **at - '0', &sum))
            return false;
    *number = sum;
    return *at > first;
}

static bool read_integer(const char *text, int64_t *number)
{
    bool negative = *text == '-';
    text += negative || *text == '+';
    if (!read_digits(&text, 10, number) || *text)
        return false;
    if (negative)
        *number = -*number;
    return true;
}

/* Digits with a fraction, to the end of the text. */
static bool read_decimal(const char *text, int64_t *whole, double *exact)
{
    if (!read_digits(&text, 10, whole))
        return false;
    *exact = (double)*whole;
    if (*text == '.') {
        double unit = 0.1;
        const char *first = ++text;
        for (; *text >= '0' && *text <= '9'; text++) {
            *exact += (*text - '0') * unit;
            unit /= 10;
        }
        if (text == first)
            return false;
    }
    return *text == '\0';
}

/* A keyword of `choices` ("auto=-2|none=-1|0.."), as the number it stands for. */
static bool read_keyword(const char *choices, const char *text, int64_t *number)
{
    size_t size = strlen(text);
    while (choices) {
        const char *equals = strchr(choices, '='), *end = strchr(choices, '|');
        if (equals && (!end || equals < end) && size == (size_t)(equals - choices) &&
            conf_text_compare_nocase((struct conf_text){choices, size}, (struct conf_text){text, size}) ==
                0) {
            *number = strtoll(equals + 1, NULL, 10);
            return true;
        }
        choices = end ? end + 1 : NULL;
    }
    return false;
}

/* The range in `choices` ("0..", "1..65535"): the last item. */
static bool in_range(const char *choices, int64_t number)
{
    const char *bar = choices ? strrchr(choices, '|') : NULL, *range = bar ? bar + 1 : choices;
    const char *dots = range ? strstr(range, "..") : NULL;
    if (!dots)
        return true;
    if (dots > range && number < strtoll(range, NULL, 10))
        return false;
    return !dots[2] || number <= strtoll(dots + 2, NULL, 10);
}

/* ---- scalar types -------------------------------------------------------------------------------------- */

struct making { /* of a scalar: value->text holds what was written */
    struct conf_arena *arena;
    const struct conf_option *option;
    struct conf_value *value;
};

bool conf_parse_bool(const char *text, bool *value)
{
    *value = conf_text_listed(conf_text_of(text), "true|yes|on|1|enabled|enable", '|');
    return *value || conf_text_listed(conf_text_of(text), "false|no|off|0|disabled|disable", '|');
}

static bool make_bool(const struct making *making)
{
    bool yes;
    bool valid = conf_parse_bool(making->value->text, &yes);
    making->value->number = yes;
    return valid;
}

static bool make_int(const struct making *making)
{
    struct conf_value *value = making->value;
    const char *choices = making->option->choices;
    if (choices && read_keyword(choices, value->text, &value->number))
        return true;
    return read_integer(value->text, &value->number) && in_range(choices, value->number);
}

static bool make_size(const struct making *making)
{
    struct conf_value *value = making->value;
    const char *choices = making->option->choices;
    static const char units[] = "kmg";
    const char *at = value->text;
    if (choices && read_keyword(choices, value->text, &value->number))
        return true;
    if (!read_digits(&at, 10, &value->number))
        return false;
    const char *unit = *at ? strchr(units, conf_lower(*at)) : NULL;
    if (unit) {
        at++;
        for (const char *u = units; u <= unit; u++)
            if (__builtin_mul_overflow(value->number, 1024, &value->number))
                return false;
    }
    return !*at && in_range(choices, value->number);
}

static bool make_duration(const struct making *making)
{
    struct conf_value *value = making->value;
    const char *choices = making->option->choices;
    if (choices && read_keyword(choices, value->text, &value->number)) {
        value->seconds = (double)value->number;
        return true;
    }
    return read_decimal(value->text, &value->number, &value->seconds) && in_range(choices, value->number);
}

static bool make_mode(const struct making *making)
{
    struct conf_value *value = making->value;
    const char *at = value->text;
    return read_digits(&at, 8, &value->number) && !*at && value->number <= 07777;
}

static bool make_port(const struct making *making)
{
    struct conf_value *value = making->value;
    return read_integer(value->text, &value->number) && value->number >= 1 && value->number <= 65535;
}

static bool make_string(const struct making *making)
{
    (void)making;
    return true;
}

/* Counts them in *position, from 1. */
static const char *find_choice(const char *choices, const char *word, size_t *size, int64_t *position)
{
    *position = 0;
    for (const char *choice = choices; choice; choice = strchr(choice, '|')) {
        choice += *choice == '|';
        *size = strcspn(choice, "|");
        ++*position;
        if (conf_text_is((struct conf_text){choice, *size}, word))
            return choice;
    }
    return NULL;
}

/* Where true and false, or yes and no, are among the choices, their other spellings are, too. */
static bool make_enum(const struct making *making)
{
    struct conf_value *value = making->value;
    const char *choices = making->option->choices;
    size_t size;
    int64_t position;
    const char *choice = find_choice(choices, value->text, &size, &position);
    if (!choice && make_bool(making)) {
        bool on = value->number != 0;
        choice = find_choice(choices, on ? "true" : "false", &size, &position);
        if (!choice)
            choice = find_choice(choices, on ? "yes" : "no", &size, &position);
    }
    value->number = choice ? position : 0;
    if (choice)
        value->text = conf_arena_text(making->arena, choice, size);
    return choice != NULL;
}

static bool make_address(const struct making *making)
{
    struct conf_value *value = making->value;
    return conf_parse_address(value->text);
}

static bool make_cidr(const struct making *making)
{
    struct conf_value *value = making->value;
    uint8_t address[16];
    unsigned bits;
    return conf_parse_cidr(value->text, address, &bits);
}

static bool make_throttle(const struct making *making)
{
    struct conf_value *value = making->value;
    const char *at = value->text;
    int64_t period;
    if (!read_digits(&at, 10, &value->number))
        return false;
    value->seconds = 1;
    if (!*at)
        return true;
    return *at == '/' && read_decimal(at + 1, &period, &value->seconds) && value->seconds > 0;
}

static const struct scalar {
    bool (*make)(const struct making *making);
    const char *expected, *example;
} scalars[] = {
    [CONF_BOOL] = {make_bool, "true or false", ""},
    [CONF_INT] = {make_int, "a whole number", ""},
    [CONF_SIZE] = {make_size, "a number of bytes", ", such as 4096 or 10m"},
    [CONF_DURATION] = {make_duration, "a number of seconds", ""},
    [CONF_MODE] = {make_mode, "an octal file mode", ", such as 0640"},
    [CONF_PORT] = {make_port, "a port from 1 to 65535", ""},
    [CONF_STRING] = {make_string, "a string", ""},
    [CONF_ENUM] = {make_enum, "one of ", ""},
    [CONF_ADDRESS] = {make_address, "an IPv4 or IPv6 address", ""},
    [CONF_CIDR] = {make_cidr, "an address or a block", ", such as 10.0.0.0/8"},
    [CONF_LIST] = {make_string, "a list ( ... ) or one string", ""},
    [CONF_CIDR_LIST] = {make_cidr, "a list ( ... ) of addresses or blocks", ", such as 10.0.0.0/8"},
    [CONF_DICT] = {NULL, "a dictionary [ name = value ... ]", ""},
    [CONF_THROTTLE] = {make_throttle, "a throttle", ", such as 100 (a second) or 100/60 (in 60 seconds)"},
};

/* ---- shapes -------------------------------------------------------------------------------------------- */

/* Writes `value` as a file would, for a list or dictionary inside another. */
static void render(const struct ast_value *value, FILE *out)
{
    if (value->shape == AST_SCALAR) {
        conf_print_quoted(value->text, out);
        return;
    }
    fputs(value->shape == AST_LIST ? "(" : "[", out);
    for (const struct ast_value *item = value->first; item; item = item->next) {
        putc(' ', out);
        if (value->shape == AST_DICT) {
            conf_print_word(item->key, out);
            fputs(" = ", out);
        }
        render(item, out);
    }
    fputs(value->shape == AST_LIST ? " )" : " ]", out);
}

static const char *item_text(struct conf_arena *arena, const struct ast_value *item)
{
    if (item->shape == AST_SCALAR)
        return conf_arena_text(arena, item->text.data, item->text.size);
    char *text = NULL;
    size_t size = 0;
    FILE *out = open_memstream(&text, &size);
    if (!out)
        return "";
    render(item, out);
    fclose(out);
    const char *kept = conf_arena_text(arena, text, size);
    free(text);
    return kept;
}

void conf_value_copy(struct conf_arena *arena, const struct ast_value *ast, struct conf_value *value)
{
    static const enum conf_type types[] = {
        [AST_SCALAR] = CONF_STRING, [AST_LIST] = CONF_LIST, [AST_DICT] = CONF_DICT};
    value->type = types[ast->shape];
    value->text = "";
    value->number = 0;
    if (ast->shape == AST_SCALAR) {
        value->text = item_text(arena, ast);
        return;
    }
    size_t texts = ast->shape == AST_DICT ? 2 : 1, filled = 0;
    const char **items = conf_arena_array(arena, ast->count * texts + 1, sizeof *items);
    char *nested = NULL; /* a mark for each item, after the items, if there are any such */
    size_t index = 0;
    for (const struct ast_value *item = ast->first; item; item = item->next, index++) {
        if (ast->shape == AST_DICT)
            items[filled++] = conf_arena_text(arena, item->key.data, item->key.size);
        items[filled++] = item_text(arena, item);
        if (item->shape == AST_SCALAR)
            continue;
        if (!nested)
            nested = conf_arena_array(arena, ast->count, 1);
        nested[index] = 1;
        value->number++;
    }
    items[filled] = nested;
    value->count = ast->count;
    value->items = items;
}

bool conf_value_is_nested(const struct conf_value *value, size_t item)
{
    if (!value->number)
        return false;
    return value->items[value->type == CONF_DICT ? 2 * value->count : value->count][item];
}

/* What `choices` allows, as " from 0 to 100, or auto, none". */
static void describe_choices(const char *choices, char *text, size_t size)
{
    const char *bar = choices ? strrchr(choices, '|') : NULL, *range = bar ? bar + 1 : choices;
    const char *dots = range ? strstr(range, "..") : NULL;
    size_t used = 0;
    text[0] = '\0';
    if (dots && dots[2])
        used = (size_t)snprintf(text, size, " from %.*s to %s", (int)(dots - range), range, dots + 2);
    else if (dots)
        used = (size_t)snprintf(text, size, " from %.*s up", (int)(dots - range), range);
    for (const char *word = choices, *equals; word && (equals = strchr(word, '=')) && used < size;) {
        used += (size_t)snprintf(text + used, size - used, "%s%.*s", word == choices ? ", or " : ", ",
                                 (int)(equals - word), word);
        word = strchr(word, '|');
        word = word ? word + 1 : NULL;
    }
}

/* "expected ..., not ..." for a scalar, or an item of a list. */
static void explain(const struct conf_option *option, const char *wrong, char *problem, size_t size)
{
    const struct scalar *scalar = &scalars[option->type];
    char allowed[120];
    int shown = (int)strnlen(wrong, PROBLEM_WORDS);
    describe_choices(option->type == CONF_ENUM ? NULL : option->choices, allowed, sizeof allowed);
    snprintf(problem, size, "expected %s%s%s%s, not '%.*s'", scalar->expected,
             option->type == CONF_ENUM ? option->choices : "", allowed, scalar->example, shown, wrong);
}

/* A list, or one bare value as a list of one. */
static bool make_list(struct conf_arena *arena, const struct conf_option *option, struct conf_value *value,
                      char *problem, size_t problem_size)
{
    if (value->type == CONF_STRING) {
        const char **items = conf_arena_array(arena, 1, sizeof *items);
        items[0] = value->text;
        value->items = items;
        value->count = 1;
        value->text = "";
    }
    value->type = option->type;
    for (size_t i = 0; i < value->count; i++) {
        struct conf_value item = {.text = value->items[i]};
        if (!scalars[option->type].make(&(struct making){arena, option, &item})) {
            explain(option, value->items[i], problem, problem_size);
            return false;
        }
    }
    return true;
}

/* Takes the word at *at, which may be in single or double quotes. False: there is none. */
static bool take_word(struct conf_arena *arena, const char **at, const char *end, const char **word)
{
    const char *start = *at, *stop = start;
    if (start < end && (*start == '"' || *start == '\'')) {
        stop = memchr(start + 1, *start, (size_t)(end - start - 1));
        if (!stop)
            return false;
        *word = conf_arena_text(arena, start + 1, (size_t)(stop - start - 1));
        *at = stop + 1;
        return true;
    }
    while (stop < end && !strchr(" \t\r\n,=", *stop))
        stop++;
    *word = conf_arena_text(arena, start, (size_t)(stop - start));
    *at = stop;
    return stop > start;
}

static void skip(const char **at, const char *end, const char *what)
{
    while (*at < end && strchr(what, **at))
        ++*at;
}

/*
 * A dictionary as a string: "(name = value, name = value)" or "(name = value name = value)" (Momentum 4
 * manual, "context").
 */
static bool make_dictionary(struct conf_arena *arena, struct conf_value *value)
{
    size_t size = strlen(value->text);
    if (size < 2 || value->text[0] != '(' || value->text[size - 1] != ')')
        return false;
    const char *at = value->text + 1, *end = value->text + size - 1;
    const char **items = conf_arena_array(arena, size + 1, sizeof *items); /* a pair has two bytes at least */
    size_t filled = 0;
    for (skip(&at, end, " \t\r\n,"); at < end; skip(&at, end, " \t\r\n,")) {
        if (!take_word(arena, &at, end, &items[filled++]))
            return false;
        skip(&at, end, " \t\r\n");
        if (at == end || *at++ != '=')
            return false;
        skip(&at, end, " \t\r\n");
        if (!take_word(arena, &at, end, &items[filled++]))
            return false;
    }
    value->type = CONF_DICT;
    value->text = "";
    value->items = items;
    value->count = filled / 2;
    return true;
}

bool conf_value_make(struct conf_arena *arena, const struct conf_option *option, const struct ast_value *ast,
                     struct conf_value *value, char *problem, size_t problem_size)
{
    bool list = option->type == CONF_LIST || option->type == CONF_CIDR_LIST;
    conf_value_copy(arena, ast, value);
    if (list && value->type != CONF_DICT)
        return make_list(arena, option, value, problem, problem_size);
    if (option->type == CONF_DICT &&
        (value->type == CONF_DICT || (value->type == CONF_STRING && make_dictionary(arena, value))))
        return true;
    if (value->type != CONF_STRING || option->type == CONF_DICT) {
        static const char *const found[] = {
            [AST_SCALAR] = "a single value", [AST_LIST] = "a list ( )", [AST_DICT] = "a dictionary [ ]"};
        snprintf(problem, problem_size, "expected %s%s, not %s", scalars[option->type].expected,
                 option->type == CONF_ENUM ? option->choices : "", found[ast->shape]);
        return false;
    }
    value->type = option->type;
    if (scalars[option->type].make(&(struct making){arena, option, value}))
        return true;
    explain(option, value->text, problem, problem_size);
    return false;
}
