/* test_conf_files: the texts of a generation, loading from them, and config writeback. */
#include <errno.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include "conf_session.h"
#include "conf_trees.h"

static void begin_files(void)
{
    unit_directory(place);
    CU_ASSERT_EQUAL(chmod(place, 0755), 0);
}

static void end_files(struct conf *conf)
{
    conf_unref(conf);
    unit_directory_remove(place);
}

/* config writeback; the answer is in `answer`. */
static bool writeback(const struct conf *conf, const char *path)
{
    const struct conf_files *next;
    free(answer);
    FILE *out = open_memstream(&answer, &answer_size);
    bool good = conf_files_writeback(conf_get_files(conf), path, &next, out);
    fclose(out);
    CU_ASSERT_EQUAL(good, next != NULL);
    conf_files_unref(next);
    return good;
}

static bool answered(const char *part)
{
    if (!strstr(answer, part))
        fprintf(stderr, "%s\n", answer);
    return strstr(answer, part) != NULL;
}

static unsigned count_files(void)
{
    unsigned count = 0;
    DIR *directory = opendir(place);
    while (readdir(directory))
        count++;
    closedir(directory);
    return count - 2; /* . and .. */
}

/* ---- texts ----------------------------------------------------------------------------------- */

static void test_texts(void)
{
    begin_files();
    write_file("main.conf",
               "include \"a.conf\"\nDomain d { include \"a.conf\" }\nreadonly_include \"r.conf\"\n"
               "include \"ro\"\n");
    write_file("a.conf", "Max_Retries = 1\n");
    write_file("r.conf", "include \"b.conf\"\n");
    write_file("b.conf", "");
    CU_ASSERT_EQUAL(mkdir(path_of("ro"), 0755), 0);
    write_file("ro/2.conf", "Retry_Interval = 2\n");
    write_file("ro/1.conf", "Retry_Interval = 1\n");
    struct conf *conf = load_main();
    static const struct {
        const char *name;
        bool read_only;
    } expected[] = {{"main.conf", false}, {"a.conf", true},     {"r.conf", true},
                    {"b.conf", false},    {"ro/1.conf", false}, {"ro/2.conf", false}};
    const struct conf_files *files = conf_get_files(conf);
    CU_ASSERT_EQUAL_FATAL(conf_files_count(files), 6);
    for (size_t i = 0; i < 6; i++) {
        const struct conf_file *file = conf_files_at(files, i);
        CU_ASSERT_STRING_EQUAL(file->path, path_of(expected[i].name));
        CU_ASSERT_EQUAL(file->read_only, expected[i].read_only);
        CU_ASSERT_FALSE(file->changed);
        CU_ASSERT_EQUAL(file->size, strlen(file->text));
    }
    CU_ASSERT_PTR_NULL(conf_files_at(files, 6));

    /* The set is enough, whatever became of the disk; it outlives the generation. */
    conf_files_ref(files);
    unlink(path_of("a.conf"));
    unlink(path_of("ro/1.conf"));
    write_file("ro/3.conf", "this is wrong\n");
    write_file("main.conf", "so is this {\n");
    struct conf_report *report;
    struct conf *again = conf_load_files(files, NULL, &report);
    CU_ASSERT_PTR_NOT_NULL_FATAL(again);
    CU_ASSERT(same_conf(conf, again));
    CU_ASSERT_EQUAL(conf_files_count(conf_get_files(again)), 6);
    CU_ASSERT_PTR_EQUAL(conf_files_at(conf_get_files(again), 0)->text, conf_files_at(files, 0)->text);
    conf_report_free(report);
    conf_unref(conf);
    CU_ASSERT_STRING_EQUAL(conf_files_at(files, 4)->text, "Retry_Interval = 1\n");
    conf_files_unref(files);
    unlink(path_of("ro/2.conf"));
    unlink(path_of("ro/3.conf"));
    rmdir(path_of("ro"));
    end_files(again);
}

