/*
 * progress: one block of 512 bytes, written whole: a line for people, the facts, a checksum.
 */
#include "spool/progress.h"

#include <dirent.h>
#include <endian.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include "base/mem.h"
#include "spool/catalogue.h"
#include "spool/directory.h"
#include "spool/record_file.h"

static const char title[] = "Impulse spool: how far it has come. Not to be removed.\n";

enum { BLOCK = 512, TITLE_SIZE = 64, FACTS = 6 + PROGRESS_LOGS, FILE_MODE = 0640 };

struct progress {
    char *directory;
    int fd;
    int catalogue;           /* the MANIFEST, or -1 */
    uint64_t catalogue_size; /* at the last look */
    uint64_t form;           /* when the logs were listed */
    struct progress_facts facts;
};

/* ---- the block ----------------------------------------------------------------------------------------- */

static void encode(const struct progress_facts *facts, char block[static BLOCK])
{
    uint64_t numbers[FACTS] = {facts->sequence,       facts->messages,   facts->catalogue,
                               facts->catalogue_size, facts->newest_log, facts->log_count};
    memcpy(numbers + 6, facts->logs, sizeof facts->logs);
    memset(block, 0, BLOCK);
    memcpy(block, title, sizeof title - 1);
    for (size_t i = 0; i < FACTS; i++)
        numbers[i] = htole64(numbers[i]);
    memcpy(block + TITLE_SIZE, numbers, sizeof numbers);
    uint32_t sum = htole32(crc32c(0, block, BLOCK - sizeof sum));
    memcpy(block + BLOCK - sizeof sum, &sum, sizeof sum);
}

static bool decode(const char block[static BLOCK], struct progress_facts *facts)
{
    uint64_t numbers[FACTS];
    uint32_t sum;
    memcpy(&sum, block + BLOCK - sizeof sum, sizeof sum);
    if (le32toh(sum) != crc32c(0, block, BLOCK - sizeof sum))
        return false;
    memcpy(numbers, block + TITLE_SIZE, sizeof numbers);
    for (size_t i = 0; i < FACTS; i++)
        numbers[i] = le64toh(numbers[i]);
    *facts = (struct progress_facts){.sequence = numbers[0],
                                     .messages = numbers[1],
                                     .catalogue = numbers[2],
                                     .catalogue_size = numbers[3],
                                     .newest_log = numbers[4],
                                     .log_count = numbers[5] < PROGRESS_LOGS ? numbers[5] : PROGRESS_LOGS};
    memcpy(facts->logs, numbers + 6, sizeof facts->logs);
    return true;
}

static char *name_of(const char *directory)
{
    return mem_printf("%s/progress", directory);
}

