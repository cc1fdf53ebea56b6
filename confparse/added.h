/*
 * added: what modules add to the language (their manifests): the stanza of each with the stanzas in it, and
 * options that stand in scopes of the core. Built with a generation, then never changed; any thread.
 */
#ifndef IMPULSE_CONFPARSE_ADDED_H
#define IMPULSE_CONFPARSE_ADDED_H

#include "confparse/confparse.h"
#include "confparse/text.h"

struct conf_module { /* a copy of a conf_module_schema */
    struct conf_module_schema schema;
    struct conf_value *defaults; /* one for each option; type CONF_SCOPE where there is none */
};

/* An option that a module adds to scopes of the core. */
struct conf_added {
    const struct conf_option *row;
    const struct conf_module *module;
    struct conf_value fallback; /* its default; type CONF_SCOPE when there is none */
    bool is_set;                /* does any scope set it? */
};

/* The module of that name that has a manifest, or NULL. */
const struct conf_module *conf_module_find(const struct conf *conf, struct conf_text name);
/*
 * Its manifest's row of an option, or of a stanza, in the module's stanza (`path` "") or in a stanza in it,
 * which `path` names ("rule/when"); or NULL. `module` may be NULL.
 */
const struct conf_option *conf_module_option(const struct conf_module *module, const char *path,
                                             struct conf_text name);
const struct conf_option *conf_module_stanza(const struct conf_module *module, const char *path,
                                             struct conf_text kind);
/* Is this the row of Listen, and may Listens stand in the module's stanza? `module` may be NULL. */
bool conf_module_listens(const struct conf_module *module, const struct conf_option *row);
/* The default of one of its rows, or NULL. */
const struct conf_value *conf_module_default_of(const struct conf_module *module,
                                                const struct conf_option *row);

/* The option of that name that a module adds to scopes of the core, or NULL. */
struct conf_added *conf_added_find(const struct conf *conf, struct conf_text name);
/* Suggests those that may stand in a scope of that kind. */
void conf_added_suggest(struct conf_suggestion *best, const struct conf *conf, struct conf_text name,
                        const char *kind);

#endif
