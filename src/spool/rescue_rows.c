/*
 * rescue_rows: tables and logs give versions of rows; the newest of each key counts.
 */
#include "spool/rescue_rows.h"

#include <dirent.h>
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "base/mem.h"
#include "spool/catalogue.h"
#include "spool/encodings.h"
#include "spool/record_file.h"

/* Tags of a batch in a log (RocksDB 7.8, db/dbformat.h): of the default family, and of a family that is named. */
enum {
    BATCH_DELETION = 0,
    BATCH_VALUE = 1,
    BATCH_LOG_DATA = 3,
    BATCH_FAMILY_DELETION = 4,
    BATCH_FAMILY_VALUE = 5,
    BATCH_SINGLE_DELETION = 7,
    BATCH_FAMILY_SINGLE_DELETION = 8,
    BATCH_NOTHING = 13,
};

struct reading {
    struct rescue_rows *rows;
    const char *path; /* of the file being read */
};

static void tell(struct rescue_rows *rows, const char *path, size_t where, const char *what)
{
    rows->damages++;
    fprintf(rows->out, "%s, byte %zu: %s\n", path, where, what);
}

/* ---- rows ---------------------------------------------------------------------------------------------- */

static void add_row(struct rescue_rows *rows, struct slice key, uint64_t sequence, enum table_entry_type type,
                    struct slice value, bool copy)
{
    if (key.size != LAYOUT_META_SIZE && key.size != LAYOUT_BODY_SIZE)
        return; /* none of ours */
    if (rows->count == rows->room) {
        rows->room = rows->room ? rows->room * 2 : 1024;
        rows->rows = mem_resize(rows->rows, rows->room * sizeof *rows->rows);
    }
    struct rescue_row *row = &rows->rows[rows->count++];
    *row = (struct rescue_row){.key_size = (unsigned char)key.size,
                               .type = (unsigned char)type,
                               .sequence = sequence,
                               .value = value};
    memcpy(row->key, key.data, key.size);
    if (copy && value.size > 0) {
        row->value.data = mem_copy_text(value.data, value.size);
        row->owned = true;
    }
}

/* Body rows after meta rows, keys in their order, the newest version of a key first. */
static int compare_rows(const void *a, const void *b)
{
    const struct rescue_row *x = a, *y = b;
    if (x->key_size != y->key_size)
        return x->key_size < y->key_size ? -1 : 1;
    int order = memcmp(x->key, y->key, x->key_size);
    if (order)
        return order;
    return x->sequence > y->sequence ? -1 : x->sequence < y->sequence;
}

static bool is_same_key(const struct rescue_row *a, const struct rescue_row *b)
{
    return a->key_size == b->key_size && memcmp(a->key, b->key, a->key_size) == 0;
}

static void free_row(struct rescue_row *row)
{
    if (row->owned)
        free((char *)(uintptr_t)row->value.data);
}

static void keep_newest(struct rescue_rows *rows)
{
    size_t kept = 0;
    if (rows->count)
        qsort(rows->rows, rows->count, sizeof *rows->rows, compare_rows);
    for (size_t i = 0, next; i < rows->count; i = next) {
        struct rescue_row newest = rows->rows[i];
        for (next = i + 1; next < rows->count && is_same_key(&rows->rows[next], &newest); next++)
            free_row(&rows->rows[next]);
        if (newest.type == ENTRY_VALUE || newest.type == ENTRY_BLOB)
            rows->rows[kept++] = newest;
        else
            free_row(&newest);
    }
    rows->count = kept;
}

/* ---- tables and blob files ----------------------------------------------------------------------------- */

static void see_entry(const struct table_entry *entry, void *closure)
{
    struct reading *reading = closure;
    add_row(reading->rows, entry->key, entry->sequence, entry->type, entry->value, false);
}

static void see_damage(const char *what, size_t where, void *closure)
{
    struct reading *reading = closure;
    tell(reading->rows, reading->path, where, what);
}

