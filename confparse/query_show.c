/* query_show: what stands in a scope, and where scopes stand (query.h). */
#include <string.h>
#include "confparse/path.h"
#include "confparse/pattern.h"
#include "confparse/print.h"
#include "confparse/quote.h"
#include "confparse/spelling.h"
#include "confparse/text.h"

/* ---- show ---------------------------------------------------------------------------------------------- */

static void show_scope(const struct conf *conf, const struct conf_scope *scope, FILE *out)
{
    const struct conf_scope *child = NULL;
    while ((child = conf_scope_next(scope, NULL, child))) {
        conf_print_heading(conf_scope_kind(child), conf_scope_name(child), out);
        fputs(" { ... }\n", out);
    }
    conf_print_settings(conf, scope, 0, out);
}

static void show_content(const struct conf *conf, const struct conf_scope *scope, unsigned depth, FILE *out);

static void show_stanza(const struct conf *conf, const struct conf_scope *scope, unsigned depth, FILE *out)
{
    conf_print_indent(depth, out);
    conf_print_heading(conf_scope_kind(scope), conf_scope_name(scope), out);
    fputs(" {\n", out);
    show_content(conf, scope, depth + 1, out);
    conf_print_indent(depth, out);
    fputs("}\n", out);
}

static void show_content(const struct conf *conf, const struct conf_scope *scope, unsigned depth, FILE *out)
{
    const struct conf_scope *child = NULL;
    while ((child = conf_scope_next(scope, NULL, child)))
        show_stanza(conf, child, depth, out);
    conf_print_settings(conf, scope, depth, out);
}

/* The answer when there is no such scope, or it does not set the option. */
static bool refuse(const struct conf_path *path, FILE *out)
{
    if (path->option) {
        fputs("Option '", out);
        conf_print_option(path->option, out);
        fputs("' is not set in scope '", out);
    } else {
        fputs("There is no scope '", out);
    }
    conf_path_print(path, out);
    fputs("'.\n", out);
    return false;
}

bool conf_query_show(const struct conf *conf, const char *const *words, size_t count, bool recurse, FILE *out)
{
    struct conf_path path;
    char problem[CONF_PATH_PROBLEM];
    if (!conf_path_parse(conf, words, count, &path, problem)) {
        fprintf(out, "%s\n", problem);
        return false;
    }
    if (path.used < count || (recurse && path.option)) {
        fprintf(out,
                "config show [SCOPE ...] [OPTION] and config showrecurse [SCOPE ...] take no more words\n");
        return false;
    }
    const struct conf_scope *scope = conf_path_find(conf, &path);
    const struct conf_value *value = scope && path.option ? conf_scope_value(scope, path.option) : NULL;
    if (!scope || (path.option && !value))
        return refuse(&path, out);
    if (value)
        conf_print_setting(path.option, value, 0, out);
    else if (!recurse)
        show_scope(conf, scope, out);
    else if (path.count)
        show_stanza(conf, scope, 0, out);
    else
        show_content(conf, scope, 0, out);
    return true;
}

/* ---- locate -------------------------------------------------------------------------------------------- */

struct search {
    const char *kind;
    void *pattern; /* NULL: any name */
    struct conf_matcher *matcher;
    size_t found;
    FILE *out;
};

static void search_scope(struct search *search, const struct conf_scope *scope)
{
    const char *name = conf_scope_name(scope);
    bool wanted =
        conf_text_is(conf_text_of(conf_scope_kind(scope)), search->kind) &&
        (!search->pattern || conf_matcher_matches(search->matcher, search->pattern, name, strlen(name)));
    if (wanted) {
        conf_print_heading(conf_scope_kind(scope), name, search->out);
        fputs("\n  is at ", search->out);
        conf_path_print_location(scope, search->out);
        putc('\n', search->out);
        search->found++;
    }
    const struct conf_scope *child = NULL;
    while ((child = conf_scope_next(scope, NULL, child)))
        search_scope(search, child);
}

bool conf_query_locate(const struct conf *conf, const char *const *words, size_t count, FILE *out)
{
    char problem[200], spelled[CONF_SPELLING_MAX];
    if (count < 1 || count > 2) {
        fprintf(out, "config locate SCOPE [REGEX] takes the kind of a scope and a regular expression\n");
        return false;
    }
    struct search search = {.kind = words[0], .out = out};
    if (count == 2) {
        search.pattern = conf_pattern_compile_bare(words[1], problem, sizeof problem);
        if (!search.pattern) {
            fprintf(out, "%s\n", problem);
            return false;
        }
    }
    const struct conf_scope *child = NULL;
    search.matcher = conf_matcher_create();
    while ((child = conf_scope_next(conf_root(conf), NULL, child)))
        search_scope(&search, child);
    conf_matcher_free(search.matcher);
    conf_pattern_free(search.pattern);
    if (!search.found)
        fprintf(out, "There is no %s%s%s.\n", conf_spell_kind(words[0], spelled),
                count == 2 ? " that matches " : "", count == 2 ? words[1] : "");
    return search.found > 0;
}
