/* documented: the modules of Momentum's manual, whether or not they are here. See confparse.h. */
#include "confparse/documented.h"

struct module {
    struct conf_documented documented; /* first, so that a pointer to it is one to the module */
    const struct conf_option *rows;
    size_t count;
};

#define ROWS(...)                                                                                            \
    (const struct conf_option[])                                                                             \
    {                                                                                                        \
        __VA_ARGS__                                                                                          \
        {                                                                                                    \
            .name = NULL                                                                                     \
        }                                                                                                    \
    }

static const struct module modules[] = {
#define MODULE(name, what, support, instead, ...)                                                            \
    {{name, what, CONF_##support, instead}, ROWS(__VA_ARGS__), sizeof ROWS(__VA_ARGS__) / sizeof *ROWS() - 1},
#define OPTION(path, name, type, fallback, choices, dynamic, note)                                           \
    {name, CONF_##type, fallback, choices, path, dynamic, CONF_ACCEPTED, note, NULL},
#define DANGER(path, name, type, fallback, choices, dynamic, note, instead)                                  \
    {name, CONF_##type, fallback, choices, path, dynamic, CONF_UNSUPPORTED, note, instead},
#define STANZA(path, name, naming, note)                                                                     \
    {name, CONF_SCOPE, NULL, naming, path, true, CONF_ACCEPTED, note, NULL},
#define YES  true
#define NO   false
#define NONE NULL
#include "confparse/momentum_modules.def"
#undef NONE
#undef NO
#undef YES
#undef STANZA
#undef DANGER
#undef OPTION
#undef MODULE
};

enum { MODULE_COUNT = sizeof modules / sizeof *modules };

static const struct module *module_of(const struct conf_documented *documented)
{
    return (const struct module *)documented;
}

/* ---- modules ------------------------------------------------------------------------------------------- */

size_t conf_documented_count(void)
{
    return MODULE_COUNT;
}

const struct conf_documented *conf_documented_at(size_t index)
{
    return index < MODULE_COUNT ? &modules[index].documented : NULL;
}

const struct conf_documented *conf_documented_find(const char *name)
{
    size_t low = 0, high = MODULE_COUNT;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        const struct conf_documented *documented = &modules[middle].documented;
        int order = conf_text_compare_nocase(conf_text_of(name), conf_text_of(documented->name));
        if (order == 0)
            return documented;
        if (order < 0)
            high = middle;
        else
            low = middle + 1;
    }
    return NULL;
}

const struct conf_option *conf_documented_options(const struct conf_documented *module, size_t *count)
{
    *count = module_of(module)->count;
    return module_of(module)->rows;
}

/* ---- what stands in them ------------------------------------------------------------------------------- */

static bool stands_at(const struct conf_option *row, const char *path, bool stanza)
{
    return (row->type == CONF_SCOPE) == stanza && strcmp(row->scopes, path) == 0;
}

static const struct conf_option *find_row(const struct conf_documented *module, const char *path, bool stanza,
                                          struct conf_text name)
{
    for (const struct conf_option *row = module_of(module)->rows; row->name; row++)
        if (stands_at(row, path, stanza) && conf_text_is(name, row->name))
            return row;
    return NULL;
}

const struct conf_option *conf_documented_option(const struct conf_documented *module, const char *path,
                                                 struct conf_text name)
{
    return find_row(module, path, false, name);
}

const struct conf_option *conf_documented_stanza(const struct conf_documented *module, const char *path,
                                                 struct conf_text kind)
{
    return find_row(module, path, true, kind);
}

const char *conf_documented_nearest(const struct conf_documented *module, const char *path, bool stanza,
                                    struct conf_text name)
{
    struct conf_suggestion best = {NULL, 0};
    for (const struct conf_option *row = module_of(module)->rows; row->name; row++)
        if (stands_at(row, path, stanza))
            conf_suggest(&best, name, row->name);
    return best.name;
}

bool conf_documented_harmless(const struct conf_option *row, const char *text)
{
    for (const char *word = row->choices; word; word = strchr(word, '|')) {
        word += *word == '|';
        size_t size = strcspn(word, "|*"), given = strlen(text);
        bool prefix = word[size] == '*';
        if (given >= size && (prefix || given == size) &&
            conf_text_compare_nocase((struct conf_text){text, size}, (struct conf_text){word, size}) == 0)
            return true;
    }
    return false;
}
