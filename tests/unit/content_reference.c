#include "content_reference.h"

#include "base/mem.h"

static bool is_pair(struct slice s, size_t at)
{
    return at + 1 < s.size && s.data[at] == '\r' && s.data[at + 1] == '\n';
}

/* Lines begin after CR LF only. Takes the dots out and finds the end. */
static void unstuff(struct slice input, struct content_outcome *outcome, struct buf *text)
{
    bool at_start = true;
    size_t at = 0;
    while (at < input.size && !outcome->end) {
        if (at_start && input.data[at] == '.') {
            at++;
            outcome->end = is_pair(input, at);
            at += outcome->end ? 2 : 0;
            at_start = false;
        } else if (is_pair(input, at)) {
            buf_append(text, "\r\n", 2);
            at += 2;
            at_start = true;
        } else {
            buf_append(text, input.data + at++, 1);
            at_start = false;
        }
    }
    outcome->used = at;
}

/* The lines as they are passed on. */
struct lines {
    const struct data_rules *rules;
    struct content_outcome *outcome;
    uint64_t column;
};

static enum content_part part_of(const struct lines *lines)
{
    return lines->outcome->header_size ? CONTENT_BODY : CONTENT_HEADER;
}

static void end_line(struct lines *lines)
{
    buf_append(&lines->outcome->content, "\r\n", 2);
    if (part_of(lines) == CONTENT_HEADER && lines->column == 0)
        lines->outcome->header_size = buf_size(&lines->outcome->content);
    lines->column = 0;
}

static size_t character_size(char c)
{
    unsigned char byte = (unsigned char)c;
    if (byte >= 0xf0 && byte <= 0xf7)
        return 4;
    if (byte >= 0xe0 && byte <= 0xef)
        return 3;
    return byte >= 0xc0 && byte <= 0xdf ? 2 : 1;
}

static void add_byte(struct lines *lines, char c)
{
    enum content_part part = part_of(lines);
    size_t limit = lines->rules->break_lines, width = character_size(c);
    if (width > limit)
        width = 1;
    if (limit && part == CONTENT_BODY && lines->column > 0 && lines->column + width > limit)
        end_line(lines);
    buf_append(&lines->outcome->content, &c, 1);
    lines->column++;
    if (lines->column > lines->outcome->longest_line[part])
        lines->outcome->longest_line[part] = lines->column;
}

static void add_lines(struct slice text, struct lines *lines)
{
    struct content_outcome *outcome = lines->outcome;
    for (size_t i = 0; i < text.size; i++) {
        enum content_part part = part_of(lines);
        char c = text.data[i];
        outcome->eight_bit |= (unsigned char)c > 127;
        if (lines->rules->binary && part == CONTENT_BODY) {
            buf_append(&outcome->content, &c, 1);
        } else if (is_pair(text, i)) {
            end_line(lines);
            i++;
        } else if (c == '\r' || c == '\n') {
            outcome->bare[part] = true;
            if (lines->rules->line_endings[part] == LINE_ENDINGS_FIX)
                end_line(lines);
            else
                add_byte(lines, c);
        } else {
            add_byte(lines, c);
        }
    }
}

struct content_outcome content_reference(struct slice input, const struct data_rules *rules)
{
    struct content_outcome outcome = {.used = input.size};
    struct lines lines = {.rules = rules, .outcome = &outcome};
    struct buf text = {0};
    if (rules->dot_stuffed)
        unstuff(input, &outcome, &text);
    add_lines(rules->dot_stuffed ? buf_slice(&text) : input, &lines);
    if (lines.column > 0)
        end_line(&lines);
    buf_release(&text);
    return outcome;
}

struct content_outcome content_read(struct slice input, const struct data_rules *rules, size_t piece)
{
    struct content_outcome outcome = {0};
    struct data_reader reader;
    data_reader_init(&reader, rules);
    while (outcome.used < input.size && !outcome.end) {
        size_t size = input.size - outcome.used < piece ? input.size - outcome.used : piece;
        char *exact = mem_resize(NULL, size); /* so that a sanitizer sees a read past it */
        memcpy(exact, input.data + outcome.used, size);
        outcome.used += data_reader_feed(&reader, slice_of(exact, size), &outcome.content, &outcome.end);
        free(exact);
    }
    if (!rules->dot_stuffed)
        data_reader_finish(&reader, &outcome.content);
    outcome.eight_bit = reader.eight_bit;
    outcome.header_size = reader.header_size;
    for (int part = CONTENT_HEADER; part <= CONTENT_BODY; part++) {
        outcome.bare[part] = reader.bare[part];
        outcome.longest_line[part] = reader.longest_line[part];
    }
    return outcome;
}

bool content_outcome_equal(const struct content_outcome *a, const struct content_outcome *b,
                           const struct data_rules *rules)
{
    if (rules->dot_stuffed && !a->end)
        return !b->end && a->used == b->used;
    return slice_equal(buf_slice(&a->content), buf_slice(&b->content)) && a->used == b->used &&
           a->end == b->end && a->eight_bit == b->eight_bit && a->header_size == b->header_size &&
           memcmp(a->bare, b->bare, sizeof a->bare) == 0 &&
           memcmp(a->longest_line, b->longest_line, sizeof a->longest_line) == 0;
}
