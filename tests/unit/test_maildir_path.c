/* The maildir module's path: whatever the recipient, one directory below the fixed part. */
#include <string.h>
#include "../../modules/maildir/path.h"
#include "unit.h"

static void test_check(void)
{
    static const struct {
        const char *template;
        bool fine;
        size_t fixed;
    } cases[] = {
        {"/var/mail/%d/%l", true, 9},
        {"/var/mail/u-%d", true, 9},
        {"/%r", true, 0},
        {"/var/mail/all", true, 9},
        {"/a%%b/%l", true, 0},
        {"var/mail/%d", false, 0},
        {"", false, 0},
        {"/var/%x", false, 0},
        {"/var/%", false, 0},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        size_t fixed = 99;
        const char *wrong;
        CU_ASSERT_EQUAL(maildir_path_check(cases[i].template, &fixed, &wrong), cases[i].fine);
        if (cases[i].fine)
            CU_ASSERT_EQUAL(fixed, cases[i].fixed);
    }
}

static void test_expand(void)
{
    static const struct {
        const char *template, *recipient, *domain, *path;
    } cases[] = {
        {"/m/%d/%l", "Bob@Example.COM", "example.com", "/m/example.com/bob"},
        {"/m/%r", "bob@example.com", "example.com", "/m/bob@example.com"},
        {"/m/%%/%l", "bob@example.com", "example.com", "/m/%/bob"},
        {"/m/%l", "../x@example.com", "example.com", "/m/%2E.%2Fx"},
        {"/m/%l", "..@example.com", "example.com", "/m/%2E."},
        {"/m/%l", ".@example.com", "example.com", "/m/%2E"},
        {"/m/%l", "\"../../etc/x\"@example.com", "example.com", "/m/\"..%2F..%2Fetc%2Fx\""},
        {"/m/%l", "100%@example.com", "example.com", "/m/100%25"},
        {"/m/%l", "a\nb\x7f@example.com", "example.com", "/m/a%0Ab%7F"},
        {"/m/%d/%l", "postmaster", "", "/m/%/postmaster"},
        {"/m/%l/x", "@example.com", "example.com", "/m/%/x"},
        {"/m/%l", "\"a@b\"@example.com", "example.com", "/m/\"a@b\""},
        {"/m/%d", "x@../..", "../..", "/m/%2E.%2F.."},
    };
    char path[64];
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        CU_ASSERT_TRUE(maildir_path_expand(cases[i].template, cases[i].recipient, cases[i].domain, true, path,
                                           sizeof path));
        CU_ASSERT_STRING_EQUAL(path, cases[i].path);
    }
    CU_ASSERT_TRUE(maildir_path_expand("/m/%l", "Bob@x", "x", false, path, sizeof path));
    CU_ASSERT_STRING_EQUAL(path, "/m/Bob");
}

static void test_too_long(void)
{
    char path[9];
    CU_ASSERT_TRUE(maildir_path_expand("/m/%l", "12345@x", "x", true, path, sizeof path));
    CU_ASSERT_STRING_EQUAL(path, "/m/12345");
    CU_ASSERT_FALSE(maildir_path_expand("/m/%l", "123456@x", "x", true, path, sizeof path));
    CU_ASSERT_EQUAL(path[8], '\0');
}

int main(void)
{
    CU_TestInfo tests[] = {
        {"check", test_check},
        {"expand", test_expand},
        {"too long", test_too_long},
        CU_TEST_INFO_NULL,
    };
    return unit_run("maildir path", tests);
}
