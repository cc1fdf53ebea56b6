/* The maildir module: what arrives in new/, byte for byte, and what is said when it cannot. */
#include <ftw.h>
#include <signal.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include "message/envelope.h"
#include "module_harness.h"
#include "unit.h"

static char directory[UNIT_PATH_SIZE];

/* A body given in parts of `part` bytes; fails after `fail_after` parts. */
struct source {
    struct imp_delivery delivery;
    const char *content;
    size_t size, at, part;
    int fail_after; /* -1: never */
};

static int read_part(struct imp_delivery *delivery, const char **data, size_t *size)
{
    struct source *source = container_of(delivery, struct source, delivery);
    if (source->fail_after >= 0 && source->fail_after-- == 0)
        return -1;
    if (source->at == source->size)
        return 0;
    *data = source->content + source->at;
    *size = source->size - source->at < source->part ? source->size - source->at : source->part;
    source->at += *size;
    return 1;
}

struct outcome {
    enum imp_delivery_result result;
    char response[512];
};

static struct outcome deliver(struct modules *modules, const char *recipient, const char *content,
                              size_t size, size_t part, int fail_after)
{
    const struct module_delivery_method *method = module_set_delivery_method(modules->set, "MailDir");
    CU_ASSERT_PTR_NOT_NULL_FATAL(method);
    CU_ASSERT_STRING_EQUAL(method->pool, "IO");
    struct body *body = body_create(1, NULL, size);
    struct envelope_facts facts = {.reverse_path = SLICE_LITERAL("info@sender.example"),
                                   .recipient = slice_text(recipient),
                                   .binding = SLICE_LITERAL("default"),
                                   .binding_group = SLICE_LITERAL("default"),
                                   .id = 5};
    struct envelope *envelope = envelope_create(&facts, body);
    struct source source = {.delivery = {.envelope = envelope, .read_chunk = read_part},
                            .content = content,
                            .size = size,
                            .part = part,
                            .fail_after = fail_after};
    struct outcome outcome = {.response = ""};
    outcome.result =
        method->deliver(&source.delivery, outcome.response, sizeof outcome.response, method->closure);
    envelope_free(envelope);
    body_unref(body);
    return outcome;
}

static bool load(struct modules *modules, const char *more)
{
    char configuration[512];
    snprintf(configuration, sizeof configuration, "maildir { path = \"%s/%%d/%%l/\" %s }", directory, more);
    return modules_load(modules, configuration);
}

static int remove_one(const char *path, const struct stat *status, int kind, struct FTW *walk)
{
    (void)status;
    (void)kind;
    (void)walk;
    return remove(path);
}

static void remove_tree(void)
{
    CU_ASSERT_EQUAL(nftw(directory, remove_one, 16, FTW_DEPTH | FTW_PHYS), 0);
}

/* How many files are in DIRECTORY/folder; the content of one of them, if `content` is not NULL. */
static int files_in(const char *folder, char *content, size_t size)
{
    char path[512];
    int count = 0;
    snprintf(path, sizeof path, "%s/%s", directory, folder);
    DIR *in = opendir(path);
    for (struct dirent *entry; in && (entry = readdir(in));) {
        if (entry->d_name[0] == '.')
            continue;
        count++;
        if (!content)
            continue;
        int fd = openat(dirfd(in), entry->d_name, O_RDONLY);
        ssize_t got = read(fd, content, size - 1);
        content[got > 0 ? got : 0] = '\0';
        close(fd);
    }
    if (in)
        closedir(in);
    return count;
}

