/*
 * test_catalogue: RocksDB's catalogue, read without RocksDB: which blob files are needed, and edits that are not known here.
 */
#include "spool/catalogue.h"

#include <CUnit/Basic.h>
#include <endian.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include "base/buf.h"
#include "base/mem.h"
#include "spool/progress.h"
#include "spool/record_file.h"
#include "spool/survey.h"
#include "spool_harness.h"

enum { BODY_FAMILY = 2, FUTURE_TAG = 500, HARMLESS_TAG = 8192 + 77 };

/* ---- a catalogue of our own ------------------------------------------------------------------ */

static void put(struct buf *edit, const char *bytes, size_t size)
{
    buf_append(edit, bytes, size);
}

/* Numbers below 2^14. */
static void put_number(struct buf *edit, unsigned number)
{
    char low = (char)((number & 0x7f) | (number > 0x7f ? 0x80 : 0)), high = (char)(number >> 7);
    put(edit, &low, 1);
    if (number > 0x7f)
        put(edit, &high, 1);
}

static void put_table(struct buf *edit, unsigned number, unsigned oldest_blob)
{
    put_number(edit, 103);
    put_number(edit, 0); /* the level */
    put_number(edit, number);
    put_number(edit, 100);      /* bytes */
    put(edit, "\001a\001z", 4); /* its first and its last key */
    put(edit, "\001\002", 2);   /* and change */
    put_number(edit, 4);        /* a field: its size, and the first blob file */
    put_number(edit, oldest_blob > 0x7f ? 2 : 1);
    put_number(edit, oldest_blob);
    put_number(edit, 1);
}

static void put_removal(struct buf *edit, unsigned number)
{
    put_number(edit, 6);
    put_number(edit, 0);
    put_number(edit, number);
}

static void put_blob_file(struct buf *edit, unsigned number)
{
    put_number(edit, 400);
    put_number(edit, number);
    put_number(edit, 10);   /* blobs */
    put_number(edit, 1000); /* bytes */
    put(edit, "\0\0\0", 3); /* no checksum, no more fields */
}

static void put_garbage(struct buf *edit, unsigned number, unsigned blobs)
{
    put_number(edit, 401);
    put_number(edit, number);
    put_number(edit, blobs);
    put_number(edit, blobs * 100); /* bytes */
    put(edit, "", 1);              /* no more fields */
}

static void put_family(struct buf *edit, unsigned family)
{
    put_number(edit, 200);
    put_number(edit, family);
}

/* Writes the edit as a record, and empties it. */
static void write_edit(FILE *out, struct buf *edit)
{
    struct slice bytes = buf_slice(edit);
    char head[7] = {0};
    head[4] = (char)bytes.size;
    head[6] = 1;
    uint32_t sum = crc32c_masked(crc32c(crc32c(0, head + 6, 1), bytes.data, bytes.size));
    memcpy(head, &sum, sizeof sum);
    fwrite(head, 1, sizeof head, out);
    fwrite(bytes.data, 1, bytes.size, out);
    buf_clear(edit);
}

static FILE *create_file(const char *folder, const char *name)
{
    char *path = mem_printf("%s/%s", folder, name);
    FILE *out = fopen(path, "w");
    CU_ASSERT_PTR_NOT_NULL_FATAL(out);
    free(path);
    return out;
}

static FILE *create_catalogue(const char *folder)
{
    FILE *current = create_file(folder, "CURRENT");
    fputs("MANIFEST-000005\n", current);
    fclose(current);
    return create_file(folder, "MANIFEST-000005");
}

/* ---- tests ----------------------------------------------------------------------------------- */

/* A compaction removes more tables than it adds: what it adds belongs to its family all the same. */
static void test_family_after_removals(void)
{
    char error[300], *folder = harness_folder();
    struct catalogue catalogue;
    struct buf edit = {0};
    FILE *out = create_catalogue(folder);
    for (unsigned number = 10; number < 14; number++)
        put_table(&edit, number, 8);
    put_blob_file(&edit, 8);
    put_family(&edit, BODY_FAMILY);
    write_edit(out, &edit);
    for (unsigned number = 10; number < 14; number++)
        put_removal(&edit, number);
    put_table(&edit, 20, 8);
    put_family(&edit, BODY_FAMILY);
    write_edit(out, &edit);
    fclose(out);
    CU_ASSERT_TRUE(catalogue_read(&catalogue, folder, error, sizeof error));
    CU_ASSERT_EQUAL_FATAL(catalogue.tables.count, 1);
    CU_ASSERT_EQUAL(catalogue.tables.files[0].number, 20);
    CU_ASSERT_EQUAL(catalogue.tables.files[0].family, BODY_FAMILY);
    CU_ASSERT_EQUAL_FATAL(catalogue.blobs.count, 1);
    CU_ASSERT_TRUE(catalogue_needs_blob(&catalogue, &catalogue.blobs.files[0]));
    catalogue_release(&catalogue);
    buf_release(&edit);
    harness_remove(folder);
}

