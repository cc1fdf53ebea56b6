/* The modules of Momentum's manual: the table is well-formed, and stanzas of modules that are not here are
 * checked against it. */
#include "conf_harness.h"

enum { TEXT_SIZE = 1024 };

static const struct conf_load_options lenient = {.lenient = true};

static struct conf *load_leniently(const char *text)
{
    return conf_load_text("text", text, strlen(text), &lenient, &found);
}

/* ---- the table ----------------------------------------------------------------------------------------- */

static bool is_name(const char *name)
{
    return *name && name[strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789_-")] == '\0';
}

/* A phrase that stands within a message: no capital at its beginning is asked for, but no full stop. */
static bool is_phrase(const char *text)
{
    size_t size = text ? strlen(text) : 0;
    return size > 0 && size < 200 && text[size - 1] != '.' && !strpbrk(text, "\n\t");
}

static void test_modules(void)
{
    for (size_t i = 0; i < conf_documented_count(); i++) {
        const struct conf_documented *module = conf_documented_at(i);
        CU_ASSERT(is_name(module->name));
        CU_ASSERT(is_phrase(module->what));
        CU_ASSERT(module->support == CONF_ACCEPTED || module->support == CONF_UNSUPPORTED);
        CU_ASSERT(module->instead == NULL || is_phrase(module->instead));
        CU_ASSERT(module->support == CONF_ACCEPTED || module->instead); /* a refusal shows a way out */
        CU_ASSERT(i == 0 || strcmp(conf_documented_at(i - 1)->name, module->name) < 0);
        CU_ASSERT_PTR_EQUAL(conf_documented_find(module->name), module);
    }
    CU_ASSERT(conf_documented_count() >= 115);
    CU_ASSERT_PTR_NULL(conf_documented_at(conf_documented_count()));
    CU_ASSERT_PTR_EQUAL(conf_documented_find("OpenDKIM"), conf_documented_find("opendkim"));
    CU_ASSERT_PTR_NULL(conf_documented_find("no_such_module"));
    CU_ASSERT_PTR_NULL(conf_documented_find(""));
}

static const struct conf_option *find_row(const struct conf_documented *module, const char *path,
                                          const char *name, bool stanza)
{
    size_t count;
    const struct conf_option *rows = conf_documented_options(module, &count), *row = NULL;
    for (size_t i = 0; i < count; i++)
        if (strcmp(rows[i].scopes, path) == 0 && strcmp(rows[i].name, name) == 0 &&
            (rows[i].type == CONF_SCOPE) == stanza) {
            CU_ASSERT_PTR_NULL(row); /* there is one */
            row = &rows[i];
        }
    return row;
}

static bool are_choices(const struct conf_option *row)
{
    switch (row->type) {
    case CONF_ENUM:
        return row->choices && *row->choices;
    case CONF_INT:
    case CONF_SIZE:
    case CONF_DURATION:
        return !row->choices || strstr(row->choices, "..");
    case CONF_STRING:
        return !row->choices || row->support == CONF_UNSUPPORTED;
    case CONF_SCOPE:
        return strcmp(row->choices, "named") == 0 || strcmp(row->choices, "unnamed") == 0 ||
               strcmp(row->choices, "optional") == 0;
    default:
        return !row->choices;
    }
}

/* Calls `check` for every row of the table. */
static size_t for_each_row(void (*check)(const struct conf_documented *module, const struct conf_option *row))
{
    size_t total = 0;
    for (size_t i = 0; i < conf_documented_count(); i++) {
        const struct conf_documented *module = conf_documented_at(i);
        size_t count;
        const struct conf_option *rows = conf_documented_options(module, &count);
        CU_ASSERT_PTR_NOT_NULL(rows);
        for (size_t j = 0; j < count; j++)
            check(module, &rows[j]);
        total += count;
    }
    return total;
}

static void check_row(const struct conf_documented *module, const struct conf_option *row)
{
    bool good = is_name(row->name) && is_phrase(row->note) && are_choices(row) &&
                (row->support == CONF_ACCEPTED || (row->support == CONF_UNSUPPORTED && row->instead)) &&
                find_row(module, row->scopes, row->name, row->type == CONF_SCOPE) == row &&
                strcmp(row->name, "enabled") != 0 && strcmp(row->name, "debug_level") != 0;
    CU_ASSERT(good);
    if (!good)
        fprintf(stderr, "%s: %s at \"%s\"\n", module->name, row->name, row->scopes);
}

static void test_rows(void)
{
    CU_ASSERT(for_each_row(check_row) >= 650);
}

/* doc/compatibility.md names whatever refuses a load. */
static char document[256 * 1024];

static bool is_named(const char *name)
{
    char quoted[100];
    snprintf(quoted, sizeof quoted, "`%s`", name);
    const char *from = strstr(document, "\n### Modules"), *to = from ? strstr(from, "\n## ") : NULL;
    const char *at = from ? strstr(from, quoted) : NULL;
    bool named = at && (!to || at < to);
    if (!named)
        fprintf(stderr, "doc/compatibility.md: %s is missing\n", name);
    return named;
}

static void check_named(const struct conf_documented *module, const struct conf_option *row)
{
    if (row->support == CONF_UNSUPPORTED)
        CU_ASSERT(is_named(row->name) && is_named(module->name));
}

static void test_compatibility_document(void)
{
    char path[512];
    const char *source = getenv("srcdir");
    snprintf(path, sizeof path, "%s/doc/compatibility.md", source ? source : ".");
    FILE *file = fopen(path, "r");
    CU_ASSERT_PTR_NOT_NULL_FATAL(file);
    document[fread(document, 1, sizeof document - 1, file)] = '\0';
    fclose(file);
    for (size_t i = 0; i < conf_documented_count(); i++)
        if (conf_documented_at(i)->support == CONF_UNSUPPORTED)
            CU_ASSERT(is_named(conf_documented_at(i)->name));
    for_each_row(check_named);
}

/* ---- every row in a file ------------------------------------------------------------------------------- */

/*
 * Writes a stanza of the module, and in it the stanzas of the row's path, with NAME = VALUE in the innermost.
 * The path must exist: each part of it is a stanza of the table.
 */
static void write_stanzas(char text[TEXT_SIZE], const struct conf_documented *module,
                          const struct conf_option *row, const char *value)
{
    FILE *out = fmemopen(text, TEXT_SIZE, "w");
    char path[100] = "", kind[100];
    unsigned depth = 1;
    CU_ASSERT_PTR_NOT_NULL_FATAL(out);
    fprintf(out, "%s { ", module->name);
    for (const char *part = row->scopes; *part; depth++) {
        size_t size = strcspn(part, "/");
        snprintf(kind, sizeof kind, "%.*s", (int)size, part);
        const struct conf_option *stanza = find_row(module, path, kind, true);
        CU_ASSERT_PTR_NOT_NULL_FATAL(stanza);
        fprintf(out, "%s %s { ", kind, strcmp(stanza->choices, "named") == 0 ? "\"x\"" : "");
        snprintf(path, sizeof path, "%.*s", (int)(part - row->scopes + (ptrdiff_t)size), row->scopes);
        part += size + (part[size] == '/');
    }
    fprintf(out, "%s = %s", row->name, value);
    while (depth--)
        fputs(" }", out);
    fclose(out);
}

static const struct conf_scope *innermost(const struct conf *conf)
{
    const struct conf_scope *scope = conf_scope_next(conf_root(conf), NULL, NULL), *child;
    while ((child = conf_scope_next(scope, NULL, NULL)))
        scope = child;
    return scope;
}

static void check_default(const struct conf_documented *module, const struct conf_option *row)
{
    char text[TEXT_SIZE];
    if (row->type == CONF_SCOPE || !row->default_text)
        return;
    write_stanzas(text, module, row, row->default_text);
    struct conf *conf = load_leniently(text);
    CU_ASSERT_PTR_NOT_NULL(conf);
    if (!conf || conf_report_count(found) != 1) { /* that the module is not here */
        CU_ASSERT_EQUAL(conf_report_count(found), 1);
        conf_report_print(found, CONF_NOTE, stderr);
    } else {
        const struct conf_scope *scope = innermost(conf);
        const struct conf_value *value = conf_scope_value(scope, row->name);
        CU_ASSERT_PTR_NOT_NULL_FATAL(value);
        CU_ASSERT_EQUAL(value->type, row->type);
        CU_ASSERT_PTR_EQUAL(conf_scope_option(scope, row->name), row);
    }
    conf_drop(conf);
}

static void test_defaults(void)
{
    for_each_row(check_default);
}

/* What no value of the type is; NULL: there is nothing. */
static const char *wrong_value(enum conf_type type)
{
    static const char *const wrong[] = {
        [CONF_BOOL] = "perhaps",   [CONF_INT] = "many",  [CONF_SIZE] = "12q",
        [CONF_DURATION] = "soon",  [CONF_MODE] = "0999", [CONF_PORT] = "70000",
        [CONF_STRING] = "( a )",   [CONF_ENUM] = "?",    [CONF_ADDRESS] = "not.an.address",
        [CONF_LIST] = "[ a = b ]", [CONF_DICT] = "one",
    };
    return (size_t)type < sizeof wrong / sizeof *wrong ? wrong[type] : NULL;
}

static void check_wrong_value(const struct conf_documented *module, const struct conf_option *row)
{
    char text[TEXT_SIZE];
    if (row->type == CONF_SCOPE)
        return;
    const char *wrong = wrong_value(row->type);
    CU_ASSERT_PTR_NOT_NULL_FATAL(wrong);
    write_stanzas(text, module, row, wrong);
    CU_ASSERT_PTR_NULL(load_leniently(text));
    CU_ASSERT_EQUAL_FATAL(conf_report_errors(found), 1);
    const struct conf_diagnostic *error = conf_report_at(found, conf_report_count(found) - 1);
    CU_ASSERT_EQUAL(error->severity, CONF_ERROR);
    CU_ASSERT_EQUAL(error->place.column, (unsigned)(strstr(text, wrong) - text) + 1);
    CU_ASSERT_PTR_EQUAL(strstr(error->message, row->name), error->message);
    CU_ASSERT_PTR_NOT_NULL(strstr(error->message, "expected"));
    conf_drop(NULL);
}

static void test_wrong_values(void)
{
    for_each_row(check_wrong_value);
}

/* ---- loading ------------------------------------------------------------------------------------------- */

/* Is the finding at `index` of that severity, at that column of line 1, with that in its message? */
static bool finding(size_t index, enum conf_severity severity, unsigned column, const char *part)
{
    const struct conf_diagnostic *d = conf_report_at(found, index);
    bool good = d && d->severity == severity && d->place.line == 1 && d->place.column == column &&
                strstr(d->message, part);
    if (!good)
        conf_report_print(found, CONF_NOTE, stderr);
    return good;
}

static void test_missing(void)
{
    struct conf *conf = conf_of("bounce_logger a { heartbeat = 1 }\nbounce_logger b { }\nopenarc { }\n");
    CU_ASSERT_PTR_NOT_NULL_FATAL(conf);
    CU_ASSERT_EQUAL(conf_report_count(found), 2);
    CU_ASSERT(
        finding(0, CONF_WARNING, 1,
                "module bounce_logger is not available (a log of bounces): its stanza is read but has no "
                "effect; instead: read the P and T records in the mainlog of ec_logger (and in 1 more "
                "place)"));
    conf_drop(conf);

    CU_ASSERT(
        refused("clamav { }", 1, 1,
                "module clamav is not available (virus scanning with clamd): it would be dangerous to go "
                "on without it; instead: "));
    conf = load_leniently("clamav { }");
    CU_ASSERT_PTR_NOT_NULL(conf);
    CU_ASSERT(finding(0, CONF_WARNING, 1, "it would be dangerous to go on without it"));
    conf_drop(conf);
}

static void test_undocumented(void)
{
    struct conf *conf = conf_of("opendkim o { headrlist = ( From ) frobnicate = [ a = 1 ] "
                                "dkim_domian \"d\" { anything { goes = here } } }");
    CU_ASSERT_PTR_NOT_NULL_FATAL(conf);
    CU_ASSERT_EQUAL(conf_report_count(found), 4);
    CU_ASSERT(finding(1, CONF_WARNING, 14,
                      "module opendkim has no option 'headrlist' here in Momentum's manual; did you mean "
                      "'headerlist'?"));
    CU_ASSERT(finding(2, CONF_WARNING, 35, "has no option 'frobnicate' here in Momentum's manual"));
    CU_ASSERT(finding(3, CONF_WARNING, 58,
                      "has no stanza 'dkim_domian' here in Momentum's manual; did you mean "
                      "'dkim_domain'?"));
    const struct conf_scope *module = at(conf, "opendkim", "o", NULL);
    CU_ASSERT_EQUAL(conf_scope_value(module, "headrlist")->type, CONF_LIST);
    CU_ASSERT_EQUAL(conf_scope_value(module, "frobnicate")->type, CONF_DICT);
    CU_ASSERT_PTR_NULL(conf_scope_option(module, "frobnicate"));
    CU_ASSERT_STRING_EQUAL(
        text_of(at(conf, "opendkim", "o", "dkim_domian", "d", "anything", "", NULL), "goes"), "here");
    conf_drop(conf);
}

/* An option belongs to its stanza: it is not known one further out or in. */
static void test_places(void)
{
    struct conf *conf =
        load_leniently("auth_ds { query = a Scheme s { query = b Authenticate { query = c } } }");
    CU_ASSERT_PTR_NOT_NULL_FATAL(conf);
    CU_ASSERT_EQUAL(conf_report_count(found), 3);
    CU_ASSERT(finding(1, CONF_WARNING, 11, "no option 'query' here"));
    CU_ASSERT(finding(2, CONF_WARNING, 32, "no option 'query' here"));
    const struct conf_scope *check =
        at(conf, "auth_ds", "", "scheme", "S", "authenticate", "", NULL); /* names have no case */
    CU_ASSERT_STRING_EQUAL(text_of(check, "query"), "c");
    const struct conf_option *row = conf_scope_option(check, "Query");
    CU_ASSERT_PTR_NOT_NULL_FATAL(row);
    CU_ASSERT_STRING_EQUAL(row->scopes, "scheme/authenticate");
    CU_ASSERT_PTR_NULL(conf_scope_option(conf_scope_parent(check), "query"));
    conf_drop(conf);
}

static void test_names(void)
{
    CU_ASSERT_PTR_NULL(load_leniently("auth_ds { Scheme { } }"));
    CU_ASSERT(finding(1, CONF_ERROR, 11, "a stanza scheme needs a name"));
    conf_drop(NULL);
    CU_ASSERT_PTR_NULL(load_leniently("auth_ds { Scheme a { Authenticate b { } } }"));
    CU_ASSERT(finding(1, CONF_ERROR, 35, "a stanza authenticate takes no name"));
    conf_drop(NULL);

    /* Two stanzas of one name are one, and of two names are two, within a module as elsewhere. */
    struct conf *conf = load_leniently("antivirus a { clamav one { daemon = 1 } clamav two { daemon = 2 } }\n"
                                       "antivirus a { clamav one { timeout = 3 } csapi { } }\n");
    CU_ASSERT_PTR_NOT_NULL_FATAL(conf);
    const struct conf_scope *one = at(conf, "antivirus", "a", "clamav", "one", NULL);
    CU_ASSERT_STRING_EQUAL(text_of(one, "daemon"), "1");
    CU_ASSERT_STRING_EQUAL(text_of(one, "timeout"), "3");
    CU_ASSERT_STRING_EQUAL(text_of(at(conf, "antivirus", "a", "clamav", "two", NULL), "daemon"), "2");
    conf_drop(conf);
}

/* enabled and debug_level may stand in every stanza of a module. */
static void test_common_options(void)
{
    struct conf *conf = load_leniently("antivirus a { Enabled = no csapi b { enabled = false Debug_Level = "
                                       "DEBUG } }");
    CU_ASSERT_PTR_NOT_NULL_FATAL(conf);
    CU_ASSERT_EQUAL(conf_report_count(found), 1);
    const struct conf_scope *csapi = at(conf, "antivirus", "a", "csapi", "b", NULL);
    CU_ASSERT_EQUAL(conf_scope_value(csapi, "enabled")->type, CONF_BOOL);
    CU_ASSERT_PTR_NOT_NULL(conf_scope_option(csapi, "debug_level"));
    conf_drop(conf);
    CU_ASSERT_PTR_NULL(load_leniently("debug_level = info"));
    CU_ASSERT(finding(0, CONF_ERROR, 1, "only in: cluster, curfew, and in the stanza of a module"));
    conf_drop(NULL);
    CU_ASSERT_PTR_NULL(load_leniently("openarc { debug_level = loud }"));
    CU_ASSERT(finding(1, CONF_ERROR, 25, "debug_level: expected"));
    conf_drop(NULL);
}

/* Of some modules a single option is what must not be passed over, and not every value of it. */
static void test_dangerous_options(void)
{
    static const struct {
        const char *text, *part;
        unsigned column;
    } dangerous[] = {
        {"scriptlet s { script a { source = \"my.policy\" } }", "option source of module scriptlet", 26},
        {"scriptlet s { script a { source = \"msys.booted\" } }", "option source of module scriptlet", 26},
        {"sieve s { script rcptto_phase1 { source = /p } }", "option source of module sieve", 34},
        {"sieve s { hook h { script = /p } }", "option script of module sieve", 20},
        {"static_routes { target = \"10.0.0.1:25\" }", "option target of module static_routes", 17},
        {"conntrol c { disconnect_ratware = \"421 go\" }", "option disconnect_ratware of module conntrol",
         14},
    };
    static const char *const harmless[] = {
        "scriptlet s { script boot { source = \"msys.boot\" } script r { source = \"MSYS.rest.users\" } }",
        "scriptlet s { script_ttl = 5 }",
        "sieve s { script rcptto_phase1 { source = \"\" } }",
        "static_routes { }",
        "conntrol c { banner = \"220 hello\" pause_time = 2 }",
    };
    for (size_t i = 0; i < sizeof dangerous / sizeof *dangerous; i++) {
        CU_ASSERT_PTR_NULL(conf_of(dangerous[i].text));
        CU_ASSERT_EQUAL(conf_report_count(found), 2);
        CU_ASSERT(finding(1, CONF_ERROR, dangerous[i].column, dangerous[i].part));
        CU_ASSERT(finding(1, CONF_ERROR, dangerous[i].column, "; instead: "));
        conf_drop(NULL);
        struct conf *conf = load_leniently(dangerous[i].text);
        CU_ASSERT_PTR_NOT_NULL(conf);
        CU_ASSERT(finding(1, CONF_WARNING, dangerous[i].column, dangerous[i].part));
        conf_drop(conf);
    }
    for (size_t i = 0; i < sizeof harmless / sizeof *harmless; i++) {
        struct conf *conf = conf_of(harmless[i]);
        CU_ASSERT_PTR_NOT_NULL(conf);
        CU_ASSERT_EQUAL(conf_report_count(found), 1);
        conf_drop(conf);
    }
}

/* A module that is here is described by its manifest, not by the manual. */
static void test_manifest_wins(void)
{
    static const struct conf_option options[] = {
        {.name = "daemon", .type = CONF_INT, .scopes = "", .support = CONF_HONOURED, .note = "a number here"},
        {.name = "timeout", .type = CONF_INT, .scopes = "", .support = CONF_ACCEPTED, .note = "not needed"},
        {.name = "strict",
         .type = CONF_BOOL,
         .default_text = "false",
         .scopes = "",
         .support = CONF_UNSUPPORTED,
         .note = "it is not",
         .instead = "take care"},
    };
    static const struct conf_module_schema clamav = {
        .name = "clamav", .singleton = true, .options = options, .option_count = 3};
    static const struct conf_load_options here = {.modules = &clamav, .module_count = 1};
    const char *text = "clamav { daemon = 5 strict = off timeout = 1 }";
    struct conf *conf = conf_load_text("text", text, strlen(text), &here, &found);
    CU_ASSERT_PTR_NOT_NULL_FATAL(conf);
    CU_ASSERT_EQUAL(conf_report_count(found), 1);
    CU_ASSERT(
        finding(0, CONF_WARNING, 34,
                "option timeout of module clamav is read but has no effect in this version: not needed"));
    CU_ASSERT_STRING_EQUAL(conf_scope_option(at(conf, "clamav", "", NULL), "daemon")->note, "a number here");
    conf_drop(conf);
    text = "clamav { max_concurrency = 5 }";
    CU_ASSERT_PTR_NULL(conf_load_text("text", text, strlen(text), &here, &found));
    CU_ASSERT(
        finding(0, CONF_ERROR, 10, "option max_concurrency of Momentum's module clamav is not supported"));
    conf_drop(NULL);
    text = "clamav { strict = on }";
    CU_ASSERT_PTR_NULL(conf_load_text("text", text, strlen(text), &here, &found));
    CU_ASSERT(finding(0, CONF_ERROR, 10,
                      "option strict of module clamav is not supported in this version: it is "
                      "not; instead: take care"));
    conf_drop(NULL);
}

int main(void)
{
    CU_TestInfo tests[] = {
        {"modules", test_modules},
        {"rows", test_rows},
        {"doc/compatibility.md", test_compatibility_document},
        {"defaults", test_defaults},
        {"wrong values", test_wrong_values},
        {"modules that are not here", test_missing},
        {"what the manual does not list", test_undocumented},
        {"options in their places", test_places},
        {"names of stanzas", test_names},
        {"options of every module", test_common_options},
        {"dangerous options", test_dangerous_options},
        {"modules that are here", test_manifest_wins},
        CU_TEST_INFO_NULL,
    };
    return unit_run("modules of the manual", tests);
}
