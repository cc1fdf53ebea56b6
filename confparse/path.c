/* path: see path.h. */
#include "confparse/path.h"

#include <stdio.h>
#include "confparse/address.h"
#include "confparse/builder.h"
#include "confparse/chain.h"
#include "confparse/schema.h"
#include "confparse/scope.h"
#include "confparse/spelling.h"

/* For "%.*s": as much of a word as a problem has room for. */
#define WORD(word) (int)strnlen(word, 80), (word)

/* ---- where the words have led -------------------------------------------------------------------------- */

enum { INNER_MAX = 256 };

struct reached {
    const struct conf *conf;
    const char *kind;
    const struct conf_scope *scope;           /* NULL: the configuration has none there */
    const struct conf_module *module;         /* of a manifest, or NULL */
    const struct conf_documented *documented; /* of the manual and without a manifest, or NULL */
    char inner[INNER_MAX];                    /* of its stanzas, "scheme/authenticate" */
    const char *guess; /* a word taken for its name although the configuration has none of it, or NULL */
};

struct stanza { /* what a word names as a stanza */
    const char *kind, *naming;
};

static bool at_global(const struct reached *at)
{
    return strcmp(at->kind, "global") == 0;
}

/* The manual's row of an option, or of a stanza, where the words have led. */
static const struct conf_option *documented_row(const struct reached *at, const char *word, bool stanza)
{
    size_t count = 0;
    const struct conf_option *rows = at->documented ? conf_documented_options(at->documented, &count) : NULL;
    for (size_t i = 0; i < count; i++)
        if ((rows[i].type == CONF_SCOPE) == stanza && conf_text_is(conf_text_of(word), rows[i].name) &&
            conf_text_is(conf_text_of(at->inner), rows[i].scopes))
            return &rows[i];
    return NULL;
}

static bool find_stanza(const struct reached *at, const char *word, struct stanza *found)
{
    const struct conf_module *module = at_global(at) ? conf_module_find(at->conf, conf_text_of(word)) : NULL;
    const struct conf_option *row = conf_schema_scope(conf_text_of(word));
    const struct conf_documented *documented = at_global(at) ? conf_documented_find(word) : NULL;
    const struct conf_scope *child = at->scope ? conf_scope_next(at->scope, word, NULL) : NULL;
    if (!row || (!conf_schema_allows(row, at->kind) && !conf_module_listens(at->module, row)))
        row = at->module ? conf_module_stanza(at->module, at->inner, conf_text_of(word))
                         : documented_row(at, word, true);
    if (module)
        *found = (struct stanza){module->schema.name, module->schema.singleton ? "unnamed" : "optional"};
    else if (row)
        *found = (struct stanza){row->name, row->choices ? row->choices : "optional"};
    else if (documented)
        *found = (struct stanza){documented->name, "optional"};
    else if (child)
        *found = (struct stanza){child->kind, "optional"};
    return module || row || documented || child;
}

/* The option's name in lower case; NULL: no such option there. */
static const char *find_option(const struct reached *at, const char *word)
{
    struct conf_text name = conf_text_of(word);
    const struct conf_option *row = conf_module_option(at->module, at->inner, name);
    const struct conf_added *added = conf_added_find(at->conf, name);
    size_t count = 0;
    if (!row)
        row = documented_row(at, word, false);
    if (!row && (row = conf_schema_option(name)) && !conf_schema_allows(row, at->kind))
        row = NULL;
    if (!row && added && conf_schema_allows(added->row, at->kind))
        row = added->row;
    if (!row && ((at->module && !*at->inner) || at->documented))
        row = conf_schema_module_option(name);
    if (row)
        return row->name;
    for (size_t i = 0; at->scope && i < at->scope->entry_count; i++)
        if (conf_text_is(name, at->scope->entries[i].name))
            return at->scope->entries[i].name;
    if (at->documented)
        conf_documented_options(at->documented, &count);
    return at->documented && !count ? word : NULL;
}

static void enter(struct reached *at, const struct conf_step *step)
{
    if (at_global(at)) {
        at->module = conf_module_find(at->conf, conf_text_of(step->kind));
        bool core = at->module || conf_schema_scope(conf_text_of(step->kind));
        at->documented = core ? NULL : conf_documented_find(step->kind);
    } else if (at->documented || at->module) {
        size_t size = strlen(at->inner);
        snprintf(at->inner + size, sizeof at->inner - size, "%s%s", size ? "/" : "", step->kind);
    }
    at->scope = at->scope ? conf_scope_find(at->scope, step->kind, step->name) : NULL;
    at->kind = step->kind;
}

