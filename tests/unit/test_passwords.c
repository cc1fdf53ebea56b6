/*
 * Files of passwords: who is found in which form of file, and that a change of the file holds at once.
 */
#include "sasl/passwords.h"
#include <errno.h>
#include <sys/stat.h>
#include "log/paniclog.h"
#include "unit.h"

#define MD5_A "0123456789abcdef0123456789ABCDEF"
#define MD5_B "ffffffffffffffffffffffffffffffff"

static unsigned complaints;
static char directory[UNIT_PATH_SIZE], path[UNIT_PATH_SIZE + 16];

/* Another file under the same name, as an editor or ec_md5passwd makes it. */
static void put(const char *content)
{
    char other[sizeof path + 8];
    snprintf(other, sizeof other, "%s.new", path);
    FILE *file = fopen(other, "w");
    CU_ASSERT_PTR_NOT_NULL_FATAL(file);
    fputs(content, file);
    fclose(file);
    CU_ASSERT_EQUAL(rename(other, path), 0);
}

static void begin(const char *content)
{
    unit_directory(directory);
    snprintf(path, sizeof path, "%s/passwords", directory);
    put(content);
}

/* The secret, "" when there is none. Valid until the next call. */
static const char *find(struct passwords *passwords, const char *user, const char *realm)
{
    static char text[64];
    struct buf secret = {0};
    text[0] = '\0';
    if (passwords_find(passwords, slice_text(user), slice_text(realm), &secret) == 1)
        snprintf(text, sizeof text, "%.*s", (int)buf_size(&secret), buf_slice(&secret).data);
    buf_release(&secret);
    return text;
}

static void test_clear(void)
{
    begin("tom:a:b\nann:\n#x:y\ntom:second\nbob:pw\r\n");
    struct passwords *passwords = passwords_open(path, (struct passwords_form){0});
    CU_ASSERT_STRING_EQUAL(find(passwords, "tom", ""), "a:b"); /* the first record counts */
    CU_ASSERT_STRING_EQUAL(find(passwords, "bob", "any"), "pw");
    CU_ASSERT_STRING_EQUAL(find(passwords, "ann", ""), ""); /* nobody logs in with nothing */
    CU_ASSERT_STRING_EQUAL(find(passwords, "#x", ""), "");
    CU_ASSERT_STRING_EQUAL(find(passwords, "eve", ""), "");
    CU_ASSERT_STRING_EQUAL(find(passwords, "", ""), "");
    passwords_close(passwords);
    unit_directory_remove(directory);
}

static void test_digests(void)
{
    begin("# tom:Realm One:" MD5_B "\n"
          "\r\n"
          "tom:Realm One:0123\n"
          "tom:Realm One:" MD5_A "\r\n"
          "tom:Realm One:" MD5_B "\n"
          ":R:" MD5_A "\n"
          "ann:R:" MD5_B); /* no newline at the end */
    struct passwords *passwords =
        passwords_open(path, (struct passwords_form){.realms = true, .hashed = true});
    struct buf realm = {0};
    CU_ASSERT_STRING_EQUAL(find(passwords, "tom", "Realm One"), "0123456789abcdef0123456789abcdef");
    CU_ASSERT_STRING_EQUAL(find(passwords, "ann", "R"), MD5_B);
    CU_ASSERT_STRING_EQUAL(find(passwords, "ann", "Realm One"), "");
    CU_ASSERT_STRING_EQUAL(find(passwords, "", "R"), "");
    CU_ASSERT_EQUAL(passwords_first_realm(passwords, &realm), 1);
    CU_ASSERT_TRUE(slice_equal(buf_slice(&realm), SLICE_LITERAL("Realm One")));
    buf_release(&realm);
    passwords_close(passwords);
    unit_directory_remove(directory);
}

static void test_other_forms(void)
{
    begin("tom:R:secret\nann:" MD5_A "\n");
    struct passwords *clear = passwords_open(path, (struct passwords_form){.realms = true});
    struct passwords *hashed = passwords_open(path, (struct passwords_form){.hashed = true});
    CU_ASSERT_STRING_EQUAL(find(clear, "tom", "R"), "secret");
    CU_ASSERT_STRING_EQUAL(find(hashed, "ann", ""), "0123456789abcdef0123456789abcdef");
    CU_ASSERT_STRING_EQUAL(find(hashed, "tom", ""), "");
    passwords_close(hashed);
    passwords_close(clear);
    unit_directory_remove(directory);
}

/* One copy for everybody, and each question is answered by the file as it is. */
static void test_changes(void)
{
    struct buf secret = {0};
    begin("tom:one\n");
    struct passwords *passwords = passwords_open(path, (struct passwords_form){0});
    struct passwords *same = passwords_open(path, (struct passwords_form){0});
    CU_ASSERT_PTR_EQUAL(passwords, same);
    passwords_close(same);
    CU_ASSERT_STRING_EQUAL(find(passwords, "tom", ""), "one");
    put("tom:two\n");
    CU_ASSERT_STRING_EQUAL(find(passwords, "tom", ""), "two");
    int fd = open(path, O_WRONLY); /* in place, same size, likely within the same tick */
    CU_ASSERT_EQUAL(write(fd, "tom:six\n", 8), 8);
    close(fd);
    CU_ASSERT_STRING_EQUAL(find(passwords, "tom", ""), "six");
    put("");
    CU_ASSERT_STRING_EQUAL(find(passwords, "tom", ""), "");
    CU_ASSERT_EQUAL(passwords_first_realm(passwords, &secret), 0);
    unlink(path);
    for (int i = 0; i < 3; i++)
        CU_ASSERT_EQUAL(passwords_find(passwords, SLICE_LITERAL("tom"), slice_text(""), &secret), -ENOENT);
    CU_ASSERT_EQUAL(complaints, 1);
    CU_ASSERT_EQUAL(buf_size(&secret), 0);
    put("tom:back\n");
    CU_ASSERT_STRING_EQUAL(find(passwords, "tom", ""), "back");
    passwords_close(passwords);
    unit_directory_remove(directory);
}

/* The first of many users, the last, and those between. */
static void test_many(void)
{
    enum { USERS = 1000 };
    char user[16], expected[16];
    unit_directory(directory);
    snprintf(path, sizeof path, "%s/passwords", directory);
    FILE *file = fopen(path, "w");
    for (int i = 0; i < USERS; i++)
        fprintf(file, "user%d:pw%d\n", i, i);
    fclose(file);
    struct passwords *passwords = passwords_open(path, (struct passwords_form){0});
    for (int i = 0; i < USERS; i++) {
        snprintf(user, sizeof user, "user%d", i);
        snprintf(expected, sizeof expected, "pw%d", i);
        CU_ASSERT_STRING_EQUAL(find(passwords, user, ""), expected);
    }
    CU_ASSERT_STRING_EQUAL(find(passwords, "user1000", ""), "");
    CU_ASSERT_STRING_EQUAL(find(passwords, "zzz", ""), "");
    passwords_close(passwords);
    unit_directory_remove(directory);
}

static void count_line(enum panic_level level, const char *line, size_t size, void *lines)
{
    (void)level, (void)line, (void)size;
    ++*(unsigned *)lines;
}

int main(void)
{
    paniclog_set_stderr(false);
    paniclog_add_sink(count_line, &complaints);
    CU_TestInfo tests[] = {
        {"clear text", test_clear}, {"digests", test_digests}, {"other forms", test_other_forms},
        {"changes", test_changes},  {"many", test_many},       CU_TEST_INFO_NULL,
    };
    return unit_run("passwords", tests);
}
