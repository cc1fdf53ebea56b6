/*
 * confparse: ecelerity.conf in, an immutable typed configuration out.
 *
 * This is the library's whole face. It includes nothing of src/ and knows nothing of sockets or mail; the
 * daemon and the tools use it alike. A `struct conf` is one generation: built, checked, then never changed,
 * shared by reference count between threads. Everything returned by an accessor belongs to the generation and
 * lives as long as a reference to it is held.
 *
 * Source of the language: Momentum 4 manual, "Configuration Overview" and "Configuration Scopes and
 * Fallback".
 */
#ifndef IMPULSE_CONFPARSE_H
#define IMPULSE_CONFPARSE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

struct conf;       /* a generation */
struct conf_value; /* of an option, below */
struct conf_scope; /* one scope instance of it: the global scope, Domain "example.com", Listen ":25", ... */

/* ---- places and diagnostics ---------------------------------------------------------------------------- */

struct conf_place {
    const char *file; /* as it was named, never NULL; "(default)" for a value from options.def */
    unsigned line;    /* from 1; 0 when there is no line */
    unsigned column;  /* from 1, in bytes */
};

enum conf_severity { CONF_NOTE, CONF_WARNING, CONF_ERROR };

struct conf_diagnostic {
    enum conf_severity severity;
    struct conf_place place;
    const char *message; /* one line, no final newline: what is wrong, what was expected, the nearest name */
    const char *source_line; /* the offending line without its newline, or NULL when there is none */
    unsigned width;          /* bytes to underline from place.column, at least 1 */
};

struct conf_report; /* the diagnostics of one load, in the order of the files */

size_t conf_report_count(const struct conf_report *report);
const struct conf_diagnostic *conf_report_at(const struct conf_report *report, size_t index);
size_t conf_report_errors(const struct conf_report *report);
size_t conf_report_warnings(const struct conf_report *report);
/* "FILE:LINE:COLUMN: error: MESSAGE", the source line, and a caret line, for each diagnostic of at
 * `least` that severity. */
void conf_report_print(const struct conf_report *report, enum conf_severity least, FILE *out);
/* One diagnostic in the same form, for a finding that a user of the library makes (a module, the policy). */
void conf_report_add(struct conf_report *report, enum conf_severity severity, struct conf_place place,
                     const char *format, ...) __attribute__((format(printf, 4, 5)));
void conf_report_free(struct conf_report *report);

/* ---- schema -------------------------------------------------------------------------------------------- */

enum conf_type {
    CONF_BOOL,     /* true/false, yes/no, on/off, 1/0, enabled/disabled */
    CONF_INT,      /* signed decimal */
    CONF_SIZE,     /* bytes; suffixes k, m, g (1024) */
    CONF_DURATION, /* seconds; a decimal fraction is allowed where the manual shows one */
    CONF_MODE,     /* octal file mode */
    CONF_PORT,     /* 1 to 65535 */
    CONF_STRING,
    CONF_ENUM,    /* one of a list, case-insensitive; stored in the list's spelling */
    CONF_ADDRESS, /* IPv4 or IPv6 literal */
    CONF_CIDR,    /* address[/bits] */
    CONF_LIST,    /* ( "a" "b" ) or one bare value */
    CONF_CIDR_LIST,
    CONF_DICT,     /* [ key = value ... ] */
    CONF_THROTTLE, /* "100" or "100/60": events per seconds */
    CONF_SCOPE,    /* no option: the row of a kind of stanza */
};

enum conf_support {
    CONF_HONOURED,    /* has its documented effect */
    CONF_DIFFERENT,   /* has an effect, but not in all the documented one: the note says how it differs */
    CONF_ACCEPTED,    /* read and kept, without effect here; `impulsed -t` says so and why */
    CONF_UNSUPPORTED, /* refused unless the load is lenient */
};

struct conf_option {  /* a row of options.def, or of a module's manifest */
    const char *name; /* lower case, as options.def spells it */
    enum conf_type type;
    const char *default_text; /* as it would be written in a file; NULL when there is none */
    /*
     * CONF_ENUM: "a|b|c". CONF_INT, CONF_SIZE, CONF_DURATION: words that stand for a number, then the range,
     * either end of which may be open: "auto=-2|none=-1|0..". CONF_SCOPE: "named", "unnamed" or "optional"
     * (the instance name). CONF_STRING that is UNSUPPORTED: the values that ask for nothing dangerous,
     * "a|b*", where an asterisk stands for any end. Else NULL.
     */
    const char *choices;
    const char *scopes; /* comma-separated scope names it may stand in: "global,domain,binding" */
    bool dynamic;       /* may change at reload */
    enum conf_support support;
    const char *note; /* one line: what it does here, or why it has no effect */
    const char *
        instead; /* for what has no effect: what an operator does instead; NULL when there is nothing to do */
};

