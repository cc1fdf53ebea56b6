/*
 * manifest_reader.h: what the files share that read a manifest: manifest.c its form, manifest_option.c what
 * it says of options. manifest_reader.c knows neither. One thread.
 */
#ifndef IMPULSE_MODULE_MANIFEST_READER_H
#define IMPULSE_MODULE_MANIFEST_READER_H

#include "base/slice.h"
#include "module/manifest.h"

struct manifest_reader { /* what a line of a manifest is read into */
    struct manifest *manifest;
    unsigned line;
    char *error;
    size_t error_size;
};

/* Writes "FILE:LINE: what "about"" and is false, for `return manifest_complain(...)`. */
bool manifest_complain(struct manifest_reader *reader, const char *what, struct slice about);
/* Letters, digits, '_' and '-'. */
bool manifest_is_name(struct slice name);
/* Does `key` begin with `prefix`? *name is what follows. */
bool manifest_split_key(struct slice key, const char *prefix, struct slice *name);
/* Owned by the caller. */
char *manifest_lower(struct slice text);

/*
 * manifest_option.c: reads a line about an option or a stanza in the module's stanza. False when `key` is
 * none of its keys; then *fine is not touched.
 */
bool manifest_read_option(struct manifest_reader *reader, struct slice key, struct slice value, bool *fine);
/* Adds `enabled` and `debug_level`, which every stanza of a module has. */
void manifest_add_common(struct manifest *manifest);
void manifest_release_options(struct manifest *manifest);

#endif
