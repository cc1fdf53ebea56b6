/* test_machine_memory: which limit of memory is closest, read from files as the kernel writes them. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include "base/machine_memory.h"
#include "base/mem.h"
#include "unit.h"

static char root[] = "/tmp/impulse-memory-XXXXXX";

static void write_file(const char *path, const char *text)
{
    char *whole = mem_printf("%s%s", root, path);
    for (char *slash = strchr(whole + sizeof root, '/'); slash; slash = strchr(slash + 1, '/')) {
        *slash = '\0';
        mkdir(whole, 0700);
        *slash = '/';
    }
    FILE *file = fopen(whole, "w");
    CU_ASSERT_PTR_NOT_NULL_FATAL(file);
    fputs(text, file);
    fclose(file);
    free(whole);
}

static void expect(uint64_t total, uint64_t used, const char *where, uint64_t smallest)
{
    struct machine_memory memory;
    machine_memory_read(root, &memory);
    CU_ASSERT_EQUAL(memory.total, total);
    CU_ASSERT_EQUAL(memory.used, used);
    CU_ASSERT_STRING_EQUAL(memory.where, where);
    CU_ASSERT_EQUAL(memory.smallest, smallest);
}

static void test_reading(void)
{
    CU_ASSERT_PTR_NOT_NULL_FATAL(mkdtemp(root));
    expect(0, 0, "this machine", 0);
    write_file("/proc/meminfo", "MemTotal:       1000 kB\nMemFree:  7 kB\nMemAvailable:    400 kB\n");
    expect(1000 * 1024, 600 * 1024, "this machine", 1000 * 1024);
    /* The group has no limit, the one above it has; what the kernel takes back is not counted. */
    write_file("/proc/self/cgroup", "0::/mail/impulse\n");
    write_file("/sys/fs/cgroup/mail/impulse/memory.max", "max\n");
    write_file("/sys/fs/cgroup/mail/memory.max", "100000\n");
    write_file("/sys/fs/cgroup/mail/memory.current", "90000\n");
    write_file("/sys/fs/cgroup/mail/memory.stat", "anon 1\ninactive_file 18000\nactive_file 2000\n");
    expect(100000, 70000, "the cgroup", 100000);
    write_file("/sys/fs/cgroup/mail/memory.current", "50000\n");
    expect(1000 * 1024, 600 * 1024, "this machine", 100000);
}

static void test_version_1(void)
{
    write_file("/proc/self/cgroup", "5:cpu:/x\n4:memory:/docker/a\n0::/\n");
    write_file("/sys/fs/cgroup/memory/memory.limit_in_bytes",
               "200000\n"); /* seen from inside the container */
    write_file("/sys/fs/cgroup/memory/memory.usage_in_bytes", "190000\n");
    write_file("/sys/fs/cgroup/memory/memory.stat",
               "inactive_file 5\nactive_file 5\ntotal_inactive_file 4000\ntotal_active_file 6000\n");
    expect(200000, 180000, "the cgroup", 200000);
    write_file("/sys/fs/cgroup/memory/memory.limit_in_bytes", "9223372036854771712\n");
    expect(1000 * 1024, 600 * 1024, "this machine", 1000 * 1024);
    char *command = mem_printf("rm -rf %s", root);
    CU_ASSERT_EQUAL(system(command), 0);
    free(command);
}

int main(void)
{
    return unit_run(
        "machine_memory",
        (CU_TestInfo[]){{"reading", test_reading}, {"version 1", test_version_1}, CU_TEST_INFO_NULL});
}
