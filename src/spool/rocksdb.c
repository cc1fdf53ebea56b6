/*
 * rocksdb: the backend that keeps the tables in column families of a RocksDB database (rocksdb/c.h,
 * version 7.8).
 *
 * After a write that failed RocksDB refuses all others, and its C interface has no Resume. Opening the
 * database again does what is needed: the log is replayed up to its torn end, what it held is flushed to
 * table files and synced, and a fresh log begins. Readers are kept away from the handle meanwhile by a lock.
 */
#include "spool/backend.h"

#include <errno.h>
#include <pthread.h>
#include <rocksdb/c.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/statvfs.h>
#include "base/mem.h"
#include "spool/loss.h"
#include "spool/progress.h"
#include "spool/rocksdb_options.h"
#include "spool/survey.h"

enum {
    FAILURE_SIZE = 800,
    FAMILY_COUNT = SPOOL_TABLE_COUNT + 1,
    FORCE_OPTIMIZED = 3, /* BottommostLevelCompaction: rows that nothing removes are looked at too */
    ROOM_TO_OPEN = 2 * 1024 * 1024, /* bytes */
};

struct rocksdb_backend {
    struct spool_backend backend;
    char *directory;
    pthread_rwlock_t handle; /* write-locked while `db` and `families` change */
    rocksdb_t *db;           /* NULL after a failed revive */
    rocksdb_column_family_handle_t
        *families[FAMILY_COUNT];                  /* by enum spool_table; the last is RocksDB's "default" */
    rocksdb_options_t *options[FAMILY_COUNT + 1]; /* the same order; the last is the database's */
    rocksdb_readoptions_t *reading;
    rocksdb_writeoptions_t *quick, *durable;
    rocksdb_compactoptions_t *compaction;
    rocksdb_writebatch_t *batch;
    struct progress *progress;
    uint64_t messages; /* after the next commit */
    struct spool_loss loss;
    char failure[FAILURE_SIZE];
};

/* Reads fail on any thread, and each thread is told of its own. */
static _Thread_local char read_problem[FAILURE_SIZE];

static const char *const family_names[FAMILY_COUNT] = {"meta", "body", "default"};

static struct rocksdb_backend *self(struct spool_backend *backend)
{
    return (struct rocksdb_backend *)(void *)backend;
}

/* Takes RocksDB's error text into `failure` and says what kind it is. */
static enum spool_status take_failure(struct rocksdb_backend *rocks, char *error)
{
    snprintf(rocks->failure, sizeof rocks->failure, "%s", error);
    rocksdb_free(error);
    bool full = strstr(rocks->failure, strerror(ENOSPC)) || strstr(rocks->failure, strerror(EDQUOT));
    return full ? SPOOL_FULL : SPOOL_ERROR;
}

/* ---- the handle ---------------------------------------------------------------------------------------- */

/* The threads that RocksDB starts inherit a mask without signals: those are the main thread's. */
static rocksdb_t *open_quietly(struct rocksdb_backend *rocks, char **error)
{
    sigset_t all, before;
    sigfillset(&all);
    pthread_sigmask(SIG_BLOCK, &all, &before);
    rocksdb_t *db = rocksdb_open_column_families(
        rocks->options[FAMILY_COUNT], rocks->directory, FAMILY_COUNT, family_names,
        (const rocksdb_options_t *const *)rocks->options, rocks->families, error);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    return db;
}

static void close_handle(struct rocksdb_backend *rocks)
{
    if (!rocks->db)
        return;
    for (size_t i = 0; i < FAMILY_COUNT; i++)
        rocksdb_column_family_handle_destroy(rocks->families[i]);
    rocksdb_close(rocks->db);
    rocks->db = NULL;
}

/* Every attempt to open leaves a few files behind, which only a successful one tidies up. */
static bool has_room_to_open(struct rocksdb_backend *rocks)
{
    struct statvfs fs;
    if (statvfs(rocks->directory, &fs) != 0 || (uint64_t)fs.f_bavail * fs.f_frsize >= ROOM_TO_OPEN)
        return true;
    snprintf(rocks->failure, sizeof rocks->failure, "%s", strerror(ENOSPC));
    return false;
}