/* Under another name it is the same file, and in memory once. */
static void test_other_name(void)
{
    begin_files();
    write_file("main.conf", "include \"a.conf\"\nDomain d { include \"b.conf\" }\n");
    write_file("a.conf", "Max_Retries = 1\n");
    CU_ASSERT_EQUAL(symlink("a.conf", path_of("b.conf")), 0);
    struct conf *conf = load_main();
    CU_ASSERT(file_named(conf, "a.conf")->read_only);
    CU_ASSERT(file_named(conf, "b.conf")->read_only);
    CU_ASSERT_PTR_EQUAL(file_named(conf, "a.conf")->text, file_named(conf, "b.conf")->text);
    end_files(conf);
}

/* A file that was replaced may have left its number to another one. */
static void test_other_number(void)
{
    begin_files();
    write_file("main.conf", "include \"a.conf\"\n");
    write_file("a.conf", "Max_Retries = 1\n");
    struct conf *conf = load_main();
    write_file("new.conf", "Max_Retries = 2\n");
    CU_ASSERT_EQUAL(rename(path_of("new.conf"), path_of("a.conf")), 0);
    write_file("local.conf", "Retry_Interval = 5\n");
    conf = change(conf, "set local_changes_file local.conf");
    CU_ASSERT_PTR_NOT_NULL_FATAL(conf);
    CU_ASSERT_STRING_EQUAL(text_of(conf_root(conf), "max_retries"), "1");
    CU_ASSERT_STRING_EQUAL(text_of(conf_root(conf), "retry_interval"), "5");
    end_files(conf);
}

/* ---- writeback ------------------------------------------------------------------------------- */

static void test_saved(void)
{
    struct stat before, after;
    begin_files();
    write_file("main.conf", "Max_Retries = 1\ninclude \"a.conf\"\n");
    write_file("real.conf", "Retry_Interval = 1\n");
    CU_ASSERT_EQUAL(symlink("real.conf", path_of("a.conf")), 0);
    CU_ASSERT_EQUAL(chmod(path_of("real.conf"), 0604), 0);
    if (geteuid() == 0)
        CU_ASSERT_EQUAL(chown(path_of("real.conf"), 1234, 4321), 0);
    CU_ASSERT_EQUAL(stat(path_of("a.conf"), &before), 0);
    struct conf *conf = load_main();
    CU_ASSERT(writeback(conf, NULL));
    CU_ASSERT(answered("nothing to save"));
    struct conf_transaction *early = conf_transaction_begin(conf, false, NULL);
    conf_ref(conf);
    struct conf *next = change(conf, "set retry_interval 2");
    CU_ASSERT(holds("real.conf", "Retry_Interval = 1\n"));
    CU_ASSERT(writeback(next, NULL));
    CU_ASSERT(holds("real.conf", "Retry_Interval = 2\n"));
    CU_ASSERT_FALSE(file_named(next, "a.conf")->changed);
    CU_ASSERT_EQUAL(lstat(path_of("a.conf"), &after), 0);
    CU_ASSERT(S_ISLNK(after.st_mode));
    CU_ASSERT_EQUAL(stat(path_of("a.conf"), &after), 0);
    CU_ASSERT(after.st_mode == before.st_mode && after.st_uid == before.st_uid &&
              after.st_gid == before.st_gid);
    CU_ASSERT_EQUAL(count_files(), 3);
    CU_ASSERT(writeback(next, NULL));
    CU_ASSERT(answered("nothing to save"));
    next = change(next, "set retry_interval 3");
    CU_ASSERT(writeback(next, NULL));
    CU_ASSERT(holds("real.conf", "Retry_Interval = 3\n"));

    /* What began before the file was saved knows that it was. */
    CU_ASSERT(command(early, "set retry_interval 4"));
    struct conf *late = build(early);
    CU_ASSERT(writeback(late, NULL));
    CU_ASSERT(holds("real.conf", "Retry_Interval = 4\n"));
    conf_unref(late);
    conf_unref(next);
    conf_transaction_free(early);
    end_files(conf);
}

