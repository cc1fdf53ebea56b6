/*
 * backend: what the spool needs of a store underneath: two ordered tables of rows and batches that apply
 * whole or not at all. What a row means is in layout.h; a backend does not know.
 *
 * Thread: a batch (put, drop, erase, commit) and revive belong to one thread at a time, the committer's once
 * it runs. read, may_exist and scan are for any thread at any time.
 */
#ifndef IMPULSE_SPOOL_BACKEND_H
#define IMPULSE_SPOOL_BACKEND_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "base/slice.h"
#include "spool/spool.h"

enum spool_table { SPOOL_META, SPOOL_BODY, SPOOL_TABLE_COUNT };

struct spool_backend {
    const struct spool_backend_operations *operations;
};

/* Sees one row of a scan, in key order; both slices are borrowed for the call. False ends the scan. */
typedef bool spool_row_fn(struct slice key, struct slice value, void *closure);

/* Changes that were durable and are gone; 0: none that is known of. */
struct spool_loss {
    uint64_t changes;
    uint64_t messages; /* how many messages there were */
};

struct spool_backend_operations {
    /* Adds to the batch; key and value are copied. */
    void (*put)(struct spool_backend *backend, enum spool_table table, struct slice key, struct slice value);
    /* Removes a row that was put at most once since it was last dropped; never mixed with erase on one key.
     */
    void (*drop)(struct spool_backend *backend, enum spool_table table, struct slice key);
    /* Removes a row however often it was put. */
    void (*erase)(struct spool_backend *backend, enum spool_table table, struct slice key);
    /*
     * Applies the batch and empties it, also when it fails. With `durable` it and everything committed before
     * survives power loss; otherwise it survives the end of the process. After a failure the backend is
     * unusable until revive, and whether the batch was kept is not known before.
     */
    enum spool_status (*commit)(struct spool_backend *backend, bool durable);
    /*
     * Brings a backend that failed back to what was committed, all of it durable then. False when that is not
     * possible yet: no batch is begun then, and reading fails.
     */
    bool (*revive)(struct spool_backend *backend);
    /* After a failed commit, until revive: may the batch be there after a revive? False if that is excluded. */
    bool (*may_be_kept)(struct spool_backend *backend);
    /* Tells how many messages the store will hold after the next commit; that is noted, so that a loss can be counted. */
    void (*count)(struct spool_backend *backend, uint64_t messages);
    /* What was found missing when the store was opened. */
    struct spool_loss (*loss)(struct spool_backend *backend);
    /* What the last failure was, for people; valid until the next call. The batch's thread. */
    const char *(*failure)(struct spool_backend *backend);

    /* Reads a row into memory from malloc. 0, -ENOENT or -EIO. */
    int (*read)(struct spool_backend *backend, enum spool_table table, struct slice key, char **data,
                size_t *size);
    /* False only if there is no such row; answers without reading rows from the disk. */
    bool (*may_exist)(struct spool_backend *backend, enum spool_table table, struct slice key);
    /* Visits every row whose key begins with `prefix`. 0 or -EIO; then `problem` says what it was, which file. */
    int (*scan)(struct spool_backend *backend, enum spool_table table, struct slice prefix,
                spool_row_fn *visit, void *closure);
    /* The last failure to read of the calling thread, for people; "" if the store is not open after a failure to write. */
    const char *(*problem)(struct spool_backend *backend);

    /* Bytes of files that hold rows, those of removed rows included. Any thread. */
    uint64_t (*size)(struct spool_backend *backend);
    /* Gives back the space of removed rows: of all, or, unless `first` is empty, of the body rows from `first` to `last`. May
     * take minutes; a thread of its own. */
    void (*compact)(struct spool_backend *backend, struct slice first, struct slice last);
    /* Makes a copy of the store, as of one moment, in the directory, which must not exist. May take minutes; a thread of its
     * own. False with one line in error[]. */
    bool (*backup)(struct spool_backend *backend, const char *directory, char *error, size_t error_size);
    /* Makes a running compact return soon, and every later one at once. Any thread. */
    void (*interrupt)(struct spool_backend *backend);

    /* Frees the backend; what was committed stays. */
    void (*close)(struct spool_backend *backend);
};

/* Opens or creates a RocksDB database in an existing directory that the caller has locked. NULL with one line
 * in error[]. */
struct spool_backend *rocksdb_backend_open(const char *directory, char *error, size_t error_size);

#endif
