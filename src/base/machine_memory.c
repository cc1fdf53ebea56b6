/*
 * machine_memory: see the header. Each limit is offered to `consider`, which keeps the one that is used most.
 */
#include "base/machine_memory.h"

#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

enum {
    PATH_SIZE = 4096 + 256,
    TEXT_SIZE = 8192, /* bytes of a file that are looked at: what is wanted stands in front */
};

static bool read_text(const char *root, const char *path, const char *name, char text[TEXT_SIZE])
{
    char whole[PATH_SIZE + 128];
    if (snprintf(whole, sizeof whole, "%s%s%s", root, path, name) >= (int)sizeof whole)
        return false;
    int file = open(whole, O_RDONLY | O_CLOEXEC);
    if (file < 0)
        return false;
    ssize_t got = read(file, text, TEXT_SIZE - 1);
    close(file);
    text[got > 0 ? got : 0] = '\0';
    return got > 0;
}

/* The number that the text begins with, and in *end what follows it. False when there is none, as in "max". */
static bool parse_number(const char *text, char **end, uint64_t *number)
{
    *number = strtoull(text, end, 10);
    return *end != text;
}

/* A file with one number. */
static bool read_number(const char *root, const char *path, const char *name, uint64_t *number)
{
    char text[TEXT_SIZE], *end;
    return read_text(root, path, name, text) && parse_number(text, &end, number);
}

/* The number behind `key`, which begins a line; 0 when there is none. */
static uint64_t number_behind(const char *text, const char *key)
{
    size_t size = strlen(key);
    for (const char *line = text; line; line = strchr(line, '\n')) {
        line += *line == '\n';
        if (strncmp(line, key, size) == 0)
            return strtoull(line + size, NULL, 10);
    }
    return 0;
}

static void consider(struct machine_memory *memory, uint64_t total, uint64_t used, const char *where)
{
    if (total == 0)
        return;
    if (memory->smallest == 0 || total < memory->smallest)
        memory->smallest = total;
    if (memory->total == 0 || (double)used / (double)total > (double)memory->used / (double)memory->total) {
        memory->total = total;
        memory->used = used;
        memory->where = where;
    }
}

static void consider_machine(const char *root, struct machine_memory *memory)
{
    char text[TEXT_SIZE];
    if (!read_text(root, "/proc/meminfo", "", text))
        return;
    uint64_t total = number_behind(text, "MemTotal:"), free = number_behind(text, "MemAvailable:");
    consider(memory, total * 1024, (total > free ? total - free : 0) * 1024, "this machine");
}

/* ---- cgroups ----------------------------------------------------------------------------------------- */

struct hierarchy {
    const char *line; /* how its line of /proc/self/cgroup goes on behind the number */
    const char *mount, *limit, *usage;
    const char *inactive, *active; /* lines of memory.stat: the cache of files */
};

static const struct hierarchy hierarchies[] = {
    {"::", "/sys/fs/cgroup", "/memory.max", "/memory.current", "inactive_file ", "active_file "},
    {":memory:", "/sys/fs/cgroup/memory", "/memory.limit_in_bytes", "/memory.usage_in_bytes",
     "total_inactive_file ", "total_active_file "},
};

static void consider_group(const char *root, const struct hierarchy *hierarchy, const char *path,
                           struct machine_memory *memory)
{
    char text[TEXT_SIZE];
    uint64_t limit, used;
    /* Version 1 writes a huge number where there is no limit: nobody comes near it. */
    if (!read_number(root, path, hierarchy->limit, &limit) || limit > (uint64_t)INT64_MAX / 2 ||
        !read_number(root, path, hierarchy->usage, &used))
        return;
    uint64_t cache = 0; /* which the kernel takes back when it must */
    if (read_text(root, path, "/memory.stat", text))
        cache = number_behind(text, hierarchy->inactive) + number_behind(text, hierarchy->active);
    consider(memory, limit, used > cache ? used - cache : 0, "the cgroup");
}

/* The group of the process and all groups above it. Inside a container the mount itself is the group. */
static void consider_groups(const char *root, const struct hierarchy *hierarchy, const char *group,
                            struct machine_memory *memory)
{
    char path[PATH_SIZE];
    size_t mount = strlen(hierarchy->mount), size = strcspn(group, "\n");
    if (mount + size >= sizeof path)
        return;
    memcpy(path, hierarchy->mount, mount);
    memcpy(path + mount, group, size);
    path[mount + size] = '\0';
    for (;;) {
        consider_group(root, hierarchy, path, memory);
        char *last = strrchr(path + mount, '/');
        if (!last)
            return;
        *last = '\0';
    }
}

static void consider_cgroups(const char *root, struct machine_memory *memory)
{
    char text[TEXT_SIZE];
    if (!read_text(root, "/proc/self/cgroup", "", text))
        return;
    for (const char *line = text; line && *line; line = strchr(line, '\n')) {
        line += *line == '\n';
        const char *rest = line + strspn(line, "0123456789");
        for (size_t i = 0; i < sizeof hierarchies / sizeof *hierarchies; i++) {
            size_t size = strlen(hierarchies[i].line);
            if (strncmp(rest, hierarchies[i].line, size) == 0)
                consider_groups(root, &hierarchies[i], rest + size, memory);
        }
    }
}

/* ---- limits of the process --------------------------------------------------------------------------- */

static void consider_process(const char *root, struct machine_memory *memory)
{
    char text[TEXT_SIZE];
    uint64_t pages[6], page = (uint64_t)sysconf(_SC_PAGESIZE); /* statm: size resident shared text lib data */
    struct rlimit limit;
    if (!read_text(root, "/proc/self/statm", "", text))
        return;
    char *rest = text;
    for (size_t i = 0; i < sizeof pages / sizeof *pages; i++)
        if (!parse_number(rest, &rest, &pages[i]))
            return;
    if (getrlimit(RLIMIT_AS, &limit) == 0 && limit.rlim_cur != RLIM_INFINITY)
        consider(memory, limit.rlim_cur, pages[0] * page, "the limit of address space (RLIMIT_AS)");
    if (getrlimit(RLIMIT_DATA, &limit) == 0 && limit.rlim_cur != RLIM_INFINITY)
        consider(memory, limit.rlim_cur, pages[5] * page, "the limit of data (RLIMIT_DATA)");
}

void machine_memory_read(const char *root, struct machine_memory *memory)
{
    *memory = (struct machine_memory){.where = "this machine"};
    consider_machine(root, memory);
    consider_cgroups(root, memory);
    consider_process(root, memory);
}
