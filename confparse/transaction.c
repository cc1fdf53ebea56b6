/*
 * transaction: see transaction.h.
 *
 * The commands are noted. Only when the configuration that would result is asked for, the last of those about
 * the same option is turned into edits of the texts, which are then loaded. Which file a change is written to
 * is decided by the configuration that the transaction began on.
 */
#include "confparse/transaction.h"

#include <stdlib.h>
#include "confparse/addition.h"
#include "confparse/change.h"
#include "confparse/path.h"
#include "confparse/placement.h"
#include "confparse/print.h"
#include "confparse/query_option.h"
#include "confparse/quote.h"
#include "confparse/report.h"
#include "confparse/scope.h"

enum {
    COMMANDS_MAX = 100000,        /* of one transaction, */
    BYTES_MAX = 64 * 1024 * 1024, /* and their length together */
};

enum { ANSWER_DEPTH = 4 }; /* levels of indentation of an effective value, as the manual shows it */

struct noted {
    struct conf_change change;
    const char *command; /* for replay */
    bool is_void;        /* a later one is about the same */
};

struct conf_transaction {
    struct conf *base;
    const struct conf_load_options *options;
    struct conf_arena arena;
    const struct conf_files *files; /* that are edited: the base's, and a virtual file */
    bool from_scratch, local_changes_only;
    struct conf_outline *outline; /* made when it is first needed */
    struct conf_rules *rules;
    struct noted *noted;
    size_t count, capacity;
    size_t size;        /* of the commands, bytes */
    struct conf *built; /* with its report; NULL: not built, or not good */
    struct conf_report *report;
};

/* ---- beginning and end --------------------------------------------------------------------------------- */

static void add_virtual(struct conf_files *files)
{
    if (!conf_files_find_role(files, CONF_FILE_VIRTUAL))
        conf_files_add_text(files, CONF_VIRTUAL_FILE, CONF_FILE_VIRTUAL, "", 0);
}

/* The main file alone, and nothing in it. */
static struct conf_files *empty_files(const struct conf_files *files)
{
    struct conf_files *empty = conf_files_create(files->search_path);
    struct conf_file_entry entry = files->entries[0];
    entry.file.read_only = false;
    entry.content = conf_content_create("", 0);
    conf_files_add(empty, &entry);
    conf_content_unref(entry.content);
    return empty;
}

struct conf_transaction *conf_transaction_begin(struct conf *base, bool from_scratch,
                                                const struct conf_load_options *options)
{
    struct conf_transaction *transaction = conf_alloc(sizeof *transaction);
    const struct conf_value *only = conf_scope_value(conf_root(base), "local_changes_only");
    struct conf_files *files =
        from_scratch ? empty_files(conf_get_files(base)) : conf_files_copy(conf_get_files(base));
    add_virtual(files);
    transaction->base = conf_ref(base);
    transaction->options = options;
    transaction->files = files;
    transaction->from_scratch = from_scratch;
    transaction->local_changes_only = !from_scratch && only && only->number;
    return transaction;
}

static void forget_build(struct conf_transaction *transaction)
{
    conf_unref(transaction->built);
    conf_report_free(transaction->report);
    transaction->built = NULL;
    transaction->report = NULL;
}

void conf_transaction_free(struct conf_transaction *transaction)
{
    if (!transaction)
        return;
    forget_build(transaction);
    conf_outline_free(transaction->outline);
    conf_rules_free(transaction->rules);
    conf_files_unref(transaction->files);
    conf_unref(transaction->base);
    conf_arena_free(&transaction->arena);
    free(transaction->noted);
    free(transaction);
}

const struct conf *conf_transaction_base(const struct conf_transaction *transaction)
{
    return transaction->base;
}

static void look_at_files(struct conf_transaction *transaction)
{
    if (!transaction->outline)
        transaction->outline = conf_outline_create(transaction->files);
    if (!transaction->rules)
        transaction->rules = conf_rules_create(transaction->files, transaction->local_changes_only);
}

/* ---- noting -------------------------------------------------------------------------------------------- */

static bool same_scope(struct conf_text a, struct conf_text b)
{
    return conf_text_compare(a, b) == 0;
}

/* Does the later change leave nothing of the earlier one? */
static bool supersedes(const struct conf_change *later, const struct conf_change *earlier)
{
    if (!later->option)
        return earlier->scope.size >= later->scope.size &&
               memcmp(earlier->scope.data, later->scope.data, later->scope.size) == 0;
    return earlier->option && same_scope(later->scope, earlier->scope) &&
           conf_text_is(conf_text_of(later->option), earlier->option);
}

/* The command as it was given. */
static const char *make_command(struct conf_arena *arena, const char *verb, const char *const *words,
                                size_t count)
{
    char *text = NULL;
    size_t size = 0;
    FILE *out = open_memstream(&text, &size);
    if (!out)
        conf_out_of_memory();
    fprintf(out, "config %s", verb);
    for (size_t i = 0; i < count; i++) {
        bool mark = *words[i] && !words[i][1] && strchr("()[]=,", *words[i]);
        putc(' ', out);
        if (mark)
            putc(*words[i], out);
        else
            conf_print_word(conf_text_of(words[i]), out);
    }
    fclose(out);
    const char *command = conf_arena_text(arena, text, size);
    free(text);
    return command;
}

