/*
 * query_explain: impulsectl explain. First the value and where it came from, then the levels in the order
 * they are asked, one a line, then what becomes of the option here.
 */
#include <stdlib.h>
#include <string.h>
#include "confparse/address.h"
#include "confparse/query.h"
#include "confparse/query_option.h"
#include "confparse/scope.h"
#include "confparse/spelling.h"
#include "confparse/text.h"

enum { COLUMN_MIN = 12, COLUMN_MAX = 64 }; /* where what the levels said begins */

struct question {
    const struct conf *conf;
    struct conf_path path;
    struct conf_chain chain;
    const struct conf_value *value; /* the answer, or NULL */
    int column;                     /* width of the levels' names */
    FILE *out;
};

/* ---- names of levels ----------------------------------------------------------------------------------- */

static char *name_of(const struct conf_path *path)
{
    char *name = NULL;
    size_t size = 0;
    FILE *out = open_memstream(&name, &size);
    if (!out)
        return NULL;
    conf_path_print(path, out);
    fputs(path->count ? "" : "global", out);
    fclose(out);
    return name;
}

static void print_place(const struct conf_value *value, FILE *out)
{
    fprintf(out, "%s:%u", value->place.file, value->place.line);
}

/* ---- levels -------------------------------------------------------------------------------------------- */

/* Can the option stand in that level at all? If not, nobody asks it. */
static bool is_asked(const struct question *question, const struct conf_scope *level)
{
    return conf_scope_value(level, question->path.option) || conf_scope_option(level, question->path.option);
}

/* The name in the path that a level covers: the client of a Peer, the address of a Via, the domain or host of
 * a pattern; or NULL.
 */
static const char *covered(const struct question *question, const struct conf_scope *level)
{
    const struct conf_path *path = &question->path;
    for (size_t i = 0; i < path->count; i++) {
        const struct conf_step *step = &path->steps[i];
        bool covers = conf_kind_is_block(conf_text_of(step->kind)) || strcmp(step->kind, "domain") == 0 ||
                      strcmp(step->kind, "host") == 0;
        if (covers && strcmp(step->kind, conf_scope_kind(level)) == 0)
            return conf_text_is(conf_text_of(step->name), conf_scope_name(level)) ? NULL : step->name;
    }
    return NULL;
}

/* Who chose this pathway, or NULL. */
static const struct conf_value *chosen_by(const struct question *question, const struct conf_scope *level)
{
    const struct conf_step *first = question->path.steps;
    if (strncmp(conf_scope_kind(level), "pathway", strlen("pathway")) != 0 || !question->path.count ||
        strncmp(first->kind, "pathway", strlen("pathway")) == 0)
        return NULL;
    for (size_t i = 0; i < question->chain.count; i++) {
        const struct conf_value *pathway = conf_scope_value(question->chain.levels[i], "pathway");
        if (pathway)
            return pathway;
    }
    return NULL;
}

static void print_level_name(const struct question *question, const struct conf_path *path)
{
    char *name = name_of(path);
    fprintf(question->out, "  %-*s  ", question->column, name ? name : "");
    free(name);
}

static void print_level(const struct question *question, const struct conf_scope *level, bool answered)
{
    const struct conf_value *value = conf_scope_value(level, question->path.option);
    const struct conf_value *pathway = chosen_by(question, level);
    const char *inside = covered(question, level);
    FILE *out = question->out;
    struct conf_path path;
    if (answered && !value)
        return;
    conf_path_of(level, &path);
    print_level_name(question, &path);
    if (inside)
        fprintf(out, "covers %s; ", inside);
    if (pathway) {
        fprintf(out, "the pathway of ");
        print_place(pathway, out);
        fputs("; ", out);
    }
    fputs(!value ? "not set" : answered ? "not asked any more: set at " : "set at ", out);
    if (value)
        print_place(value, out);
    fputs(value && !answered ? "  <- this one\n" : "\n", out);
}

/* A scope that the path names and the configuration does not have. */
static void print_missing(const struct question *question)
{
    const struct conf_path *path = &question->path;
    const struct conf_step *last = path->count ? &path->steps[path->count - 1] : NULL;
    if (conf_path_find(question->conf, path))
        return;
    for (size_t i = 0; i < question->chain.count; i++) {
        const struct conf_scope *level = question->chain.levels[i];
        if (strcmp(conf_scope_kind(level), last->kind) == 0 &&
            conf_text_is(conf_text_of(last->name), conf_scope_name(level)))
            return;
    }
    print_level_name(question, path);
    fputs("no such stanza\n", question->out);
}

static void measure(struct question *question, const struct conf_path *path)
{
    char *name = name_of(path);
    int width = name ? (int)strnlen(name, COLUMN_MAX) : 0;
    if (width > question->column)
        question->column = width;
    free(name);
}