/* Blob files that nothing needs are forgotten in the edit that makes them so, or the list grows for as long as RocksDB is open. */
static void test_garbage(void)
{
    char error[300], *folder = harness_folder();
    struct catalogue catalogue;
    struct buf edit = {0};
    FILE *out = create_catalogue(folder);
    for (unsigned number = 100; number < 250; number++) {
        put_table(&edit, number + 2000, number);
        put_blob_file(&edit, number);
        put_family(&edit, BODY_FAMILY);
        write_edit(out, &edit);
        put_removal(&edit, number + 2000);
        put_table(&edit, number + 4000, number + 1);
        put_blob_file(&edit, number + 2000);
        put_garbage(&edit, number, 4);
        put_garbage(&edit, number, number == 200 ? 5 : 6);
        put_garbage(&edit, number + 2000, 10);
        put_family(&edit, BODY_FAMILY);
        write_edit(out, &edit);
    }
    fclose(out);
    CU_ASSERT_TRUE(catalogue_read(&catalogue, folder, error, sizeof error));
    CU_ASSERT_EQUAL_FATAL(catalogue.blobs.count, 1);
    CU_ASSERT_EQUAL(catalogue.blobs.files[0].number, 200);
    CU_ASSERT_EQUAL(catalogue.blobs.files[0].garbage, 9);
    CU_ASSERT_EQUAL(catalogue.blobs.files[0].family, BODY_FAMILY);
    CU_ASSERT_EQUAL(catalogue.tables.count, 150);
    catalogue_release(&catalogue);
    buf_release(&edit);
    harness_remove(folder);
}

/* Another RocksDB may write what is not known here. That is no damage, and no reason to refuse a start. */
static void test_foreign(void)
{
    char error[300], *folder = harness_folder();
    struct catalogue catalogue;
    struct survey survey;
    struct buf edit = {0};
    FILE *out = create_catalogue(folder);
    put_number(&edit, HARMLESS_TAG);
    put(&edit, "\003new", 4);
    put_table(&edit, 10, 8);
    write_edit(out, &edit);
    put_number(&edit, FUTURE_TAG);
    put_number(&edit, 1);
    write_edit(out, &edit);
    fclose(out);
    CU_ASSERT_FALSE(catalogue_read(&catalogue, folder, error, sizeof error));
    CU_ASSERT_TRUE(catalogue.is_foreign);
    CU_ASSERT_EQUAL(catalogue.tables.count, 1);
    catalogue_release(&catalogue);
    survey_take(&survey, folder);
    CU_ASSERT_EQUAL(survey.verdict, SURVEY_WHOLE);
    CU_ASSERT_FALSE(survey.catalogued);
    CU_ASSERT_STRING_EQUAL(survey.text, "");
    CU_ASSERT_PTR_NOT_NULL(strstr(survey.doubt, "MANIFEST-000005"));
    buf_release(&edit);
    harness_remove(folder);
}

/* A change as the log has it: its number, and that it is one. */
static void put_change(struct buf *record, uint64_t number)
{
    uint32_t count = htole32(1);
    number = htole64(number);
    put(record, (const char *)&number, sizeof number);
    put(record, (const char *)&count, sizeof count);
}

/* A power loss spoils a change that was not durable: its number means nothing. */
static void test_spoilt_change(void)
{
    char *folder = harness_folder();
    struct survey survey;
    struct buf edit = {0};
    FILE *out = create_catalogue(folder);
    put_table(&edit, 10, 8);
    put_removal(&edit, 10);
    write_edit(out, &edit);
    fclose(out);
    out = create_file(folder, "000009.log");
    put_change(&edit, 1);
    write_edit(out, &edit);
    long spoilt = ftell(out) + 7;
    put_change(&edit, 2);
    write_edit(out, &edit);
    put_change(&edit, 3);
    write_edit(out, &edit);
    fseek(out, spoilt, SEEK_SET);
    fputs("\377\377\377", out);
    fclose(out);
    survey_take(&survey, folder);
    CU_ASSERT_EQUAL(survey.verdict, SURVEY_WHOLE);
    CU_ASSERT_EQUAL(survey.reached, 1);
    CU_ASSERT_EQUAL(survey.missing, 0);
    CU_ASSERT_PTR_NOT_NULL(strstr(survey.damage, "000009.log"));
    buf_release(&edit);
    harness_remove(folder);
}