static bool open_handle(struct rocksdb_backend *rocks)
{
    char *error = NULL;
    if (!has_room_to_open(rocks))
        return false;
    rocks->db = open_quietly(rocks, &error);
    if (rocks->db)
        return true;
    take_failure(rocks, error);
    return false;
}

/* Only the thread that revives changes `db`, and it is the one that closes or interrupts, or has ended. */
static void rocks_interrupt(struct spool_backend *backend)
{
    struct rocksdb_backend *rocks = self(backend);
    if (rocks->db)
        rocksdb_disable_manual_compaction(rocks->db);
}

static bool rocks_revive(struct spool_backend *backend)
{
    struct rocksdb_backend *rocks = self(backend);
    rocks_interrupt(backend);
    pthread_rwlock_wrlock(&rocks->handle);
    close_handle(rocks);
    bool alive = open_handle(rocks);
    if (alive)
        progress_begin(rocks->progress, rocks->messages);
    pthread_rwlock_unlock(&rocks->handle);
    return alive;
}

static const char *rocks_failure(struct spool_backend *backend)
{
    return self(backend)->failure;
}

/* RocksDB writes a batch as one record at the end of the log. When that write fails, the record lacks its end and is never
 * read; when the sync after it fails, it may be whole. */
static bool rocks_may_be_kept(struct spool_backend *backend)
{
    return !strstr(self(backend)->failure, "While appending to file");
}

static void rocks_count(struct spool_backend *backend, uint64_t messages)
{
    self(backend)->messages = messages;
}

static struct spool_loss rocks_loss(struct spool_backend *backend)
{
    return self(backend)->loss;
}

/* ---- batches ------------------------------------------------------------------------------------------- */

static void rocks_put(struct spool_backend *backend, enum spool_table table, struct slice key,
                      struct slice value)
{
    struct rocksdb_backend *rocks = self(backend);
    rocksdb_writebatch_put_cf(rocks->batch, rocks->families[table], key.data, key.size,
                              value.size ? value.data : "", value.size);
}

static void rocks_drop(struct spool_backend *backend, enum spool_table table, struct slice key)
{
    struct rocksdb_backend *rocks = self(backend);
    rocksdb_writebatch_singledelete_cf(rocks->batch, rocks->families[table], key.data, key.size);
}

static void rocks_erase(struct spool_backend *backend, enum spool_table table, struct slice key)
{
    struct rocksdb_backend *rocks = self(backend);
    rocksdb_writebatch_delete_cf(rocks->batch, rocks->families[table], key.data, key.size);
}

static uint64_t read_property(struct rocksdb_backend *rocks, enum spool_table table, const char *name)
{
    uint64_t value = 0;
    return rocksdb_property_int_cf(rocks->db, rocks->families[table], name, &value) == 0 ? value : 0;
}

/* A number that grows when a table begins a memtable, and with it a log, or has written one to a file. */
static uint64_t form_of(struct rocksdb_backend *rocks)
{
    static const char version[] = "rocksdb.current-super-version-number";
    return read_property(rocks, SPOOL_META, version) + read_property(rocks, SPOOL_BODY, version);
}

static enum spool_status rocks_commit(struct spool_backend *backend, bool durable)
{
    struct rocksdb_backend *rocks = self(backend);
    char *error = NULL;
    bool writes = rocksdb_writebatch_count(rocks->batch) > 0;
    rocksdb_set_perf_level(rocksdb_disable); /* of this thread: else each comparison of keys is counted */
    if (durable && writes)
        progress_prepare(rocks->progress, form_of(rocks));
    if (writes)
        rocksdb_write(rocks->db, durable ? rocks->durable : rocks->quick, rocks->batch, &error);
    else if (durable)
        rocksdb_flush_wal(rocks->db, 1, &error);
    rocksdb_writebatch_clear(rocks->batch);
    if (error)
        return take_failure(rocks, error);
    if (durable && writes) /* otherwise the log may be a new one, and empty */
        progress_note(rocks->progress, rocksdb_get_latest_sequence_number(rocks->db), rocks->messages);
    return SPOOL_OK;
}

/* ---- reading ------------------------------------------------------------------------------------------- */

