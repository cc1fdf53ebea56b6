/*
 * path: the words that name a scope and an option in a command, "esmtp_listener listen :25 peer 10.0.0.1
 * smtp_extensions".
 *
 * A path need not exist in a configuration: "peer 10.0.0.1" may be a client that a Peer block covers, and
 * `config set` names scopes that are still to be made. The schema tells a scope from an option where a word
 * could be either, and whether a name follows. Source: Momentum 4 manual, console command "config".
 */
#ifndef IMPULSE_CONFPARSE_PATH_H
#define IMPULSE_CONFPARSE_PATH_H

#include "confparse/confparse.h"

enum { CONF_PATH_MAX = 16, CONF_PATH_PROBLEM = 256 };

struct conf_step {
    const char *kind; /* lower case; of the schema or of `conf` */
    const char *name; /* borrowed from the words; "" when there is none */
};

struct conf_path {
    struct conf_step steps[CONF_PATH_MAX];
    size_t count; /* 0: the global scope */
    /*
     * Lower case, but of a module whose options nobody knows as it was written; NULL: the path ends in a
     * scope.
     */
    const char *option;
    size_t used; /* words that the path took; the rest are the value of `config set` */
};

/*
 * Reads a path off `words`, of which `count` were given. The longest run of scopes is taken; then, unless no
 * word is left, an option. False with one line in problem[]: no such scope or option there, a name that is
 * missing, too deep. `conf` tells which modules there are. Pure; any thread.
 */
bool conf_path_parse(const struct conf *conf, const char *const *words, size_t count, struct conf_path *path,
                     char problem[CONF_PATH_PROBLEM]);

/* The path of a scope that exists; of one that is nested deeper than CONF_PATH_MAX, its beginning. */
void conf_path_of(const struct conf_scope *scope, struct conf_path *path);
/* The scope at the end of the path, or NULL when the configuration has none. */
const struct conf_scope *conf_path_find(const struct conf *conf, const struct conf_path *path);

/*
 * The levels that are asked for an option at this path: as conf_chain_inbound for paths through a listener (a
 * Peer that is a block stands for all its clients); the levels of binding_group, binding and domain as
 * conf_chain_outbound has them, the binding being the one that is named; for a host, the Host stanzas alone;
 * pathways as conf_chain_inbound has them; for any other scope itself, its parents, and the global scope. A
 * step that does not exist contributes what covers it.
 */
void conf_path_chain(const struct conf *conf, const struct conf_path *path, struct conf_chain *chain);
/*
 * The value that applies to the path's option, which must not be NULL: what the first level of its chain says
 * that sets it, else the default of options.def, of the module, or of Host scopes. NULL: there is none.
 */
const struct conf_value *conf_path_value(const struct conf *conf, const struct conf_path *path,
                                         const struct conf_chain *chain);

/* Writes a path as a command would: Listen ":25" Peer "10.0.0.1". Any thread. */
void conf_path_print(const struct conf_path *path, FILE *out);
/* The path of an existing scope, in the form that `config locate` prints: Esmtp_Listener::Listen:\:25: */
void conf_path_print_location(const struct conf_scope *scope, FILE *out);

#endif
