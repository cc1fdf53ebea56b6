/*
 * query_option: config get and config eval. The forms of the answers are those of the manual's examples
 * (console command "config"): what is set in a scope is indented by eight columns, but in the global one.
 */
#include "confparse/query_option.h"

#include <string.h>
#include "confparse/query.h"
#include "confparse/spelling.h"
#include "confparse/text.h"

enum { GET_DEPTH = 4 }; /* levels of indentation of what a scope sets */

bool conf_query_read_option(const struct conf *conf, const char *const *words, size_t count,
                            struct conf_path *path, FILE *out)
{
    char problem[CONF_PATH_PROBLEM];
    if (!conf_path_parse(conf, words, count, path, problem)) {
        fprintf(out, "%s\n", problem);
        return false;
    }
    if (!path->option) {
        fputs("the name of an option was expected", out);
        fputs(path->count ? " after " : "", out);
        conf_path_print(path, out);
        fputs("\n", out);
        return false;
    }
    if (path->used < count) {
        fprintf(out, "'%.*s' was not expected after the option %s\n", (int)strnlen(words[path->used], 80),
                words[path->used], path->option);
        return false;
    }
    return true;
}

void conf_query_print_unset(const struct conf_path *path, FILE *out)
{
    char spelled[CONF_SPELLING_MAX];
    fprintf(out, "Option '%s' is not set in scope '", conf_spell_option(path->option, spelled));
    conf_path_print(path, out);
    fputs("'.\n", out);
}

/* The default of a switch, as a number; other defaults as they are. */
static struct conf_value as_default(const struct conf_value *value)
{
    struct conf_value shown = *value;
    bool is_switch = value->type == CONF_BOOL || value->type == CONF_ENUM;
    bool on = conf_text_listed(conf_text_of(value->text), "true|yes|on|enabled", '|');
    bool off = conf_text_listed(conf_text_of(value->text), "false|no|off|disabled", '|');
    if (is_switch && (on || off)) {
        shown.type = CONF_BOOL;
        shown.text = on ? "1" : "0";
    }
    return shown;
}

void conf_query_print_value(const struct conf_path *path, const struct conf_value *value, unsigned depth,
                            FILE *out)
{
    struct conf_value shown = strcmp(value->place.file, "(default)") == 0 ? as_default(value) : *value;
    conf_print_setting(path->option, &shown, depth, out);
}

bool conf_query_get(const struct conf *conf, const char *const *words, size_t count, FILE *out)
{
    struct conf_path path;
    if (!conf_query_read_option(conf, words, count, &path, out))
        return false;
    const struct conf_scope *scope = conf_path_find(conf, &path);
    const struct conf_value *value = scope ? conf_scope_value(scope, path.option) : NULL;
    if (value)
        conf_query_print_value(&path, value, path.count ? GET_DEPTH : 0, out);
    else
        conf_query_print_unset(&path, out);
    return true;
}

bool conf_query_eval(const struct conf *conf, const char *const *words, size_t count, FILE *out)
{
    struct conf_path path;
    struct conf_chain chain;
    if (!conf_query_read_option(conf, words, count, &path, out))
        return false;
    conf_path_chain(conf, &path, &chain);
    const struct conf_value *value = conf_path_value(conf, &path, &chain);
    if (value)
        conf_query_print_value(&path, value, 0, out);
    else
        conf_query_print_unset(&path, out);
    return true;
}