static const char *rocks_problem(struct spool_backend *backend)
{
    (void)backend;
    return read_problem;
}

static int take_read_problem(char *error)
{
    snprintf(read_problem, sizeof read_problem, "%s", error ? error : "");
    if (error)
        rocksdb_free(error);
    return -EIO;
}

static int rocks_read(struct spool_backend *backend, enum spool_table table, struct slice key, char **data,
                      size_t *size)
{
    struct rocksdb_backend *rocks = self(backend);
    char *error = NULL;
    *data = NULL;
    pthread_rwlock_rdlock(&rocks->handle);
    if (rocks->db)
        *data = rocksdb_get_cf(rocks->db, rocks->reading, rocks->families[table], key.data, key.size, size,
                               &error);
    bool open = rocks->db != NULL;
    pthread_rwlock_unlock(&rocks->handle);
    if (error || !open)
        return take_read_problem(error);
    return *data ? 0 : -ENOENT;
}

static bool rocks_may_exist(struct spool_backend *backend, enum spool_table table, struct slice key)
{
    struct rocksdb_backend *rocks = self(backend);
    pthread_rwlock_rdlock(&rocks->handle);
    bool may = !rocks->db || rocksdb_key_may_exist_cf(rocks->db, rocks->reading, rocks->families[table],
                                                      key.data, key.size, NULL, NULL, NULL, 0, NULL);
    pthread_rwlock_unlock(&rocks->handle);
    return may;
}

/* The least key after all that begin with `prefix`, as an iterator's end; none for an empty prefix or all
 * 0xff. */
static void bound_above(rocksdb_readoptions_t *options, struct slice prefix, char *end)
{
    size_t size = prefix.size;
    if (size)
        memcpy(end, prefix.data, size);
    while (size > 0 && (unsigned char)end[size - 1] == 0xff)
        size--;
    if (size == 0)
        return;
    end[size - 1]++;
    rocksdb_readoptions_set_iterate_upper_bound(options, end, size);
}

static int scan_open(struct rocksdb_backend *rocks, enum spool_table table, struct slice prefix,
                     spool_row_fn *visit, void *closure)
{
    char *end = mem_zalloc(prefix.size), *error = NULL;
    rocksdb_readoptions_t *options = rocksdb_readoptions_create();
    rocksdb_readoptions_set_fill_cache(options, 0);
    bound_above(options, prefix, end);
    rocksdb_iterator_t *rows = rocksdb_create_iterator_cf(rocks->db, options, rocks->families[table]);
    for (rocksdb_iter_seek(rows, prefix.data, prefix.size); rocksdb_iter_valid(rows);
         rocksdb_iter_next(rows)) {
        struct slice key, value;
        key.data = rocksdb_iter_key(rows, &key.size);
        value.data = rocksdb_iter_value(rows, &value.size);
        if (!visit(key, value, closure))
            break;
    }
    rocksdb_iter_get_error(rows, &error);
    rocksdb_iter_destroy(rows);
    rocksdb_readoptions_destroy(options);
    free(end);
    return error ? take_read_problem(error) : 0;
}

static int rocks_scan(struct spool_backend *backend, enum spool_table table, struct slice prefix,
                      spool_row_fn *visit, void *closure)
{
    struct rocksdb_backend *rocks = self(backend);
    pthread_rwlock_rdlock(&rocks->handle);
    int result = rocks->db ? scan_open(rocks, table, prefix, visit, closure) : take_read_problem(NULL);
    pthread_rwlock_unlock(&rocks->handle);
    return result;
}

/* ---- giving space back ----------------------------------------------------------------------- */

static uint64_t rocks_size(struct spool_backend *backend)
{
    struct rocksdb_backend *rocks = self(backend);
    uint64_t size = 0;
    pthread_rwlock_rdlock(&rocks->handle);
    for (int table = 0; rocks->db && table < SPOOL_TABLE_COUNT; table++)
        size += read_property(rocks, (enum spool_table)table, "rocksdb.total-sst-files-size") +
                read_property(rocks, (enum spool_table)table, "rocksdb.total-blob-file-size");
    pthread_rwlock_unlock(&rocks->handle);
    return size;
}

/* The share of the blob files, oldest first, that a compaction moves what lives out of, so that they can go.
 */
