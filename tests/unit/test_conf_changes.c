/*
 * test_conf_changes: random changes of random configurations. After each one the option that was changed has
 * the value that was asked for, and everything else means what it meant.
 */
#include "conf_session.h"
#include "conf_trees.h"

enum { CONFIGURATIONS = 40, CHANGES = 20, TEXT_MAX = 8192 };

/* A generator of numbers that are the same on every machine. */
static unsigned long long state;

static unsigned pick(unsigned count)
{
    state = state * 6364136223846793005ULL + 1442695040888963407ULL;
    return (unsigned)(state >> 33) % count;
}

static const char *one_of(const char *const *list, unsigned count)
{
    return list[pick(count)];
}

/* ---- configurations -------------------------------------------------------------------------- */

struct text {
    char bytes[TEXT_MAX];
    size_t size;
    const char *newline;
};

static void put(struct text *text, const char *part)
{
    for (; *part && text->size < TEXT_MAX - 1; part++) {
        if (*part == '\n' && *text->newline == '\r')
            text->bytes[text->size++] = '\r';
        if (text->size < TEXT_MAX - 1)
            text->bytes[text->size++] = *part;
    }
    text->bytes[text->size] = '\0';
}

static void put_space(struct text *text)
{
    static const char *const spaces[] = {
        " ", "\n", "\n  ", "\n\t", " # it's { a \" comment\n", " /* } */ ", "\n/* # \n */\n", "\n\n    "};
    put(text, one_of(spaces, sizeof spaces / sizeof *spaces));
}

static const char *const numbers[] = {"1", "2", "33", "\"4\"", "'5'"};
static const char *const lists[] = {"( a b )", "( \"a\" 'b' )",          "(a,b)",
                                    "( )",     "(\n  \"x\"\n  \"y\"\n)", "plain"};
static const struct {
    const char *name, *const *values;
    unsigned count;
} options[] = {{"Max_Retries", numbers, 5}, {"retry_interval", numbers, 5}, {"ROUTES", lists, 6}};

static void put_option(struct text *text, unsigned which)
{
    const char *value = one_of(options[which].values, options[which].count);
    bool bare = *value == '(' && pick(2);
    put(text, options[which].name);
    put(text, pick(3) ? " " : "");
    put(text, bare ? "" : pick(3) ? "= " : "=");
    put(text, value);
    put_space(text);
}

static void put_options(struct text *text, bool routes)
{
    for (unsigned count = pick(4); count > 0; count--) {
        unsigned which = pick(3);
        if (which < 2 || routes)
            put_option(text, which);
    }
}

static const char *const domains[] = {"a.example", "\"B.example\"", "'c d'",
                                      "b.EXAMPLE", "\"/^x\\d+$/\"", "\"}\""};

static void put_domain(struct text *text, const char *include)
{
    put(text, pick(2) ? "Domain " : "domain ");
    put(text, one_of(domains, 6));
    put(text, pick(2) ? " {" : "{");
    if (pick(2))
        put_space(text);
    put_options(text, true);
    if (include) {
        put(text, include);
        put_space(text);
        put_options(text, true);
    }
    put(text, "}");
    put_space(text);
}

static void put_binding(struct text *text)
{
    put(text, pick(2) ? "Binding one {" : "Binding \"two\"\n{");
    put_space(text);
    put_options(text, false);
    if (pick(2))
        put_domain(text, NULL);
    put(text, "}");
    put_space(text);
}

static void put_listener(struct text *text)
{
    put(text, "Esmtp_Listener {");
    put_space(text);
    put(text, pick(2) ? "Idle_Time = 20\n" : "");
    put(text, pick(2) ? "Listen \":25\" { Idle_Time = 1 Peer \"10.1.2.3/8\" { Idle_Time = 3\n} }\n"
                      : "Listen \":25\" { }\nListen ':587' {\n\tConcurrency = 2\n}\n");
    put(text, "}");
    put_space(text);
}

static void put_content(struct text *text)
{
    for (unsigned count = pick(5); count > 0; count--) {
        unsigned kind = pick(8);
        if (kind < 3)
            put_domain(text, NULL);
        else if (kind == 3)
            put_binding(text);
        else if (kind == 4)
            put_listener(text);
        else
            put_options(text, true);
    }
}

static void begin_text(struct text *text)
{
    text->size = 0;
    text->newline = pick(4) ? "\n" : "\r\n";
    text->bytes[0] = '\0';
}