static void test_disturbed(void)
{
    begin_files();
    write_file("main.conf", "Max_Retries = 1\ninclude \"a.conf\"\n");
    write_file("a.conf", "Retry_Interval = 1\n");
    struct conf *conf = change(load_main(), "set retry_interval 2");
    conf = change(conf, "set max_retries 2");
    write_file("a.conf", "Retry_Interval = 7\n");
    CU_ASSERT_FALSE(writeback(conf, NULL)); /* but the other one is saved */
    CU_ASSERT(answered("a.conf was not saved: it was changed on disk since it was read"));
    CU_ASSERT(holds("a.conf", "Retry_Interval = 7\n"));
    CU_ASSERT(holds("main.conf", "Max_Retries = 2\ninclude \"a.conf\"\n"));
    CU_ASSERT(text_is(conf, "a.conf", "Retry_Interval = 2\n"));
    unlink(path_of("a.conf"));
    CU_ASSERT_FALSE(writeback(conf, NULL));
    CU_ASSERT(answered("a.conf was not saved: it can no longer be read"));
    write_file("a.conf", "Retry_Interval = 1\n"); /* as it was, if not the same file */
    CU_ASSERT(writeback(conf, NULL));
    CU_ASSERT(holds("a.conf", "Retry_Interval = 2\n"));
    end_files(conf);
}

/* A disk that takes no more: here, a limit on the size of files. */
static void test_full_disk(void)
{
    struct rlimit limit, small;
    begin_files();
    write_file("main.conf", "Max_Retries = 1\n");
    struct conf *conf = change(load_main(), "set max_retries 22");
    CU_ASSERT_EQUAL(getrlimit(RLIMIT_FSIZE, &limit), 0);
    small = (struct rlimit){10, limit.rlim_max};
    signal(SIGXFSZ, SIG_IGN);
    CU_ASSERT_EQUAL(setrlimit(RLIMIT_FSIZE, &small), 0);
    bool good = writeback(conf, NULL);
    CU_ASSERT_EQUAL(setrlimit(RLIMIT_FSIZE, &limit), 0);
    CU_ASSERT_FALSE(good);
    CU_ASSERT(answered("main.conf was not saved: cannot write: "));
    CU_ASSERT(holds("main.conf", "Max_Retries = 1\n"));
    CU_ASSERT_EQUAL(count_files(), 1);
    CU_ASSERT(file_named(conf, "main.conf")->changed);
    CU_ASSERT(writeback(conf, NULL));
    CU_ASSERT(holds("main.conf", "Max_Retries = 22\n"));
    end_files(conf);
}

/* As somebody who may not write. */
static bool writeback_as_nobody(const struct conf *conf, const char *path)
{
    bool root = geteuid() == 0;
    if (root)
        CU_ASSERT_EQUAL_FATAL(seteuid(65534), 0);
    bool good = writeback(conf, path);
    if (root)
        CU_ASSERT_EQUAL_FATAL(seteuid(0), 0);
    return good;
}

static void test_no_permission(void)
{
    begin_files();
    write_file("main.conf", "Max_Retries = 1\n");
    struct conf *conf = change(load_main(), "set max_retries 2");
    CU_ASSERT_EQUAL(chmod(place, 0555), 0);
    CU_ASSERT_FALSE(writeback_as_nobody(conf, NULL));
    CU_ASSERT(answered("main.conf was not saved: cannot write beside it: Permission denied"));
    CU_ASSERT(holds("main.conf", "Max_Retries = 1\n"));
    CU_ASSERT(text_is(conf, "main.conf", "Max_Retries = 2\n"));
    if (geteuid() == 0) { /* a folder that one may write to, with a file of somebody else's */
        CU_ASSERT_EQUAL(chmod(place, 0777), 0);
        CU_ASSERT_FALSE(writeback_as_nobody(conf, NULL));
        CU_ASSERT(answered("main.conf was not saved: cannot keep its owner"));
        CU_ASSERT_EQUAL(count_files(), 1);
    }
    CU_ASSERT_EQUAL(chmod(place, 0755), 0);
    end_files(conf);
}

