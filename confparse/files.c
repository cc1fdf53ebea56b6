/* files: see files.h and file_set.h. */
#include "confparse/file_set.h"

#include <stdlib.h>
#include "confparse/memory.h"

/* ---- making -------------------------------------------------------------------------------------------- */

static char *copy_text(const char *text)
{
    size_t size = strlen(text) + 1;
    return memcpy(conf_alloc(size), text, size);
}

struct conf_files *conf_files_create(const char *search_path)
{
    struct conf_files *files = conf_alloc(sizeof *files);
    atomic_init(&files->references, 1);
    files->search_path = search_path ? copy_text(search_path) : NULL;
    return files;
}

struct conf_disk *conf_disk_create(struct conf_content *content, bool missing)
{
    struct conf_disk *disk = conf_alloc(sizeof *disk);
    atomic_init(&disk->references, 1);
    disk->content = conf_content_ref(content);
    disk->device = content->device;
    disk->inode = content->inode;
    disk->missing = missing;
    return disk;
}

struct conf_disk *conf_disk_ref(struct conf_disk *disk)
{
    atomic_fetch_add_explicit(&disk->references, 1, memory_order_relaxed);
    return disk;
}

void conf_disk_unref(struct conf_disk *disk)
{
    if (!disk || atomic_fetch_sub_explicit(&disk->references, 1, memory_order_acq_rel) != 1)
        return;
    conf_content_unref(disk->content);
    free(disk);
}

static void describe(struct conf_file_entry *entry)
{
    entry->file.text = entry->content->text;
    entry->file.size = entry->content->size;
    entry->file.changed = !conf_content_same(entry->content, entry->disk->content);
}

/* Whether or not the same name leads to it. */
static bool same_file(const struct conf_file_entry *a, const struct conf_file_entry *b)
{
    return a->disk == b->disk || strcmp(a->file.path, b->file.path) == 0;
}

void conf_files_add(struct conf_files *files, const struct conf_file_entry *like)
{
    bool read_only = like->file.read_only, known = false;
    for (size_t i = 0; i < files->count; i++)
        if (same_file(&files->entries[i], like)) {
            files->entries[i].file.read_only = read_only = true;
            known |= strcmp(files->entries[i].file.path, like->file.path) == 0;
        }
    if (known)
        return;
    if (files->count == files->capacity) {
        files->capacity = files->capacity ? 2 * files->capacity : 8;
        files->entries = conf_resize(files->entries, files->capacity, sizeof *files->entries);
    }
    struct conf_file_entry *entry = &files->entries[files->count++];
    *entry = *like;
    entry->file.path = copy_text(like->file.path);
    entry->file.read_only = read_only;
    conf_content_ref(entry->content);
    conf_disk_ref(entry->disk);
    describe(entry);
}

void conf_file_replace(struct conf_file_entry *entry, struct conf_content *content)
{
    conf_content_unref(entry->content);
    entry->content = content;
    describe(entry);
}

void conf_files_add_text(struct conf_files *files, const char *path, enum conf_file_role role,
                         const char *text, size_t size)
{
    struct conf_file_entry entry = {.file.path = path, .role = role, .in_memory = true};
    entry.content = conf_content_create(text, size);
    entry.disk = conf_disk_create(entry.content, true);
    conf_files_add(files, &entry);
    conf_disk_unref(entry.disk);
    conf_content_unref(entry.content);
}

static void release(struct conf_file_entry *entry)
{
    conf_content_unref(entry->content);
    conf_disk_unref(entry->disk);
    free((char *)entry->file.path);
}

void conf_files_drop_virtual(struct conf_files *files)
{
    struct conf_file_entry *entry = conf_files_find_role(files, CONF_FILE_VIRTUAL);
    if (!entry || entry->content->size)
        return;
    release(entry);
    size_t after = (size_t)(&files->entries[files->count] - entry) - 1;
    memmove(entry, entry + 1, after * sizeof *entry);
    files->count--;
}

