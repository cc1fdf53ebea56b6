/*
 * catalogue: what RocksDB's MANIFEST says should be there, read without RocksDB.
 *
 * RocksDB itself deletes every file that its catalogue does not name, and a catalogue that lost its end does not name
 * files that are needed. So it is read, and compared with the folder, before the database is opened (survey.h).
 */
#ifndef IMPULSE_SPOOL_CATALOGUE_H
#define IMPULSE_SPOOL_CATALOGUE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct catalogue_file {
    uint64_t number, size;   /* bytes */
    uint32_t family;         /* of a table: RocksDB's id of its column family; of a blob file: likewise */
    uint64_t oldest_blob;    /* of a table: the first blob file it refers to, or UINT64_MAX */
    uint64_t blobs, garbage; /* of a blob file: how many it holds, and how many of them nothing refers to */
};

struct catalogue_files {
    struct catalogue_file *files; /* `count` of `room`, in no order */
    size_t count, room;
};

enum { CATALOGUE_FAMILIES = 8 }; /* more than there are */

struct catalogue {
    uint64_t number;     /* of the MANIFEST */
    uint64_t size;       /* its bytes */
    bool is_foreign;     /* a record is sound, but holds what is not known here: another RocksDB wrote it */
    uint64_t newest;     /* the greatest number of a table or blob file, also of one that was removed */
    uint64_t oldest_log; /* logs with smaller numbers are not needed */
    uint64_t last_sequence;                  /* of the changes when it was last written */
    uint64_t family_log[CATALOGUE_FAMILIES]; /* the oldest log that a column family needs; 0: not told */
    struct catalogue_files tables, blobs;    /* without blob files that hold nothing but garbage */
};

/*
 * Reads the MANIFEST that CURRENT names in `directory`. False with one line in error[] that names the file: CURRENT or
 * MANIFEST missing or damaged, or `is_foreign`. Release it also then.
 */
bool catalogue_read(struct catalogue *catalogue, const char *directory, char *error, size_t error_size);
/* The name of the MANIFEST that CURRENT names in `directory`, to be freed, and its number. NULL with one line in error[]. */
char *catalogue_name(const char *directory, uint64_t *number, char *error, size_t error_size);
/* Is a file of that number in the list? */
bool catalogue_names(const struct catalogue_files *files, uint64_t number);
/* Is `name` a number and `suffix` (".log"), as RocksDB names its files? */
bool catalogue_file_number(const char *name, const char *suffix, uint64_t *number);
/* Is the blob file needed: does something refer to it? */
bool catalogue_needs_blob(const struct catalogue *catalogue, const struct catalogue_file *blob);
void catalogue_release(struct catalogue *catalogue);

#endif
