/*
 * message_header: header fields of a message that arrives, one by one. RFC 5322 section 2.2.
 *
 * A field that is put in is checked: its name can be a name, and its value keeps within the field: no control
 * characters but TAB, and CR LF only where the next line begins with white space and is not blank. A line
 * that is longer than RFC 5322 allows is folded.
 */
#include "message/message_content.h"

#include <errno.h>
#include "base/mem.h"
#include "message/header.h"

enum {
    LINE_LIMIT = 998, /* RFC 5322 section 2.1.1, without CR LF */
    LINE_WANTED = 78,
};

/* ---- finding ----------------------------------------------------------------------------------------- */

static bool is_named(struct slice field_name, const char *name)
{
    return !name || !*name || slice_equal_nocase(field_name, slice_text(name));
}

unsigned header_count(struct message *message, const char *name)
{
    struct slice rest = message_header(message), field, field_name, value;
    unsigned count = 0;
    message->scanned += rest.size;
    while (header_next(&rest, &field, &field_name, &value))
        count += is_named(field_name, name);
    return count;
}

/*
 * Skips in *rest, which is the whole header, what a search for field `index` need not look at again. Returns
 * the index that the field has in what is left. Without this, hooks that ask for one field after the other
 * would make n^2 steps.
 */
static int skip_to_mark(const struct message *message, const char *name, int index, struct slice *rest)
{
    const struct header_mark *mark = &message->mark;
    if (!mark->known || mark->changes != message->changes || mark->index > index ||
        mark->offset > rest->size ||
        !slice_equal_nocase(slice_text(mark->name), slice_text(name ? name : "")))
        return index;
    *rest = slice_of(rest->data + mark->offset, rest->size - mark->offset);
    return index - mark->index;
}

static void set_mark(struct message *message, const char *name, int index, size_t offset)
{
    struct slice text = slice_text(name ? name : "");
    struct header_mark *mark = &message->mark;
    mark->known = text.size < sizeof mark->name;
    if (!mark->known)
        return;
    memcpy(mark->name, text.data, text.size);
    mark->name[text.size] = '\0';
    mark->index = index;
    mark->offset = offset;
    mark->changes = message->changes;
}

int header_find(struct message *message, const char *name, int index, struct header_place *place)
{
    struct slice header = message_header(message), rest = header, field, field_name, value;
    if (index < 0 && message->readable && message->header_error)
        return message->header_error; /* the last one may not be among those that can be seen */
    if (index < 0)
        index += (int)header_count(message, name);
    int wanted = index;
    index = skip_to_mark(message, name, index, &rest);
    size_t skipped = header.size - rest.size;
    while (index >= 0 && header_next(&rest, &field, &field_name, &value))
        if (is_named(field_name, name) && index-- == 0) {
            *place = (struct header_place){
                .offset = (uint64_t)(field.data - header.data),
                .size = field.size,
                .name = field_name,
                .value = value,
            };
            message->scanned += place->offset + place->size - skipped;
            set_mark(message, name, wanted, place->offset);
            return 0;
        }
    message->scanned += header.size - skipped;
    if (!message->readable)
        return -EPERM;
    return message->header_error ? message->header_error : -ENOENT;
}

/* ---- what may be put in ------------------------------------------------------------------------------ */

/* Does a line of the value end at `at`, and another one, that is not blank, begin with white space? */
static bool is_fold(struct slice value, size_t at)
{
    if (at + 2 >= value.size || value.data[at + 1] != '\n' || !ascii_is_blank(value.data[at + 2]))
        return false;
    size_t next = at + 2;
    while (next < value.size && ascii_is_blank(value.data[next]))
        next++;
    return next < value.size && value.data[next] != '\r';
}

static bool is_value(struct slice value)
{
    for (size_t i = 0; i < value.size; i++) {
        char c = value.data[i];
        if (c == '\r' && is_fold(value, i))
            i++;
        else if (ascii_is_control(c) && c != '\t')
            return false;
    }
    return true;
}