void conf_files_add_directory(struct conf_files *files, const char *path, char *const *names, size_t count)
{
    if (conf_files_find_directory(files, path))
        return;
    files->directories =
        conf_resize(files->directories, files->directory_count + 1, sizeof *files->directories);
    struct conf_file_directory *directory = &files->directories[files->directory_count++];
    directory->path = copy_text(path);
    directory->count = count;
    directory->names = conf_resize(NULL, count, sizeof *directory->names);
    for (size_t i = 0; i < count; i++)
        directory->names[i] = copy_text(names[i]);
}

struct conf_files *conf_files_copy(const struct conf_files *files)
{
    struct conf_files *copy = conf_files_create(files->search_path);
    copy->capacity = files->count;
    copy->entries = conf_resize(NULL, copy->capacity, sizeof *copy->entries);
    for (size_t i = 0; i < files->count; i++) {
        struct conf_file_entry *entry = &copy->entries[copy->count++];
        *entry = files->entries[i];
        entry->file.path = copy_text(entry->file.path);
        conf_content_ref(entry->content);
        conf_disk_ref(entry->disk);
    }
    for (size_t i = 0; i < files->directory_count; i++)
        conf_files_add_directory(copy, files->directories[i].path, files->directories[i].names,
                                 files->directories[i].count);
    return copy;
}

/* ---- finding ------------------------------------------------------------------------------------------- */

struct conf_file_entry *conf_files_find(const struct conf_files *files, const char *path)
{
    for (size_t i = 0; i < files->count; i++)
        if (strcmp(files->entries[i].file.path, path) == 0)
            return &files->entries[i];
    return NULL;
}

/* Whoever replaced the file since it was read may have left its number to another one. */
static bool still_has(const struct conf_file_entry *entry, const struct stat *status)
{
    struct stat now;
    return stat(entry->file.path, &now) == 0 && now.st_dev == status->st_dev && now.st_ino == status->st_ino;
}

struct conf_file_entry *conf_files_find_same(const struct conf_files *files, const struct stat *status)
{
    for (size_t i = 0; i < files->count; i++) {
        const struct conf_disk *disk = files->entries[i].disk;
        if (disk->inode && disk->inode == status->st_ino && disk->device == status->st_dev &&
            still_has(&files->entries[i], status))
            return &files->entries[i];
    }
    return NULL;
}

struct conf_file_entry *conf_files_find_role(const struct conf_files *files, enum conf_file_role role)
{
    for (size_t i = 0; i < files->count; i++)
        if (files->entries[i].role == role)
            return &files->entries[i];
    return NULL;
}

const struct conf_file_directory *conf_files_find_directory(const struct conf_files *files, const char *path)
{
    for (size_t i = 0; i < files->directory_count; i++)
        if (strcmp(files->directories[i].path, path) == 0)
            return &files->directories[i];
    return NULL;
}

size_t conf_files_count(const struct conf_files *files)
{
    return files->count;
}

const struct conf_file *conf_files_at(const struct conf_files *files, size_t index)
{
    return index < files->count ? &files->entries[index].file : NULL;
}

/* ---- sharing ------------------------------------------------------------------------------------------- */

const struct conf_files *conf_files_ref(const struct conf_files *files)
{
    atomic_fetch_add_explicit(&((struct conf_files *)files)->references, 1, memory_order_relaxed);
    return files;
}

static void free_directory(struct conf_file_directory *directory)
{
    for (size_t i = 0; i < directory->count; i++)
        free(directory->names[i]);
    free(directory->names);
    free(directory->path);
}

void conf_files_unref(const struct conf_files *shared)
{
    struct conf_files *files = (struct conf_files *)shared;
    if (!files || atomic_fetch_sub_explicit(&files->references, 1, memory_order_acq_rel) != 1)
        return;
    for (size_t i = 0; i < files->count; i++)
        release(&files->entries[i]);
    for (size_t i = 0; i < files->directory_count; i++)
        free_directory(&files->directories[i]);
    free(files->entries);
    free(files->directories);
    free(files->search_path);
    free(files);
}