static void note(struct conf_transaction *transaction, const struct conf_change *change, const char *command)
{
    for (size_t i = 0; i < transaction->count; i++)
        transaction->noted[i].is_void |= supersedes(change, &transaction->noted[i].change);
    if (transaction->count == transaction->capacity) {
        transaction->capacity = transaction->capacity ? 2 * transaction->capacity : 16;
        transaction->noted =
            conf_resize(transaction->noted, transaction->capacity, sizeof *transaction->noted);
    }
    transaction->size += strlen(command);
    transaction->noted[transaction->count++] = (struct noted){*change, command, false};
    forget_build(transaction);
}

/* A session can note no more than what is good for the process. */
static bool has_room(const struct conf_transaction *transaction, FILE *out)
{
    if (transaction->count < COMMANDS_MAX && transaction->size < BYTES_MAX)
        return true;
    fputs("the transaction has too many changes already: commit these first\n", out);
    return false;
}

void conf_transaction_replay(const struct conf_transaction *transaction, FILE *out)
{
    for (size_t i = 0; i < transaction->count; i++)
        fprintf(out, "%s\n", transaction->noted[i].command);
}

bool conf_transaction_set(struct conf_transaction *transaction, const char *const *words, size_t count,
                          FILE *out)
{
    struct conf_change change;
    const struct ast_assignment *replaced;
    struct conf_fragment fragment;
    size_t made;
    char problem[CONF_PLACE_PROBLEM], *answer = NULL;
    size_t size = 0;
    if (!has_room(transaction, out))
        return false;
    FILE *held = open_memstream(&answer, &size);
    if (!held)
        conf_out_of_memory();
    bool read = conf_change_read_set(&transaction->arena, transaction->base, transaction->options, words,
                                     count, &change, held);
    fclose(held);
    if (read)
        look_at_files(transaction);
    bool placed =
        read && conf_place_setting(transaction->outline, transaction->rules, change.links, change.link_count,
                                   change.option, &replaced, &fragment, &made, problem);
    if (placed)
        note(transaction, &change, make_command(&transaction->arena, "set", words, count));
    if (read && !placed)
        fprintf(out, "%s\n", problem);
    else
        fwrite(answer, 1, size, out);
    free(answer);
    return placed;
}

/* ---- building ------------------------------------------------------------------------------------------ */

struct work {
    struct conf_transaction *transaction;
    struct conf_edits *edits;
    struct conf_additions *additions;
    const struct ast_assignment **replaced; /* which nothing else may remove */
    size_t replaced_count;
};

static void make_set(struct work *work, const struct conf_change *change)
{
    const struct ast_assignment *replaced;
    struct conf_fragment fragment;
    size_t made;
    char problem[CONF_PLACE_PROBLEM];
    struct conf_transaction *transaction = work->transaction;
    if (!conf_place_setting(transaction->outline, transaction->rules, change->links, change->link_count,
                            change->option, &replaced, &fragment, &made, problem))
        return; /* which conf_transaction_set has seen */
    if (replaced) {
        conf_edit_value(work->edits, replaced, change->value);
        work->replaced[work->replaced_count++] = replaced;
    } else {
        conf_addition_set(work->additions, &fragment, change->links + made, change->link_count - made,
                          change->option, change->value);
    }
}

static int compare_pointers(const void *left, const void *right)
{
    const struct ast_assignment *const *a = left, *const *b = right;
    return (*a > *b) - (*a < *b);
}

static void make_unset(struct work *work, const struct conf_change *change)
{
    struct conf_removal removal = {0};
    conf_place_removal(work->transaction->outline, work->transaction->rules, change->links,
                       change->link_count, change->option, &removal);
    for (size_t i = 0; i < removal.count; i++)
        if (!bsearch(&removal.removed[i], work->replaced, work->replaced_count, sizeof *work->replaced,
                     compare_pointers))
            conf_edit_remove(work->edits, removal.removed[i]);
    conf_removal_free(&removal);
}

/* The texts with all changes made in them. */
static struct conf_files *make_files(struct conf_transaction *transaction)
{
    look_at_files(transaction);
    struct work work = {transaction, conf_edits_create(), conf_additions_create(), NULL, 0};
    work.replaced = conf_resize(NULL, transaction->count, sizeof *work.replaced);
    for (size_t i = 0; i < transaction->count; i++)
        if (!transaction->noted[i].is_void && transaction->noted[i].change.value)
            make_set(&work, &transaction->noted[i].change);
    if (work.replaced_count)
        qsort(work.replaced, work.replaced_count, sizeof *work.replaced, compare_pointers);
    for (size_t i = 0; i < transaction->count; i++)
        if (!transaction->noted[i].is_void && !transaction->noted[i].change.value)
            make_unset(&work, &transaction->noted[i].change);
    conf_additions_write(work.additions, work.edits);
    struct conf_files *files = conf_edits_apply(work.edits, transaction->files);
    conf_additions_free(work.additions);
    conf_edits_free(work.edits);
    free(work.replaced);
    return files;
}