static void read_table(struct rescue_rows *rows, const char *path)
{
    struct mapped_file file;
    struct reading reading = {.rows = rows, .path = path};
    struct table_reader reader = {.entry = see_entry, .damage = see_damage, .closure = &reading};
    int error = mapped_file_open(&file, path);
    if (error) {
        tell(rows, path, 0, strerror(-error));
        return;
    }
    rows->tables = mem_resize(rows->tables, (rows->table_count + 1) * sizeof *rows->tables);
    rows->tables[rows->table_count++] = file;
    table_file_read(&file, &reader);
}

static void open_blob(struct rescue_rows *rows, const char *path, uint64_t number)
{
    struct mapped_file file;
    int error = mapped_file_open(&file, path);
    if (error) {
        tell(rows, path, 0, strerror(-error));
        return;
    }
    rows->blobs = mem_resize(rows->blobs, (rows->blob_count + 1) * sizeof *rows->blobs);
    rows->blobs[rows->blob_count++] = (struct rescue_blob){.number = number, .file = file};
}

/* ---- logs ---------------------------------------------------------------------------------------------- */

/* One change of a batch. False if it cannot be understood. */
static bool take_change(struct rescue_rows *rows, struct slice *batch, uint64_t *sequence)
{
    struct slice key, value = {0};
    uint64_t tag, family;
    if (!field_varint(batch, &tag))
        return false;
    if (tag == BATCH_NOTHING)
        return true;
    if (tag == BATCH_LOG_DATA)
        return field_string(batch, &value);
    bool names_family =
        tag == BATCH_FAMILY_DELETION || tag == BATCH_FAMILY_VALUE || tag == BATCH_FAMILY_SINGLE_DELETION;
    bool puts = tag == BATCH_VALUE || tag == BATCH_FAMILY_VALUE;
    if (!names_family && !puts && tag != BATCH_DELETION && tag != BATCH_SINGLE_DELETION)
        return false;
    if ((names_family && !field_varint(batch, &family)) || !field_string(batch, &key) ||
        (puts && !field_string(batch, &value)))
        return false;
    add_row(rows, key, (*sequence)++, puts ? ENTRY_VALUE : ENTRY_DELETION, value, true);
    return true;
}

/* Batches whose changes are not all behind `replayed`, which are in tables already. */
static void read_log(struct rescue_rows *rows, const char *path, uint64_t replayed)
{
    struct record_file file;
    struct slice batch;
    enum record_result result;
    int error = record_file_open(&file, path);
    if (error) {
        tell(rows, path, 0, strerror(-error));
        return;
    }
    while ((result = record_file_next(&file, &batch)) != RECORD_END) {
        uint64_t sequence;
        uint32_t count;
        if (result == RECORD_DAMAGED) {
            tell(rows, path, file.damage, "the log is damaged");
            if (!record_file_skip(&file))
                break;
            continue;
        }
        bool good = field_fixed64(&batch, &sequence) && field_fixed32(&batch, &count);
        if (good && count > 0 && sequence + count - 1 <= replayed)
            continue;
        while (good && batch.size > 0)
            good = take_change(rows, &batch, &sequence);
        if (!good)
            tell(rows, path, file.offset, "a record cannot be understood");
    }
    record_file_close(&file);
}

/* ---- the folder ---------------------------------------------------------------------------------------- */

static void read_kept(struct rescue_rows *rows, const char *path, uint64_t replayed)
{
    DIR *directory = opendir(path);
    for (struct dirent *entry; directory && (entry = readdir(directory));) {
        if (entry->d_name[0] == '.')
            continue;
        char *name = mem_printf("%s/%s", path, entry->d_name);
        read_log(rows, name, replayed);
        free(name);
    }
    if (directory)
        closedir(directory);
}

