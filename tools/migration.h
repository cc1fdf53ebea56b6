/*
 * migration: what becomes of a Momentum configuration under Impulse, option by option and module by module.
 *
 * migration_read judges the files by the tables of confparse (options.def, values.def, momentum_modules.def)
 * and the modules' manifests; migration_print_* show the result to people (text, HTML) and to programs
 * (JSON). Values are not shown but where the value itself is the finding ("tls = required"), so that a report
 * can be passed on. One thread.
 */
#ifndef IMPULSE_TOOLS_MIGRATION_H
#define IMPULSE_TOOLS_MIGRATION_H

#include "confparse/confparse.h"

enum migration_group {                     /* in the order in which a reader needs them */
                       MIGRATION_BLOCKS,   /* must be settled before the change */
                       MIGRATION_DIFFERS,  /* has an effect, but not as in Momentum */
                       MIGRATION_DEFAULTS, /* is not set, and means something else then */
                       MIGRATION_IDLE,     /* is read and has no effect */
                       MIGRATION_HONOURED, /* does what it did */
                       MIGRATION_GROUPS,
};

enum migration_kind {                    /* what a finding is about; in each group in this order */
                      MIGRATION_MISTAKE, /* something in the files that Momentum may take and Impulse does not
                                          */
                      MIGRATION_UNKNOWN, /* a name that neither Momentum's manual nor a manifest has */
                      MIGRATION_MODULE,  /* a module's stanza */
                      MIGRATION_STANZA,  /* another kind of stanza */
                      MIGRATION_OPTION,  /* an option */
                      MIGRATION_VALUE,   /* a value of an option: `qualifier` has it */
                      MIGRATION_DEFAULT, /* an option that is not set and means something else then */
                      MIGRATION_KINDS,
};

struct migration_place {
    const char *file; /* as it was opened */
    unsigned line;    /* from 1; 0: the file as a whole */
    char *scope;      /* Domain "example.com"; "" for the global scope, NULL when it is not known */
};

struct migration_finding {
    enum migration_group group;
    enum migration_kind kind;
    char *name;      /* of the option, stanza or module, lower case; of a mistake, the message */
    char *qualifier; /* what narrows it: "= required", "in ec_logger"; "" when nothing does */
    char *note;      /* one line: what it does here, how it differs, or why it has no effect; may be "" */
    char *instead;   /* what an operator does instead; "" when there is nothing to do */
    size_t inside;   /* of a stanza or module without effect: options set in it, which are no findings then */
    struct migration_place *places; /* one for each scope that sets it, in order of the configuration */
    size_t place_count, place_capacity;
    const void *source; /* the row that was applied: only to tell findings apart */
};

struct migration_listener { /* a Listen stanza */
    char *kind, *address;
    struct migration_place place;
    bool enabled; /* Enable is not false, here or in the listener */
    bool served;  /* this kind of listener is offered here */
    char *note;   /* why it is not served; "" */
};

struct migration_script { /* a program that the configuration names: a script, a shared object */
    const char *what;     /* "Lua", "Sieve", "shared object" */
    char *path;           /* as it is written */
    char *option;         /* that names it */
    struct migration_place place;
};

struct migration_file {
    char *path;
    bool read;        /* it is part of the configuration */
    const char *note; /* whose it is, if Momentum has it for a part that Impulse does not have; or NULL */
};

struct migration {
    char *configuration; /* the path that was given */
    bool readable;       /* false: nothing below is known but findings, which say why */
    bool ready;
    bool judged;                        /* impulsed -t was asked, too; who asks it sets this */
    char *verdict;                      /* one line */
    struct migration_finding *findings; /* by group, kind, name, qualifier */
    size_t finding_count, finding_capacity;
    struct migration_listener *listeners;
    size_t listener_count, listener_capacity;
    struct migration_script *scripts;
    size_t script_count, script_capacity;
    struct migration_file *files;
    size_t file_count, file_capacity;
    size_t options; /* set in all scopes; one that a scope sets twice counts once */
    size_t stanzas; /* scopes but the global one; a stanza that is written twice counts once */
    char **names;   /* of files, shared by the places */
    size_t name_count, name_capacity;
};

/* Reads `path` as a load with `options` would, but whatever is wrong. Never NULL; free with migration_free.
 */
struct migration *migration_read(const char *path, const struct conf_load_options *options);
void migration_free(struct migration *migration);
/*
 * Adds a mistake that somebody else found, or a warning, which does not block; unless something that blocks
 * is known of that line. Then migration_conclude.
 */
void migration_add_mistake(struct migration *migration, bool warning, const char *file, unsigned line,
                           const char *message);
/* Brings the findings into their order and writes the verdict; migration_read ends with it. */
void migration_conclude(struct migration *migration);

/* The findings of a group are migration->findings[*first] and the following; returns how many. */
size_t migration_group(const struct migration *migration, enum migration_group group, size_t *first);
/* How many places the findings of a group have together. */
size_t migration_places(const struct migration *migration, enum migration_group group);

/* "blocks", "differs", "defaults", "no_effect", "honoured"; "mistake", "unknown", "module" ...: as JSON has
 * them. */
const char *migration_group_word(enum migration_group group);
const char *migration_kind_word(enum migration_kind kind);
/* A heading for people, and a sentence under it. */
const char *migration_group_title(enum migration_group group);
const char *migration_group_about(enum migration_group group);
/* The path of a file as a report shows it: relative to the directory of the main file where it is below it.
 */
const char *migration_short_path(const struct migration *migration, const char *path);

/* For a terminal of `width` columns; `colours`: with escape sequences. */
void migration_print_text(const struct migration *migration, unsigned width, bool colours, FILE *out);
/* The form is described in impulsectl(1). False: out of memory. */
bool migration_print_json(const struct migration *migration, FILE *out);
/* One self-contained page for screen and paper. */
void migration_print_html(const struct migration *migration, FILE *out);

#endif
