/*
 * The console's files of passwords and groups.
 */
#include "control/records.h"
#include <errno.h>
#include <string.h>
#include <sys/stat.h>
#include "unit.h"

#define MD5_A "0123456789abcdef0123456789ABCDEF"
#define MD5_B "ffffffffffffffffffffffffffffffff"

static bool find(const char *text, const char *user, const char *realm, char digest[RECORDS_DIGEST_SIZE + 1])
{
    return records_find_digest(slice_text(text), slice_text(user), slice_text(realm), digest);
}

static void test_digests(void)
{
    static const char file[] = "# tom:Realm One:" MD5_B "\n"
                               "\r\n"
                               "tom:short:0123\n"
                               "tom:Realm One:" MD5_A "\r\n"
                               "tom:Realm One:" MD5_B "\n"
                               "ann:R:" MD5_B; /* no newline at the end */
    char digest[RECORDS_DIGEST_SIZE + 1];
    CU_ASSERT_TRUE(find(file, "tom", "Realm One", digest));
    CU_ASSERT_STRING_EQUAL(digest, "0123456789abcdef0123456789abcdef");
    CU_ASSERT_TRUE(find(file, "ann", "R", digest));
    CU_ASSERT_STRING_EQUAL(digest, MD5_B);
    CU_ASSERT_FALSE(find(file, "ann", "Realm One", digest));
    CU_ASSERT_FALSE(find(file, "tom", "short", digest));
    CU_ASSERT_FALSE(find(file, "# tom", "Realm One", digest));
    CU_ASSERT_FALSE(find("", "tom", "R", digest));
    CU_ASSERT_FALSE(find(":R:" MD5_A "\n", "", "R", digest));
    CU_ASSERT_TRUE(slice_equal(records_realm(slice_text(file)), SLICE_LITERAL("Realm One")));
    CU_ASSERT_EQUAL(records_realm(slice_text("nonsense\n")).size, 0);
}

static bool has(const char *text, const char *user, const char *password)
{
    return records_has_password(slice_text(text), slice_text(user), slice_text(password));
}

static void test_passwords(void)
{
    static const char file[] = "tom:a:b\nann:\n#x:y\ntom:second\nbob:pw\r\n";
    CU_ASSERT_TRUE(has(file, "tom", "a:b"));
    CU_ASSERT_FALSE(has(file, "tom", "a"));
    CU_ASSERT_FALSE(has(file, "tom", "a:b "));
    CU_ASSERT_FALSE(has(file, "tom", "a:ba:b"));
    CU_ASSERT_FALSE(has(file, "tom", ""));
    CU_ASSERT_FALSE(has(file, "tom", "second")); /* the first record counts */
    CU_ASSERT_FALSE(has(file, "ann", ""));       /* nobody logs in with nothing */
    CU_ASSERT_FALSE(has(file, "#x", "y"));
    CU_ASSERT_FALSE(has(file, "eve", "pw"));
    CU_ASSERT_TRUE(has(file, "bob", "pw"));
    CU_ASSERT_FALSE(has("", "", ""));
}

static void join(struct slice group, void *closure)
{
    char *joined = closure;
    strncat(joined, group.data, group.size);
    strncat(joined, ";", 2);
}

static void check_groups(const char *text, const char *user, const char *expected)
{
    char joined[128] = "";
    records_groups(slice_text(text), slice_text(user), join, joined);
    CU_ASSERT_STRING_EQUAL(joined, expected);
}

static void test_groups(void)
{
    static const char file[] = "root:root\nadmin:serv,ec\n#no:ec\nops:x:ec, tom\nht: tom ann\nempty:\nbad\n"
                               "four:a:b:ec\n:ec\n";
    check_groups(file, "root", "root;");
    check_groups(file, "ec", "admin;ops;");
    check_groups(file, "tom", "ops;ht;");
    check_groups(file, "ann", "ht;");
    check_groups(file, "e", "");
    check_groups(file, "", "");
}

static void test_records(void)
{
    CU_ASSERT_PTR_NULL(records_check_digest(SLICE_LITERAL("u:r:" MD5_A)));
    CU_ASSERT_PTR_NOT_NULL(records_check_digest(SLICE_LITERAL("u:" MD5_A)));
    CU_ASSERT_PTR_NOT_NULL(records_check_digest(SLICE_LITERAL("u:r:g123456789abcdef0123456789abcdef")));
    CU_ASSERT_PTR_NULL(records_check_password(SLICE_LITERAL("u:p")));
    CU_ASSERT_PTR_NOT_NULL(records_check_password(SLICE_LITERAL("up")));
    CU_ASSERT_PTR_NOT_NULL(records_check_password(SLICE_LITERAL("u:")));
    CU_ASSERT_PTR_NULL(records_check_group(SLICE_LITERAL("g:")));
    CU_ASSERT_PTR_NULL(records_check_group(SLICE_LITERAL("g:x:a,b")));
    CU_ASSERT_PTR_NOT_NULL(records_check_group(SLICE_LITERAL("g")));
    CU_ASSERT_PTR_NOT_NULL(records_check_group(SLICE_LITERAL("g:x:y:a")));
}

static void test_reading(void)
{
    char directory[UNIT_PATH_SIZE], path[UNIT_PATH_SIZE + 8];
    struct buf text = {0};
    unit_directory(directory);
    CU_ASSERT_EQUAL(records_read(&text, directory), -EISDIR);
    snprintf(path, sizeof path, "%s/file", directory);
    CU_ASSERT_EQUAL(records_read(&text, path), -ENOENT);
    CU_ASSERT_EQUAL(mkfifo(path, 0600), 0);
    CU_ASSERT_EQUAL(records_read(&text, path), -EINVAL);
    unlink(path);
    int fd = open(path, O_WRONLY | O_CREAT, 0600);
    CU_ASSERT_EQUAL(write(fd, "a:b\n", 4), 4);
    CU_ASSERT_EQUAL(records_read(&text, path), 0);
    CU_ASSERT_TRUE(slice_equal(buf_slice(&text), SLICE_LITERAL("a:b\n")));
    buf_clear(&text);
    CU_ASSERT_EQUAL(ftruncate(fd, RECORDS_FILE_MAX + 1), 0);
    CU_ASSERT_EQUAL(records_read(&text, path), -EFBIG);
    close(fd);
    buf_release(&text);
    unit_directory_remove(directory);
}

int main(void)
{
    CU_TestInfo tests[] = {
        {"digests", test_digests}, {"passwords", test_passwords}, {"groups", test_groups},
        {"records", test_records}, {"reading", test_reading},     CU_TEST_INFO_NULL,
    };
    return unit_run("console records", tests);
}