static void set_blob_share(struct rocksdb_backend *rocks, const char *share)
{
    const char *const name = "blob_garbage_collection_age_cutoff";
    char *error = NULL;
    rocksdb_set_options_cf(rocks->db, rocks->families[SPOOL_BODY], 1, &name, &share, &error);
    if (error)
        rocksdb_free(error);
}

/* Puts the rows in memory into files, after which the log that holds them can go. An error is met by the next commit. */
static bool flush_table(struct rocksdb_backend *rocks, enum spool_table table)
{
    char *error = NULL;
    rocksdb_flushoptions_t *flush = rocksdb_flushoptions_create();
    rocksdb_flush_cf(rocks->db, flush, rocks->families[table], &error);
    rocksdb_flushoptions_destroy(flush);
    if (error)
        rocksdb_free(error);
    return !error;
}

/* Removals have to be in files before they can meet there what they remove. */
static void compact_table(struct rocksdb_backend *rocks, enum spool_table table, struct slice first,
                          struct slice last)
{
    if (flush_table(rocks, table))
        rocksdb_compact_range_cf_opt(rocks->db, rocks->families[table], rocks->compaction, first.data,
                                     first.size, last.data, last.size);
}

static void rocks_compact(struct spool_backend *backend, struct slice first, struct slice last)
{
    struct rocksdb_backend *rocks = self(backend);
    pthread_rwlock_rdlock(&rocks->handle);
    if (rocks->db) {
        if (first.size == 0)
            compact_table(rocks, SPOOL_META, first, last);
        else
            flush_table(rocks, SPOOL_META);
        set_blob_share(rocks, "1.0");
        compact_table(rocks, SPOOL_BODY, first, last);
        set_blob_share(rocks, "0.25"); /* RocksDB's own */
    }
    pthread_rwlock_unlock(&rocks->handle);
}

/* Hard links to tables and blob files where the file system is the same, copies otherwise; and the logs up to this moment. */
static bool rocks_backup(struct spool_backend *backend, const char *directory, char *error, size_t error_size)
{
    struct rocksdb_backend *rocks = self(backend);
    char *problem = NULL;
    pthread_rwlock_rdlock(&rocks->handle);
    rocksdb_checkpoint_t *checkpoint =
        rocks->db ? rocksdb_checkpoint_object_create(rocks->db, &problem) : NULL;
    if (checkpoint)
        rocksdb_checkpoint_create(checkpoint, directory, 0, &problem);
    if (checkpoint)
        rocksdb_checkpoint_object_destroy(checkpoint);
    bool good = checkpoint && !problem;
    pthread_rwlock_unlock(&rocks->handle);
    if (!good)
        snprintf(error, error_size, "%s", problem ? problem : "the spool is not open");
    if (problem)
        rocksdb_free(problem);
    return good;
}

/* ---- opening and closing ------------------------------------------------------------------------------- */

static void rocks_close(struct spool_backend *backend)
{
    struct rocksdb_backend *rocks = self(backend);
    close_handle(rocks);
    progress_close(rocks->progress);
    rocksdb_writebatch_destroy(rocks->batch);
    rocksdb_writeoptions_destroy(rocks->quick);
    rocksdb_writeoptions_destroy(rocks->durable);
    rocksdb_readoptions_destroy(rocks->reading);
    rocksdb_compactoptions_destroy(rocks->compaction);
    for (size_t i = 0; i <= FAMILY_COUNT; i++)
        rocksdb_options_destroy(rocks->options[i]);
    pthread_rwlock_destroy(&rocks->handle);
    free(rocks->directory);
    free(rocks);
}

static const struct spool_backend_operations operations = {
    .put = rocks_put,
    .drop = rocks_drop,
    .erase = rocks_erase,
    .commit = rocks_commit,
    .revive = rocks_revive,
    .may_be_kept = rocks_may_be_kept,
    .count = rocks_count,
    .loss = rocks_loss,
    .failure = rocks_failure,
    .problem = rocks_problem,
    .read = rocks_read,
    .may_exist = rocks_may_exist,
    .scan = rocks_scan,
    .size = rocks_size,
    .compact = rocks_compact,
    .backup = rocks_backup,
    .interrupt = rocks_interrupt,
    .close = rocks_close,
};

