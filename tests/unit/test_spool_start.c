/*
 * test_spool_start: what a start can find: another process, damage, a log that a power loss tore.
 */
#include <CUnit/Basic.h>
#include <fcntl.h>
#include <glob.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>
#include "base/buf.h"
#include "base/id.h"
#include "base/mem.h"
#include "message/edits.h"
#include "spool/backend.h"
#include "spool/layout.h"
#include "spool_harness.h"

/* ---- opening --------------------------------------------------------------------------------- */

static void test_corrupt(void)
{
    char error[500];
    char *folder = harness_folder(), *name = mem_printf("%s/impulse/CURRENT", folder);
    spool_close(harness_open(folder));
    FILE *file = fopen(name, "w");
    CU_ASSERT_PTR_NOT_NULL_FATAL(file);
    fputs("nonsense", file);
    fclose(file);
    struct spool_settings settings = {.directory = folder};
    CU_ASSERT_PTR_NULL(spool_open(&settings, error, sizeof error));
    CU_ASSERT_PTR_NOT_NULL(strstr(error, folder));
    CU_ASSERT_PTR_NOT_NULL(strstr(error, "orruption"));
    CU_ASSERT_PTR_NULL(strchr(error, '\n'));
    free(name);
    harness_remove(folder);
}

static void test_lock(void)
{
    char error[500], holder[60];
    char *folder = harness_folder();
    struct spool *spool = harness_open(folder);
    struct spool_settings settings = {.directory = folder};
    CU_ASSERT_PTR_NULL(spool_open(&settings, error, sizeof error));
    snprintf(holder, sizeof holder, "another process (pid %d) holds it", (int)getpid());
    CU_ASSERT_PTR_NOT_NULL(strstr(error, folder));
    CU_ASSERT_PTR_NOT_NULL(strstr(error, holder));
    spool_close(spool);
    spool_close(harness_open(folder));
    harness_remove(folder);
}

static void test_directory(void)
{
    char error[500];
    struct stat status;
    char *folder = harness_folder();
    char *deep = mem_printf("%s/var/spool", folder), *made = mem_printf("%s/impulse", deep);
    spool_close(harness_open(deep));
    CU_ASSERT_EQUAL(stat(made, &status), 0);
    CU_ASSERT_EQUAL(status.st_mode & 07777, 0750);
    char *file = mem_printf("%s/lock", made);
    struct spool_settings settings = {.directory = file};
    CU_ASSERT_PTR_NULL(spool_open(&settings, error, sizeof error));
    CU_ASSERT_PTR_NOT_NULL(strstr(error, file));
    CU_ASSERT_PTR_NOT_NULL(strstr(error, "Not a directory"));
    free(file);
    free(made);
    free(deep);
    harness_remove(folder);
}

static void test_reserve(void)
{
    char error[500];
    char *folder = harness_folder();
    struct spool_settings settings = {.directory = folder, .reserve_bytes = UINT64_MAX / 2};
    struct spool *spool = spool_open(&settings, error, sizeof error);
    struct message message = harness_message(100, 1);
    CU_ASSERT_FALSE(spool_has_room(spool, 0));
    CU_ASSERT(harness_saw_line("shall stay so: messages are refused with 452"));
    CU_ASSERT_EQUAL(harness_store(spool, &message), SPOOL_FULL);
    spool_close(spool);
    CU_ASSERT_EQUAL(harness_count_rows(folder), 0);
    harness_message_free(&message);
    harness_remove(folder);
}

/* ---- damage ---------------------------------------------------------------------------------- */

/* Puts rows that a sound spool does not have. */
static void damage(const char *folder, const struct message *lost)
{
    char error[500];
    struct layout_key key;
    char *directory = mem_printf("%s/impulse", folder);
    struct spool_backend *backend = rocksdb_backend_open(directory, error, sizeof error);
    CU_ASSERT_PTR_NOT_NULL_FATAL(backend);
    const struct spool_backend_operations *on = backend->operations;
    on->put(backend, SPOOL_META, SLICE_LITERAL("odd"), SLICE_LITERAL("row"));
    on->put(backend, SPOOL_META, layout_meta_key(&key, id_next(), LAYOUT_ENVELOPE), SLICE_LITERAL("\1torn"));
    on->put(backend, SPOOL_META, layout_meta_key(&key, id_next(), LAYOUT_RETRY), SLICE_LITERAL("alone"));
    for (size_t i = 0; i < lost->envelope_count; i++) { /* envelopes without the body */
        struct buf record = {0};
        envelope_encode(lost->envelopes[i], &record);
        on->put(backend, SPOOL_META, layout_meta_key(&key, lost->envelopes[i]->id, LAYOUT_ENVELOPE),
                buf_slice(&record));
        buf_release(&record);
    }
    CU_ASSERT_EQUAL(on->commit(backend, true), SPOOL_OK);
    on->close(backend);
    free(directory);
}