struct conf *conf_transaction_build(struct conf_transaction *transaction, struct conf_report **report)
{
    if (!transaction->report && !transaction->count && !transaction->from_scratch) {
        transaction->built = conf_ref(transaction->base);
        transaction->report = conf_report_create();
    } else if (!transaction->report) {
        struct conf_files *files = make_files(transaction);
        conf_files_drop_virtual(files);
        conf_outline_free(transaction->outline); /* two syntax trees at once would be the most memory ever */
        transaction->outline = NULL;
        transaction->built = conf_load_files(files, transaction->options, &transaction->report);
        conf_files_unref(files);
    }
    *report = conf_report_ref(transaction->report);
    return transaction->built ? conf_ref(transaction->built) : NULL;
}

/* ---- config unset -------------------------------------------------------------------------------------- */

/* Was the option, or anything in the scope, set by a command of this transaction? */
static bool is_pending(const struct conf_transaction *transaction, const struct conf_change *change)
{
    for (size_t i = 0; i < transaction->count; i++) {
        const struct noted *noted = &transaction->noted[i];
        if (!noted->is_void && noted->change.value && supersedes(change, &noted->change))
            return true;
    }
    return false;
}

/* Was it unset already, so that the files' assignments count no more? */
static bool is_gone(const struct conf_transaction *transaction, const struct conf_change *change)
{
    for (size_t i = 0; i < transaction->count; i++) {
        const struct conf_change *earlier = &transaction->noted[i].change;
        if (!transaction->noted[i].is_void && !earlier->value && supersedes(earlier, change))
            return true;
    }
    return false;
}

static void print_scope(const struct conf_change *change, FILE *out)
{
    for (size_t i = 0; i < change->link_count; i++) {
        fputs(i ? " " : "", out);
        conf_print_heading(change->links[i].kind, change->links[i].name, out);
    }
}

static void print_nothing_set(const struct conf_change *change, FILE *out)
{
    if (change->option) {
        fputs("Option '", out);
        conf_print_option(change->option, out);
        fputs("' is not set in scope '", out);
    } else {
        fputs("No option is set in scope '", out);
    }
    print_scope(change, out);
    fputs("'.\n", out);
}

/* What is left where nothing can be written. */
static void print_kept(const struct conf_change *change, const struct conf_removal *removal, FILE *out)
{
    const struct conf_span *place = &removal->first->span;
    if (change->option) {
        putc('"', out);
        conf_print_option(change->option, out);
        putc('"', out);
    } else {
        fprintf(out, "%zu option%s of ", removal->kept, removal->kept == 1 ? "" : "s");
        print_scope(change, out);
    }
    fprintf(out, " cannot be unset at %s:%u, which cannot be written", place->source->name, place->line);
    if (change->option && removal->kept > 1)
        fprintf(out, ", and in %zu more place%s", removal->kept - 1, removal->kept == 2 ? "" : "s");
    fputs(".\n", out);
}

static void print_effective(struct conf_transaction *transaction, const struct conf_path *path, FILE *out)
{
    struct conf_report *report;
    struct conf_chain chain;
    struct conf *conf = conf_transaction_build(transaction, &report);
    const struct conf_value *value = NULL;
    if (conf) {
        conf_path_chain(conf, path, &chain);
        value = conf_path_value(conf, path, &chain);
    }
    putc('"', out);
    conf_print_option(path->option, out);
    fputs("\" has been unset.", out);
    fputs(value ? " Effective value is now:\n" : "\n", out);
    if (value)
        conf_query_print_value(path, value, ANSWER_DEPTH, out);
    conf_unref(conf);
    conf_report_free(report);
}

bool conf_transaction_unset(struct conf_transaction *transaction, const char *const *words, size_t count,
                            FILE *out)
{
    struct conf_change change;
    struct conf_removal removal = {0};
    if (!has_room(transaction, out) ||
        !conf_change_read_unset(&transaction->arena, transaction->base, transaction->options, words, count,
                                &change, out))
        return false;
    look_at_files(transaction);
    conf_place_removal(transaction->outline, transaction->rules, change.links, change.link_count,
                       change.option, &removal);
    bool pending = is_pending(transaction, &change);
    bool good = pending || (removal.count && !is_gone(transaction, &change));
    if (good)
        note(transaction, &change, make_command(&transaction->arena, "unset", words, count));
    if (removal.kept)
        print_kept(&change, &removal, out);
    else if (!good)
        print_nothing_set(&change, out);
    conf_removal_free(&removal);
    if (good && change.option) {
        struct conf_path path;
        char problem[CONF_PATH_PROBLEM];
        if (conf_path_parse(transaction->base, words, count, &path, problem))
            print_effective(transaction, &path, out);
    } else if (good) {
        fputs("All options of ", out);
        print_scope(&change, out);
        fputs(removal.kept ? " but these have been unset.\n" : " have been unset.\n", out);
    }
    return good;
}