static void test_no_folder(void)
{
    begin_files();
    CU_ASSERT_EQUAL(mkdir(path_of("sub"), 0755), 0);
    write_file("main.conf", "include \"sub/a.conf\"\nLocal_Changes_File = \"sub/local.conf\"\n");
    write_file("sub/a.conf", "Max_Retries = 1\n");
    struct conf *conf = change(load_main(), "set max_retries 2");
    conf = change(conf, "set domain d max_retries 3");
    unlink(path_of("sub/a.conf"));
    rmdir(path_of("sub"));
    CU_ASSERT_FALSE(writeback(conf, NULL));
    CU_ASSERT(answered("a.conf was not saved: it can no longer be read: No such file or directory"));
    CU_ASSERT(answered("local.conf was not saved: cannot write beside it: No such file or directory"));
    conf = change(conf, "set max_retries 4"); /* in memory it goes on, where it can be written */
    CU_ASSERT_STRING_EQUAL(text_of(conf_root(conf), "max_retries"), "4");
    end_files(conf);
}

/* ---- Local_Changes_File and the virtual file ------------------------------------------------- */

static void test_local_changes(void)
{
    struct stat status;
    begin_files();
    write_file("main.conf", "Local_Changes_File = local.conf\n");
    CU_ASSERT_EQUAL(chmod(path_of("main.conf"), 0604), 0);
    struct conf *conf = change(load_main(), "set domain d max_retries 3");
    CU_ASSERT(writeback(conf, NULL));
    CU_ASSERT(holds("local.conf", "Domain \"d\" {\n  Max_Retries = 3\n}\n"));
    CU_ASSERT_EQUAL(stat(path_of("local.conf"), &status), 0);
    CU_ASSERT_EQUAL(status.st_mode & 0777, 0604);
    conf_unref(conf);
    conf = load_main();
    CU_ASSERT_STRING_EQUAL(text_of(at(conf, "domain", "d", NULL), "max_retries"), "3");
    end_files(conf);

    begin_files(); /* somebody else makes it meanwhile */
    write_file("main.conf", "Local_Changes_File = local.conf\n");
    conf = change(load_main(), "set domain d max_retries 3");
    write_file("local.conf", "");
    CU_ASSERT_FALSE(writeback(conf, NULL));
    CU_ASSERT(answered("local.conf was not saved: it was made by somebody else"));
    end_files(conf);
}

static struct conf *change_as_nobody(struct conf *conf, const char *line)
{
    bool root = geteuid() == 0;
    if (root)
        CU_ASSERT_EQUAL_FATAL(seteuid(65534), 0);
    conf = change(conf, line);
    if (root)
        CU_ASSERT_EQUAL_FATAL(seteuid(0), 0);
    return conf;
}

static void test_virtual(void)
{
    char line[256];
    begin_files();
    CU_ASSERT_EQUAL(mkdir(path_of("mine"), 0777), 0);
    CU_ASSERT_EQUAL(chmod(path_of("mine"), 0777), 0);
    write_file("main.conf", "Max_Retries = 1\n");
    CU_ASSERT_EQUAL(chmod(path_of("main.conf"), 0444), 0);
    struct conf *conf = change_as_nobody(load_main(), "set max_retries 2");
    CU_ASSERT_FALSE(writeback_as_nobody(conf, NULL));
    CU_ASSERT(answered("Warning: not all of the configuration could be saved"));
    CU_ASSERT(answered("\nMax_Retries = 2\n"));
    snprintf(line, sizeof line, "set local_changes_file '%s/mine/local.conf'", place);
    conf = change_as_nobody(conf, line);
    conf = change_as_nobody(conf, "set domain d max_retries 3");
    conf = change_as_nobody(conf, "set retry_interval 5");
    CU_ASSERT(text_is(conf, "local.conf", "Domain \"d\" {\n  Max_Retries = 3\n}\nRetry_Interval = 5\n"));
    CU_ASSERT(writeback_as_nobody(conf, NULL));
    snprintf(line, sizeof line,
             "Max_Retries = 2\nLocal_Changes_File = \"%s/mine/local.conf\"\nDomain \"d\" {\n  Max_Retries = "
             "3\n}\nRetry_Interval = 5\n",
             place);
    CU_ASSERT(holds("mine/local.conf", line));
    CU_ASSERT(writeback_as_nobody(conf, NULL)); /* once is enough */
    CU_ASSERT(answered("nothing to save"));
    CU_ASSERT(holds("main.conf", "Max_Retries = 1\n"));
    conf = change_as_nobody(conf, "set max_retries 4");
    CU_ASSERT(writeback_as_nobody(conf, NULL));
    line[strlen("Max_Retries = ")] = '4';
    CU_ASSERT(holds("mine/local.conf", line));
    unlink(path_of("mine/local.conf"));
    rmdir(path_of("mine"));
    end_files(conf);
}