static void read_file(struct rescue_rows *rows, const struct catalogue *catalogue, bool known,
                      const char *name)
{
    char *path = mem_printf("%s/%s", rows->folder, name);
    uint64_t number;
    if (strcmp(name, "kept") == 0) /* the start ended before it named the folder: nothing was removed since */
        read_kept(rows, path, 0);
    else if (strncmp(name, "kept.", 5) == 0)
        read_kept(rows, path, strtoull(name + 5, NULL, 10));
    else if (catalogue_file_number(name, ".sst", &number) &&
             (!known || catalogue_names(&catalogue->tables, number)))
        read_table(rows, path);
    else if (catalogue_file_number(name, ".blob", &number) &&
             (!known || catalogue_names(&catalogue->blobs, number)))
        open_blob(rows, path, number);
    else if (catalogue_file_number(name, ".log", &number) && (!known || number >= catalogue->oldest_log))
        read_log(rows, path, 0);
    free(path);
}

/* Of the files that the catalogue names. */
static void tell_missing(struct rescue_rows *rows, const struct catalogue *catalogue)
{
    for (size_t i = 0; i < catalogue->tables.count; i++) {
        char *path = mem_printf("%s/%06" PRIu64 ".sst", rows->folder, catalogue->tables.files[i].number);
        if (access(path, R_OK) != 0)
            tell(rows, path, 0, strerror(errno));
        free(path);
    }
}

bool rescue_rows_read(struct rescue_rows *rows, const char *folder, bool catalogued, FILE *out)
{
    char error[400];
    struct catalogue catalogue;
    *rows = (struct rescue_rows){.out = out, .folder = mem_dup(folder)};
    DIR *directory = opendir(folder);
    if (!directory) {
        fprintf(out, "%s: %s\n", folder, strerror(errno));
        return false;
    }
    bool known = catalogue_read(&catalogue, folder, error, sizeof error) && catalogued;
    if (known) {
        tell_missing(rows, &catalogue);
    } else {
        rows->damages++;
        fprintf(out, "%s: the catalogue cannot be used: all tables and logs that are there are read\n",
                folder);
    }
    for (struct dirent *entry; (entry = readdir(directory));)
        read_file(rows, &catalogue, known, entry->d_name);
    closedir(directory);
    catalogue_release(&catalogue);
    keep_newest(rows);
    return true;
}

const struct rescue_row *rescue_rows_find(const struct rescue_rows *rows, struct slice key)
{
    struct rescue_row wanted = {.key_size = (unsigned char)key.size};
    memcpy(wanted.key, key.data, key.size);
    size_t low = 0, high = rows->count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        wanted.sequence = rows->rows[middle].sequence;
        int order = compare_rows(&wanted, &rows->rows[middle]);
        if (order == 0)
            return &rows->rows[middle];
        if (order < 0)
            high = middle;
        else
            low = middle + 1;
    }
    return NULL;
}

bool rescue_rows_value(const struct rescue_rows *rows, const struct rescue_row *row, struct slice *bytes,
                       const char **reason)
{
    uint64_t number;
    if (row->type == ENTRY_VALUE) {
        *bytes = row->value;
        return true;
    }
    *reason = "its place in a blob file cannot be understood";
    if (!blob_number(row->value, &number))
        return false;
    for (size_t i = 0; i < rows->blob_count; i++)
        if (rows->blobs[i].number == number)
            return blob_read(&rows->blobs[i].file, slice_of(row->key, row->key_size), row->value, bytes,
                             reason);
    *reason = "the blob file is missing";
    return false;
}

void rescue_rows_release(struct rescue_rows *rows)
{
    for (size_t i = 0; i < rows->count; i++)
        free_row(&rows->rows[i]);
    for (size_t i = 0; i < rows->table_count; i++)
        mapped_file_close(&rows->tables[i]);
    for (size_t i = 0; i < rows->blob_count; i++)
        mapped_file_close(&rows->blobs[i].file);
    free(rows->rows);
    free(rows->tables);
    free(rows->blobs);
    free(rows->folder);
}
