/*
 * test_rocksdb: the backend by itself, and the reclaimer that tells it when to compact.
 */
#include <CUnit/Basic.h>
#include <errno.h>
#include <semaphore.h>
#include <stdio.h>
#include "base/mem.h"
#include "spool/backend.h"
#include "spool/layout.h"
#include "spool/reclaimer.h"
#include "spool_harness.h"

static struct spool_backend *backend;
static const struct spool_backend_operations *on;

static char *open_backend(void)
{
    char error[500];
    char *folder = harness_folder();
    backend = rocksdb_backend_open(folder, error, sizeof error);
    if (!backend) {
        fprintf(stderr, "%s\n", error);
        exit(1);
    }
    on = backend->operations;
    return folder;
}

static void close_backend(char *folder)
{
    on->close(backend);
    harness_remove(folder);
}

/* Is the row there, with this value? */
static bool is_row(enum spool_table table, const char *key, const char *value)
{
    char *data;
    size_t size;
    if (on->read(backend, table, slice_text(key), &data, &size) != 0)
        return false;
    bool equal = slice_equal(slice_of(data, size), slice_text(value));
    free(data);
    return equal;
}

static void test_batch(void)
{
    char *folder = open_backend(), *data;
    size_t size;
    on->put(backend, SPOOL_META, SLICE_LITERAL("a"), SLICE_LITERAL("1"));
    on->put(backend, SPOOL_META, SLICE_LITERAL("b"), slice_of(NULL, 0));
    on->put(backend, SPOOL_BODY, SLICE_LITERAL("a"), SLICE_LITERAL("2"));
    CU_ASSERT_FALSE(is_row(SPOOL_META, "a", "1")); /* not before commit */
    CU_ASSERT_EQUAL(on->commit(backend, false), SPOOL_OK);
    CU_ASSERT(is_row(SPOOL_META, "a", "1"));
    CU_ASSERT(is_row(SPOOL_META, "b", ""));
    CU_ASSERT(is_row(SPOOL_BODY, "a", "2"));
    CU_ASSERT_EQUAL(on->read(backend, SPOOL_BODY, SLICE_LITERAL("b"), &data, &size), -ENOENT);
    CU_ASSERT(on->may_exist(backend, SPOOL_META, SLICE_LITERAL("b")));
    CU_ASSERT_FALSE(on->may_exist(backend, SPOOL_BODY, SLICE_LITERAL("b")));
    on->drop(backend, SPOOL_META, SLICE_LITERAL("b"));
    for (int i = 0; i < 3; i++)
        on->put(backend, SPOOL_META, SLICE_LITERAL("a"), SLICE_LITERAL("3"));
    on->erase(backend, SPOOL_META, SLICE_LITERAL("a"));
    CU_ASSERT_EQUAL(on->commit(backend, true), SPOOL_OK);
    CU_ASSERT_FALSE(is_row(SPOOL_META, "a", "3"));
    CU_ASSERT_FALSE(is_row(SPOOL_META, "b", ""));
    CU_ASSERT_EQUAL(on->commit(backend, true), SPOOL_OK); /* nothing to apply */
    close_backend(folder);
}

static bool append_key(struct slice key, struct slice value, void *closure)
{
    char *keys = closure;
    (void)value;
    strncat(keys, key.data, key.size);
    return strlen(keys) < 5;
}

