/*
 * catalogue: applies the edits of a MANIFEST (RocksDB 7.8, db/version_edit.h) to a list of files.
 */
#include "spool/catalogue.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "base/buf.h"
#include "base/file.h"
#include "base/mem.h"
#include "spool/encodings.h"
#include "spool/record_file.h"

enum {
    BLOB_FRAME = 62,            /* bytes of a blob file's head and foot */
    UNKNOWN_IS_HARMLESS = 8192, /* in a tag: readers that do not know it pass over it */
    CURRENT_SIZE_MAX = 200,
};

enum tag {
    COMPARATOR = 1,
    LOG_NUMBER,
    NEXT_FILE_NUMBER,
    LAST_SEQUENCE,
    COMPACT_CURSOR,
    DELETED_FILE,
    NEW_FILE,
    PREVIOUS_LOG_NUMBER = 9,
    OLDEST_LOG = 10,
    NEW_FILE_2 = 100,
    NEW_FILE_3 = 102,
    NEW_FILE_4 = 103,
    FAMILY = 200,
    FAMILY_ADDED,
    FAMILY_DROPPED,
    GREATEST_FAMILY,
    IN_ATOMIC_GROUP = 300,
    BLOB_FILE = 400,
    BLOB_GARBAGE = 401,
};

enum { FILE_END = 1, FILE_OLDEST_BLOB = 4 }; /* tags within NEW_FILE_4 */

struct edit {
    struct catalogue *catalogue;
    struct slice rest;
    uint64_t family;
    uint64_t log; /* LOG_NUMBER, or 0 */
    /* The edit added the files from here on; their family is named behind them. */
    size_t first_table, first_blob;
    bool has_garbage;
};

/* ---- lists of files ------------------------------------------------------------------------------------ */

static void add_file(struct catalogue_files *list, const struct catalogue_file *file)
{
    if (list->count == list->room) {
        list->room = list->room ? list->room * 2 : 64;
        list->files = mem_resize(list->files, list->room * sizeof *list->files);
    }
    list->files[list->count++] = *file;
}

static struct catalogue_file *find_file(const struct catalogue_files *list, uint64_t number)
{
    for (size_t i = 0; i < list->count; i++)
        if (list->files[i].number == number)
            return &list->files[i];
    return NULL;
}

bool catalogue_names(const struct catalogue_files *files, uint64_t number)
{
    return find_file(files, number) != NULL;
}

static void remove_file(struct catalogue_files *list, uint64_t number)
{
    struct catalogue_file *file = find_file(list, number);
    if (file)
        *file = list->files[--list->count];
}

/* ---- edits --------------------------------------------------------------------------------------------- */

static bool take_number(struct edit *edit, uint64_t *number)
{
    return field_varint(&edit->rest, number);
}

static bool skip_number(struct edit *edit)
{
    uint64_t number;
    return take_number(edit, &number);
}

static bool skip_numbers(struct edit *edit, unsigned count)
{
    while (count > 0 && skip_number(edit))
        count--;
    return count == 0;
}

static bool skip_string(struct edit *edit)
{
    struct slice bytes;
    return field_string(&edit->rest, &bytes);
}

static bool take_custom_fields(struct edit *edit, struct catalogue_file *file)
{
    uint64_t tag;
    while (take_number(edit, &tag)) {
        struct slice bytes;
        if (tag == FILE_END)
            return true;
        if (!field_string(&edit->rest, &bytes))
            return false;
        if (tag == FILE_OLDEST_BLOB && !field_varint(&bytes, &file->oldest_blob))
            return false;
    }
    return false;
}

static void note_number(struct catalogue *catalogue, uint64_t number)
{
    if (number > catalogue->newest)
        catalogue->newest = number;
}

static bool take_new_file(struct edit *edit, enum tag tag)
{
    struct catalogue_file file = {.family = (uint32_t)edit->family, .oldest_blob = UINT64_MAX};
    bool good = skip_number(edit) && take_number(edit, &file.number) &&
                (tag != NEW_FILE_3 || skip_number(edit)) && take_number(edit, &file.size) &&
                skip_string(edit) && skip_string(edit);
    if (good && tag != NEW_FILE)
        good = skip_numbers(edit, 2);
    if (good && tag == NEW_FILE_4)
        good = take_custom_fields(edit, &file);
    if (!good)
        return false;
    note_number(edit->catalogue, file.number);
    add_file(&edit->catalogue->tables, &file);
    return true;
}

