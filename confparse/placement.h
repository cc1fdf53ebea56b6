/*
 * placement: which file a change is written to, and where in it.
 *
 * Source: Momentum 4 manual, "Using the include and readonly_include Directives", local_changes_file,
 * local_changes_only. A value that is replaced is replaced where it was last set, if that file can be
 * written. Else it goes to the end of the first fragment of its scope, after that place, whose file can be
 * written; else to Local_Changes_File; else to the main file; else to the virtual file. With
 * Local_Changes_Only no file can be written but Local_Changes_File. One thread.
 */
#ifndef IMPULSE_CONFPARSE_PLACEMENT_H
#define IMPULSE_CONFPARSE_PLACEMENT_H

#include "confparse/outline.h"

enum { CONF_PLACE_PROBLEM = 512 };

struct conf_rules; /* which files of a set can be written */

/* Borrows `files`, which has a virtual file. Asks the system what this process may write. */
struct conf_rules *conf_rules_create(const struct conf_files *files, bool local_changes_only);
void conf_rules_free(struct conf_rules *rules); /* NULL is harmless */

/*
 * Where an option of the scope that `count` links lead to is set: in place of *replaced, or, when that is
 * NULL, at the end of *fragment, in the stanza that the links from *made on lead to. False with one line in
 * problem[]: in no file would it have an effect.
 */
bool conf_place_setting(struct conf_outline *outline, const struct conf_rules *rules,
                        const struct conf_link *links, size_t count, const char *option,
                        const struct ast_assignment **replaced, struct conf_fragment *fragment, size_t *made,
                        char problem[CONF_PLACE_PROBLEM]);

struct conf_removal { /* zero-initialised: nothing yet */
    const struct ast_assignment **removed;
    size_t count, capacity;
    size_t kept;                        /* assignments that stand in files that cannot be written; */
    const struct ast_assignment *first; /* the first of them */
};

/* What to take out so that the scope does not set the option; NULL: any option, nor any scope in it. */
void conf_place_removal(struct conf_outline *outline, const struct conf_rules *rules,
                        const struct conf_link *links, size_t count, const char *option,
                        struct conf_removal *removal);
void conf_removal_free(struct conf_removal *removal);

#endif
