/*
 * change: see change.h.
 *
 * The words are written as a file would have them, each quoted, and loaded: so a command is judged by the
 * same code as a file, and no word can be anything but the name or the value that it stands for.
 */
#include "confparse/change.h"

#include <stdlib.h>
#include "confparse/loader.h"
#include "confparse/path.h"
#include "confparse/print.h"
#include "confparse/quote.h"
#include "confparse/scope.h"

enum {
    ANSWER_DEPTH = 4
}; /* levels by which the answer about a scope's option is indented, as config get has it */

/* ---- the value ----------------------------------------------------------------------------------------- */

struct words {
    const char *const *at;
    size_t count, used;
    unsigned depth;
};

static bool is_word(const struct words *words, const char *mark)
{
    return words->used < words->count && strcmp(words->at[words->used], mark) == 0;
}

static bool write_value(struct words *words, FILE *out);

/* What stands between ( and ), or [ and ], whose opening was taken. */
static bool write_items(struct words *words, const char *closing, FILE *out)
{
    bool dictionary = *closing == ']';
    while (!is_word(words, closing)) {
        if (is_word(words, ",")) {
            words->used++;
            continue;
        }
        if (words->used == words->count)
            return false;
        if (dictionary) {
            conf_print_quoted(conf_text_of(words->at[words->used++]), out);
            if (is_word(words, "="))
                words->used++;
            fputs(" = ", out);
        }
        if (!write_value(words, out))
            return false;
        putc(' ', out);
    }
    words->used++;
    return true;
}

static bool write_value(struct words *words, FILE *out)
{
    bool list = is_word(words, "("), dictionary = is_word(words, "[");
    if (words->used == words->count || words->depth > CONF_BRACKETS_MAX)
        return false;
    if (!list && !dictionary) {
        conf_print_quoted(conf_text_of(words->at[words->used++]), out);
        return true;
    }
    words->used++;
    words->depth++;
    fputs(list ? "( " : "[ ", out);
    bool good = write_items(words, list ? ")" : "]", out);
    fputs(list ? ")" : "]", out);
    words->depth--;
    return good;
}

/* The words after the option: one, which may be anything, or those of a list or dictionary. */
static bool write_words(const char *const *at, size_t count, FILE *out)
{
    struct words words = {.at = at, .count = count};
    if (count == 1) {
        conf_print_quoted(conf_text_of(at[0]), out);
        return true;
    }
    return write_value(&words, out) && words.used == count;
}

/* ---- the statement ------------------------------------------------------------------------------------- */

/* Loads the stanzas of the path around `value`, a text as a file has it, or NULL. */
static struct conf *load_statement(const struct conf_path *path, const char *value,
                                   const struct conf_load_options *options, struct conf_report **report)
{
    char *text = NULL;
    size_t size = 0;
    FILE *statement = open_memstream(&text, &size);
    if (!statement)
        conf_out_of_memory();
    for (size_t i = 0; i < path->count; i++) {
        conf_print_heading(path->steps[i].kind, path->steps[i].name, statement);
        fputs(" {\n", statement);
    }
    if (value)
        fprintf(statement, "%s = %s\n", path->option, value);
    for (size_t i = 0; i < path->count; i++)
        fputs("}\n", statement);
    fclose(statement);
    struct conf_load_options own = options ? *options : (struct conf_load_options){0};
    own.check = NULL;
    struct conf *conf = conf_load_statement(text, size, &own, report);
    free(text);
    return conf;
}

/* Errors as they are, or warnings and notes as such: about the command, so without a place. */
static void print_findings(const struct conf_report *report, FILE *out)
{
    bool errors = conf_report_errors(report);
    for (size_t i = 0; i < conf_report_count(report); i++) {
        const struct conf_diagnostic *finding = conf_report_at(report, i);
        if (finding->severity == CONF_ERROR)
            fprintf(out, "%s\n", finding->message);
        else if (!errors)
            fprintf(out, "%s: %s\n", finding->severity == CONF_NOTE ? "note" : "warning", finding->message);
    }
}