/* The row for a core option, else for a scope of that name, or NULL. `name` is case-insensitive. Any thread.
 */
const struct conf_option *conf_option_find(const char *name);
/* Is the default of this row, which is of no table yet, a value for its type? False: problem[] says why not. Any
 * thread. */
bool conf_default_check(const struct conf_option *row, char *problem, size_t problem_size);
/* The row for a kind of stanza, or NULL. */
const struct conf_option *conf_stanza_find(const char *kind);
/* The rows of options.def, options and scopes, in order of name: 0 up to conf_option_count() - 1. */
size_t conf_option_count(void);
const struct conf_option *conf_option_at(size_t index);

/*
 * Where an option has another effect than its row says (values.def): in stanzas of one kind, or when it is
 * set to one value.
 */
struct conf_exception {
    const char *option;
    const char *stanza; /* the outermost stanza around it; NULL: any */
    const char *value;  /* the value, or the first word of an item of the list; NULL: any */
    enum conf_support support;
    const char *note;
    const char *instead; /* NULL when there is nothing to do */
};
size_t conf_exception_count(void);
const struct conf_exception *conf_exception_at(size_t index);
enum { CONF_EXCEPTIONS_MAX = 16 };
/*
 * What becomes of `option` when it is set to `value` in `scope`: its row says it, unless exceptions apply.
 * They then say it instead of the row: as many as are returned, of which a list may have several.
 */
size_t conf_exceptions_find(const struct conf_option *option, const struct conf_scope *scope,
                            const struct conf_value *value,
                            const struct conf_exception *found[CONF_EXCEPTIONS_MAX]);

/*
 * Does this value of an option ask for nothing, because it is off or as the default has it? Then it does no
 * harm that the option is unsupported.
 */
bool conf_asks_for_nothing(const struct conf *conf, const struct conf_scope *scope,
                           const struct conf_option *option, const struct conf_value *value);

/* What differs although no file says so: an option that is not set means something else than in Momentum. */
struct conf_other_default {
    const char *option;
    const char *theirs; /* what Momentum does, one line */
    const char *ours;   /* what is done here */
};
size_t conf_other_default_count(void);
const struct conf_other_default *conf_other_default_at(size_t index);

/*
 * The modules that Momentum's manual documents, in order of name (momentum_modules.def): what a stanza of
 * theirs may hold, whether or not this build has the module. 0 up to conf_documented_count() - 1.
 */
struct conf_documented {
    const char *name; /* the scope's name */
    const char *what; /* one line: what the module is for */
    enum conf_support
        support;         /* UNSUPPORTED: passing it over would be dangerous (it authenticates, it filters) */
    const char *instead; /* what an operator does instead, or NULL */
};
size_t conf_documented_count(void);
const struct conf_documented *conf_documented_at(size_t index);
/* `name` is case-insensitive. NULL: the manual knows no such module. */
const struct conf_documented *conf_documented_find(const char *name);
/*
 * The options of a documented module, and the stanzas (CONF_SCOPE) in its stanza: `*count` rows. Their
 * `scopes` is "" for the module's own stanza, else the path of the stanza in it: "scheme/authenticate".
 */
const struct conf_option *conf_documented_options(const struct conf_documented *module, size_t *count);

/* What a module's manifest (.ecm) adds to the language. */
struct conf_module_schema {
    const char *name; /* the scope's name: "ec_logger" */
    bool singleton;   /* one instance; a name that its stanza has means nothing */
    /*
     * What may stand in its stanza: options, and the stanzas in it (CONF_SCOPE). `scopes` is "" for the
     * module's own stanza, else the path of the stanza in it: "rule/when".
     */
    const struct conf_option *options;
    size_t option_count;
    /* Options that stand in scopes of the core, which `scopes` names: "listen,peer,domain". No option or
     * stanza of the core, and of no other module, has such a name. */
    const struct conf_option *added;
    size_t added_count;
    bool listens; /* its stanza may hold Listen stanzas, with their options, as ESMTP_Listener does */
};

/* ---- loading ------------------------------------------------------------------------------------------- */

