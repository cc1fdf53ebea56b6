/*
 * migration_collect: how the files that read a configuration (migration_read.c, migration_names.c,
 * migration_mistakes.c) put what they find into the migration. Everything is copied. One thread.
 */
#ifndef IMPULSE_TOOLS_MIGRATION_COLLECT_H
#define IMPULSE_TOOLS_MIGRATION_COLLECT_H

#include "tools/migration.h"

/* Room for one more element of `size` bytes, zeroed; returns where the array is. */
void *migration_grow(void *array, size_t count, size_t *capacity, size_t size);

/* A place; `scope` may be NULL. */
struct migration_place migration_make_place(struct migration *migration, struct conf_place place,
                                            const struct conf_scope *scope);

/*
 * The finding of that row (`source`) in that group, made when there is none yet. Valid until the next one is
 * made.
 */
struct migration_finding *migration_find(struct migration *migration, enum migration_group group,
                                         enum migration_kind kind, const char *name, const char *qualifier,
                                         const void *source);
/* Says what it means, unless that was said; either text may be NULL. */
void migration_explain(struct migration_finding *finding, const char *note, const char *instead);
void migration_add_place(struct migration *migration, struct migration_finding *finding,
                         struct conf_place place, const struct conf_scope *scope);

/* ---- what each file finds ------------------------------------------------------------------------------ */

/* Listeners and the files; programs that an option of a scope names. */
void migration_note_listeners(struct migration *migration, const struct conf *conf);
void migration_note_files(struct migration *migration, const struct conf *conf);
void migration_note_programs(struct migration *migration, const struct conf_scope *scope, const char *option,
                             const struct conf_value *value);

/* The findings of the load. */
void migration_note_mistakes(struct migration *migration, const struct conf_report *report);

#endif