/* Files that include each other in every way there is. */
static void write_files(void)
{
    static const char *const names[] = {"plain.conf", "fixed.conf", "shared.conf"};
    struct text text;
    for (size_t i = 0; i < 3; i++) {
        begin_text(&text);
        put_content(&text);
        write_bytes(names[i], text.bytes, text.size);
    }
    begin_text(&text);
    put_options(&text, true);
    write_bytes("inside.conf", text.bytes, text.size);
    begin_text(&text);
    if (pick(2))
        put(&text, "Local_Changes_File = local.conf\n");
    if (text.size && pick(3) == 0)
        put(&text, "Local_Changes_Only = yes\n");
    put_content(&text);
    put(&text, "include \"plain.conf\"\n");
    put_content(&text);
    put(&text, pick(2) ? "readonly_include \"fixed.conf\"\n" : "include fixed.conf\n");
    if (pick(2))
        put(&text, "include \"shared.conf\" include shared.conf\n");
    put_domain(&text, pick(2) ? "readonly_include inside.conf" : "include \"inside.conf\"");
    put_content(&text);
    write_bytes("main.conf", text.bytes, text.size);
    begin_text(&text);
    put_content(&text);
    unlink(path_of("local.conf"));
    if (pick(2))
        write_bytes("local.conf", text.bytes, text.size);
}

/* ---- changes --------------------------------------------------------------------------------- */

static const char *const scopes[][2] = {
    {"", ""},
    {"domain a.example", "domain"},
    {"domain b.example", "domain"},
    {"domain 'c d'", "domain"},
    {"domain '/^x\\d+$/'", "domain"},
    {"domain new.example", "domain"},
    {"domain }", "domain"},
    {"binding one", "binding"},
    {"binding two domain a.example", "domain"},
    {"binding three domain new.example", "domain"},
    {"binding_group g binding one domain a.example", "domain"},
    {"esmtp_listener", "listener"},
    {"esmtp_listener listen :25", "listener"},
    {"esmtp_listener listen :26", "listener"},
    {"esmtp_listener listen :25 peer 10.0.0.0/8", "listener"},
    {"esmtp_listener listen :25 peer 10.9.0.0/16", "listener"},
};

struct planned {
    char line[256];  /* the command */
    char scope[128]; /* the words of its scope */
    const char *option;
    const char *value; /* NULL: unset */
};

static void plan(struct planned *planned)
{
    static const char *const set_lists[] = {"( )", "( 10.0.0.1 )", "( x '}' '#' )", "one"};
    unsigned which = pick(sizeof scopes / sizeof *scopes);
    const char *kind = scopes[which][1];
    bool listener = strcmp(kind, "listener") == 0, routes = strcmp(kind, "binding") != 0 && pick(2);
    planned->option = listener ? "idle_time" : routes ? "routes" : pick(2) ? "max_retries" : "retry_interval";
    bool list = strcmp(planned->option, "routes") == 0;
    planned->value = list ? one_of(set_lists, 4) : pick(2) ? "7" : "1200";
    if (pick(4) == 0)
        planned->value = NULL;
    bool all = !planned->value && which && pick(3) == 0;
    if (all)
        planned->option = NULL;
    snprintf(planned->scope, sizeof planned->scope, "%s", scopes[which][0]);
    snprintf(planned->line, sizeof planned->line, "%s %s%s%s %s", planned->value ? "set" : "unset",
             planned->scope, *planned->scope ? " " : "", planned->option ? planned->option : "",
             planned->value ? planned->value : "");
}

static const struct conf_scope *find_scope(const struct conf *conf, const char *words)
{
    const struct conf_scope *scope = conf_root(conf);
    char text[128];
    const char *word[SESSION_WORDS] = {NULL};
    snprintf(text, sizeof text, "%s", words);
    size_t count = split(text, word);
    for (size_t i = 0; scope && i < count;) {
        bool named = strcmp(word[i], "esmtp_listener") != 0;
        scope = conf_scope_find(scope, word[i], named ? word[i + 1] : "");
        i += named ? 2 : 1;
    }
    return scope;
}

