/* record: see record.h. */
#include <stdlib.h>
#include <string.h>
#include "record.h"

void record_begin(struct record *record)
{
    record->data = record->usual;
    record->size = 0;
    record->capacity = sizeof record->usual;
}

/* Room for `size` more bytes, or NULL when there is no memory: the record is then cut here. */
static char *record_reserve(struct record *record, size_t size)
{
    if (record->capacity - record->size >= size)
        return record->data + record->size;
    size_t capacity = 2 * (record->size + size);
    char *grown = record->data == record->usual ? malloc(capacity) : realloc(record->data, capacity);
    if (!grown)
        return NULL;
    if (record->data == record->usual)
        memcpy(grown, record->usual, record->size);
    record->data = grown;
    record->capacity = capacity;
    return grown + record->size;
}

void record_end(struct record *record, struct imp_log_file *file)
{
    imp_log_file_write(file, record->data, record->size);
    if (record->data != record->usual)
        free(record->data);
}

void record_bytes(struct record *record, const char *bytes, size_t size)
{
    char *room = record_reserve(record, size);
    if (!room || size == 0)
        return;
    memcpy(room, bytes, size);
    record->size += size;
}

void record_char(struct record *record, char c)
{
    record_bytes(record, &c, 1);
}

void record_number(struct record *record, uint64_t number)
{
    char digits[20];
    size_t at = sizeof digits;
    do
        digits[--at] = (char)('0' + number % 10);
    while ((number /= 10) > 0);
    record_bytes(record, digits + at, sizeof digits - at);
}

void record_seconds(struct record *record, double seconds)
{
    uint64_t thousandths = seconds > 0 ? (uint64_t)(seconds * 1000 + 0.5) : 0;
    char decimals[3] = {(char)('0' + thousandths / 100 % 10), (char)('0' + thousandths / 10 % 10),
                        (char)('0' + thousandths % 10)};
    record_number(record, thousandths / 1000);
    record_char(record, '.');
    record_bytes(record, decimals, sizeof decimals);
}

void record_id(struct record *record, uint64_t id)
{
    char text[IMP_ID_TEXT_SIZE];
    imp_id_format(id, text);
    record_bytes(record, text, sizeof text - 1);
}

static bool is_control(char c)
{
    return (unsigned char)c < ' ' || c == 127;
}

/* A control character as the two or four characters that C writes for it, so that a record stays one line. */
static void add_control(struct record *record, char c)
{
    static const char hex[] = "0123456789abcdef", codes[] = "\a\b\t\n\v\f\r", names[] = "abtnvfr";
    const char *code = c ? strchr(codes, c) : NULL;
    if (code) {
        record_bytes(record, (char[]){'\\', names[code - codes]}, 2);
        return;
    }
    record_bytes(record, (char[]){'\\', 'x', hex[(unsigned char)c >> 4], hex[c & 15]}, 4);
}

void record_field(struct record *record, struct imp_text text)
{
    size_t plain = 0;
    for (size_t i = 0; i < text.size; i++) {
        char c = text.data[i];
        if (c != '@' && c != '\\' && !is_control(c))
            continue;
        record_bytes(record, text.data + plain, i - plain);
        plain = i + 1;
        if (is_control(c))
            add_control(record, c);
        else
            record_bytes(record, (char[]){'\\', c}, 2);
    }
    record_bytes(record, text.data + plain, text.size - plain);
}

void record_text(struct record *record, struct imp_text text)
{
    size_t plain = 0;
    for (size_t i = 0; i < text.size; i++) {
        if (!is_control(text.data[i]))
            continue;
        record_bytes(record, text.data + plain, i - plain);
        plain = i + 1;
        add_control(record, text.data[i]);
    }
    record_bytes(record, text.data + plain, text.size - plain);
}

void record_next_field(struct record *record, struct imp_text text)
{
    record_char(record, '@');
    record_field(record, text);
}

void record_next_number(struct record *record, uint64_t number)
{
    record_char(record, '@');
    record_number(record, number);
}
