/*
 * The lines of files of passwords and groups.
 */
#include "sasl/records.h"
#include <errno.h>
#include <string.h>
#include <sys/stat.h>
#include "unit.h"

#define MD5_A "0123456789abcdef0123456789ABCDEF"

static void test_fields(void)
{
    struct slice user, realm, secret;
    CU_ASSERT_TRUE(records_parse_password(SLICE_LITERAL("tom:a:b"), &user, &secret));
    CU_ASSERT_TRUE(slice_equal(user, SLICE_LITERAL("tom")) && slice_equal(secret, SLICE_LITERAL("a:b")));
    CU_ASSERT_TRUE(records_parse_realm_password(SLICE_LITERAL("tom:R:a:b"), &user, &realm, &secret));
    CU_ASSERT_TRUE(slice_equal(realm, SLICE_LITERAL("R")) && slice_equal(secret, SLICE_LITERAL("a:b")));
    CU_ASSERT_TRUE(records_parse_digest(SLICE_LITERAL("tom:R:" MD5_A), &user, &realm, &secret));
    CU_ASSERT_FALSE(records_parse_digest(SLICE_LITERAL("tom:R:secret"), &user, &realm, &secret));
    CU_ASSERT_FALSE(records_parse_password(SLICE_LITERAL(":a"), &user, &secret));
    CU_ASSERT_FALSE(records_parse_realm_password(SLICE_LITERAL("tom:R"), &user, &realm, &secret));
}

static void test_same_secret(void)
{
    CU_ASSERT_TRUE(records_same_secret(SLICE_LITERAL("abc"), SLICE_LITERAL("abc")));
    CU_ASSERT_FALSE(records_same_secret(SLICE_LITERAL("abcabc"), SLICE_LITERAL("abc")));
    CU_ASSERT_FALSE(records_same_secret(SLICE_LITERAL("ab"), SLICE_LITERAL("abc")));
    CU_ASSERT_FALSE(records_same_secret(SLICE_LITERAL("a"), SLICE_LITERAL("")));
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
        {"fields", test_fields},   {"same secret", test_same_secret}, {"groups", test_groups},
        {"records", test_records}, {"reading", test_reading},         CU_TEST_INFO_NULL,
    };
    return unit_run("records", tests);
}
