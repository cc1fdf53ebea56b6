/*
 * files: the texts that a generation was made of, as they are in memory.
 *
 * "Changes, even committed changes, are accumulated in in-memory representations of the configuration files
 * and are not saved to disk until a config writeback" (Momentum 4 manual, "Using the include and
 * readonly_include Directives"). So a change is an edit of these texts, and the next generation is loaded
 * from the edited ones. A set is never changed after it was made and is shared by reference count; texts that
 * an edit does not touch are shared between sets.
 */
#ifndef IMPULSE_CONFPARSE_FILES_H
#define IMPULSE_CONFPARSE_FILES_H

#include "confparse/confparse.h"

struct conf_files; /* a set of files */

struct conf_file {
    const char *path; /* as it was opened; CONF_VIRTUAL_FILE for the one that holds what no real file can */
    const char *text; /* NUL-terminated, may hold bytes of any encoding */
    size_t size;
    bool read_only; /* named by readonly_include, or included more than once */
    bool changed;   /* differs from what was last read from or written to disk */
};

#define CONF_VIRTUAL_FILE "(online changes)"

/* The files of a generation in order of reading. The set is borrowed from the generation. */
const struct conf_files *conf_get_files(const struct conf *conf);
size_t conf_files_count(const struct conf_files *files);
const struct conf_file *conf_files_at(const struct conf_files *files, size_t index);

/*
 * Loads a generation as conf_load does, but takes the text of a file that is in `files` from there. Files
 * that an edit includes and the set lacks are read from disk.
 */
struct conf *conf_load_files(const struct conf_files *files, const struct conf_load_options *options,
                             struct conf_report **report);

/*
 * config writeback: saves every changed file to disk (written beside it, synced, renamed; owner and mode
 * stay), or, when `path` is not NULL, the whole configuration into that one file. A file that changed on disk
 * since it was read is left alone, which is said. Lines for the operator go to `out`, the virtual file's text
 * too. False when something could not be saved. On success *next is the set as it then is (one reference for
 * the caller), else NULL; a caller need not keep it, since what is on disk is known to all sets that share a
 * file. What the virtual file holds is saved at the beginning of Local_Changes_File once there is one. Blocks
 * on the disk. Not while another thread uses a set that shares a file.
 */
bool conf_files_writeback(const struct conf_files *files, const char *path, const struct conf_files **next,
                          FILE *out);

const struct conf_files *conf_files_ref(const struct conf_files *files);
void conf_files_unref(const struct conf_files *files); /* NULL is harmless */

#endif
