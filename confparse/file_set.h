/*
 * file_set: the inside of a set of files (files.h), and making one: by a load, which adds each file that it
 * opens, or by an edit, which gives some files another content. Until it is shared, a set belongs to one
 * thread.
 */
#ifndef IMPULSE_CONFPARSE_FILE_SET_H
#define IMPULSE_CONFPARSE_FILE_SET_H

#include <sys/stat.h>
#include "confparse/files.h"
#include "confparse/source.h"

enum conf_file_role {
    CONF_FILE_MAIN,
    CONF_FILE_INCLUDED,
    CONF_FILE_LOCAL,  /* Local_Changes_File */
    CONF_FILE_VIRTUAL /* CONF_VIRTUAL_FILE */
};

/*
 * What is known of a file on disk. Shared by the sets that hold the file, since it is true for all of them;
 * only conf_files_writeback changes it.
 */
struct conf_disk {
    atomic_uint references;
    struct conf_content *content; /* as it was last read or written */
    dev_t device;                 /* with inode: the same file under another name; both 0 if there is none */
    ino_t inode;
    bool missing; /* there is no such file yet: writing it makes it */
};

struct conf_file_entry {
    struct conf_file file; /* what conf_files_at gives out */
    enum conf_file_role role;
    struct conf_content *content; /* as it is in memory */
    struct conf_disk *disk;
    bool in_memory; /* there never is a file: the virtual file, a text that was given */
};

struct conf_file_directory { /* one that was included */
    char *path;
    char **names; /* of its files, in order of reading */
    size_t count;
};

struct conf_files {
    atomic_uint references;
    struct conf_file_entry *entries; /* in order of reading; the main file is the first */
    size_t count, capacity;
    struct conf_file_directory *directories;
    size_t directory_count;
    char *search_path; /* of the load, or NULL */
};

/* An empty set with one reference. */
struct conf_files *conf_files_create(const char *search_path);
/* The entry of that path, or NULL. */
struct conf_file_entry *conf_files_find(const struct conf_files *files, const char *path);
/* The entry of a file on disk, whatever the name under which it was read, or NULL. */
struct conf_file_entry *conf_files_find_same(const struct conf_files *files, const struct stat *status);
struct conf_file_entry *conf_files_find_role(const struct conf_files *files, enum conf_file_role role);

/*
 * Adds a file that is read. `like`: what is known of it, of which the path is copied and references are
 * taken. A file that is there already is not added again; both are read-only from then on.
 */
void conf_files_add(struct conf_files *files, const struct conf_file_entry *like);
/* Adds a file that is in memory alone; the text is copied. */
void conf_files_add_text(struct conf_files *files, const char *path, enum conf_file_role role,
                         const char *text, size_t size);

/* What is on disk is that content, of which a reference is taken. One reference. */
struct conf_disk *conf_disk_create(struct conf_content *content, bool missing);
struct conf_disk *conf_disk_ref(struct conf_disk *disk);
void conf_disk_unref(struct conf_disk *disk); /* NULL is harmless */

/* Another content for an entry; takes the reference. */
void conf_file_replace(struct conf_file_entry *entry, struct conf_content *content);

/* The directory of that path, or NULL; and adding one, whose names are copied. */
const struct conf_file_directory *conf_files_find_directory(const struct conf_files *files, const char *path);
void conf_files_add_directory(struct conf_files *files, const char *path, char *const *names, size_t count);

/* Takes the virtual file out when nothing is in it. */
void conf_files_drop_virtual(struct conf_files *files);

/* A copy that may be changed, with one reference; contents are shared. */
struct conf_files *conf_files_copy(const struct conf_files *files);

#endif