static void print_levels(struct question *question)
{
    bool answered = false;
    question->column = COLUMN_MIN;
    measure(question, &question->path);
    for (size_t i = 0; i < question->chain.count; i++) {
        struct conf_path path;
        conf_path_of(question->chain.levels[i], &path);
        if (is_asked(question, question->chain.levels[i]))
            measure(question, &path);
    }
    fputs("\nAsked in this order:\n", question->out);
    print_missing(question);
    for (size_t i = 0; i < question->chain.count; i++)
        if (is_asked(question, question->chain.levels[i])) {
            print_level(question, question->chain.levels[i], answered);
            answered = answered || conf_scope_value(question->chain.levels[i], question->path.option);
        }
    if (!answered)
        fprintf(question->out, "  %-*s  %s\n", question->column, "default",
                question->value ? "<- this one" : "there is none");
}

/* ---- what the option does ------------------------------------------------------------------------------ */

static void print_support(const struct question *question, enum conf_support support, const char *what,
                          const char *note, const char *instead)
{
    static const char *const words[] = {
        [CONF_HONOURED] = "Honoured",
        [CONF_DIFFERENT] = "Honoured, but not as Momentum does",
        [CONF_ACCEPTED] = "Read, but without effect",
        [CONF_UNSUPPORTED] = "Not supported",
    };
    fprintf(question->out, "%s%s%s", what ? what : "", what ? ": " : "", words[support]);
    fprintf(question->out, "%s%s\n", note && *note ? ": " : "", note ? note : "");
    if (instead && *instead)
        fprintf(question->out, "Instead: %s\n", instead);
}

/* The module that the path is in, if Momentum has it and this build does not; or NULL. */
static const struct conf_documented *missing_module(const struct question *question)
{
    const char *name = question->path.count ? question->path.steps[0].kind : "";
    for (size_t i = 0; i < question->conf->module_count; i++)
        if (strcmp(question->conf->modules[i].schema.name, name) == 0)
            return NULL;
    return conf_stanza_find(name) ? NULL : conf_documented_find(name);
}

/* The first stanza of the path that has no effect, unless the option is one that a module adds to it; or NULL. */
static const struct conf_option *idle_stanza(const struct question *question)
{
    if (conf_option_module(question->conf, question->path.option))
        return NULL;
    for (size_t i = 0; i < question->path.count; i++) {
        const struct conf_option *row = conf_stanza_find(question->path.steps[i].kind);
        if (row && row->support > CONF_DIFFERENT)
            return row;
    }
    return NULL;
}

/* What its row says of the option, or what stands in values.def instead. */
static void print_option_meaning(const struct question *question)
{
    const struct conf_exception *found[CONF_EXCEPTIONS_MAX];
    const struct conf_value *value = question->value;
    const struct conf_option *row = NULL;
    const struct conf_scope *level = NULL;
    for (size_t i = 0; i < question->chain.count && !row; i++) {
        level = question->chain.levels[i];
        row = conf_scope_option(level, question->path.option);
    }
    if (!row || (missing_module(question) && row->support == CONF_ACCEPTED)) /* the module's line says it */
        return;
    const char *module = conf_option_module(question->conf, row->name);
    if (module && row == conf_option_row(question->conf, row->name))
        fprintf(question->out, "An option of module %s.\n", module);
    bool core = row == conf_option_find(row->name);
    size_t count = core && value ? conf_exceptions_find(row, level, value, found) : 0;
    if (!count || (value->type == CONF_LIST && value->count > count))
        print_support(question, row->support, NULL, row->note, row->instead);
    for (size_t i = 0; i < count; i++)
        print_support(question, found[i]->support, found[i]->value, found[i]->note, found[i]->instead);
}

static void print_meaning(const struct question *question)
{
    const struct conf_documented *missing = missing_module(question);
    const struct conf_option *idle = idle_stanza(question);
    char spelled[CONF_SPELLING_MAX];
    fputs("\n", question->out);
    if (missing)
        print_support(question, missing->support, missing->name, missing->what, missing->instead);
    if (idle)
        print_support(question, idle->support, conf_spell_kind(idle->name, spelled), idle->note,
                      idle->instead);
    if (!idle)
        print_option_meaning(question);
}

/* ---- the answer ---------------------------------------------------------------------------------------- */

static void print_value(const struct question *question)
{
    const struct conf_value *value = question->value;
    FILE *out = question->out;
    if (!value) {
        conf_query_print_unset(&question->path, out);
    } else {
        conf_query_print_value(&question->path, value, 0, out);
        if (value->place.line) {
            fputs("  from ", out);
            print_place(value, out);
            fputs("\n", out);
        } else {
            fputs("  the default\n", out);
        }
    }
}

bool conf_query_explain(const struct conf *conf, const char *const *words, size_t count, FILE *out)
{
    struct question question = {.conf = conf, .out = out};
    if (!conf_query_read_option(conf, words, count, &question.path, out))
        return false;
    conf_path_chain(conf, &question.path, &question.chain);
    question.value = conf_path_value(conf, &question.path, &question.chain);
    print_value(&question);
    print_levels(&question);
    print_meaning(&question);
    return true;
}
