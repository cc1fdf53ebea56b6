/*
 * header: one pass over the lines of the header block.
 */
#include "message/header.h"

/* The next line, its CR LF included; the last may lack it. An LF without its CR ends no line. */
static struct slice next_line(struct slice *rest)
{
    struct slice line = *rest;
    for (size_t at = 0; at < rest->size;) {
        const char *feed = memchr(rest->data + at, '\n', rest->size - at);
        if (!feed)
            break;
        at = (size_t)(feed - rest->data) + 1;
        if (at >= 2 && feed[-1] == '\r') {
            line.size = at;
            break;
        }
    }
    *rest = slice_of(rest->data + line.size, rest->size - line.size);
    return line;
}

static size_t name_size(struct slice text)
{
    size_t size = 0;
    while (size < text.size && text.data[size] > ' ' && text.data[size] < 127 && text.data[size] != ':')
        size++;
    return size;
}

bool header_is_name(struct slice name)
{
    return name.size > 0 && name_size(name) == name.size;
}

/* The name of the field that begins with `line`; empty when none does. */
static struct slice field_name(struct slice line)
{
    size_t size = name_size(line), colon = size;
    while (colon < line.size && ascii_is_blank(line.data[colon]))
        colon++;
    return slice_of(line.data, colon < line.size && line.data[colon] == ':' ? size : 0);
}

static void note_field(struct header_facts *facts, struct slice name)
{
    facts->fields++;
    facts->received += slice_equal_nocase(name, SLICE_LITERAL("Received"));
    facts->results |= slice_equal_nocase(name, SLICE_LITERAL("Authentication-Results"));
    facts->date |= slice_equal_nocase(name, SLICE_LITERAL("Date"));
    facts->message_id |= slice_equal_nocase(name, SLICE_LITERAL("Message-ID"));
}

struct header_facts header_scan(struct slice content)
{
    struct header_facts facts = {0};
    while (content.size > 0) {
        struct slice line = next_line(&content), name;
        if (line.size == 2 && memcmp(line.data, "\r\n", 2) == 0) {
            facts.closed = true;
            break;
        }
        if (!ascii_is_blank(line.data[0]) || facts.fields == 0) {
            name = field_name(line);
            if (name.size == 0) {
                facts.invalid = true;
                break;
            }
            note_field(&facts, name);
        }
        facts.size += line.size;
    }
    return facts;
}

/*
 * Where a line of `size` bytes is folded, of which the last `blanks` are white space: at the last white space
 * within `limit`, else at the first behind it. Something else than white space must stand before and behind
 * it, because a line of white space alone is an obsolete form; the name of a field stays with its colon.
 * `size` when it cannot be folded.
 */
static size_t fold_at(const char *line, size_t size, size_t blanks, size_t limit)
{
    size_t first = 0, best = 0;
    const char *colon = ascii_is_blank(line[0]) ? NULL : memchr(line, ':', size);
    if (colon)
        first = (size_t)(colon - line) + 1;
    while (!colon && first < size && ascii_is_blank(line[first]))
        first++;
    for (size_t i = first; i + blanks < size; i++) {
        if (ascii_is_blank(line[i]) && (i <= limit || !best))
            best = i;
        if (i >= limit && best)
            break;
    }
    return best ? best : size;
}

size_t header_fold(struct slice header, size_t limit, struct buf *out)
{
    size_t longest = 0;
    while (header.size > 0) {
        struct slice line = next_line(&header);
        size_t left = line.size;
        if (left >= 2 && memcmp(line.data + left - 2, "\r\n", 2) == 0)
            left -= 2;
        size_t blanks = 0; /* counted once: there may be as many of them as there are folds */
        while (blanks < left && ascii_is_blank(line.data[left - 1 - blanks]))
            blanks++;
        while (left > 0) {
            size_t size = left > limit ? fold_at(line.data, left, blanks, limit) : left;
            buf_append(out, line.data, size);
            longest = size > longest ? size : longest;
            left -= size;
            line = slice_of(line.data + size, line.size - size);
            if (left > 0)
                buf_append(out, "\r\n", 2);
        }
        buf_append_slice(out, line);
    }
    return longest;
}

