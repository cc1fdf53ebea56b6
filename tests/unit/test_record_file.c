/*
 * test_record_file: RocksDB's record format, and the checksum that it uses.
 */
#include "spool/record_file.h"

#include <CUnit/Basic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "base/mem.h"
#include "spool_harness.h"

static void test_checksum(void)
{
    char zeros[32] = {0}; /* RFC 3720, B.4 */
    CU_ASSERT_EQUAL(crc32c(0, zeros, sizeof zeros), 0x8a9136aaU);
    CU_ASSERT_EQUAL(crc32c(0, "123456789", 9), 0xe3069283U);
    CU_ASSERT_EQUAL(crc32c(crc32c(0, "1234", 4), "56789", 5), 0xe3069283U);
}

static void put_fragment(FILE *out, int type, const char *bytes, size_t size)
{
    char head[7] = {0};
    head[4] = (char)(size & 0xff);
    head[5] = (char)(size >> 8);
    head[6] = (char)type;
    uint32_t sum = crc32c(0, head + 6, 1);
    sum = crc32c_masked(crc32c(sum, bytes, size));
    memcpy(head, &sum, sizeof sum);
    fwrite(head, 1, sizeof head, out);
    fwrite(bytes, 1, size, out);
}

/* "one" whole, and "two" in a fragment that ends its block and one in the next; then `tail`. Returns the path. */
static char *write_file(const char *folder, size_t tail)
{
    char *path = mem_printf("%s/000001.log", folder), *filler = mem_zalloc(32768);
    FILE *out = fopen(path, "w");
    memset(filler, 'x', 32768);
    put_fragment(out, 1, "one", 3);
    put_fragment(out, 1, filler, 32768 - 10 - 7 - 7 - 2);
    put_fragment(out, 2, "tw", 2);
    put_fragment(out, 4, "o", 1);
    put_fragment(out, 1, "three", 5);
    fwrite(filler, 1, tail, out);
    fclose(out);
    free(filler);
    return path;
}

static void test_records(void)
{
    char *folder = harness_folder(), *path = write_file(folder, 0);
    struct record_file file;
    struct slice record;
    CU_ASSERT_EQUAL_FATAL(record_file_open(&file, path), 0);
    CU_ASSERT_EQUAL(record_file_next(&file, &record), RECORD_GOOD);
    CU_ASSERT(slice_equal(record, slice_text("one")));
    CU_ASSERT_EQUAL(record_file_next(&file, &record), RECORD_GOOD);
    CU_ASSERT_EQUAL(record_file_next(&file, &record), RECORD_GOOD);
    CU_ASSERT(slice_equal(record, slice_text("two")));
    CU_ASSERT_EQUAL(record_file_next(&file, &record), RECORD_GOOD);
    CU_ASSERT(slice_equal(record, slice_text("three")));
    CU_ASSERT_EQUAL(record_file_next(&file, &record), RECORD_END);
    record_file_close(&file);
    free(path);
    harness_remove(folder);
}

/* Cut at every byte of its end: never damage, never a record that was not written. */
static void test_torn(void)
{
    char *folder = harness_folder(), *path = write_file(folder, 0);
    for (long size = 32768 + 20; size > 32700; size--) {
        struct record_file file;
        struct slice record;
        enum record_result result;
        size_t count = 0;
        CU_ASSERT_EQUAL(truncate(path, size), 0);
        CU_ASSERT_EQUAL_FATAL(record_file_open(&file, path), 0);
        while ((result = record_file_next(&file, &record)) == RECORD_GOOD)
            count++;
        CU_ASSERT_EQUAL(result, RECORD_END);
        CU_ASSERT_EQUAL(count, size >= 32768 + 20 ? 4 : size >= 32768 + 8 ? 3 : size >= 32759 ? 2 : 1);
        record_file_close(&file);
    }
    free(path);
    harness_remove(folder);
}

/* One bit in a record: that is damage, and reading goes on behind it. */
static void test_damage(void)
{
    char *folder = harness_folder(), *path = write_file(folder, 0);
    struct record_file file;
    struct slice record;
    FILE *out = fopen(path, "r+");
    fseek(out, 100, SEEK_SET);
    fputc('y', out);
    fclose(out);
    CU_ASSERT_EQUAL_FATAL(record_file_open(&file, path), 0);
    CU_ASSERT_EQUAL(record_file_next(&file, &record), RECORD_GOOD);
    CU_ASSERT_EQUAL(record_file_next(&file, &record), RECORD_DAMAGED);
    CU_ASSERT_EQUAL(file.damage, 10);
    CU_ASSERT(record_file_skip(&file));
    CU_ASSERT_EQUAL(record_file_next(&file, &record), RECORD_GOOD);
    CU_ASSERT(slice_equal(record, slice_text("two")));
    CU_ASSERT_EQUAL(record_file_next(&file, &record), RECORD_GOOD);
    CU_ASSERT_EQUAL(record_file_next(&file, &record), RECORD_END);
    record_file_close(&file);
    out = fopen(
        path,
        "r+"); /* and now the length of the one at byte 10, so that its block is lost, and half a record */
    fseek(out, 10 + 5, SEEK_SET);
    fputc(0xff, out);
    fclose(out);
    CU_ASSERT_EQUAL_FATAL(record_file_open(&file, path), 0);
    CU_ASSERT_EQUAL(record_file_next(&file, &record), RECORD_GOOD);
    CU_ASSERT_EQUAL(record_file_next(&file, &record), RECORD_DAMAGED);
    CU_ASSERT(record_file_skip(&file));
    CU_ASSERT_EQUAL(record_file_next(&file, &record), RECORD_DAMAGED); /* the rest of "two" */
    CU_ASSERT(record_file_skip(&file));
    CU_ASSERT_EQUAL(record_file_next(&file, &record), RECORD_GOOD);
    CU_ASSERT(slice_equal(record, slice_text("three")));
    record_file_close(&file);
    free(path);
    harness_remove(folder);
}

int main(void)
{
    CU_initialize_registry();
    CU_pSuite suite = CU_add_suite("record files", NULL, NULL);
    CU_add_test(suite, "checksum", test_checksum);
    CU_add_test(suite, "records", test_records);
    CU_add_test(suite, "torn", test_torn);
    CU_add_test(suite, "damage", test_damage);
    return harness_run();
}