static uint64_t noted_size(const char *folder)
{
    struct progress_facts facts;
    CU_ASSERT_EQUAL(progress_read(folder, &facts), PROGRESS_READ);
    CU_ASSERT_EQUAL(facts.catalogue, 5);
    return facts.catalogue_size;
}

/* At the end all whole records are noted, and no half one. */
static void test_noted_at_the_end(void)
{
    char *folder = harness_folder();
    struct buf edit = {0};
    FILE *out = create_catalogue(folder);
    put_table(&edit, 20, 8);
    write_edit(out, &edit);
    fflush(out);
    struct progress *progress = progress_open(folder);
    CU_ASSERT_PTR_NOT_NULL_FATAL(progress);
    progress_begin(progress, 0);
    put_table(&edit, 21, 8);
    write_edit(out, &edit);
    uint64_t whole = (uint64_t)ftell(out);
    put_table(&edit, 22, 8);
    write_edit(out, &edit);
    fclose(out);
    char *path = mem_printf("%s/MANIFEST-000005", folder);
    CU_ASSERT_EQUAL(truncate(path, (off_t)whole + 9), 0);
    progress_close(progress);
    CU_ASSERT_EQUAL(noted_size(folder), whole);
    free(path);
    buf_release(&edit);
    harness_remove(folder);
}

/* A build without the file progress was killed while it wrote table 21: RocksDB removes that and reads the log. */
static void test_older_build(void)
{
    char *folder = harness_folder(), *marker = progress_marker(folder);
    struct survey survey;
    struct buf edit = {0};
    FILE *out = create_catalogue(folder);
    put_table(&edit, 20, 8);
    put_removal(&edit, 20);
    write_edit(out, &edit);
    fclose(out);
    fclose(create_file(folder, "000020.sst")); /* was removed, but is still there */
    survey_take(&survey, folder);
    CU_ASSERT_EQUAL(survey.verdict, SURVEY_WHOLE);
    fclose(create_file(folder, "000021.sst"));
    survey_take(&survey, folder);
    CU_ASSERT_EQUAL(survey.verdict, SURVEY_BROKEN);
    survey_trust_older(&survey, folder);
    CU_ASSERT_EQUAL(survey.verdict, SURVEY_WHOLE);
    CU_ASSERT_STRING_EQUAL(survey.text, "");
    CU_ASSERT_PTR_NOT_NULL(strstr(survey.doubt, "000021"));
    CU_ASSERT_EQUAL(progress_mark(folder), 0); /* no older build has had it */
    survey_take(&survey, folder);
    survey_trust_older(&survey, folder);
    CU_ASSERT_EQUAL(survey.verdict, SURVEY_BROKEN);
    unlink(marker);
    free(marker);
    buf_release(&edit);
    harness_remove(folder);
}

/* A start is refused when the catalogue is shorter than was noted, so no size is noted that may be that of half a record. */
static void test_noted_size(void)
{
    char *folder = harness_folder();
    FILE *out = create_catalogue(folder);
    struct progress *progress = progress_open(folder);
    CU_ASSERT_PTR_NOT_NULL_FATAL(progress);
    fputs("0123456789", out);
    fflush(out);
    progress_begin(progress, 0);
    CU_ASSERT_EQUAL(noted_size(folder), 10);
    fputs("half", out);
    fflush(out);
    progress_note(progress, 1, 1);
    CU_ASSERT_EQUAL(noted_size(folder), 10);
    fputs("half", out);
    fflush(out);
    progress_note(progress, 2, 1);
    CU_ASSERT_EQUAL(noted_size(folder), 10);
    progress_note(progress, 3, 1);
    CU_ASSERT_EQUAL(noted_size(folder), 18);
    progress_close(progress);
    CU_ASSERT_EQUAL(noted_size(folder), 18); /* no record: nothing more is known */
    fclose(out);
    harness_remove(folder);
}

int main(void)
{
    CU_initialize_registry();
    CU_pSuite suite = CU_add_suite("catalogue", NULL, NULL);
    CU_add_test(suite, "what an edit adds after removals has its family", test_family_after_removals);
    CU_add_test(suite, "blob files that nothing needs", test_garbage);
    CU_add_test(suite, "a catalogue of another RocksDB", test_foreign);
    CU_add_test(suite, "a change that a power loss spoilt", test_spoilt_change);
    CU_add_test(suite, "a spool of an older build", test_older_build);
    CU_add_test(suite, "the size that is noted", test_noted_size);
    CU_add_test(suite, "the size that is noted at the end", test_noted_at_the_end);
    return harness_run();
}