/* ---- parsing ------------------------------------------------------------------------------------------- */

/* Is the word after a stanza that may have a name its name? Else it is an option or a stanza in it. */
static bool is_name(const struct reached *at, const struct stanza *stanza, const char *word)
{
    struct reached inside = *at;
    struct conf_step unnamed = {stanza->kind, ""};
    struct stanza ignored;
    if (at->scope && conf_scope_find(at->scope, stanza->kind, word))
        return true;
    enter(&inside, &unnamed);
    return !find_stanza(&inside, word, &ignored) && !find_option(&inside, word);
}

static bool check_name(const struct conf_step *step, char problem[CONF_PATH_PROBLEM])
{
    char spelled[CONF_SPELLING_MAX], block[CONF_KEY_MAX];
    conf_spell_kind(step->kind, spelled);
    if (conf_kind_is_block(conf_text_of(step->kind)) && !conf_block_key(step->name, block)) {
        snprintf(problem, CONF_PATH_PROBLEM,
                 "a %s is an address or a block, such as 10.0.0.0/8 or fd00::/8, not '%.*s'", spelled,
                 WORD(step->name));
        return false;
    }
    if (!*step->name)
        snprintf(problem, CONF_PATH_PROBLEM, "%s needs a name", spelled);
    return *step->name;
}

/* Takes a scope off words[path->used] and, where it has one, its name. */
static bool take_step(struct reached *at, const struct stanza *stanza, const char *const *words, size_t count,
                      struct conf_path *path, char problem[CONF_PATH_PROBLEM])
{
    struct conf_step step = {stanza->kind, ""};
    bool named = strcmp(stanza->naming, "named") == 0, optional = strcmp(stanza->naming, "optional") == 0;
    const char *next = path->used + 1 < count ? words[path->used + 1] : NULL;
    if (path->count == CONF_PATH_MAX) {
        snprintf(problem, CONF_PATH_PROBLEM, "no scope is nested that deep");
        return false;
    }
    if (next && (named || (optional && is_name(at, stanza, next))))
        step.name = next;
    if (named && !check_name(&step, problem))
        return false;
    path->steps[path->count++] = step;
    path->used += *step.name ? 2 : 1;
    enter(at, &step);
    at->guess = optional && *step.name && !at->scope ? step.name : NULL;
    return true;
}

/* The option or stanza there that a word may be meant for, or NULL. */
static const char *suggest(const struct reached *at, const char *word)
{
    struct conf_suggestion best = {NULL, 0};
    struct conf_text name = conf_text_of(word);
    conf_schema_suggest_option(&best, name, at->kind);
    conf_schema_suggest_stanza(&best, name, at->kind);
    for (size_t i = 0; at->module && i < at->module->schema.option_count; i++)
        if (strcmp(at->module->schema.options[i].scopes, at->inner) == 0)
            conf_suggest(&best, name, at->module->schema.options[i].name);
    if (!at->module)
        conf_added_suggest(&best, at->conf, name, at->kind);
    return best.name;
}

static void complain_unknown(const struct reached *at, const char *word, char problem[CONF_PATH_PROBLEM])
{
    const struct conf_option *row = conf_option_find(word);
    const struct conf_added *added = conf_added_find(at->conf, conf_text_of(word));
    const char *meant = suggest(at, word);
    char spelled[CONF_SPELLING_MAX], scopes[CONF_SCOPES_MAX];
    conf_spell_kind(at->kind, spelled);
    if (added)
        row = added->row;
    if (row) {
        snprintf(problem, CONF_PATH_PROBLEM, "%s '%s' cannot stand in the scope %s, only in: %s",
                 row->type == CONF_SCOPE ? "stanza" : "option", row->name, spelled,
                 conf_list_scopes(row->scopes, scopes));
        return;
    }
    snprintf(problem, CONF_PATH_PROBLEM, "the scope %s has no option or stanza '%.*s'%s%s%s", spelled,
             WORD(word), meant ? "; did you mean '" : "", meant ? meant : "", meant ? "'?" : "");
}