/* ---- the whole in one file ------------------------------------------------------------------- */

static void test_one_file(void)
{
    struct conf_report *report;
    begin_files();
    write_file(
        "main.conf",
        "# top\ninclude \"a.conf\" # a\nLocal_Changes_File = \"local.conf\"\n"
        "Local_Changes_Only = true\nDomain d { include \"b.conf\" }\ninclude \"sub\"\nMax_Retries = 5");
    write_file("a.conf", "\xef\xbb\xbfMax_Retries = 1\nRetry_Interval = 9 # no line end");
    write_file("b.conf", "Max_Retries = 2");
    write_file("local.conf", "Domain d { Retry_Interval = 3 }\n");
    CU_ASSERT_EQUAL(mkdir(path_of("sub"), 0755), 0);
    write_file("sub/1.conf", "Domain e { Max_Retries = 4 }");
    struct conf *conf = change(load_main(), "set domain f max_retries 6");
    CU_ASSERT(writeback(conf, path_of("whole.conf")));
    CU_ASSERT(answered("whole.conf was saved. Local_Changes_File and Local_Changes_Only are left out"));
    CU_ASSERT(file_named(conf, "local.conf")->changed); /* which is not saved by that */
    unlink(path_of("a.conf"));
    unlink(path_of("b.conf"));
    unlink(path_of("sub/1.conf"));
    rmdir(path_of("sub"));
    struct conf *whole = conf_load(path_of("whole.conf"), NULL, &report);
    CU_ASSERT_PTR_NOT_NULL_FATAL(whole);
    CU_ASSERT_EQUAL(conf_files_count(conf_get_files(whole)), 1);
    CU_ASSERT_STRING_EQUAL(text_of(conf_root(whole), "max_retries"), "5");
    CU_ASSERT_STRING_EQUAL(text_of(conf_root(whole), "retry_interval"), "9");
    CU_ASSERT_STRING_EQUAL(text_of(at(whole, "domain", "d", NULL), "max_retries"), "2");
    CU_ASSERT_STRING_EQUAL(text_of(at(whole, "domain", "d", NULL), "retry_interval"), "3");
    CU_ASSERT_STRING_EQUAL(text_of(at(whole, "domain", "e", NULL), "max_retries"), "4");
    CU_ASSERT_STRING_EQUAL(text_of(at(whole, "domain", "f", NULL), "max_retries"), "6");
    CU_ASSERT_STRING_EQUAL(text_of(conf_root(whole), "local_changes_file"), "(unset)");
    conf_report_free(report);
    conf_unref(whole);

    CU_ASSERT_FALSE(writeback(conf, path_of("main.conf")));
    CU_ASSERT(answered("is a file of this configuration"));
    CU_ASSERT_EQUAL(symlink("main.conf", path_of("link.conf")), 0);
    CU_ASSERT_FALSE(writeback(conf, path_of("link.conf")));
    CU_ASSERT_FALSE(writeback(conf, path_of("none/whole.conf")));
    CU_ASSERT(answered("whole.conf was not saved: cannot write beside it: No such file or directory"));
    CU_ASSERT_FALSE(writeback(conf, place));
    end_files(conf);
}

int main(void)
{
    CU_TestInfo tests[] = {{"the texts of a generation", test_texts},
                           {"one file, two names", test_other_name},
                           {"two files, one number", test_other_number},
                           {"what is saved", test_saved},
                           {"files that were changed meanwhile", test_disturbed},
                           {"a full disk", test_full_disk},
                           {"no permission", test_no_permission},
                           {"no folder", test_no_folder},
                           {"Local_Changes_File", test_local_changes},
                           {"the virtual file", test_virtual},
                           {"all of it in one file", test_one_file},
                           CU_TEST_INFO_NULL};
    int status = unit_run("files", tests);
    free(answer);
    return status;
}
