/*
 * power_loss: records what a power loss would leave of a folder.
 *
 * In the shadow folder, "N" holds the bytes of a file as of its last sync and "N.size" how many of them count, which is
 * written last; "names" holds the names of the folder as of its last sync, each with the file's number. What was never
 * synced is nowhere. tests/faults/losses.py makes the folder from it.
 */
#define _GNU_SOURCE
#include "shim.h"

#include <dirent.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { MOST_FILES = 4096 };

struct file {
    ino_t inode;
    unsigned number;
    off_t kept;     /* bytes in the shadow */
    bool rewritten; /* they are not a prefix of the file any more */
};

struct shadow_sync {
    bool is_folder;
    struct file *file;
    unsigned number;
    off_t size;
    char *names;
};

static const char *folder_path, *shadow_path;
static struct file files[MOST_FILES];
static size_t file_count;
static unsigned next_number;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

/* The newest of that inode: inodes are used again. */
static struct file *find(ino_t inode)
{
    for (size_t i = file_count; i > 0; i--)
        if (files[i - 1].inode == inode)
            return &files[i - 1];
    return NULL;
}

static struct file *add(ino_t inode)
{
    if (file_count == MOST_FILES)
        abort();
    files[file_count] = (struct file){.inode = inode, .number = next_number++};
    return &files[file_count++];
}

/* Is it the folder, or a file right below it? */
static bool is_ours(int fd, struct stat *status, bool *is_folder)
{
    char link[40], path[PATH_MAX];
    if (!folder_path || fstat(fd, status) != 0)
        return false;
    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    ssize_t size = readlink(link, path, sizeof path - 1);
    if (size <= 0)
        return false;
    path[size] = '\0';
    *is_folder = strcmp(path, folder_path) == 0;
    size_t length = strlen(folder_path);
    return *is_folder || (strncmp(path, folder_path, length) == 0 && path[length] == '/' &&
                          !strchr(path + length + 1, '/') && S_ISREG(status->st_mode));
}

static void path_of(char path[static PATH_MAX], unsigned number, const char *suffix)
{
    snprintf(path, PATH_MAX, "%s/%u%s", shadow_path, number, suffix);
}

/* Replaces a small file of the shadow at once. */
static void replace(const char *path, const char *text)
{
    char new[PATH_MAX + 8];
    snprintf(new, sizeof new, "%s.new", path);
    FILE *out = fopen(new, "w");
    if (!out)
        abort();
    fputs(text, out);
    fclose(out);
    renameat(AT_FDCWD, new, AT_FDCWD, path);
}

/* Returns the number of the copy: a new one where the bytes before the end have changed, since a kill may tear the copying. */
static unsigned copy(int fd, struct file *file, off_t size)
{
    char path[PATH_MAX], self[40], bytes[65536];
    unsigned number = file->rewritten ? next_number++ : file->number;
    path_of(path, number, "");
    snprintf(self, sizeof self, "/proc/self/fd/%d", fd);
    int in = open(self, O_RDONLY | O_CLOEXEC);
    int out = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
    for (off_t at = file->rewritten ? 0 : file->kept; at < size;) {
        size_t most = (size_t)(size - at) < sizeof bytes ? (size_t)(size - at) : sizeof bytes;
        ssize_t got = pread(in, bytes, most, at);
        if (got <= 0)
            break;
        if (pwrite(out, bytes, (size_t)got, at) != got)
            abort();
        at += got;
    }
    close(in);
    close(out);
    file->rewritten = false;
    return number;
}

static void publish(struct file *file, unsigned number, off_t size)
{
    char path[PATH_MAX], text[40];
    path_of(path, number, ".size");
    snprintf(text, sizeof text, "%lld\n", (long long)size);
    replace(path, text);
    file->number = number;
    file->kept = size;
}

/* The names in the folder and the numbers of their files, as lines; free() it. Files that were there before are durable. */
static char *list_names(void)
{
    char *text = NULL;
    size_t size;
    FILE *out = open_memstream(&text, &size);
    DIR *directory = opendir(folder_path);
    for (struct dirent *entry; directory && (entry = readdir(directory));) {
        struct file *file = find(entry->d_ino);
        if (entry->d_type != DT_REG)
            continue;
        if (!file) {
            char path[PATH_MAX];
            struct stat status;
            snprintf(path, sizeof path, "%s/%s", folder_path, entry->d_name);
            int fd = open(path, O_RDONLY | O_CLOEXEC);
            if (fd < 0 || fstat(fd, &status) != 0)
                continue;
            file = add(entry->d_ino);
            publish(file, copy(fd, file, status.st_size), status.st_size);
            close(fd);
        }
        fprintf(out, "%u %s\n", (unsigned)(file - files), entry->d_name);
    }
    if (directory)
        closedir(directory);
    fclose(out);
    return text;
}

/* A name keeps its file when that is copied again, so names hold the file's place in the table, and "files" its number. */
static void publish_files(void)
{
    char path[PATH_MAX], *text = NULL;
    size_t size;
    FILE *out = open_memstream(&text, &size);
    for (size_t i = 0; i < file_count; i++)
        fprintf(out, "%u\n", files[i].number);
    fclose(out);
    snprintf(path, sizeof path, "%s/files", shadow_path);
    replace(path, text);
    free(text);
}

static void publish_names(const char *names)
{
    char path[PATH_MAX];
    snprintf(path, sizeof path, "%s/names", shadow_path);
    replace(path, names);
}

void shadow_begin(const char *folder, const char *shadow)
{
    folder_path = folder;
    shadow_path = shadow;
    pthread_mutex_lock(&lock);
    char *names = list_names();
    publish_files();
    publish_names(names);
    free(names);
    pthread_mutex_unlock(&lock);
}

void shadow_create(int fd)
{
    struct stat status;
    bool is_folder;
    if (!is_ours(fd, &status, &is_folder) || is_folder)
        return;
    pthread_mutex_lock(&lock);
    add(status.st_ino);
    publish_files();
    pthread_mutex_unlock(&lock);
}

void shadow_rewrite(int fd, off_t offset)
{
    struct stat status;
    bool is_folder;
    if (!is_ours(fd, &status, &is_folder) || is_folder)
        return;
    pthread_mutex_lock(&lock);
    struct file *file = find(status.st_ino);
    if (file && offset < file->kept)
        file->rewritten = true;
    pthread_mutex_unlock(&lock);
}

struct shadow_sync *shadow_sync_begin(int fd)
{
    struct stat status;
    struct shadow_sync sync = {0}, *result = NULL;
    if (!is_ours(fd, &status, &sync.is_folder))
        return NULL;
    pthread_mutex_lock(&lock);
    if (sync.is_folder) {
        sync.names = list_names();
    } else {
        sync.file = find(status.st_ino);
        if (!sync.file)
            sync.file = add(status.st_ino);
        sync.size = status.st_size;
        sync.number = copy(fd, sync.file, status.st_size);
    }
    result = malloc(sizeof *result);
    *result = sync;
    pthread_mutex_unlock(&lock);
    return result;
}

void shadow_sync_end(struct shadow_sync *sync, bool good)
{
    if (!sync)
        return;
    pthread_mutex_lock(&lock);
    if (good && sync->is_folder) {
        publish_files();
        publish_names(sync->names);
    } else if (good) {
        publish(sync->file, sync->number, sync->size);
        publish_files();
    }
    free(sync->names);
    free(sync);
    pthread_mutex_unlock(&lock);
}