/* ---- Authentication-Results ------------------------------------------------------------------ */

static bool is_folding(char c)
{
    return ascii_is_blank(c) || c == '\r' || c == '\n';
}

/* May it stand behind a token without white space between them? */
static bool ends_token(char c)
{
    return c == ';' || c == '(' || c == '/';
}

/* Moves *text behind white space and comments, which nest (RFC 5322 section 3.2.2). False when a comment does
 * not end. */
static bool skip_comments(struct slice *text)
{
    size_t at = 0;
    unsigned depth = 0;
    for (; at < text->size && (depth > 0 || text->data[at] == '(' || is_folding(text->data[at])); at++) {
        if (text->data[at] == '\\')
            at++;
        else if (text->data[at] == '(')
            depth++;
        else if (text->data[at] == ')')
            depth--;
    }
    if (at > text->size)
        at = text->size;
    *text = slice_of(text->data + at, text->size - at);
    return depth == 0;
}

/* Does `text` begin with `word`, as a token or a quoted string that ends there? Without regard to case. */
static bool is_word(struct slice text, struct slice word)
{
    bool quoted = text.size > 0 && text.data[0] == '"';
    size_t at = quoted, matched = 0;
    while (at < text.size && matched < word.size) {
        if (quoted && text.data[at] == '\\' && at + 1 < text.size)
            at++;
        if (ascii_lower(text.data[at]) != ascii_lower(word.data[matched]))
            return false;
        at++;
        matched++;
    }
    if (matched < word.size)
        return false;
    return at == text.size ||
           (quoted ? text.data[at] == '"' : is_folding(text.data[at]) || ends_token(text.data[at]));
}

static bool is_by(struct slice field, struct slice server)
{
    const char *colon = memchr(field.data, ':', field.size);
    struct slice value = slice_of(colon + 1, field.size - (size_t)(colon + 1 - field.data));
    return !skip_comments(&value) || value.size == 0 || value.data[0] == ';' || is_word(value, server);
}

/* The next field with all its lines. */
static struct slice next_field(struct slice *rest)
{
    struct slice field = next_line(rest);
    while (rest->size > 0 && ascii_is_blank(rest->data[0]))
        field.size += next_line(rest).size;
    return field;
}

bool header_next(struct slice *rest, struct slice *field, struct slice *name, struct slice *value)
{
    if (rest->size == 0)
        return false;
    *field = next_field(rest);
    *name = field_name(*field);
    if (name->size == 0)
        return false;
    const char *colon = memchr(field->data, ':', field->size);
    *value = slice_of(colon + 1, field->size - (size_t)(colon + 1 - field->data));
    return true;
}

void header_unfold(struct slice value, struct buf *out)
{
    while (value.size > 0 &&
           (ascii_is_blank(value.data[0]) || value.data[0] == '\r' || value.data[0] == '\n'))
        value = slice_of(value.data + 1, value.size - 1);
    while (value.size > 0 && (ascii_is_blank(value.data[value.size - 1]) ||
                              value.data[value.size - 1] == '\n' || value.data[value.size - 1] == '\r'))
        value.size--;
    for (size_t i = 0; i < value.size; i++)
        if (value.data[i] == '\r' && i + 1 < value.size && value.data[i + 1] == '\n')
            i++;
        else
            buf_append(out, value.data + i, 1);
}

bool header_drop_results(struct slice header, struct slice server, struct buf *out)
{
    bool dropped = false;
    while (header.size > 0) {
        struct slice field = next_field(&header);
        if (slice_equal_nocase(field_name(field), SLICE_LITERAL("Authentication-Results")) &&
            is_by(field, server))
            dropped = true;
        else
            buf_append_slice(out, field);
    }
    return dropped;
}