static void test_damage(void)
{
    char *folder = harness_folder();
    struct spool *spool = harness_open(folder);
    struct message lost = harness_message(10, 2), sound = harness_message(10, 1);
    CU_ASSERT_EQUAL(harness_store(spool, &sound), SPOOL_OK);
    spool_close(spool);
    damage(folder, &lost);
    for (int round = 0; round < 2; round++) { /* what is damaged stays */
        harness_forget_lines();
        spool = harness_open(folder);
        struct recovered recovered = harness_recover(spool);
        CU_ASSERT_EQUAL(recovered.result.damaged_rows, 4);
        CU_ASSERT_EQUAL_FATAL(recovered.count, 1);
        CU_ASSERT_EQUAL(recovered.envelopes[0]->id, sound.envelopes[0]->id);
        CU_ASSERT(harness_saw_line("cannot read the envelope"));
        CU_ASSERT(harness_saw_line("content is missing"));
        char text[ID_TEXT_SIZE];
        id_format(lost.envelopes[1]->id, text);
        CU_ASSERT(harness_saw_line(text));
        harness_recovered_free(&recovered);
        spool_close(spool);
    }
    harness_message_free(&lost);
    harness_message_free(&sound);
    harness_remove(folder);
}

/* unlink_on_spool_in_failure: what is damaged is told once, and gone. */
static void test_damage_is_removed(void)
{
    char *folder = harness_folder();
    struct spool *spool = harness_open(folder);
    struct message lost = harness_message(10, 2), sound = harness_message(10, 1);
    CU_ASSERT_EQUAL(harness_store(spool, &sound), SPOOL_OK);
    spool_close(spool);
    size_t rows = harness_count_rows(folder);
    damage(folder, &lost);
    for (int round = 0; round < 2; round++) {
        harness_forget_lines();
        spool = harness_open_with(&(struct spool_settings){.directory = folder, .remove_damaged = true});
        struct recovered recovered = harness_recover(spool);
        CU_ASSERT_EQUAL(recovered.result.damaged_rows, round == 0 ? 4 : 0);
        CU_ASSERT_EQUAL_FATAL(recovered.count, 1);
        CU_ASSERT(harness_content_is_whole(spool, recovered.envelopes[0]->body));
        CU_ASSERT_EQUAL(harness_saw_line("the row is removed"), round == 0);
        harness_recovered_free(&recovered);
        spool_close(spool);
    }
    CU_ASSERT_EQUAL(harness_count_rows(folder), rows);
    harness_message_free(&lost);
    harness_message_free(&sound);
    harness_remove(folder);
}

/* ---- edits ----------------------------------------------------------------------------------- */

/* Two messages of two recipients each, the content of which was edited while it arrived. */
static void store_edited(struct spool *spool, struct message messages[2], uint64_t size)
{
    for (unsigned i = 0; i < 2; i++) {
        struct edits edits;
        struct buf sealed = {0};
        size_t sealed_size;
        messages[i] = harness_message(size, 2);
        edits_init(&edits, size);
        edits_splice(&edits, 2, 1, SLICE_LITERAL("edited"));
        edits_seal(&edits, &sealed);
        edits_release(&edits);
        char *memory = buf_take(&sealed, &sealed_size);
        body_set_edits(messages[i].body, memory, (uint32_t)sealed_size);
        CU_ASSERT_EQUAL(harness_store(spool, &messages[i]), SPOOL_OK);
    }
}

static void drop_edits(const char *folder, uint64_t body_id)
{
    struct layout_key key;
    char error[200];
    char *directory = mem_printf("%s/impulse", folder);
    struct spool_backend *backend = rocksdb_backend_open(directory, error, sizeof error);
    CU_ASSERT_PTR_NOT_NULL_FATAL(backend);
    backend->operations->drop(backend, SPOOL_META, layout_meta_key(&key, body_id, LAYOUT_EDITS));
    CU_ASSERT_EQUAL(backend->operations->commit(backend, true), SPOOL_OK);
    backend->operations->close(backend);
    free(directory);
}