/* A revive does not wait for ever behind readers that keep coming. */
static void init_handle_lock(pthread_rwlock_t *lock)
{
    pthread_rwlockattr_t attributes;
    pthread_rwlockattr_init(&attributes);
    pthread_rwlockattr_setkind_np(&attributes, PTHREAD_RWLOCK_PREFER_WRITER_NONRECURSIVE_NP);
    pthread_rwlock_init(lock, &attributes);
    pthread_rwlockattr_destroy(&attributes);
}

/*
 * Opens for the first time. Where the log is damaged, and not just torn at its end, its rest is lost: that is
 * said, and then what lies before the damage is used, as a revival does. (See rocksdb_spool_options for why
 * it is no error: a power loss can do it to what was not acknowledged.)
 */
static bool open_database(struct rocksdb_backend *rocks, struct survey *survey)
{
    rocksdb_options_t *options = rocks->options[FAMILY_COUNT];
    if (survey->verdict == SURVEY_SHORT)
        loss_keep_logs(survey, rocks->directory, survey->text);
    rocksdb_options_set_create_if_missing(options, survey->verdict == SURVEY_FRESH);
    rocksdb_options_set_wal_recovery_mode(options, rocksdb_tolerate_corrupted_tail_records_recovery);
    bool whole = open_handle(rocks);
    rocksdb_options_set_wal_recovery_mode(options, rocksdb_point_in_time_recovery);
    if (!whole) {
        if (survey->verdict != SURVEY_SHORT)
            loss_keep_logs(survey, rocks->directory, rocks->failure);
        if (!open_handle(rocks))
            return false;
    }
    rocksdb_options_set_create_if_missing(options, 0);
    return true;
}

static bool open_first(struct rocksdb_backend *rocks)
{
    struct survey survey;
    survey_take(&survey, rocks->directory);
    survey_trust_older(&survey, rocks->directory);
    if (survey.verdict == SURVEY_BROKEN) {
        snprintf(
            rocks->failure, sizeof rocks->failure,
            "%s. Nothing was touched; \"impulsectl spool salvage\" reads what can be read into a new spool",
            survey.text);
        return false;
    }
    if (!open_database(rocks, &survey))
        return false;
    rocks->progress = progress_open(rocks->directory);
    if (!rocks->progress) {
        snprintf(rocks->failure, sizeof rocks->failure, "cannot create the file progress: %s",
                 strerror(errno));
        return false;
    }
    uint64_t reached = rocksdb_get_latest_sequence_number(rocks->db);
    rocks->loss = loss_judge(&survey, rocks->directory, reached);
    rocks->messages = rocks->loss.messages;
    progress_begin(rocks->progress, rocks->messages);
    return true;
}

struct spool_backend *rocksdb_backend_open(const char *directory, char *error, size_t error_size)
{
    struct rocksdb_backend *rocks = mem_new(struct rocksdb_backend);
    rocks->backend.operations = &operations;
    rocks->directory = mem_dup(directory);
    init_handle_lock(&rocks->handle);
    rocks->options[SPOOL_META] = rocksdb_meta_options();
    rocks->options[SPOOL_BODY] = rocksdb_body_options();
    rocks->options[SPOOL_TABLE_COUNT] = rocksdb_options_create();
    rocks->options[FAMILY_COUNT] = rocksdb_spool_options();
    rocks->reading = rocksdb_readoptions_create();
    rocks->quick = rocksdb_writeoptions_create();
    rocks->durable = rocksdb_writeoptions_create();
    rocksdb_writeoptions_set_sync(rocks->durable, 1);
    rocks->compaction = rocksdb_compactoptions_create();
    rocksdb_compactoptions_set_exclusive_manual_compaction(rocks->compaction, 0);
    rocksdb_compactoptions_set_bottommost_level_compaction(rocks->compaction, FORCE_OPTIMIZED);
    rocks->batch = rocksdb_writebatch_create();
    if (open_first(rocks))
        return &rocks->backend;
    snprintf(error, error_size, "spool %s: %s", directory, rocks->failure);
    rocks_close(&rocks->backend);
    return NULL;
}
