/*
 * registry: what was registered under a name: console commands, delivery methods, listener types, services.
 *
 * Who owns a thing registers it; nobody keeps a central list. Names are compared without case of ASCII
 * letters, and a second row of one name is refused. A registry may lie on another one (a generation's modules
 * on the core's rows): it is then asked together with it, and a name is taken when either has it.
 *
 * Not thread-safe, as a row moves the others. A registry that loops read is complete before they begin: the
 * core's at the start, a generation's when its modules are set up. What a reload may add to (the keywords and
 * the listener stanzas of manifests) is read by the main thread alone.
 */
#ifndef IMPULSE_BASE_REGISTRY_H
#define IMPULSE_BASE_REGISTRY_H

#include <stdbool.h>
#include <stddef.h>
#include "base/slice.h"

struct registry_row {
    const char *name;   /* these four are borrowed and live as long as the row */
    const char *owner;  /* who registered it, as lines name it: "the console", "module relay" */
    const char *help;   /* one line: what it is; NULL: none */
    const char *thread; /* which thread runs it, for people: "main", "pool IO"; NULL: none does */
    const void *what;
};

struct registry {                 /* zero-initialised, with `kind`, is empty and valid */
    const char *kind;             /* "console command": for lines */
    const struct registry *below; /* or NULL */
    void (*release)(void *what);  /* called by registry_release for each row; NULL: `what` is not owned */
    struct registry_row *rows;    /* sorted by name */
    size_t count;
};

/*
 * Adds a copy of the row. False when the name is taken: error[] then gets one line that names both owners.
 * Adding the same `what` under its name once more changes nothing.
 */
bool registry_add(struct registry *registry, const struct registry_row *row, char *error, size_t error_size);
/* The row of that name in the registry or below it, or NULL. */
const struct registry_row *registry_find(const struct registry *registry, struct slice name);
/* The row after `after` in the order of names, those below included; NULL begins, and is returned at the end.
 */
const struct registry_row *registry_next(const struct registry *registry, const struct registry_row *after);
/* Releases and forgets the rows of this registry, not those below. */
void registry_release(struct registry *registry);

#endif