struct conf_load_options {
    bool lenient; /* unsupported options warn instead of failing */
    /* Findings are about mistakes alone: what options do here is left to the caller to say. */
    bool only_mistakes;
    /* `path` must be a regular file. Else it may be a pipe, for whose writer the call waits. */
    bool only_files;
    const struct conf_module_schema *modules; /* borrowed for the call; deep-copied as needed */
    size_t module_count;
    /* Where their manifests were read from: a stanza of a module that is there without one is called that.
     * NULL: not looked for. */
    const char *module_directory;
    const char *search_path; /* directory tried for an include after the including file's; or NULL */
    /*
     * Adds the findings of who uses the library: called once with the whole tree, also when there are errors
     * already, so that one load reports everything. An error it adds refuses the load. May be NULL.
     */
    void (*check)(const struct conf *conf, struct conf_report *report, void *argument);
    void *check_argument;
};

/*
 * Reads `path` and everything it includes, resolves and checks it whole. Returns a generation with one
 * reference, or NULL if there was any error. *report (never NULL afterwards; free with conf_report_free)
 * holds all errors and warnings of all files. Thread: any; blocks on file reads.
 */
struct conf *conf_load(const char *path, const struct conf_load_options *options,
                       struct conf_report **report);
/* The same from memory; `name` stands for the file in diagnostics. For tests, fuzzing and the console. */
struct conf *conf_load_text(const char *name, const char *text, size_t size,
                            const struct conf_load_options *options, struct conf_report **report);

struct conf *conf_ref(struct conf *conf);          /* any thread; returns conf */
void conf_unref(struct conf *conf);                /* any thread; NULL is harmless; the last one frees */
unsigned conf_generation(const struct conf *conf); /* 1, 2, 3 ... within a process, in order of loading */

/* ---- scopes -------------------------------------------------------------------------------------------- */

const struct conf_scope *conf_root(const struct conf *conf);
/* Lower-case kind ("esmtp_listener", "listen", "domain", "ec_logger"; "global" for the root). */
const char *conf_scope_kind(const struct conf_scope *scope);
/* The instance name as written, "" when there is none, and for a module that is a singleton. */
const char *conf_scope_name(const struct conf_scope *scope);
/* The name as names are compared: all spellings of one have the same. */
const char *conf_scope_key(const struct conf_scope *scope);
struct conf_place conf_scope_place(const struct conf_scope *scope);
const struct conf_scope *conf_scope_parent(const struct conf_scope *scope); /* NULL for the root */
/* The stanza of the root that a scope stands in, or is; the root for itself. */
const struct conf_scope *conf_scope_outermost(const struct conf_scope *scope);
/* Children of one kind (NULL: any kind) in order of first appearance. `after` is NULL at first, then what the
 * call before returned; NULL at the end. Takes no longer for many children. */
const struct conf_scope *conf_scope_next(const struct conf_scope *parent, const char *kind,
                                         const struct conf_scope *after);
/*
 * The child of that kind and name, or NULL. A binary search. Kinds are case-insensitive, and so are names,
 * except of binding and binding_group, and except paths and regular expressions (names that begin with a
 * slash). A Peer is found by any spelling of its block.
 */
const struct conf_scope *conf_scope_find(const struct conf_scope *parent, const char *kind, const char *name);

/* ---- values -------------------------------------------------------------------------------------------- */

struct conf_value {
    enum conf_type type;
    struct conf_place place;
    const char
        *text; /* the scalar as written (for ENUM in the table's spelling), NUL-terminated; "" for lists */
    /* BOOL 0/1, INT, SIZE bytes, DURATION whole seconds, MODE, PORT; ENUM: which of the choices, from 1;
     * THROTTLE: events; LIST, DICT: how many items are lists or dictionaries, rendered as text. */
    int64_t number;
    double seconds; /* DURATION with its fraction; THROTTLE: the period (1 when not written) */
    size_t count;   /* LIST, CIDR_LIST: items; DICT: pairs */
    const char *const
        *items; /* LIST: item texts. DICT: key, value, key, value ... (nested dicts rendered as text) */
};

/* The value set in this very scope, or NULL. No fallback, no default. `option` is case-insensitive. */
const struct conf_value *conf_scope_value(const struct conf_scope *scope, const char *option);
/* Does a file set it? False for a default of options.def, and for NULL. */
static inline bool conf_value_is_set(const struct conf_value *value)
{
    return value && value->place.line > 0;
}
/* Does any scope set that option? Of one that conf_option_row knows, this is known without looking. */
bool conf_is_set(const struct conf *conf, const char *option);
/* Module scopes: the value set here, else the manifest's default, else NULL. */
const struct conf_value *conf_module_value(const struct conf *conf, const struct conf_scope *scope,
                                           const char *option);