/* They come back with the envelopes, and go with the last one. A message whose edits are lost is not
 * delivered without them. */
static void test_edits(void)
{
    static const uint64_t sizes[] = {10, 600000};
    for (unsigned i = 0; i < 2; i++) {
        char *folder = harness_folder();
        struct spool *spool = harness_open(folder);
        struct message messages[2];
        store_edited(spool, messages, sizes[i]);
        spool_close(spool);
        drop_edits(folder, messages[1].body->id);
        harness_forget_lines();
        spool = harness_open_with(&(struct spool_settings){.directory = folder, .remove_damaged = true});
        struct recovered recovered = harness_recover(spool);
        CU_ASSERT_EQUAL(recovered.result.damaged_rows, 2);
        CU_ASSERT(harness_saw_line("cannot read the edits"));
        CU_ASSERT_EQUAL_FATAL(recovered.count, 2);
        CU_ASSERT_PTR_EQUAL(recovered.envelopes[0]->body, recovered.envelopes[1]->body);
        CU_ASSERT(slice_equal(body_edits(recovered.envelopes[0]->body), body_edits(messages[0].body)));
        CU_ASSERT_EQUAL(envelope_size(recovered.envelopes[0]),
                        sizes[i] + 5 + recovered.envelopes[0]->header.size);
        for (unsigned j = 0; j < 2; j++)
            CU_ASSERT_EQUAL(harness_remove_envelope(spool, recovered.envelopes[j]), SPOOL_OK);
        harness_recovered_free(&recovered);
        spool_close(spool);
        CU_ASSERT_EQUAL(harness_count_rows(folder), 0);
        harness_message_free(&messages[0]);
        harness_message_free(&messages[1]);
        harness_remove(folder);
    }
}

/* ---- power loss ------------------------------------------------------------------------------ */

/* The only log of a small spool. The caller frees the name. */
static char *find_log(const char *folder)
{
    char *pattern = mem_printf("%s/impulse/*.log", folder), *name;
    glob_t found;
    CU_ASSERT_EQUAL_FATAL(glob(pattern, 0, NULL, &found), 0);
    CU_ASSERT_EQUAL(found.gl_pathc, 1);
    name = mem_dup(found.gl_pathv[0]);
    globfree(&found);
    free(pattern);
    return name;
}

static off_t log_size(const char *folder)
{
    struct stat status;
    char *name = find_log(folder);
    CU_ASSERT_EQUAL(stat(name, &status), 0);
    free(name);
    return status.st_size;
}

/* A copy of an open spool, as a crash would leave it. */
static char *copy_spool(const char *folder)
{
    char *copy = harness_folder();
    char *command = mem_printf("cp -r %s/impulse %s/", folder, copy);
    CU_ASSERT_EQUAL_FATAL(system(command), 0);
    free(command);
    return copy;
}

/* Spoils the log at `offset`: nothing follows, or a page that never reached the disk and then the rest. */
static void tear_log(const char *folder, off_t offset, bool hole)
{
    static const char zeros[64];
    char *name = find_log(folder);
    int fd = open(name, O_WRONLY);
    CU_ASSERT_FATAL(fd >= 0);
    ssize_t spoilt = hole ? pwrite(fd, zeros, sizeof zeros, offset) : ftruncate(fd, offset);
    CU_ASSERT_EQUAL(spoilt, hole ? (ssize_t)sizeof zeros : 0);
    close(fd);
    free(name);
}