/* Is that the value that the command asked for? The console's words are read as a file's are. */
static bool has_value(const struct conf_value *value, const struct planned *planned)
{
    char text[128];
    const char *word[SESSION_WORDS];
    snprintf(text, sizeof text, "%s", planned->value);
    size_t count = split(text, word);
    if (!value || value->type != CONF_LIST)
        return value && strcmp(value->text, planned->value) == 0;
    if (count == 1)
        return value->count == 1 && strcmp(value->items[0], word[0]) == 0;
    bool same = value->count == count - 2;
    for (size_t i = 0; same && i < value->count; i++)
        same = strcmp(value->items[i], word[i + 1]) == 0;
    return same;
}

static void show(const struct conf *conf)
{
    for (size_t i = 0; i < conf_files_count(conf_get_files(conf)); i++)
        fprintf(stderr, "== %s\n%s\n", conf_files_at(conf_get_files(conf), i)->path,
                conf_files_at(conf_get_files(conf), i)->text);
}

static bool is_right(const struct conf *before, const struct conf *after, const struct planned *planned)
{
    const struct conf_scope *scope = find_scope(after, planned->scope);
    const struct trees_except except = {scope, planned->option};
    bool good = scope && same_tree(conf_root(before), conf_root(after), &except);
    if (planned->value)
        good = good && has_value(conf_scope_value(scope, planned->option), planned);
    else if (!strstr(answer, "cannot be unset") && planned->option)
        good = good && !conf_scope_value(scope, planned->option);
    else if (!strstr(answer, "cannot be unset"))
        good = good && conf_scope_value_count(scope) == 0;
    if (!good) {
        fprintf(stderr, "%s:\n%s", planned->line, answer);
        show(before);
        show(after);
    }
    return good;
}

/* What the disk has after a writeback is what was in memory. */
static bool is_saved(const struct conf *conf)
{
    struct conf_report *report;
    const struct conf_files *next;
    FILE *out = fopen("/dev/null", "w");
    CU_ASSERT(conf_files_writeback(conf_get_files(conf), NULL, &next, out));
    fclose(out);
    conf_files_unref(next);
    struct conf *read = conf_load(path_of("main.conf"), NULL, &report);
    bool same = read && same_conf(conf, read);
    conf_report_free(report);
    conf_unref(read);
    return same;
}

/* As one file it means the same, but for the two options that name the other one. */
static bool is_flattened(const struct conf *conf)
{
    struct conf_report *report;
    const struct conf_files *next;
    FILE *out = fopen("/dev/null", "w");
    CU_ASSERT(conf_files_writeback(conf_get_files(conf), path_of("whole.conf"), &next, out));
    fclose(out);
    conf_files_unref(next);
    struct conf *whole = conf_load(path_of("whole.conf"), NULL, &report);
    bool same = whole && conf_files_count(conf_get_files(whole)) == 1;
    for (size_t i = 0; same && i < conf_scope_value_count(conf_root(conf)); i++) {
        const char *option;
        const struct conf_value *value = conf_scope_value_at(conf_root(conf), i, &option);
        const struct conf_value *other = conf_scope_value(conf_root(whole), option);
        same = strncmp(option, "local_changes_", 14) == 0 ? !other : same_value(value, other);
    }
    const struct conf_scope *left = NULL, *right = NULL;
    while (same && (left = conf_scope_next(conf_root(conf), NULL, left))) {
        right = conf_scope_next(conf_root(whole), NULL, right);
        same = right && same_tree(left, right, &(struct trees_except){NULL, NULL});
    }
    same = same && !conf_scope_next(conf_root(whole), NULL, right);
    unlink(path_of("whole.conf"));
    conf_report_free(report);
    conf_unref(whole);
    return same;
}

/* One after the other, each committed. */
static void test_single(void)
{
    unit_directory(place);
    for (unsigned i = 0; i < CONFIGURATIONS; i++) {
        state = i;
        write_files();
        struct conf *conf = load_main();
        unsigned done = 0;
        for (unsigned j = 0; j < CHANGES; j++) {
            struct planned planned;
            plan(&planned);
            struct conf *next = change(conf_ref(conf), planned.line);
            if (!next && planned.value && !strstr(answer, "Local_Changes_Only") &&
                !strstr(answer, "cannot stand")) {
                fprintf(stderr, "%s: %s", planned.line, answer);
                CU_FAIL("a set was refused");
            }
            if (!next)
                continue;
            done++;
            if (!is_right(conf, next, &planned))
                CU_FAIL_FATAL("a change did something else");
            conf_unref(conf);
            conf = next;
        }
        CU_ASSERT(done > CHANGES / 4);
        CU_ASSERT(is_flattened(conf));
        CU_ASSERT(is_saved(conf));
        conf_unref(conf);
    }
    unit_directory_remove(place);
}

