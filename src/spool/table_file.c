/*
 * table_file: see table_file.h.
 */
#include "spool/table_file.h"

#include "base/buf.h"
#include "spool/encodings.h"
#include "spool/record_file.h"

enum {
    FOOTER = 53,        /* checksum's kind, two handles, padding, version, magic */
    FOOTER_HANDLES = 1, /* where they begin */
    TRAILER = 5,        /* of each block: compression, checksum */
    CHECKSUM_CRC32C = 1,
    KEY_TAIL = 8, /* of each key: sequence and type */
    BLOB_HEAD =
        32, /* of each record: sizes of key and value, expiry, checksums of the head and of the rest */
    BLOB_IN_FILE = 1,
};

static const uint64_t table_magic = 0x88e241b785f4cff7;

/* ---- blocks of a table --------------------------------------------------------------------------------- */

struct sorted_table {
    const struct mapped_file *file;
    const struct table_reader *reader;
    bool checked;   /* blocks have checksums that are known here */
    struct buf key; /* of the entry of data that was read last */
};

static void tell(const struct sorted_table *table, const char *what, size_t where)
{
    table->reader->damage(what, where, table->reader->closure);
}

static bool take_handle(struct slice *from, uint64_t *offset, uint64_t *size)
{
    return field_varint(from, offset) && field_varint(from, size);
}

/* The entries of a block without their restart points. False after damage was told. */
static bool open_block(const struct sorted_table *table, uint64_t offset, uint64_t size,
                       struct slice *entries)
{
    const struct mapped_file *file = table->file;
    uint32_t sum, restarts;
    if (offset > file->size || size > file->size - offset || file->size - offset - size < TRAILER ||
        size < sizeof restarts) {
        tell(table, "a block lies outside the file", (size_t)offset);
        return false;
    }
    const char *block = file->bytes + offset;
    memcpy(&sum, block + size + 1, sizeof sum);
    if (table->checked && le32toh(sum) != crc32c_masked(crc32c(0, block, (size_t)size + 1))) {
        tell(table, "a block is damaged", (size_t)offset);
        return false;
    }
    memcpy(&restarts, block + size - sizeof restarts, sizeof restarts);
    restarts = le32toh(restarts) & 0x7fffffff; /* the highest bit: it has a hash index */
    if (block[size] != 0 || restarts > size / sizeof restarts - 1) {
        tell(table, "a block has an unknown form", (size_t)offset);
        return false;
    }
    *entries = slice_of(block, (size_t)(size - (restarts + 1) * sizeof restarts));
    return true;
}

/* Turns *key, the key before, into the next one: a part of it stays, and more bytes follow. `value_size` is NULL where the
 * entries do not have it. */
static bool take_key(struct buf *key, struct slice *entries, uint64_t *value_size)
{
    uint64_t shared, own;
    struct slice bytes;
    if (!field_varint(entries, &shared) || !field_varint(entries, &own) ||
        (value_size && !field_varint(entries, value_size)) || shared > buf_size(key) ||
        !field_bytes(entries, own, &bytes))
        return false;
    buf_truncate(key, (size_t)shared);
    buf_append_slice(key, bytes);
    return true;
}

static void read_data_block(struct sorted_table *table, uint64_t offset, uint64_t size)
{
    struct slice entries;
    if (!open_block(table, offset, size, &entries))
        return;
    buf_clear(&table->key);
    while (entries.size > 0) {
        struct table_entry entry;
        uint64_t value_size, tail;
        if (!take_key(&table->key, &entries, &value_size) || buf_size(&table->key) < KEY_TAIL ||
            !field_bytes(&entries, value_size, &entry.value)) {
            tell(table, "a block cannot be understood", (size_t)offset);
            return;
        }
        struct slice key = buf_slice(&table->key);
        entry.key = slice_of(key.data, key.size - KEY_TAIL);
        memcpy(&tail, key.data + entry.key.size, sizeof tail);
        tail = le64toh(tail);
        entry.sequence = tail >> 8;
        entry.type = (enum table_entry_type)(tail & 0xff);
        table->reader->entry(&entry, table->reader->closure);
    }
}

/* The index has an entry for each block of data: a key, and where the block is (its size alone where the key shares bytes
 * with the one before it, the block then being the next one). */
static void read_index(struct sorted_table *table, uint64_t index_offset, uint64_t index_size)
{
    struct slice entries;
    uint64_t offset = 0, size = 0;
    struct buf index_key = {0};
    if (!open_block(table, index_offset, index_size, &entries))
        return;
    while (entries.size > 0) {
        struct slice before = entries;
        uint64_t shared, change;
        bool good = field_varint(&before, &shared);
        good = good && take_key(&index_key, &entries, NULL);
        if (good && shared == 0) {
            good = take_handle(&entries, &offset, &size);
        } else if (good) {
            good = field_varint(&entries, &change);
            offset += size + TRAILER;
            size += change & 1 ? ~(change >> 1) : change >> 1;
        }
        if (!good) {
            tell(table, "the index cannot be understood", (size_t)index_offset);
            break;
        }
        read_data_block(table, offset, size);
    }
    buf_release(&index_key);
}

void table_file_read(const struct mapped_file *file, const struct table_reader *reader)
{
    struct sorted_table table = {.file = file, .reader = reader};
    uint64_t magic, meta_offset, meta_size, offset, size;
    if (file->size < FOOTER) {
        tell(&table, "the file is cut off", file->size);
        return;
    }
    const char *footer = file->bytes + file->size - FOOTER;
    struct slice handles = slice_of(footer + FOOTER_HANDLES, FOOTER - FOOTER_HANDLES - 12);
    memcpy(&magic, footer + FOOTER - sizeof magic, sizeof magic);
    if (le64toh(magic) != table_magic || !take_handle(&handles, &meta_offset, &meta_size) ||
        !take_handle(&handles, &offset, &size)) {
        tell(&table, "the end of the file is damaged or missing", file->size);
        return;
    }
    table.checked = footer[0] == CHECKSUM_CRC32C;
    read_index(&table, offset, size);
    buf_release(&table.key);
}

/* ---- blob files ---------------------------------------------------------------------------------------- */

static bool take_place(struct slice value, uint64_t *number, uint64_t *offset, uint64_t *size)
{
    if (value.size < 1 || value.data[0] != BLOB_IN_FILE)
        return false;
    value = slice_of(value.data + 1, value.size - 1);
    return field_varint(&value, number) && field_varint(&value, offset) && field_varint(&value, size);
}

bool blob_number(struct slice value, uint64_t *number)
{
    uint64_t offset, size;
    return take_place(value, number, &offset, &size);
}

bool blob_read(const struct mapped_file *file, struct slice key, struct slice value, struct slice *bytes,
               const char **reason)
{
    uint64_t number, offset, size;
    uint32_t head_sum, sum;
    *reason = "the blob file is cut off";
    if (!take_place(value, &number, &offset, &size) || offset < key.size + BLOB_HEAD || offset > file->size ||
        size > file->size - offset)
        return false;
    const char *head = file->bytes + offset - key.size - BLOB_HEAD;
    memcpy(&head_sum, head + 24, sizeof head_sum);
    memcpy(&sum, head + 28, sizeof sum);
    *reason = "a record of the blob file is damaged";
    if (le32toh(head_sum) != crc32c_masked(crc32c(0, head, 24)) ||
        le32toh(sum) != crc32c_masked(crc32c(0, head + BLOB_HEAD, key.size + (size_t)size)) ||
        memcmp(head + BLOB_HEAD, key.data, key.size) != 0)
        return false;
    *bytes = slice_of(file->bytes + offset, (size_t)size);
    return true;
}