enum progress_state progress_read(const char *directory, struct progress_facts *facts)
{
    char *name = name_of(directory), block[BLOCK];
    *facts = (struct progress_facts){0};
    int fd = open(name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
    int failed = fd < 0 ? errno : 0;
    free(name);
    if (failed)
        return failed == ENOENT ? PROGRESS_NONE : PROGRESS_UNKNOWN;
    ssize_t size = pread(fd, block, sizeof block, 0);
    close(fd);
    return size == BLOCK && decode(block, facts) ? PROGRESS_READ : PROGRESS_UNKNOWN;
}

/* If this fails, a later loss may go unnoticed. What the file says stays true. */
static void write_block(const struct progress *progress)
{
    char block[BLOCK];
    encode(&progress->facts, block);
    if (pwrite(progress->fd, block, sizeof block, 0) != BLOCK)
        return;
}

/* ---- the catalogue ------------------------------------------------------------------------------------- */

static void open_catalogue(struct progress *progress)
{
    char error[400];
    uint64_t number;
    progress->facts.catalogue = progress->facts.catalogue_size = 0;
    if (progress->catalogue >= 0)
        close(progress->catalogue);
    progress->catalogue = -1;
    char *name = catalogue_name(progress->directory, &number, error, sizeof error);
    if (!name)
        return;
    char *path = mem_printf("%s/%s", progress->directory, name);
    progress->catalogue = open(path, O_RDONLY | O_CLOEXEC);
    free(path);
    free(name);
    if (progress->catalogue >= 0)
        progress->facts.catalogue = number;
}

static void list_logs(struct progress *progress)
{
    DIR *directory = opendir(progress->directory);
    struct dirent *entry;
    struct progress_facts *facts = &progress->facts;
    facts->log_count = facts->newest_log = 0;
    while (directory && (entry = readdir(directory))) {
        uint64_t number;
        if (!catalogue_file_number(entry->d_name, ".log", &number))
            continue;
        if (facts->log_count < PROGRESS_LOGS)
            facts->logs[facts->log_count++] = number;
        if (number > facts->newest_log)
            facts->newest_log = number;
    }
    if (directory)
        closedir(directory);
}

/* The catalogue grows when a memtable was flushed or files were compacted, so now and then. Its size is noted when two looks
 * in a row find it: the first may meet a record that is half written, and stays so on a disk that is full. It is synced
 * before, because a power loss may not take back what was noted. */
static void look_at_catalogue(struct progress *progress)
{
    struct stat status;
    if (progress->catalogue < 0 || fstat(progress->catalogue, &status) != 0)
        return;
    uint64_t size = (uint64_t)status.st_size;
    bool stays = size == progress->catalogue_size;
    progress->catalogue_size = size;
    if (stays && size != progress->facts.catalogue_size && fdatasync(progress->catalogue) == 0)
        progress->facts.catalogue_size = size;
}

/* ---- the file ------------------------------------------------------------------------------------------ */

struct progress *progress_open(const char *directory)
{
    char *name = name_of(directory);
    int fd = open(name, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, FILE_MODE), error = errno;
    if (fd >= 0)
        directory_sync_parent(name);
    free(name);
    if (fd < 0) {
        errno = error;
        return NULL;
    }
    struct progress *progress = mem_new(struct progress);
    progress->directory = mem_dup(directory);
    progress->fd = fd;
    progress->catalogue = -1;
    return progress;
}

void progress_begin(struct progress *progress, uint64_t messages)
{
    progress->facts = (struct progress_facts){.messages = messages};
    progress->form = 0;
    open_catalogue(progress);
    look_at_catalogue(progress);
    look_at_catalogue(progress); /* the database was just opened, and has written it */
    list_logs(progress);
    write_block(progress);
    fdatasync(progress->fd);
}

void progress_prepare(struct progress *progress, uint64_t form)
{
    if (form != progress->form)
        list_logs(progress);
    progress->form = form;
}

void progress_note(struct progress *progress, uint64_t sequence, uint64_t messages)
{
    progress->facts.sequence = sequence;
    progress->facts.messages = messages;
    look_at_catalogue(progress);
    write_block(progress);
}

/* Up to its last whole record: a disk that was full may have left half of one. */
static void note_whole_catalogue(struct progress *progress)
{
    struct catalogue catalogue;
    char error[400];
    if (catalogue_read(&catalogue, progress->directory, error, sizeof error) &&
        catalogue.number == progress->facts.catalogue && fdatasync(progress->catalogue) == 0)
        progress->facts.catalogue_size = catalogue.size;
    catalogue_release(&catalogue);
}

void progress_close(struct progress *progress)
{
    if (!progress)
        return;
    if (progress->catalogue >= 0) { /* the facts are those of this database */
        note_whole_catalogue(progress);
        write_block(progress);
        close(progress->catalogue);
    }
    close(progress->fd);
    free(progress->directory);
    free(progress);
}

/* ---- the marker ---------------------------------------------------------------------------------------- */

char *progress_marker(const char *directory)
{
    return mem_printf("%s.exists", directory);
}

int progress_mark(const char *directory)
{
    char *name = progress_marker(directory);
    bool exists = access(name, F_OK) == 0; /* it may be another user's */
    int fd = exists ? -1 : open(name, O_RDONLY | O_CREAT | O_CLOEXEC | O_NOFOLLOW, FILE_MODE);
    int error = exists || fd >= 0 ? 0 : -errno;
    if (fd >= 0) {
        close(fd);
        directory_sync_parent(name);
    }
    free(name);
    return error;
}