static void test_scan(void)
{
    char *folder = open_backend(), keys[20] = "";
    static const char *const rows[] = {"d", "b1", "a", "c", "b", "b2", "\xff", "\xff\xff"};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        on->put(backend, SPOOL_META, slice_text(rows[i]), SLICE_LITERAL("x"));
    on->put(backend, SPOOL_BODY, SLICE_LITERAL("bb"), SLICE_LITERAL("x"));
    CU_ASSERT_EQUAL(on->commit(backend, false), SPOOL_OK);
    CU_ASSERT_EQUAL(on->scan(backend, SPOOL_META, SLICE_LITERAL("b"), append_key, keys), 0);
    CU_ASSERT_STRING_EQUAL(keys, "bb1b2");
    keys[0] = '\0';
    CU_ASSERT_EQUAL(on->scan(backend, SPOOL_META, slice_of(NULL, 0), append_key, keys), 0);
    CU_ASSERT_STRING_EQUAL(keys, "abb1b2"); /* until it had enough */
    keys[0] = '\0';
    CU_ASSERT_EQUAL(on->scan(backend, SPOOL_META, SLICE_LITERAL("\xff"), append_key, keys), 0);
    CU_ASSERT_STRING_EQUAL(keys, "\xff\xff\xff");
    close_backend(folder);
}

static void test_revive(void)
{
    char *folder = open_backend();
    on->put(backend, SPOOL_META, SLICE_LITERAL("a"), SLICE_LITERAL("1"));
    CU_ASSERT_EQUAL(on->commit(backend, false), SPOOL_OK);
    CU_ASSERT(on->revive(backend));
    CU_ASSERT(is_row(SPOOL_META, "a", "1"));
    on->put(backend, SPOOL_META, SLICE_LITERAL("b"), SLICE_LITERAL("2"));
    CU_ASSERT_EQUAL(on->commit(backend, true), SPOOL_OK);
    CU_ASSERT(is_row(SPOOL_META, "b", "2"));
    close_backend(folder);
}

/* Rows put and dropped in turn, across files, come and go as they should: what `drop` promises and no more.
 */
static void test_drop_across_files(void)
{
    char *folder = open_backend();
    for (int round = 0; round < 5; round++) {
        on->put(backend, SPOOL_BODY, SLICE_LITERAL("a"), SLICE_LITERAL("1"));
        CU_ASSERT_EQUAL(on->commit(backend, false), SPOOL_OK);
        if (round % 2)
            on->compact(backend, slice_of(NULL, 0), slice_of(NULL, 0));
        CU_ASSERT(is_row(SPOOL_BODY, "a", "1"));
        for (int twice = 0; twice <= round % 3; twice++) {
            on->drop(backend, SPOOL_BODY, SLICE_LITERAL("a"));
            CU_ASSERT_EQUAL(on->commit(backend, false), SPOOL_OK);
        }
        CU_ASSERT_FALSE(is_row(SPOOL_BODY, "a", "1"));
        on->compact(backend, slice_of(NULL, 0), slice_of(NULL, 0));
        CU_ASSERT_FALSE(is_row(SPOOL_BODY, "a", "1"));
    }
    CU_ASSERT_EQUAL(on->size(backend), 0);
    close_backend(folder);
}

static void test_compact(void)
{
    enum { ROWS = 100, ROW_SIZE = 50000 };
    char *folder = open_backend(), *value = mem_zalloc(ROW_SIZE), key[20];
    for (int i = 0; i < ROWS; i++) {
        snprintf(key, sizeof key, "%06d", i);
        on->put(backend, SPOOL_BODY, slice_text(key), slice_of(value, ROW_SIZE));
    }
    CU_ASSERT_EQUAL(on->commit(backend, false), SPOOL_OK);
    on->compact(backend, slice_of(NULL, 0), slice_of(NULL, 0));
    CU_ASSERT(on->size(backend) >= ROWS * ROW_SIZE);
    for (int i = 0; i < ROWS; i++) {
        snprintf(key, sizeof key, "%06d", i);
        if (i != 50)
            on->drop(backend, SPOOL_BODY, slice_text(key));
    }
    CU_ASSERT_EQUAL(on->commit(backend, false), SPOOL_OK);
    on->compact(backend, slice_of(NULL, 0), slice_of(NULL, 0));
    CU_ASSERT(on->size(backend) < 2 * ROW_SIZE);
    CU_ASSERT(on->may_exist(backend, SPOOL_BODY, SLICE_LITERAL("000050")));
    CU_ASSERT_FALSE(on->may_exist(backend, SPOOL_BODY, SLICE_LITERAL("000051")));
    on->interrupt(backend);
    on->compact(backend, slice_of(NULL, 0), slice_of(NULL, 0)); /* returns at once */
    free(value);
    close_backend(folder);
}