bool conf_path_parse(const struct conf *conf, const char *const *words, size_t count, struct conf_path *path,
                     char problem[CONF_PATH_PROBLEM])
{
    struct reached at = {.conf = conf, .kind = "global", .scope = conf->root};
    struct stanza stanza;
    *path = (struct conf_path){.count = 0};
    while (path->used < count && find_stanza(&at, words[path->used], &stanza))
        if (!take_step(&at, &stanza, words, count, path, problem))
            return false;
    path->option = path->used < count ? find_option(&at, words[path->used]) : NULL;
    bool misspelt = !path->option && at.guess && suggest(&at, at.guess); /* an option rather than a name */
    if (path->used == count && !misspelt)
        return true;
    if (!path->option) {
        complain_unknown(&at, misspelt ? at.guess : words[path->used], problem);
        return false;
    }
    path->used++;
    if (path->used < count && strcmp(words[path->used], "=") == 0)
        path->used++;
    return true;
}

void conf_path_of(const struct conf_scope *scope, struct conf_path *path)
{
    if (!scope->parent) {
        *path = (struct conf_path){.count = 0};
        return;
    }
    conf_path_of(scope->parent, path);
    if (path->count < CONF_PATH_MAX)
        path->steps[path->count++] = (struct conf_step){scope->kind, scope->name};
}

const struct conf_scope *conf_path_find(const struct conf *conf, const struct conf_path *path)
{
    const struct conf_scope *scope = conf->root;
    for (size_t i = 0; scope && i < path->count; i++)
        scope = conf_scope_find(scope, path->steps[i].kind, path->steps[i].name);
    return scope;
}

/* ---- fallback ------------------------------------------------------------------------------------------ */

/* The scope after the first `count` steps, or NULL. */
static const struct conf_scope *find_prefix(const struct conf *conf, const struct conf_path *path,
                                            size_t count)
{
    struct conf_path prefix = *path;
    prefix.count = count;
    return conf_path_find(conf, &prefix);
}

/* The position of the step of that kind, or path->count. */
static size_t find_step(const struct conf_path *path, const char *kind)
{
    size_t i = 0;
    while (i < path->count && strcmp(path->steps[i].kind, kind) != 0)
        i++;
    return i;
}

static const char *step_name(const struct conf_path *path, const char *kind)
{
    size_t step = find_step(path, kind);
    return step < path->count ? path->steps[step].name : NULL;
}

/* The scope of the step of that kind, or NULL. */
static const struct conf_scope *step_scope(const struct conf *conf, const struct conf_path *path,
                                           const char *kind)
{
    size_t step = find_step(path, kind);
    return step < path->count ? find_prefix(conf, path, step + 1) : NULL;
}

/* The block that the step of that kind names, or an unknown one. */
static struct conf_block step_block(const struct conf_path *path, const char *kind)
{
    struct conf_block block = {.known = false};
    const char *name = step_name(path, kind);
    block.known = name && conf_parse_cidr(name, block.address, &block.bits);
    return block;
}

static void chain_listener(const struct conf *conf, const struct conf_path *path, struct conf_chain *chain)
{
    struct conf_clients clients = {.listener = find_prefix(conf, path, 1),
                                   .listen = step_scope(conf, path, "listen"),
                                   .local = step_block(path, "via"),
                                   .peer = step_block(path, "peer")};
    conf_chain_clients(chain, conf, &clients);
}

static void chain_outbound(const struct conf *conf, const struct conf_path *path, struct conf_chain *chain)
{
    struct conf_route route = {.group = step_scope(conf, path, "binding_group")};
    const char *group = step_name(path, "binding_group"), *binding = step_name(path, "binding");
    const char *host = step_name(path, "host");
    if (binding && !group) {
        conf_route_of(&route, conf, binding);
    } else if (binding) {
        route.nested = route.group ? conf_scope_find(route.group, "binding", binding) : NULL;
        route.alone = conf_scope_find(conf->root, "binding", binding);
    }
    route.domain = step_name(path, "domain");
    if (host)
        conf_chain_host(chain, conf, &route, host);
    else
        conf_chain_route(chain, conf, &route);
}

static void chain_pathway(const struct conf *conf, const struct conf_path *path, struct conf_chain *chain)
{
    conf_chain_pathway(chain, conf, step_scope(conf, path, "pathway_group"), step_name(path, "pathway"));
}

static void chain_parents(const struct conf *conf, const struct conf_path *path, struct conf_chain *chain)
{
    chain->conf = conf;
    chain->count = 0;
    for (size_t i = path->count + 1; i-- > 0;) {
        const struct conf_scope *scope = find_prefix(conf, path, i);
        if (scope)
            chain->levels[chain->count++] = scope;
    }
}

