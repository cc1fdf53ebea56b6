/* schema: see schema.h. */
#include "confparse/schema.h"

static const struct conf_option rows[] = {
#define OPTION(word, type, fallback, choices, scopes, dynamic, support, why)                                 \
    {.name = (word), CONF_##type, fallback, choices, scopes, dynamic, CONF_##support, .note = why},
#define FIELD(holder, field, ...) OPTION(__VA_ARGS__)
#define ALSO(...)
#define SCOPE(word, naming, scopes, dynamic, support, why)                                                   \
    {.name = (word), CONF_SCOPE, NULL, naming, scopes, dynamic, CONF_##support, .note = why},
#define YES  true
#define NO   false
#define NONE NULL
#include "confparse/options.def"
#undef FIELD
#undef ALSO
#undef OPTION
#undef SCOPE
};

enum { ROW_COUNT = sizeof rows / sizeof rows[0], MODULE_NAME_MAX = 64 };

/* The first row of that name (an option stands before a scope of its name), or ROW_COUNT. */
static size_t find_row(struct conf_text name)
{
    size_t low = 0, high = ROW_COUNT;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (conf_text_compare_nocase(conf_text_of(rows[middle].name), name) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return low < ROW_COUNT && conf_text_is(name, rows[low].name) ? low : ROW_COUNT;
}

const struct conf_option *conf_schema_option(struct conf_text name)
{
    size_t at = find_row(name);
    return at < ROW_COUNT && rows[at].type != CONF_SCOPE ? &rows[at] : NULL;
}

const struct conf_option *conf_schema_scope(struct conf_text name)
{
    size_t at = find_row(name);
    if (at < ROW_COUNT && rows[at].type != CONF_SCOPE)
        at++;
    return at < ROW_COUNT && rows[at].type == CONF_SCOPE && conf_text_is(name, rows[at].name) ? &rows[at]
                                                                                              : NULL;
}

const struct conf_option *conf_option_find(const char *name)
{
    size_t at = find_row(conf_text_of(name));
    return at < ROW_COUNT ? &rows[at] : NULL;
}

const struct conf_option *conf_stanza_find(const char *kind)
{
    return conf_schema_scope(conf_text_of(kind));
}

size_t conf_option_count(void)
{
    return ROW_COUNT;
}

const struct conf_option *conf_option_at(size_t index)
{
    return index < ROW_COUNT ? &rows[index] : NULL;
}

size_t conf_schema_index(const struct conf_option *row)
{
    return (size_t)(row - rows);
}

bool conf_schema_allows(const struct conf_option *row, const char *kind)
{
    return conf_text_listed(conf_text_of(kind), row->scopes, ',');
}

const struct conf_option *conf_schema_module_option(struct conf_text name)
{
    bool common = conf_text_is(name, "enabled") || conf_text_is(name, "debug_level");
    return common ? conf_schema_option(name) : NULL;
}

const struct conf_documented *conf_schema_momentum_module(struct conf_text name)
{
    char text[MODULE_NAME_MAX];
    if (name.size >= sizeof text)
        return NULL;
    memcpy(text, name.data, name.size);
    text[name.size] = '\0';
    return conf_documented_find(text);
}

void conf_schema_suggest_option(struct conf_suggestion *best, struct conf_text name, const char *kind)
{
    for (size_t i = 0; i < ROW_COUNT; i++)
        if (rows[i].type != CONF_SCOPE && (!kind || conf_schema_allows(&rows[i], kind)))
            conf_suggest(best, name, rows[i].name);
}

void conf_schema_suggest_stanza(struct conf_suggestion *best, struct conf_text name, const char *kind)
{
    for (size_t i = 0; i < ROW_COUNT; i++)
        if (rows[i].type == CONF_SCOPE && conf_schema_allows(&rows[i], kind))
            conf_suggest(best, name, rows[i].name);
    for (size_t i = 0; i < conf_documented_count() && strcmp(kind, "global") == 0; i++)
        conf_suggest(best, name, conf_documented_at(i)->name);
}

bool conf_schema_name_has_case(const char *kind, struct conf_text name)
{
    return strcmp(kind, "binding") == 0 || strcmp(kind, "binding_group") == 0 ||
           (name.size && name.data[0] == '/'); /* a path or a regular expression */
}