/*
 * Does `b` set what `a` sets? A scope that was made and unset again is there, and empty, only when the two
 * commands were two transactions.
 */
static bool sets_the_same(const struct conf_scope *a, const struct conf_scope *b)
{
    const struct conf_scope *child = NULL;
    if (!sets_all_of(a, b, &(struct trees_except){NULL, NULL}, true))
        return false;
    while ((child = conf_scope_next(a, NULL, child))) {
        const struct conf_scope *other = conf_scope_find(b, conf_scope_kind(child), conf_scope_name(child));
        if (other ? !sets_the_same(child, other) : conf_scope_value_count(child) > 0)
            return false;
    }
    return true;
}

/* All in one transaction is the same as one after the other. */
static void test_together(void)
{
    unit_directory(place);
    for (unsigned i = 0; i < CONFIGURATIONS; i++) {
        state = i + CONFIGURATIONS;
        write_files();
        struct conf *conf = load_main(), *single = conf_ref(conf);
        struct conf_transaction *t = conf_transaction_begin(conf, false, NULL);
        for (unsigned j = 0; j < CHANGES; j++) {
            struct planned planned;
            plan(&planned);
            struct conf *next = change(conf_ref(single), planned.line);
            bool noted = command(t, planned.line);
            /* of a scope whose options are unset already one by one, it is not seen that nothing is left */
            CU_ASSERT(noted == (next != NULL) || (noted && !planned.option));
            if (next) {
                conf_unref(single);
                single = next;
            }
        }
        struct conf *together = build(t);
        CU_ASSERT_PTR_NOT_NULL_FATAL(together);
        CU_ASSERT(sets_the_same(conf_root(single), conf_root(together)));
        CU_ASSERT(sets_the_same(conf_root(together), conf_root(single)));
        conf_unref(together);
        conf_unref(single);
        conf_transaction_free(t);
        conf_unref(conf);
    }
    unit_directory_remove(place);
}

/* Whatever words a command has, it is answered, and what is noted makes a configuration or a finding. */
static void test_any_words(void)
{
    static const char *const pool[] = {"domain",
                                       "binding",
                                       "binding_group",
                                       "esmtp_listener",
                                       "listen",
                                       "peer",
                                       ":25",
                                       "10.0.0.0/8",
                                       "a.b",
                                       "max_retries",
                                       "routes",
                                       "idle_time",
                                       "(",
                                       ")",
                                       "[",
                                       "]",
                                       "=",
                                       ",",
                                       "{",
                                       "}",
                                       "",
                                       " ",
                                       "\"",
                                       "\\",
                                       "#",
                                       "\n",
                                       "include",
                                       "1",
                                       "yes",
                                       "jlog",
                                       "relay_hosts",
                                       "context",
                                       "local_changes_file",
                                       "local_changes_only",
                                       "match_cache_size",
                                       "DOMAIN",
                                       "/x(/",
                                       "main.conf",
                                       "\xff"};
    enum { COUNT = sizeof pool / sizeof *pool, COMMANDS = 4000, EACH = 40 };
    unsigned noted = 0;
    unit_directory(place);
    state = 1;
    write_files();
    struct conf *conf = load_main();
    struct conf_transaction *t = NULL;
    FILE *out = fopen("/dev/null", "w");
    for (unsigned i = 0; i < COMMANDS; i++) {
        const char *words[12];
        size_t count = pick(12);
        for (size_t j = 0; j < count; j++)
            words[j] = one_of(pool, COUNT);
        if (i % EACH == 0)
            t = conf_transaction_begin(conf, i % 3 == 0, NULL);
        noted += pick(4) ? conf_transaction_set(t, words, count, out)
                         : conf_transaction_unset(t, words, count, out);
        if (i % EACH != EACH - 1)
            continue;
        conf_unref(build(t));
        conf_transaction_replay(t, out);
        conf_transaction_free(t);
    }
    fclose(out);
    CU_ASSERT(noted > 10);
    conf_unref(conf);
    unit_directory_remove(place);
}

int main(void)
{
    CU_TestInfo tests[] = {{"one change after the other", test_single},
                           {"all changes together", test_together},
                           {"any words", test_any_words},
                           CU_TEST_INFO_NULL};
    int status = unit_run("changes", tests);
    free(answer);
    return status;
}