static void keep_path(struct conf_arena *arena, const struct conf_scope *scope, const struct conf_path *path,
                      struct conf_change *change)
{
    const struct conf_scope *scopes[CONF_PATH_MAX];
    size_t count = 0;
    for (; conf_scope_parent(scope); scope = conf_scope_parent(scope))
        scopes[count++] = scope;
    char *key = NULL;
    size_t size = 0;
    FILE *out = open_memstream(&key, &size);
    if (!out)
        conf_out_of_memory();
    change->links = conf_arena_array(arena, count, sizeof *change->links);
    change->link_count = count;
    for (size_t i = 0; i < count; i++) {
        const struct conf_scope *step = scopes[count - 1 - i];
        change->links[i].kind = conf_arena_text(arena, step->kind, strlen(step->kind));
        change->links[i].name = conf_arena_text(arena, step->name, strlen(step->name));
        change->links[i].any_name = step->module && step->module->schema.singleton;
        fprintf(out, "%s %zu %s ", step->kind, strlen(step->key), step->key);
    }
    fclose(out);
    change->scope = (struct conf_text){conf_arena_text(arena, key, size), size};
    change->option = path->option ? conf_arena_text(arena, path->option, strlen(path->option)) : NULL;
    free(key);
}

static void keep_value(struct conf_arena *arena, const struct conf_value *value, struct conf_change *change)
{
    char *text = NULL;
    size_t size = 0;
    FILE *out = open_memstream(&text, &size);
    if (!out)
        conf_out_of_memory();
    conf_print_value(value, 0, out);
    fclose(out);
    change->value = conf_arena_text(arena, text, size);
    free(text);
}

/* Loads what the words say and keeps it. `value`: NULL for an unset. */
static bool keep_change(struct conf_arena *arena, const struct conf_load_options *options,
                        const struct conf_path *path, const char *value, struct conf_change *change,
                        FILE *out)
{
    struct conf_report *report;
    struct conf *conf = load_statement(path, value, options, &report);
    const struct conf_scope *scope = conf ? conf_path_find(conf, path) : NULL;
    const struct conf_value *set = scope && value ? conf_scope_value(scope, path->option) : NULL;
    *change = (struct conf_change){.link_count = 0};
    if (scope)
        keep_path(arena, scope, path, change);
    if (set) {
        keep_value(arena, set, change);
        conf_print_setting(path->option, set, path->count ? ANSWER_DEPTH : 0, out);
    }
    if (value || !scope)
        print_findings(report, out);
    conf_unref(conf);
    conf_report_free(report);
    return value ? set != NULL : scope != NULL;
}

static bool read_path(const struct conf *conf, const char *const *words, size_t count, struct conf_path *path,
                      FILE *out)
{
    char problem[CONF_PATH_PROBLEM];
    if (!conf_path_parse(conf, words, count, path, problem)) {
        fprintf(out, "%s\n", problem);
        return false;
    }
    if (path->option && !conf_is_bare(conf_text_of(path->option))) {
        fputs("that is no name of an option\n", out);
        return false;
    }
    return true;
}

bool conf_change_read_set(struct conf_arena *arena, const struct conf *conf,
                          const struct conf_load_options *options, const char *const *words, size_t count,
                          struct conf_change *change, FILE *out)
{
    struct conf_path path;
    if (!read_path(conf, words, count, &path, out))
        return false;
    if (!path.option || path.used == count) {
        fprintf(out, "config set [SCOPE ...] OPTION VALUE: %s is missing\n",
                path.option ? "the value" : "the option");
        return false;
    }
    char *value = NULL;
    size_t size = 0;
    FILE *text = open_memstream(&value, &size);
    if (!text)
        conf_out_of_memory();
    bool good = write_words(words + path.used, count - path.used, text);
    fclose(text);
    if (good)
        good = keep_change(arena, options, &path, value, change, out);
    else
        fputs("a value is one word, which may be quoted, a list ( ... ) or a dictionary [ ... ]\n", out);
    free(value);
    return good;
}

bool conf_change_read_unset(struct conf_arena *arena, const struct conf *conf,
                            const struct conf_load_options *options, const char *const *words, size_t count,
                            struct conf_change *change, FILE *out)
{
    struct conf_path path;
    if (!read_path(conf, words, count, &path, out))
        return false;
    if (!path.option && !path.count) {
        fputs("the global scope cannot be unset as a whole\n", out);
        return false;
    }
    if (path.used < count) {
        fputs("config unset [SCOPE ...] [OPTION] takes no value\n", out);
        return false;
    }
    return keep_change(arena, options, &path, NULL, change, out);
}
