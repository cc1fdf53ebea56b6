/*
 * manifest_option: what a manifest says of options, and of the stanzas in the module's stanza.
 *
 *     option.delay = duration 300               an option of the module's stanza: its type and default
 *     option.mode = enum(defer|tag) defer
 *     option.share = int(0..100) 50             ... with a range; either end may be open
 *     stanza.rule = named                       a stanza in it: named, unnamed or optional (its name)
 *     option.rule/weight = int 1                an option of that stanza
 *     scopes.delay = listen, peer, global       the option stands in these scopes of the core instead, with
 * their fallback; inbound and outbound stand for all of these kinds note.delay = how long a new sender waits
 * one line about an option above accepted.cluster = no cluster here        ... that is read and has no
 * effect, and why different.mode = tagged mail has no score ... that has another effect than Momentum's
 *     unsupported.strict = all would be let in  ... that it would be dangerous to pass over: refused
 *     instead.strict = use the firewall         what to do instead of an option that has no effect
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "base/mem.h"
#include "module/manifest_reader.h"

static const struct {
    const char *name;
    enum conf_type type;
} type_names[] = {
    {"bool", CONF_BOOL},         {"int", CONF_INT},           {"size", CONF_SIZE},
    {"duration", CONF_DURATION}, {"mode", CONF_MODE},         {"port", CONF_PORT},
    {"string", CONF_STRING},     {"enum", CONF_ENUM},         {"address", CONF_ADDRESS},
    {"cidr", CONF_CIDR},         {"list", CONF_LIST},         {"cidr_list", CONF_CIDR_LIST},
    {"dict", CONF_DICT},         {"throttle", CONF_THROTTLE},
};

static const struct conf_option common_options[] = {
    {.name = "enabled",
     .type = CONF_BOOL,
     .default_text = "true",
     .note = "false: the stanza is read, the module is not set up"},
    {.name = "debug_level",
     .type = CONF_ENUM,
     .default_text = "ERROR",
     .choices = "CRITICAL|ERROR|WARNING|NOTICE|INFO|DEBUG",
     .note = "lines of the module less severe than this are not written to the paniclog"},
};

/* Words that stand for several scopes: who sends to us, and where we send to. */
static const struct {
    const char *word, *scopes;
} scope_words[] = {
    {"inbound", "esmtp_listener,global,listen,pathway,pathway_group,peer,via"},
    {"outbound", "binding,binding_group,domain,global"},
};

/* ---- rows ------------------------------------------------------------------------------------------------
 */

/* "rule/when/name": *path is "rule/when", "" when there is no slash. */
static struct slice split_path(struct slice full, struct slice *path)
{
    size_t start = full.size;
    while (start > 0 && full.data[start - 1] != '/')
        start--;
    *path = slice_of(full.data, start ? start - 1 : 0);
    return slice_of(full.data + start, full.size - start);
}

static bool is_row(const struct conf_option *row, struct slice full, bool stanza)
{
    struct slice path, name = split_path(full, &path);
    return (row->type == CONF_SCOPE) == stanza && slice_equal_nocase(slice_text(row->name), name) &&
           slice_equal_nocase(slice_text(row->scopes), path);
}

static struct conf_option *find_row(const struct manifest *manifest, struct slice full, bool stanza)
{
    for (size_t i = 0; i < manifest->option_count; i++)
        if (is_row(&manifest->options[i], full, stanza))
            return &manifest->options[i];
    return NULL;
}

/* An option that was declared, wherever it stands. */
static struct conf_option *find_option(const struct manifest *manifest, struct slice full)
{
    for (size_t i = 0; i < manifest->added_count; i++)
        if (slice_equal_nocase(slice_text(manifest->added[i].name), full))
            return &manifest->added[i];
    return find_row(manifest, full, false);
}

/* Takes over the row's texts. */
static void append(struct conf_option **rows, size_t *count, const struct conf_option *row)
{
    *rows = mem_resize(*rows, (*count + 1) * sizeof **rows);
    (*rows)[(*count)++] = *row;
}

static void add_row(struct manifest *manifest, const struct conf_option *row)
{
    struct conf_option own = {
        .name = mem_dup(row->name),
        .type = row->type,
        .default_text = mem_dup(row->default_text),
        .choices = mem_dup(row->choices),
        .scopes = mem_dup(row->scopes ? row->scopes : ""),
        .dynamic = true,
        .support = CONF_HONOURED,
        .note = mem_dup(row->note),
    };
    append(&manifest->options, &manifest->option_count, &own);
}

void manifest_add_common(struct manifest *manifest)
{
    for (size_t i = 0; i < sizeof common_options / sizeof *common_options; i++)
        if (!find_option(manifest, slice_text(common_options[i].name)))
            add_row(manifest, &common_options[i]);
}