static void test_line_endings(void)
{
    static const char content[] = "Subject: x\r\n\r\none\r\n.two\r\nbare \r cr\rbare \n lf\n\r\n\r\r\nlast\r";
    static const char as_lf[] = "Return-Path: <info@sender.example>\nDelivered-To: Bob@Rcpt.example\n"
                                "Subject: x\n\none\n.two\nbare \r cr\rbare \n lf\n\n\r\nlast\r";
    static const char as_crlf[] = "Return-Path: <info@sender.example>\r\nDelivered-To: Bob@Rcpt.example\r\n"
                                  "Subject: x\r\n\r\none\r\n.two\r\nbare \r cr\rbare \n lf\n\r\n\r\r\nlast\r";
    static const struct {
        const char *option, *expected;
    } forms[] = {{"", as_lf}, {"line_endings = crlf", as_crlf}};
    for (size_t form = 0; form < 2; form++)
        for (size_t part = 1; part < 12; part++) {
            struct modules modules;
            char stored[512];
            unit_directory(directory);
            CU_ASSERT_TRUE_FATAL(load(&modules, forms[form].option));
            struct outcome outcome =
                deliver(&modules, "Bob@Rcpt.example", content, sizeof content - 1, part, -1);
            CU_ASSERT_EQUAL(outcome.result, IMP_DELIVERED);
            CU_ASSERT_EQUAL(files_in("rcpt.example/bob/new", stored, sizeof stored), 1);
            CU_ASSERT_STRING_EQUAL(stored, forms[form].expected);
            CU_ASSERT_EQUAL(files_in("rcpt.example/bob/tmp", NULL, 0), 0);
            modules_unload(&modules);
            remove_tree();
        }
}

static void test_large(void)
{
    enum { SIZE = 3000000 };
    struct modules modules;
    struct stat status;
    char *content = malloc(SIZE), path[512];
    memset(content, 'x', SIZE);
    for (size_t i = 0; i + 1 < SIZE; i += 1000)
        memcpy(content + i, "\r\n", 2);
    unit_directory(directory);
    CU_ASSERT_TRUE_FATAL(load(&modules, ""));
    CU_ASSERT_EQUAL(deliver(&modules, "b@r.example", content, SIZE, 256 * 1024, -1).result, IMP_DELIVERED);
    snprintf(path, sizeof path, "%s/r.example/b/new", directory);
    DIR *in = opendir(path);
    CU_ASSERT_PTR_NOT_NULL_FATAL(in);
    for (struct dirent *entry; (entry = readdir(in));)
        if (entry->d_name[0] != '.' && fstatat(dirfd(in), entry->d_name, &status, 0) == 0) {
            CU_ASSERT_EQUAL(status.st_size, SIZE - 3000 + 35 + 26);
            CU_ASSERT_EQUAL(status.st_mode & 0777, 0600);
        }
    closedir(in);
    free(content);
    modules_unload(&modules);
    remove_tree();
}

static mode_t mode_of(const char *name)
{
    char path[1024];
    struct stat status;
    snprintf(path, sizeof path, "%s/%s", directory, name);
    return stat(path, &status) == 0 ? status.st_mode & 07777 : 0;
}

/* Momentum's options: where, with which modes, and whether at all. */
static void test_momentum_options(void)
{
    static const struct {
        const char *options, *folder;
    } forms[] = {
        {"domain_in_path = true", "r.example/b"},
        {"domain_in_path = false", "b"},
        {"dirmode = 2770 filemode = 664", "b"},
    };
    for (size_t form = 0; form < sizeof forms / sizeof forms[0]; form++) {
        struct modules modules;
        char configuration[512], name[600], folder[256];
        unit_directory(directory);
        snprintf(configuration, sizeof configuration, "maildir { basedir = \"%s/\" %s }", directory,
                 forms[form].options);
        CU_ASSERT_TRUE_FATAL(modules_load(&modules, configuration));
        CU_ASSERT_EQUAL(deliver(&modules, "b@r.example", "x\r\n", 3, 3, -1).result, IMP_DELIVERED);
        snprintf(folder, sizeof folder, "%s/new", forms[form].folder);
        CU_ASSERT_EQUAL(files_in(folder, NULL, 0), 1);
        CU_ASSERT_EQUAL(mode_of(folder), form == 2 ? 02770 : 0700);
        snprintf(name, sizeof name, "%s/%s", directory, folder);
        DIR *in = opendir(name);
        for (struct dirent *entry; in && (entry = readdir(in));)
            if (entry->d_name[0] != '.') {
                snprintf(name, sizeof name, "%s/%s", folder, entry->d_name);
                CU_ASSERT_EQUAL(mode_of(name), form == 2 ? 0664 : 0600);
            }
        closedir(in);
        modules_unload(&modules);
        remove_tree();
    }
}

