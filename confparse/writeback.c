/* writeback: config writeback (files.h). */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include "confparse/file_set.h"
#include "confparse/flatten.h"
#include "confparse/memory.h"
#include "confparse/save.h"

/* Does the disk hold what it held when the file was last read or written? False after saying that it does
 * not. */
static bool is_undisturbed(const struct conf_file_entry *entry, FILE *out)
{
    const struct conf_disk *disk = entry->disk;
    struct conf_content *now = conf_content_read(entry->file.path, CONF_READ_FILES);
    int error = now ? 0 : errno;
    bool same =
        now ? !disk->missing && conf_content_same(now, disk->content) : disk->missing && error == ENOENT;
    conf_content_unref(now);
    if (same)
        return true;
    if (now && disk->missing)
        fprintf(out, "%s was not saved: it was made by somebody else meanwhile, and is left as it is.\n",
                entry->file.path);
    else if (now)
        fprintf(out, "%s was not saved: it was changed on disk since it was read, and is left as it is.\n",
                entry->file.path);
    else
        fprintf(out, "%s was not saved: it can no longer be read: %s\n", entry->file.path, strerror(error));
    return false;
}

static bool save_entry(const struct conf_files *files, struct conf_file_entry *entry, FILE *out)
{
    struct conf_disk *disk = entry->disk;
    char problem[CONF_SAVE_PROBLEM];
    struct stat status;
    if (entry->in_memory) {
        fprintf(out, "%s was not saved: it was never a file.\n", entry->file.path);
        return false;
    }
    if (!is_undisturbed(entry, out))
        return false;
    if (!conf_save(entry->file.path, entry->content->text, entry->content->size, files->entries[0].file.path,
                   &status, problem)) {
        fprintf(out, "%s was not saved: %s\n", entry->file.path, problem);
        return false;
    }
    conf_content_unref(disk->content);
    disk->content = conf_content_ref(entry->content);
    disk->device = status.st_dev;
    disk->inode = status.st_ino;
    disk->missing = false;
    fprintf(out, "%s was saved.\n", entry->file.path);
    return true;
}

/* ---- the virtual file ---------------------------------------------------------------------------------- */

/* Its text goes before that of Local_Changes_File, as it is read, once there is one. */
static void move_virtual(struct conf_files *files)
{
    struct conf_file_entry *from = conf_files_find_role(files, CONF_FILE_VIRTUAL);
    struct conf_file_entry *to = conf_files_find_role(files, CONF_FILE_LOCAL);
    if (!from || !to)
        return;
    char *text = NULL;
    size_t size = 0;
    FILE *both = open_memstream(&text, &size);
    if (!both)
        conf_out_of_memory();
    fwrite(from->content->text, 1, from->content->size, both);
    if (from->content->size && from->content->text[from->content->size - 1] != '\n')
        putc('\n', both);
    fwrite(to->content->text, 1, to->content->size, both);
    fclose(both);
    conf_file_replace(to, conf_content_create(text, size));
    conf_file_replace(from, conf_content_create("", 0));
    conf_files_drop_virtual(files);
    free(text);
}

static bool warn_virtual(const struct conf_files *files, FILE *out)
{
    const struct conf_file_entry *entry = conf_files_find_role(files, CONF_FILE_VIRTUAL);
    if (!entry || !entry->content->size)
        return true;
    fputs("Warning: not all of the configuration could be saved, since no file can be written that these "
          "changes belong in.\nSet Local_Changes_File to one that can, and repeat config writeback.\n",
          out);
    fwrite(entry->content->text, 1, entry->content->size, out);
    if (entry->content->text[entry->content->size - 1] != '\n')
        putc('\n', out);
    return false;
}

/* ---- the command --------------------------------------------------------------------------------------- */

static bool save_files(struct conf_files *files, FILE *out)
{
    bool good = true;
    size_t saved = 0;
    move_virtual(files);
    for (size_t i = 0; i < files->count; i++) {
        struct conf_file_entry *entry = &files->entries[i];
        if (entry->role == CONF_FILE_VIRTUAL || conf_content_same(entry->content, entry->disk->content))
            continue;
        saved++;
        good &= save_entry(files, entry, out);
        entry->file.changed = !conf_content_same(entry->content, entry->disk->content);
    }
    good &= warn_virtual(files, out);
    if (good && !saved)
        fputs("There is nothing to save: the files are as they were read.\n", out);
    return good;
}

static bool save_whole(const struct conf_files *files, const char *path, FILE *out)
{
    struct stat status;
    bool known = stat(path, &status) == 0 && conf_files_find_same(files, &status);
    bool left_out;
    char *text = NULL, problem[CONF_SAVE_PROBLEM];
    size_t size = 0;
    if (known || conf_files_find(files, path)) {
        fprintf(out,
                "%s was not saved: it is a file of this configuration; config writeback without a path "
                "saves those.\n",
                path);
        return false;
    }
    FILE *whole = open_memstream(&text, &size);
    if (!whole)
        conf_out_of_memory();
    conf_flatten(files, whole, &left_out);
    fclose(whole);
    bool good = conf_save(path, text, size, files->entries[0].file.path, &status, problem);
    if (good)
        fprintf(out, "%s was saved.%s\n", path,
                left_out ? " Local_Changes_File and Local_Changes_Only are left out of it." : "");
    else
        fprintf(out, "%s was not saved: %s\n", path, problem);
    free(text);
    return good;
}

bool conf_files_writeback(const struct conf_files *files, const char *path, const struct conf_files **next,
                          FILE *out)
{
    struct conf_files *set = conf_files_copy(files);
    bool good = path ? save_whole(set, path, out) : save_files(set, out);
    for (size_t i = 0; i < files->count; i++) /* which is the other thing that is true for every set */
        files->entries[i].file.changed =
            !conf_content_same(files->entries[i].content, files->entries[i].disk->content);
    *next = good ? set : NULL;
    if (!good)
        conf_files_unref(set);
    return good;
}