/* Is it a path to a stanza that the manifest of a module declares, not to a Listen in the module's? */
static bool nested_in(const struct conf *conf, const struct conf_path *path)
{
    const struct conf_module *module =
        path->count > 1 ? conf_module_find(conf, conf_text_of(path->steps[0].kind)) : NULL;
    return module && conf_module_stanza(module, "", conf_text_of(path->steps[1].kind));
}

/* A stanza in the stanza of a module: no other is asked for what stands there. */
static void chain_stanza(const struct conf *conf, const struct conf_path *path, struct conf_chain *chain)
{
    const struct conf_scope *scope = conf_path_find(conf, path);
    chain->conf = conf;
    chain->count = 0;
    if (scope)
        chain->levels[chain->count++] = scope;
}

static bool is_listener(const char *kind)
{
    static const char suffix[] = "_listener";
    size_t size = strlen(kind);
    return size > sizeof suffix && strcmp(kind + size - (sizeof suffix - 1), suffix) == 0;
}

void conf_path_chain(const struct conf *conf, const struct conf_path *path, struct conf_chain *chain)
{
    static const struct {
        const char *last;
        void (*chain)(const struct conf *conf, const struct conf_path *path, struct conf_chain *chain);
    } kinds[] = {
        {"binding_group", chain_outbound}, {"binding", chain_outbound}, {"domain", chain_outbound},
        {"host", chain_outbound},          {"pathway", chain_pathway},
    };
    const char *last = path->count ? path->steps[path->count - 1].kind : "global";
    if (path->count && is_listener(path->steps[0].kind)) {
        chain_listener(conf, path, chain);
        return;
    }
    if (nested_in(conf, path)) {
        chain_stanza(conf, path, chain);
        return;
    }
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++)
        if (strcmp(last, kinds[i].last) == 0) {
            kinds[i].chain(conf, path, chain);
            return;
        }
    chain_parents(conf, path, chain);
}

/* Of an option in a stanza in the stanza of a module. */
static const struct conf_value *nested_default(const struct conf_module *module, const struct conf_path *path)
{
    char inner[INNER_MAX] = "";
    for (size_t i = 1, used = 0; i < path->count && used < sizeof inner; i++)
        used +=
            (size_t)snprintf(inner + used, sizeof inner - used, "%s%s", used ? "/" : "", path->steps[i].kind);
    const struct conf_option *row = conf_module_option(module, inner, conf_text_of(path->option));
    return row ? conf_module_default_of(module, row) : NULL;
}

const struct conf_value *conf_path_value(const struct conf *conf, const struct conf_path *path,
                                         const struct conf_chain *chain)
{
    const struct conf_value *set = conf_chain_set_value(chain, path->option);
    if (set)
        return set;
    const char *last = path->count ? path->steps[path->count - 1].kind : "global";
    const struct conf_module *module =
        path->count ? conf_module_find(conf, conf_text_of(path->steps[0].kind)) : NULL;
    if (module && path->count == 1)
        return conf_module_default(conf, module->schema.name, path->option);
    if (nested_in(conf, path))
        return nested_default(module, path);
    const struct conf_option *row = conf_option_row(conf, path->option);
    if (!row || !conf_schema_allows(row, last))
        return NULL;
    return strcmp(last, "host") == 0 ? conf_chain_host_value(chain, path->option)
                                     : conf_default_value(conf, path->option);
}

/* ---- printing ------------------------------------------------------------------------------------------ */

void conf_path_print(const struct conf_path *path, FILE *out)
{
    char spelled[CONF_SPELLING_MAX];
    for (size_t i = 0; i < path->count; i++) {
        fprintf(out, "%s%s", i ? " " : "", conf_spell_kind(path->steps[i].kind, spelled));
        if (!*path->steps[i].name)
            continue;
        fputs(" \"", out);
        for (const char *c = path->steps[i].name; *c; c++)
            fprintf(out, "%s%c", *c == '"' || *c == '\\' ? "\\" : "", *c);
        putc('"', out);
    }
}

void conf_path_print_location(const struct conf_scope *scope, FILE *out)
{
    char spelled[CONF_SPELLING_MAX];
    if (!scope->parent)
        return;
    conf_path_print_location(scope->parent, out);
    fprintf(out, "%s:", conf_spell_kind(scope->kind, spelled));
    for (const char *c = scope->name; *c; c++)
        fprintf(out, "%s%c", *c == ':' || *c == '\\' ? "\\" : "", *c);
    putc(':', out);
}