static void test_nobody(void)
{
    static const char *const options[] = {"create_users = false", "createusers = no create_users = yes"};
    for (size_t i = 0; i < 2; i++) {
        struct modules modules;
        char path[512];
        unit_directory(directory);
        CU_ASSERT_TRUE_FATAL(load(&modules, options[i]));
        struct outcome outcome = deliver(&modules, "b@r.example", "x\r\n", 3, 3, -1);
        CU_ASSERT_EQUAL(outcome.result, IMP_PERMANENT);
        CU_ASSERT_EQUAL(strncmp(outcome.response, "550 5.1.1 maildir: there is no mailbox /", 40), 0);
        CU_ASSERT_NOT_EQUAL(mode_of("."), 0);
        CU_ASSERT_EQUAL(mode_of("r.example"), 0);

        snprintf(path, sizeof path, "%s/r.example", directory);
        CU_ASSERT_EQUAL(mkdir(path, 0700), 0);
        snprintf(path, sizeof path, "%s/r.example/b", directory);
        CU_ASSERT_EQUAL(mkdir(path, 0700), 0);
        CU_ASSERT_EQUAL(deliver(&modules, "b@r.example", "x\r\n", 3, 3, -1).result, IMP_DELIVERED);
        CU_ASSERT_EQUAL(files_in("r.example/b/new", NULL, 0), 1);

        remove_tree(); /* the file system is gone: that says nothing of the recipient */
        outcome = deliver(&modules, "b@r.example", "x\r\n", 3, 3, -1);
        CU_ASSERT_EQUAL(outcome.result, IMP_TRANSIENT);
        modules_unload(&modules);
    }
}

static void test_each_delivery_is_a_file(void)
{
    struct modules modules;
    struct stat status;
    char path[512];
    unit_directory(directory);
    CU_ASSERT_TRUE_FATAL(load(&modules, ""));
    for (int i = 0; i < 50; i++)
        CU_ASSERT_EQUAL(deliver(&modules, "b@r.example", "x\r\n", 3, 3, -1).result, IMP_DELIVERED);
    CU_ASSERT_EQUAL(deliver(&modules, "../../b@r.example", "x\r\n", 3, 3, -1).result, IMP_DELIVERED);
    CU_ASSERT_EQUAL(deliver(&modules, "postmaster", "", 0, 1, -1).result, IMP_DELIVERED);
    CU_ASSERT_EQUAL(files_in("r.example/b/new", NULL, 0), 50);
    CU_ASSERT_EQUAL(files_in("r.example/%2E.%2F..%2Fb/new", NULL, 0), 1);
    CU_ASSERT_EQUAL(files_in("%/postmaster/new", NULL, 0), 1);
    snprintf(path, sizeof path, "%s/r.example/b/cur", directory);
    CU_ASSERT_EQUAL(stat(path, &status), 0);
    CU_ASSERT_EQUAL(status.st_mode & 0777, 0700);
    modules_unload(&modules);
    remove_tree();
}

