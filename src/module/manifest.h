/*
 * manifest.h: what a manifest says; for the files of this folder.
 */
#ifndef IMPULSE_MODULE_MANIFEST_H
#define IMPULSE_MODULE_MANIFEST_H

#include "module/manifests.h"

struct name_list {
    char **names; /* owned */
    size_t count;
};

struct manifest {
    char *file;        /* path of the .ecm */
    char *object;      /* path of the shared object */
    char *name;        /* lower case: the module's and its scope's */
    char *description; /* "" when there is none */
    bool singleton;
    struct name_list requires;  /* modules to be set up before this one */
    struct name_list provides;  /* core options that load it implicitly */
    struct name_list announced; /* what it may register, so that configurations can be checked: "KIND.NAME" */
    struct conf_option *options; /* as in struct conf_module_schema, as is `added`; their texts are owned */
    size_t option_count;
    struct conf_option *added;
    size_t added_count;
};

/* Reads `file` into a zeroed manifest. False with "FILE:LINE: ..." in error[]; manifest_release in either
 * case. */
bool manifest_read(struct manifest *manifest, const char *file, char *error, size_t error_size);
void manifest_release(struct manifest *manifest);

size_t manifest_count(const struct manifest_set *set);
/* In order of name. */
const struct manifest *manifest_at(const struct manifest_set *set, size_t index);
/* Case-insensitive; NULL when there is none. */
const struct manifest *manifest_find(const struct manifest_set *set, const char *name);

#endif