static bool take_deleted_file(struct edit *edit)
{
    uint64_t number;
    if (!skip_number(edit) || !take_number(edit, &number))
        return false;
    remove_file(&edit->catalogue->tables, number);
    if (edit->first_table > edit->catalogue->tables.count) /* RocksDB writes removals before additions */
        edit->first_table = edit->catalogue->tables.count;
    return true;
}

/* What is behind the fields of a blob file that are always there: nothing known today. */
static bool skip_blob_fields(struct edit *edit)
{
    uint64_t tag;
    while (take_number(edit, &tag)) {
        if (tag == 0)
            return true;
        if (!skip_string(edit))
            return false;
    }
    return false;
}

static bool take_blob_file(struct edit *edit)
{
    struct catalogue_file file = {.family = (uint32_t)edit->family, .oldest_blob = UINT64_MAX};
    if (!take_number(edit, &file.number) || !take_number(edit, &file.blobs) ||
        !take_number(edit, &file.size) || !skip_string(edit) || !skip_string(edit) || !skip_blob_fields(edit))
        return false;
    file.size += BLOB_FRAME;
    note_number(edit->catalogue, file.number);
    add_file(&edit->catalogue->blobs, &file);
    return true;
}

static bool take_blob_garbage(struct edit *edit)
{
    uint64_t number, count;
    if (!take_number(edit, &number) || !take_number(edit, &count) || !skip_number(edit) ||
        !skip_blob_fields(edit))
        return false;
    struct catalogue_file *file = find_file(&edit->catalogue->blobs, number);
    if (file)
        file->garbage += count;
    edit->has_garbage = true;
    return true;
}

/* RocksDB drops them too, without an edit that says so. There may have been many thousands since it was opened. */
static void drop_garbage(struct catalogue_files *blobs)
{
    size_t kept = 0;
    for (size_t i = 0; i < blobs->count; i++)
        if (blobs->files[i].garbage < blobs->files[i].blobs)
            blobs->files[kept++] = blobs->files[i];
    blobs->count = kept;
}

static bool take_family(struct edit *edit)
{
    struct catalogue_files *tables = &edit->catalogue->tables, *blobs = &edit->catalogue->blobs;
    if (!take_number(edit, &edit->family))
        return false;
    for (size_t i = edit->first_table; i < tables->count; i++)
        tables->files[i].family = (uint32_t)edit->family;
    for (size_t i = edit->first_blob; i < blobs->count; i++)
        blobs->files[i].family = (uint32_t)edit->family;
    return true;
}

static bool take_tag(struct edit *edit, uint64_t tag)
{
    uint64_t number;
    switch (tag) {
    case OLDEST_LOG:
        if (!take_number(edit, &number))
            return false;
        if (number > edit->catalogue->oldest_log)
            edit->catalogue->oldest_log = number;
        return true;
    case LAST_SEQUENCE:
        return take_number(edit, &edit->catalogue->last_sequence);
    case LOG_NUMBER:
        return take_number(edit, &edit->log);
    case NEXT_FILE_NUMBER:
    case PREVIOUS_LOG_NUMBER:
    case GREATEST_FAMILY:
    case IN_ATOMIC_GROUP:
        return skip_number(edit);
    case COMPARATOR:
    case FAMILY_ADDED:
        return skip_string(edit);
    case COMPACT_CURSOR:
        return skip_number(edit) && skip_string(edit);
    case DELETED_FILE:
        return take_deleted_file(edit);
    case NEW_FILE:
    case NEW_FILE_2:
    case NEW_FILE_3:
    case NEW_FILE_4:
        return take_new_file(edit, (enum tag)tag);
    case FAMILY:
        return take_family(edit);
    case FAMILY_DROPPED:
        return true;
    case BLOB_FILE:
        return take_blob_file(edit);
    case BLOB_GARBAGE:
        return take_blob_garbage(edit);
    default:
        return tag & UNKNOWN_IS_HARMLESS && skip_string(edit);
    }
}

static bool apply(struct catalogue *catalogue, struct slice record)
{
    struct edit edit = {.catalogue = catalogue,
                        .rest = record,
                        .first_table = catalogue->tables.count,
                        .first_blob = catalogue->blobs.count};
    while (edit.rest.size > 0) {
        uint64_t tag;
        if (!take_number(&edit, &tag) || !take_tag(&edit, tag))
            return false;
    }
    if (edit.has_garbage)
        drop_garbage(&catalogue->blobs);
    if (edit.log && edit.family < CATALOGUE_FAMILIES)
        catalogue->family_log[edit.family] = edit.log;
    return true;
}