static void test_failures(void)
{
    struct modules modules;
    char path[512], long_recipient[300];
    unit_directory(directory);
    CU_ASSERT_TRUE_FATAL(load(&modules, ""));
    struct outcome outcome =
        deliver(&modules, "b@r.example", "x\r\ny\r\n", 6, 3, 1); /* the spool fails midway */
    CU_ASSERT_EQUAL(outcome.result, IMP_TRANSIENT);
    CU_ASSERT_EQUAL(strncmp(outcome.response, "451 4.3.0 ", 10), 0);
    CU_ASSERT_EQUAL(files_in("r.example/b/new", NULL, 0) + files_in("r.example/b/tmp", NULL, 0), 0);

    memset(long_recipient, 'a', sizeof long_recipient);
    memcpy(long_recipient + 280, "@r.example", sizeof "@r.example");
    outcome = deliver(&modules, long_recipient, "x\r\n", 3, 3, -1);
    CU_ASSERT_EQUAL(outcome.result, IMP_PERMANENT);
    CU_ASSERT_EQUAL(strncmp(outcome.response, "550 5.1.3 ", 10), 0);

    snprintf(path, sizeof path, "%s/file.example", directory);
    fclose(fopen(path, "w")); /* a file where a directory should be */
    outcome = deliver(&modules, "b@file.example", "x\r\n", 3, 3, -1);
    CU_ASSERT_EQUAL(outcome.result, IMP_TRANSIENT);
    CU_ASSERT_EQUAL(strncmp(outcome.response, "451 4.3.0 ", 10), 0);

    remove_tree(); /* as if the file system were not mounted */
    outcome = deliver(&modules, "b@r.example", "x\r\n", 3, 3, -1);
    CU_ASSERT_EQUAL(outcome.result, IMP_TRANSIENT);
    CU_ASSERT_NOT_EQUAL(access(directory, F_OK), 0);
    modules_unload(&modules);
}

/* A limit on the size of files fails a write in the middle of the message. */
static void test_write_failure(void)
{
    struct modules modules;
    struct rlimit before, limit;
    char *content = calloc(1, 200000);
    unit_directory(directory);
    CU_ASSERT_TRUE_FATAL(load(&modules, ""));
    signal(SIGXFSZ, SIG_IGN);
    getrlimit(RLIMIT_FSIZE, &before);
    limit = (struct rlimit){100000, before.rlim_max};
    setrlimit(RLIMIT_FSIZE, &limit);
    struct outcome outcome = deliver(&modules, "b@r.example", content, 200000, 50000, -1);
    setrlimit(RLIMIT_FSIZE, &before);
    signal(SIGXFSZ, SIG_DFL);
    CU_ASSERT_EQUAL(outcome.result, IMP_TRANSIENT);
    CU_ASSERT_EQUAL(strncmp(outcome.response, "451 4.3.0 maildir: cannot write ", 32), 0);
    CU_ASSERT_EQUAL(files_in("r.example/b/new", NULL, 0) + files_in("r.example/b/tmp", NULL, 0), 0);
    free(content);
    modules_unload(&modules);
    remove_tree();
}

static void test_setup(void)
{
    static const struct {
        const char *configuration, *error;
    } cases[] = {
        {"maildir { }",
         "test.conf:1: module maildir: path must be set, for instance path = \"/var/mail/%d/%l\""},
        {"\n\nmaildir { path = \"mail/%d\" }", "test.conf:3: module maildir: path: \"mail/%d\" at "
                                               "\"mail/%d\": an absolute path with %d, %l, %r or %% is "
                                               "expected"},
        {"maildir { path = \"/a/%l\" basedir = \"/a\" }",
         "test.conf:1: module maildir: path and basedir name the same thing: set one of them"},
        {"maildir { basedir = \"mail\" }",
         "test.conf:1: module maildir: path: \"mail/%l\" at \"mail/%l\": an "
         "absolute path with %d, %l, %r or %% is expected"},
        {"maildir { path = \"/mail/%x/y\" }",
         "test.conf:1: module maildir: path: \"/mail/%x/y\" at \"%x/y\": an "
         "absolute path with %d, %l, %r or %% is expected"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct modules modules;
        CU_ASSERT_FALSE(modules_load(&modules, cases[i].configuration));
        CU_ASSERT_STRING_EQUAL(modules.error, cases[i].error);
        modules_unload(&modules);
    }
}

int main(void)
{
    CU_TestInfo tests[] = {
        {"line endings", test_line_endings},
        {"large", test_large},
        {"Momentum's options", test_momentum_options},
        {"no mailbox", test_nobody},
        {"each delivery is a file", test_each_delivery_is_a_file},
        {"failures", test_failures},
        {"write failure", test_write_failure},
        {"setup", test_setup},
        CU_TEST_INFO_NULL,
    };
    return unit_run("maildir", tests);
}
