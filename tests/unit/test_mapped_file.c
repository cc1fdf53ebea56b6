/*
 * test_mapped_file: a file of which the disk cannot give everything.
 */
#include "spool/mapped_file.h"

#include <CUnit/Basic.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "base/mem.h"
#include "unit.h"

/* ---- a disk with a bad sector -------------------------------------------------------------------------- */

static size_t bad_from, bad_end;

ssize_t __real_pread(int fd, void *bytes, size_t size, off_t from);
ssize_t __wrap_pread(int fd, void *bytes, size_t size, off_t from);
ssize_t __wrap___pread_chk(int fd, void *bytes, size_t size, off_t from, size_t room);

ssize_t __wrap_pread(int fd, void *bytes, size_t size, off_t from)
{
    if ((size_t)from < bad_end && (size_t)from + size > bad_from) {
        errno = EIO;
        return -1;
    }
    return __real_pread(fd, bytes, size, from);
}

/* What _FORTIFY_SOURCE makes of it. */
ssize_t __wrap___pread_chk(int fd, void *bytes, size_t size, off_t from, size_t room)
{
    return size > room ? -1 : __wrap_pread(fd, bytes, size, from);
}

/* ---- tests --------------------------------------------------------------------------------------------- */

enum { SIZE = 200001 };

static char *write_file(const char *folder)
{
    char *path = mem_printf("%s/file", folder);
    FILE *out = fopen(path, "w");
    for (unsigned i = 0; i < SIZE; i++)
        fputc((int)(i % 251), out);
    fclose(out);
    return path;
}

/* All but [from, end) is as it was written, and that is unreadable. */
static bool is_read(const struct mapped_file *file, size_t from, size_t end)
{
    for (size_t i = 0; i < file->size; i++)
        if ((unsigned char)file->bytes[i] != (i >= from && i < end ? MAPPED_FILE_UNREADABLE : i % 251))
            return false;
    return file->size == SIZE && file->unreadable == end - from;
}

static void test_unreadable(void)
{
    size_t page = (size_t)sysconf(_SC_PAGESIZE), last = SIZE / page * page;
    char folder[] = "/tmp/test_mapped_file.XXXXXX";
    CU_ASSERT_PTR_NOT_NULL_FATAL(mkdtemp(folder));
    char *path = write_file(folder);
    const struct {
        size_t bad_from, bad_end, from, end;
    } rows[] = {
        {0, 0, 0, 0},
        {0, 1, 0, page},
        {page + 100, page + 101, page, 2 * page},
        {2 * page - 1, 2 * page + 1, page, 3 * page},
        {SIZE - 1, SIZE, last, SIZE},
        {0, SIZE, 0, SIZE},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct mapped_file file;
        bad_from = rows[i].bad_from;
        bad_end = rows[i].bad_end;
        CU_ASSERT_EQUAL(mapped_file_open(&file, path), 0);
        CU_ASSERT(is_read(&file, rows[i].from, rows[i].end));
        mapped_file_close(&file);
    }
    unlink(path);
    rmdir(folder);
    free(path);
}

static void test_nothing(void)
{
    struct mapped_file file;
    CU_ASSERT_EQUAL(mapped_file_open(&file, "/nonesuch/file"), -ENOENT);
    mapped_file_close(&file);
    CU_ASSERT_EQUAL(mapped_file_open(&file, "/dev/null"), 0);
    CU_ASSERT_EQUAL(file.size, 0);
    mapped_file_close(&file);
}

int main(void)
{
    return unit_run("mapped files", (CU_TestInfo[]){
                                        {"what the disk cannot give", test_unreadable},
                                        {"nothing there", test_nothing},
                                        CU_TEST_INFO_NULL,
                                    });
}