/* Whatever a power loss does to what was written after the last sync, all that was stored before is there. */
static void test_torn_log(void)
{
    enum { KEPT = 10, REMOVED = 20, STEP = 301 };
    struct message kept[KEPT], removed[REMOVED];
    char *folder = harness_folder();
    struct spool *spool = harness_open(folder);
    for (size_t i = 0; i < REMOVED; i++) {
        removed[i] = harness_message(100, 1);
        CU_ASSERT_EQUAL(harness_store(spool, &removed[i]), SPOOL_OK);
    }
    for (size_t i = 0; i < KEPT; i++) {
        kept[i] = harness_message(3000, 1);
        CU_ASSERT_EQUAL(harness_store(spool, &kept[i]), SPOOL_OK);
    }
    off_t synced = log_size(folder);
    for (size_t i = 0; i < REMOVED; i++)
        CU_ASSERT_EQUAL(harness_remove_envelope(spool, removed[i].envelopes[0]), SPOOL_OK);
    off_t all = log_size(folder);
    CU_ASSERT(all - synced > STEP);
    for (off_t offset = synced; offset + 64 < all; offset += STEP) {
        for (int hole = 0; hole < 2; hole++) {
            char *copy = copy_spool(folder);
            tear_log(copy, offset, hole);
            struct spool *torn = harness_open(copy);
            struct recovered recovered = harness_recover(torn);
            CU_ASSERT(recovered.count >= KEPT);
            CU_ASSERT(offset > synced || recovered.count == KEPT + REMOVED);
            for (size_t i = 0; i < KEPT; i++) {
                struct envelope *envelope = harness_find(&recovered, kept[i].envelopes[0]->id);
                CU_ASSERT(envelope && harness_content_is_whole(torn, envelope->body));
            }
            harness_recovered_free(&recovered);
            spool_close(torn);
            harness_remove(copy);
        }
    }
    spool_close(spool);
    for (size_t i = 0; i < KEPT; i++)
        harness_message_free(&kept[i]);
    for (size_t i = 0; i < REMOVED; i++)
        harness_message_free(&removed[i]);
    harness_remove(folder);
}

/* ---- logs that are missing --------------------------------------------------------------------- */

/* A memtable of bodies is full and was written to a file, with its log closed, which holds the envelopes yet. */
static char *fill_two_logs(size_t *count, glob_t *logs)
{
    char *folder = harness_folder(), *pattern = mem_printf("%s/impulse/*.log", folder);
    struct spool *spool = harness_open(folder);
    memset(logs, 0, sizeof *logs);
    for (*count = 0; logs->gl_pathc < 2; ++*count) {
        struct message message = harness_message(2 * BODY_CHUNK, 1);
        CU_ASSERT_EQUAL(harness_store(spool, &message), SPOOL_OK);
        harness_message_free(&message);
        globfree(logs);
        glob(pattern, 0, NULL, logs);
    }
    spool_close(spool);
    globfree(logs);
    glob(pattern, 0, NULL, logs);
    free(pattern);
    return folder;
}

/* `which` log of two is removed. */
static void test_missing_log(size_t which)
{
    size_t count;
    glob_t logs;
    char *folder = fill_two_logs(&count, &logs);
    CU_ASSERT_EQUAL_FATAL(logs.gl_pathc, 2);
    CU_ASSERT_EQUAL(unlink(logs.gl_pathv[which]), 0);
    harness_forget_lines();
    struct spool *spool = harness_open(folder);
    struct recovered recovered = harness_recover(spool);
    CU_ASSERT(recovered.count < count);
    CU_ASSERT(harness_saw_line(which == 0 ? "may be lost" : "changes are missing"));
    CU_ASSERT(harness_saw_line("the log"));
    harness_recovered_free(&recovered);
    spool_close(spool);
    harness_forget_lines();
    spool_close(harness_open(folder)); /* told once */
    CU_ASSERT_FALSE(harness_saw_line("the log"));
    globfree(&logs);
    harness_remove(folder);
}

static void test_first_log_missing(void)
{
    test_missing_log(0);
}

static void test_last_log_missing(void)
{
    test_missing_log(1);
}

static void test_both_logs_there(void)
{
    size_t count;
    glob_t logs;
    char *folder = fill_two_logs(&count, &logs);
    harness_forget_lines();
    struct spool *spool = harness_open(folder);
    struct recovered recovered = harness_recover(spool);
    CU_ASSERT_EQUAL(recovered.count, count);
    CU_ASSERT_FALSE(harness_saw_line("the log"));
    harness_recovered_free(&recovered);
    spool_close(spool);
    globfree(&logs);
    harness_remove(folder);
}

int main(void)
{
    harness_catch_lines();
    CU_initialize_registry();
    CU_pSuite suite = CU_add_suite("start of the spool", NULL, NULL);
    CU_add_test(suite, "lock", test_lock);
    CU_add_test(suite, "directory", test_directory);
    CU_add_test(suite, "reserve", test_reserve);
    CU_add_test(suite, "corrupt", test_corrupt);
    CU_add_test(suite, "damage", test_damage);
    CU_add_test(suite, "damage is removed", test_damage_is_removed);
    CU_add_test(suite, "edits", test_edits);
    CU_add_test(suite, "torn log", test_torn_log);
    CU_add_test(suite, "two logs", test_both_logs_there);
    CU_add_test(suite, "first log missing", test_first_log_missing);
    CU_add_test(suite, "last log missing", test_last_log_missing);
    return harness_run();
}