/* ---- the reclaimer --------------------------------------------------------------------------- */

static sem_t looked, compacted;
static _Atomic uint64_t stored;
static uint64_t compacted_first, compacted_last; /* ids; 0: all */

static uint64_t fake_size(struct spool_backend *fake)
{
    (void)fake;
    sem_post(&looked);
    return stored;
}

static void fake_compact(struct spool_backend *fake, struct slice first, struct slice last)
{
    (void)fake;
    stored = 0;
    compacted_first = first.size == 0 ? 0 : layout_key_id(first.data);
    compacted_last = last.size == 0 ? 0 : layout_key_id(last.data);
    sem_post(&compacted);
}

static void fake_interrupt(struct spool_backend *fake)
{
    (void)fake;
}

static void test_reclaimer(void)
{
    static const struct spool_backend_operations operations = {
        .size = fake_size, .compact = fake_compact, .interrupt = fake_interrupt};
    struct spool_backend fake = {.operations = &operations};
    int count;
    sem_init(&looked, 0, 0);
    sem_init(&compacted, 0, 0);
    struct reclaimer *reclaimer = reclaimer_start(&fake, 1);
    reclaimer_add(reclaimer, 4 * (uint64_t)RECLAIMER_LEAST_BYTES);
    stored = 4 * (uint64_t)RECLAIMER_LEAST_BYTES;
    reclaimer_remove(reclaimer, RECLAIMER_LEAST_BYTES); /* three quarters are needed: not yet */
    sem_wait(&looked);
    sem_wait(&looked);
    sem_getvalue(&compacted, &count);
    CU_ASSERT_EQUAL(count, 0);
    reclaimer_remove(reclaimer, 2 * (uint64_t)RECLAIMER_LEAST_BYTES);
    sem_wait(&compacted);
    reclaimer_stop(reclaimer);
    CU_ASSERT_EQUAL(stored, 0);
    sem_destroy(&looked);
    sem_destroy(&compacted);
}

/* What was discarded is given back by itself, also when it is little and no more comes. */
static void test_discarded(void)
{
    static const struct spool_backend_operations operations = {
        .size = fake_size, .compact = fake_compact, .interrupt = fake_interrupt};
    struct spool_backend fake = {.operations = &operations};
    sem_init(&looked, 0, 0);
    sem_init(&compacted, 0, 0);
    struct reclaimer *reclaimer = reclaimer_start(&fake, 1);
    reclaimer_discard(reclaimer, 7, 2 * (uint64_t)RECLAIMER_LEAST_BYTES);
    sem_wait(&compacted);
    CU_ASSERT_EQUAL(compacted_first, 7);
    CU_ASSERT_EQUAL(compacted_last, 7);
    reclaimer_discard(reclaimer, 9, 2 * (uint64_t)RECLAIMER_LEAST_RESTING);
    sem_wait(&compacted);
    CU_ASSERT_EQUAL(compacted_first, 9);
    CU_ASSERT_EQUAL(compacted_last, 9);
    reclaimer_stop(reclaimer);
    sem_destroy(&looked);
    sem_destroy(&compacted);
}

int main(void)
{
    CU_initialize_registry();
    CU_pSuite suite = CU_add_suite("rocksdb", NULL, NULL);
    CU_add_test(suite, "batch", test_batch);
    CU_add_test(suite, "scan", test_scan);
    CU_add_test(suite, "revive", test_revive);
    CU_add_test(suite, "drop across files", test_drop_across_files);
    CU_add_test(suite, "compact", test_compact);
    CU_add_test(suite, "reclaimer", test_reclaimer);
    CU_add_test(suite, "discarded", test_discarded);
    return harness_run();
}