/* The default that the schema of `module` gives for an option of its stanza, or NULL: for a module that has
 * none. */
const struct conf_value *conf_module_default(const struct conf *conf, const char *module, const char *option);

/* ---- fallback ------------------------------------------------------------------------------------------ */

/*
 * The levels that are asked for an option, most specific first, ending in the global scope.
 *
 * Inbound:  each Peer of the Listen and of the listener that covers the address, longest prefix first (the
 *           Listen's before the listener's at equal length, those in a Via before both); each Via that covers
 *           the address that was connected to, in the same order; Listen; listener; then
 * pathway_group::pathway, pathway, pathway_group (when the levels so far set `pathway`); global. Outbound:
 * binding_group::binding::domain, binding::domain, binding_group::domain, binding, binding_group, domain,
 * global. Domain stanzas match exactly first, then by "*.suffix", then by regex "/.../" in order of the file.
 */
enum { CONF_CHAIN_MAX = 160 }; /* of more Peer or Domain stanzas than fit, the least specific are left out */

struct conf_chain {
    const struct conf *conf; /* borrowed: the caller holds the reference */
    size_t count;
    const struct conf_scope *levels[CONF_CHAIN_MAX];
};

/* Without Vias (see conf_chain_clients in chain.h). `listen` may be NULL. peer: 16 bytes in network order,
 * IPv4 as ::ffff:a.b.c.d; NULL for no Peer (Unix socket). */
void conf_chain_inbound(struct conf_chain *chain, const struct conf *conf, const struct conf_scope *listener,
                        const struct conf_scope *listen, const uint8_t *peer);
/* binding NULL or "": none ("default"); domain may be NULL. The binding's group is found by its nesting. */
void conf_chain_outbound(struct conf_chain *chain, const struct conf *conf, const char *binding,
                         const char *domain);
/* The global scope alone. */
void conf_chain_global(struct conf_chain *chain, const struct conf *conf);
/* Asks the levels in turn, then the default of options.def, or of the manifest of the module that adds the
 * option. NULL when no level sets it and there is no default. */
const struct conf_value *conf_chain_value(const struct conf_chain *chain, const char *option);
/* The same without the default: NULL when no level sets it. */
const struct conf_value *conf_chain_set_value(const struct conf_chain *chain, const char *option);

/* The options that a scope itself sets, in order of name: 0 up to conf_scope_value_count() - 1. */
size_t conf_scope_value_count(const struct conf_scope *scope);
const struct conf_value *conf_scope_value_at(const struct conf_scope *scope, size_t index,
                                             const char **option);
/* The row that describes an option in this scope (of options.def, a manifest, or the manual's modules), or
 * NULL. */
const struct conf_option *conf_scope_option(const struct conf_scope *scope, const char *option);

/* The row of an option of the core, or of one that a module adds to the core's scopes, or NULL. */
const struct conf_option *conf_option_row(const struct conf *conf, const char *option);
/* The module that adds an option to the core's scopes, or NULL. */
const char *conf_option_module(const struct conf *conf, const char *option);

/* Shorthands over conf_chain_value: false, 0 or NULL when no level sets the option and its row has no
 * default. */
bool conf_chain_bool(const struct conf_chain *chain, const char *option);
int64_t conf_chain_int(const struct conf_chain *chain, const char *option);
const char *conf_chain_text(const struct conf_chain *chain, const char *option);
/* A number for a field of 32 bits without a sign: what does not fit becomes the nearest that does. */
static inline uint32_t conf_u32(int64_t number)
{
    return number < 0 ? 0 : number > UINT32_MAX ? UINT32_MAX : (uint32_t)number;
}

/* Reads a boolean in any of the manual's spellings ("true", "yes", "on", "1", "enabled", "enable" and their
 * opposites, case-insensitive), for values within lists and dictionaries, which are texts. False if it is
 * none. */
bool conf_parse_bool(const char *text, bool *value);

/* A Peer's name as 16 network-order bytes (IPv4 mapped) and a prefix length of 0 to 128. False if it is
 * neither. */
bool conf_parse_cidr(const char *text, uint8_t address[16], unsigned *bits);

#endif