/* Appends "name: value" CR LF. 0, -EINVAL or -E2BIG. */
static int make_field(struct slice name, struct slice value, struct buf *out)
{
    struct buf field = {0};
    if (!header_is_name(name) || !is_value(value))
        return -EINVAL;
    if (name.size > LINE_LIMIT - 2 || value.size > MESSAGE_FIELD)
        return -E2BIG;
    buf_append_slice(&field, name);
    buf_append_text(&field, value.size > 0 && ascii_is_blank(value.data[0]) ? ":" : ": ");
    buf_append_slice(&field, value);
    buf_append_text(&field, "\r\n");
    struct buf folded = {0};
    size_t longest = header_fold(buf_slice(&field), LINE_LIMIT, &folded);
    if (buf_size(&folded) != buf_size(&field)) { /* it is folded: then where people read it */
        buf_clear(&folded);
        longest = header_fold(buf_slice(&field), LINE_WANTED, &folded);
    }
    buf_append_slice(out, buf_slice(&folded));
    buf_release(&folded);
    buf_release(&field);
    return longest > LINE_LIMIT ? -EINVAL : 0;
}

/* ---- edits ------------------------------------------------------------------------------------------- */

/* Where a new field goes. A message without a header gets one: then *ends says that it has to be ended. */
static int find_position(struct message *message, enum header_position position, const char *beside,
                         int index, uint64_t *at, bool *ends)
{
    struct header_place place;
    struct slice header = message_header(message);
    *at = position == HEADER_END ? header.size : 0;
    *ends = header.size == 0 && message_body_offset(message) == 0;
    if (position == HEADER_END && message->header_error)
        return message->header_error;
    if (position == HEADER_FRONT || position == HEADER_END)
        return 0;
    int error = header_find(message, beside, index, &place);
    if (!error)
        *at = place.offset + (position == HEADER_BEHIND ? place.size : 0);
    return error;
}

int header_add(struct message *message, enum header_position position, const char *beside, int index,
               const char *name, struct slice value)
{
    struct buf field = {0};
    uint64_t at;
    bool ends;
    if (!message_is_editable(message))
        return -EPERM;
    int error = find_position(message, position, beside, index, &at, &ends);
    struct slice header = message_header(message);
    if (!error && at > 0 && header.data[at - 1] != '\n')
        buf_append_text(&field, "\r\n"); /* the content ends within the field before */
    if (!error)
        error = make_field(slice_text(name), value, &field);
    if (!error && ends)
        buf_append_text(&field, "\r\n");
    if (!error)
        error = message_splice(message, at, 0, buf_slice(&field));
    buf_release(&field);
    return error;
}

int header_replace(struct message *message, const char *name, int index, struct slice value)
{
    struct header_place place;
    struct buf field = {0};
    int error = header_find(message, name, index, &place);
    if (!error)
        error = make_field(place.name, value, &field);
    if (!error)
        error = message_splice(message, place.offset, place.size, buf_slice(&field));
    buf_release(&field);
    return error;
}

int header_remove(struct message *message, const char *name, int index)
{
    struct header_place place;
    int error = header_find(message, name, index, &place);
    return error ? error : message_splice(message, place.offset, place.size, slice_of(NULL, 0));
}

int header_remove_all(struct message *message, const char *name)
{
    struct buf ranges = {0};
    struct slice header = message_header(message), rest = header, field, field_name, value;
    if (!message_is_editable(message))
        return -EPERM;
    if (message->header_error)
        return message->header_error; /* there may be more of that name than can be seen */
    message->scanned += header.size;
    while (header_next(&rest, &field, &field_name, &value))
        if (is_named(field_name, name)) {
            struct edits_range range = {(uint64_t)(field.data - header.data), field.size};
            buf_append(&ranges, &range, sizeof range);
        }
    size_t count = buf_size(&ranges) / sizeof(struct edits_range);
    int error =
        message_cut(message, (const struct edits_range *)(const void *)buf_slice(&ranges).data, count);
    buf_release(&ranges);
    return error ? error : (int)count;
}