/* ---- the file ------------------------------------------------------------------------------------------ */

/* Is it "MANIFEST-", digits, and a newline? */
static bool is_current(struct slice content)
{
    static const char start[] = "MANIFEST-";
    size_t at = sizeof start - 1;
    if (content.size <= at || memcmp(content.data, start, at) != 0)
        return false;
    while (at < content.size && content.data[at] >= '0' && content.data[at] <= '9')
        at++;
    return at > sizeof start - 1 && at + 1 == content.size && content.data[at] == '\n';
}

char *catalogue_name(const char *directory, uint64_t *number, char *error, size_t error_size)
{
    struct buf text = {0};
    char *path = mem_printf("%s/CURRENT", directory), *name = NULL;
    int failed = file_read(path, CURRENT_SIZE_MAX, &text, NULL);
    struct slice content = buf_slice(&text);
    if (failed)
        snprintf(error, error_size, "the file CURRENT, which names the catalogue: %s", strerror(-failed));
    else if (!is_current(content))
        snprintf(error, error_size, "Corruption: the file CURRENT does not name a catalogue");
    else
        name = mem_copy_text(content.data, content.size - 1);
    *number = name ? strtoull(name + strlen("MANIFEST-"), NULL, 10) : 0;
    buf_release(&text);
    free(path);
    return name;
}

static bool read_edits(struct catalogue *catalogue, struct record_file *file, const char *name, char *error,
                       size_t error_size)
{
    enum record_result result;
    struct slice record;
    size_t where = 0, edits = 0;
    while ((result = record_file_next(file, &record)) == RECORD_GOOD) {
        if (!apply(catalogue, record)) {
            snprintf(error, error_size, "the catalogue %s cannot be understood before byte %zu", name,
                     file->offset);
            catalogue->is_foreign = true;
            return false;
        }
        edits++;
        where = file->offset;
    }
    if (result == RECORD_DAMAGED)
        snprintf(error, error_size, "Corruption: the catalogue %s is damaged at byte %zu of %zu", name,
                 file->damage, file->size);
    else if (!edits)
        snprintf(error, error_size, "Corruption: the catalogue %s is empty", name);
    catalogue->size = where;
    return result == RECORD_END && edits > 0;
}

/* A log is needed as long as one family needs it; a family without a number (of none of ours) needs none. */
static void find_oldest_log(struct catalogue *catalogue)
{
    uint64_t least = UINT64_MAX;
    for (size_t i = 0; i < CATALOGUE_FAMILIES; i++)
        if (catalogue->family_log[i] && catalogue->family_log[i] < least)
            least = catalogue->family_log[i];
    if (least != UINT64_MAX && least > catalogue->oldest_log)
        catalogue->oldest_log = least;
}

bool catalogue_read(struct catalogue *catalogue, const char *directory, char *error, size_t error_size)
{
    struct record_file file;
    *catalogue = (struct catalogue){0};
    char *name = catalogue_name(directory, &catalogue->number, error, error_size);
    if (!name)
        return false;
    char *path = mem_printf("%s/%s", directory, name);
    int failed = record_file_open(&file, path);
    if (failed)
        snprintf(error, error_size, "the catalogue %s: %s", name, strerror(-failed));
    bool good = !failed && read_edits(catalogue, &file, name, error, error_size);
    record_file_close(&file);
    free(path);
    free(name);
    find_oldest_log(catalogue);
    return good;
}

bool catalogue_file_number(const char *name, const char *suffix, uint64_t *number)
{
    char *end;
    *number = strtoull(name, &end, 10);
    return end != name && strcmp(end, suffix) == 0;
}

bool catalogue_needs_blob(const struct catalogue *catalogue, const struct catalogue_file *blob)
{
    uint64_t oldest = UINT64_MAX;
    for (size_t i = 0; i < catalogue->tables.count; i++) {
        const struct catalogue_file *table = &catalogue->tables.files[i];
        if (table->family == blob->family && table->oldest_blob < oldest)
            oldest = table->oldest_blob;
    }
    return blob->number >= oldest && blob->garbage < blob->blobs;
}

void catalogue_release(struct catalogue *catalogue)
{
    free(catalogue->tables.files);
    free(catalogue->blobs.files);
}