static void release_rows(struct conf_option *rows, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        free((char *)rows[i].name);
        free((char *)rows[i].default_text);
        free((char *)rows[i].choices);
        free((char *)rows[i].scopes);
        free((char *)rows[i].note);
        free((char *)rows[i].instead);
    }
    free(rows);
}

void manifest_release_options(struct manifest *manifest)
{
    release_rows(manifest->options, manifest->option_count);
    release_rows(manifest->added, manifest->added_count);
}

/* ---- declarations ----------------------------------------------------------------------------------------
 */

/* Is the name well formed, and declared the stanza that it stands in? */
static bool check_name(struct manifest_reader *reader, struct slice full, const char *what)
{
    struct slice path, name = split_path(full, &path);
    if (!manifest_is_name(name))
        return manifest_complain(reader, what, full);
    if (path.size && !find_row(reader->manifest, path, true))
        return manifest_complain(reader, "no such stanza is declared above:", path);
    return true;
}

static bool find_type(struct slice word, enum conf_type *type)
{
    for (size_t i = 0; i < sizeof type_names / sizeof *type_names; i++)
        if (slice_equal_nocase(word, slice_text(type_names[i].name))) {
            *type = type_names[i].type;
            return true;
        }
    return false;
}

/* What a type may have in parentheses. NULL, or what is wrong. */
static const char *judge_choices(enum conf_type type, struct slice choices)
{
    bool is_number = type == CONF_INT || type == CONF_SIZE || type == CONF_DURATION;
    if (is_number && (choices.size == 0 || memmem(choices.data, choices.size, "..", 2)))
        return NULL;
    return (type == CONF_ENUM) == (choices.size > 0) ? NULL : "choices are for enum, written enum(a|b|c):";
}

static bool check_default(struct manifest_reader *reader, const struct conf_option *row)
{
    char problem[256];
    if (conf_default_check(row, problem, sizeof problem))
        return true;
    char *what = mem_printf("the default of %s: %s", row->name, problem);
    manifest_complain(reader, what, (struct slice){0});
    free(what);
    return false;
}

/* `value` is "TYPE [DEFAULT]"; the type enum has its choices in parentheses, a number may have a range. */
static bool read_option(struct manifest_reader *reader, struct slice full, struct slice value)
{
    struct slice word, choices = {0}, path, name = split_path(full, &path);
    enum conf_type type;
    if (!check_name(reader, full, "not an option name:"))
        return false;
    if (find_option(reader->manifest, full))
        return manifest_complain(reader, "this option is declared twice:", full);
    if (!slice_next(&value, ' ', &word))
        return manifest_complain(reader, "an option has a type:", full);
    value = slice_trim(value);
    const char *open = memchr(word.data, '(', word.size);
    if (open && word.data[word.size - 1] == ')') {
        choices = slice_of(open + 1, (size_t)(word.data + word.size - 1 - (open + 1)));
        word.size = (size_t)(open - word.data);
    }
    if (!find_type(word, &type))
        return manifest_complain(reader, "no such option type:", word);
    const char *wrong = judge_choices(type, choices);
    if (wrong)
        return manifest_complain(reader, wrong, full);
    struct conf_option row = {
        .name = manifest_lower(name),
        .type = type,
        .default_text = value.size ? mem_copy_text(value.data, value.size) : NULL,
        .choices = choices.size ? mem_copy_text(choices.data, choices.size) : NULL,
        .scopes = manifest_lower(path),
        .dynamic = true,
        .support = CONF_HONOURED,
    };
    append(&reader->manifest->options, &reader->manifest->option_count, &row);
    return check_default(reader, &row);
}

static bool read_stanza(struct manifest_reader *reader, struct slice full, struct slice value)
{
    struct slice path, name = split_path(full, &path);
    char *naming = manifest_lower(value), *kind = manifest_lower(name);
    bool known =
        strcmp(naming, "named") == 0 || strcmp(naming, "unnamed") == 0 || strcmp(naming, "optional") == 0;
    bool fine = check_name(reader, full, "not the name of a stanza:");
    if (fine && conf_stanza_find(kind))
        fine = manifest_complain(reader, "a stanza of the core has this name:", name);
    else if (fine && find_row(reader->manifest, full, true))
        fine = manifest_complain(reader, "this stanza is declared twice:", full);
    else if (fine && !known)
        fine = manifest_complain(reader, "a stanza is named, unnamed or optional, not", value);
    if (fine) {
        char *scopes = manifest_lower(path);
        add_row(reader->manifest,
                &(struct conf_option){.name = kind, .type = CONF_SCOPE, .choices = naming, .scopes = scopes});
        free(scopes);
    }
    free(naming);
    free(kind);
    return fine;
}

/* ---- scopes ----------------------------------------------------------------------------------------------
 */

static const char *expand_scope(struct slice word)
{
    for (size_t i = 0; i < sizeof scope_words / sizeof *scope_words; i++)
        if (slice_equal_nocase(word, slice_text(scope_words[i].word)))
            return scope_words[i].scopes;
    return NULL;
}

/* Appends ",name" unless it is in the list. */
static void add_scope(char **list, struct slice name)
{
    struct slice rest = slice_text(*list), there;
    while (slice_next(&rest, ',', &there))
        if (slice_equal(there, name))
            return;
    char *longer = mem_printf("%s%s%.*s", *list, **list ? "," : "", (int)name.size, name.data);
    free(*list);
    *list = longer;
}

/* Adds what a word of the list names. False: there is no such scope. */
static bool add_scopes(char **list, struct slice word)
{
    const char *several = expand_scope(word);
    struct slice rest = slice_text(several), name;
    while (several && slice_next(&rest, ',', &name))
        add_scope(list, name);
    if (several)
        return true;
    char *lower = manifest_lower(word);
    const struct conf_option *stanza = conf_stanza_find(lower);
    bool known = stanza || strcmp(lower, "global") == 0;
    if (known)
        add_scope(list, slice_text(lower));
    free(lower);
    return known;
}

/* The option moves from the module's stanza to the scopes of the core. */
static void move_row(struct manifest *manifest, struct conf_option *row, char *scopes)
{
    free((char *)row->scopes);
    row->scopes = scopes;
    append(&manifest->added, &manifest->added_count, row);
    size_t after = (size_t)(manifest->options + --manifest->option_count - row);
    memmove(row, row + 1, after * sizeof *row);
}

static bool read_scopes(struct manifest_reader *reader, struct slice name, struct slice value)
{
    struct conf_option *row = find_row(reader->manifest, name, false);
    if (!row || *row->scopes)
        return manifest_complain(reader, "no such option of the module's stanza is declared above:", name);
    if (conf_option_find(row->name))
        return manifest_complain(reader, "the core has an option or stanza of this name; choose another than",
                                 name);
    char *scopes = mem_dup("");
    while (value.size) {
        size_t size = 0;
        while (size < value.size && !strchr(", \t", value.data[size]))
            size++;
        struct slice word = slice_of(value.data, size);
        value = slice_of(value.data + size + (size < value.size), value.size - size - (size < value.size));
        if (word.size && !add_scopes(&scopes, word)) {
            free(scopes);
            return manifest_complain(reader, "no such scope of the core:", word);
        }
    }
    if (!*scopes) {
        free(scopes);
        return manifest_complain(reader, "the scopes that the option stands in are missing:", name);
    }
    move_row(reader->manifest, row, scopes);
    return true;
}

/* ---- what is said of an option ----------------------------------------------------------------------------
 */

static bool read_note(struct manifest_reader *reader, struct slice name, struct slice value,
                      enum conf_support support)
{
    struct conf_option *option = find_option(reader->manifest, name);
    if (!option)
        return manifest_complain(reader, "no such option is declared above:", name);
    option->support = support;
    free((char *)option->note);
    option->note = mem_copy_text(value.data, value.size);
    return true;
}

static bool read_instead(struct manifest_reader *reader, struct slice name, struct slice value)
{
    struct conf_option *option = find_option(reader->manifest, name);
    if (!option)
        return manifest_complain(reader, "no such option is declared above:", name);
    free((char *)option->instead);
    option->instead = mem_copy_text(value.data, value.size);
    return true;
}

static const struct { /* a prefix that a name follows */
    const char *prefix;
    bool (*read)(struct manifest_reader *reader, struct slice name, struct slice value);
} named_keys[] = {
    {"option.", read_option},
    {"stanza.", read_stanza},
    {"scopes.", read_scopes},
    {"instead.", read_instead},
};

static const struct {
    const char *prefix;
    enum conf_support support;
} note_keys[] = {
    {"note.", CONF_HONOURED},
    {"accepted.", CONF_ACCEPTED},
    {"different.", CONF_DIFFERENT},
    {"unsupported.", CONF_UNSUPPORTED},
};

bool manifest_read_option(struct manifest_reader *reader, struct slice key, struct slice value, bool *fine)
{
    struct slice name;
    for (size_t i = 0; i < sizeof named_keys / sizeof *named_keys; i++)
        if (manifest_split_key(key, named_keys[i].prefix, &name)) {
            *fine = named_keys[i].read(reader, name, value);
            return true;
        }
    for (size_t i = 0; i < sizeof note_keys / sizeof *note_keys; i++)
        if (manifest_split_key(key, note_keys[i].prefix, &name)) {
            *fine = read_note(reader, name, value, note_keys[i].support);
            return true;
        }
    return false;
}
