/*
 * data_reader: the state machine that reads the content of DATA and BDAT.
 *
 * Only a few things interrupt copying: an LF without CR, a CR without LF, a dot at the start of a line, the
 * empty line that ends the header, and a line that must be broken. In the common case, a run of lines without
 * any of these, memchr finds each LF and many lines are copied at once. Within any other line, bytes are
 * copied up to the next CR or LF. A state machine that takes one byte at a time handles CR, LF and dots, also
 * across reads. Each byte is searched a bounded number of times, whatever a client sends.
 */
#include "smtp/wire/data_reader.h"

enum state {
    TEXT,   /* inside a line */
    CR,     /* after a CR */
    START,  /* at the start of a line: after CR LF, or at the start of the message */
    DOT,    /* after a dot at the start of a line */
    DOT_CR, /* after a dot and CR at the start of a line */
};

enum {
    RUN_MAX = 16 * 1024, /* maximum bytes of a run of lines; small enough to stay in the CPU's first-level
                            cache between passes */
    CHARACTER_MAX = 4,   /* maximum bytes of a UTF-8 character */
};

/* The input of one call of data_reader_feed. */
struct input {
    const char *data;
    size_t size, used;
    size_t feed; /* offset of the first LF at or after `used`, or `size`; outdated if less than `used` */
    size_t careful_until; /* the run of lines up to here contains a bare CR and must not be copied at once */
};

void data_reader_init(struct data_reader *reader, const struct data_rules *rules)
{
    *reader = (struct data_reader){.rules = *rules, .state = START, .keep = true};
}

/* Returns whether the current content has no line structure. */
static bool is_binary(const struct data_reader *reader)
{
    return reader->rules.binary && reader->part == CONTENT_BODY;
}

static void emit(struct data_reader *reader, struct buf *out, const char *data, size_t size)
{
    reader->size += size;
    if (reader->keep)
        buf_append(out, data, size);
}

/* GCC makes vector code at -O3 alone, clang at -O2 as well. */
#ifdef __clang__
#define OPTIMIZED
#else
#define OPTIMIZED __attribute__((optimize("O3")))
#endif

enum { SCAN_BLOCK = 240 }; /* bytes whose CRs a byte can count, and a multiple of what a vector has */

/* Plain loops over bytes, so that the compiler vectorises them: a wider counter would cost six times as much. */
OPTIMIZED static unsigned char scan_block(const char *data, size_t size, unsigned char *high)
{
    unsigned char returns = 0, all = 0;
    for (size_t i = 0; i < size; i++) {
        all |= (unsigned char)data[i];
        returns = (unsigned char)(returns + (data[i] == '\r'));
    }
    *high |= all;
    return returns;
}

/* Counts CRs and notes whether there are bytes above 127. */
OPTIMIZED static size_t scan(struct data_reader *reader, const char *data, size_t size)
{
    unsigned char high = 0;
    size_t returns = 0, i = 0;
    for (; size - i >= SCAN_BLOCK; i += SCAN_BLOCK)
        returns += scan_block(data + i, SCAN_BLOCK, &high);
    returns += scan_block(data + i, size - i, &high);
    reader->eight_bit |= high >> 7;
    return returns;
}

/* ---- lines as they are passed on -------------------------------------------------------------- */

static void note_length(struct data_reader *reader)
{
    if (reader->column > reader->longest_line[reader->part])
        reader->longest_line[reader->part] = reader->column;
}

/* Called when a line has ended and its line end has been emitted. */
static void line_ended(struct data_reader *reader)
{
    note_length(reader);
    if (reader->part == CONTENT_HEADER && reader->column == 0) {
        reader->part = CONTENT_BODY;
        reader->header_size = reader->size;
    }
    reader->column = 0;
}

static void emit_line_end(struct data_reader *reader, struct buf *out)
{
    emit(reader, out, "\r\n", 2);
    line_ended(reader);
}

/* Returns the length in bytes of the UTF-8 character that begins with `c`; 1 for any other byte. */
static unsigned character_size(char c)
{
    unsigned char byte = (unsigned char)c;
    return byte < 0xc0 ? 1 : byte < 0xe0 ? 2 : byte < 0xf0 ? 3 : byte < 0xf8 ? 4 : 1;
}

/* Returns the length up to which a line never needs to be broken, wherever its characters begin. */
static size_t whole_line_limit(const struct data_reader *reader)
{
    size_t limit = reader->rules.break_lines;
    if (reader->part == CONTENT_HEADER || limit == 0)
        return SIZE_MAX;
    return limit > CHARACTER_MAX ? limit - CHARACTER_MAX : 0;
}

/*
 * Emits bytes of a body line and breaks the line before it exceeds `limit` bytes, but never within a
 * character.
 */
static void emit_broken(struct data_reader *reader, struct buf *out, const char *data, size_t size)
{
    size_t begin = 0, limit = reader->rules.break_lines;
    for (size_t i = 0; i < size; i++) {
        unsigned width = character_size(data[i]);
        if (reader->column > 0 && reader->column + (width > limit ? 1 : width) > limit) {
            emit(reader, out, data + begin, i - begin);
            emit_line_end(reader, out);
            begin = i;
        }
        reader->column++;
    }
    emit(reader, out, data + begin, size - begin);
}

/* Emits bytes of a line; they contain no CR LF. */
static void emit_text(struct data_reader *reader, struct buf *out, const char *data, size_t size)
{
    size_t limit = whole_line_limit(reader);
    if (is_binary(reader)) {
        emit(reader, out, data, size);
    } else if (size > limit || reader->column > limit - size) {
        emit_broken(reader, out, data, size);
    } else {
        emit(reader, out, data, size);
        reader->column += size;
    }
}

static void emit_bare(struct data_reader *reader, struct buf *out, char c)
{
    reader->bare[reader->part] = true;
    if (reader->rules.line_endings[reader->part] == LINE_ENDINGS_FIX)
        emit_line_end(reader, out);
    else
        emit_text(reader, out, &c, 1);
}

/* ---- the state machine ------------------------------------------------------------------------ */

/*
 * Handles one byte inside a line. A CR is held back until the next byte shows whether it is part of a CR LF.
 */
static void text_byte(struct data_reader *reader, struct buf *out, char c)
{
    bool plain = is_binary(reader) || (c != '\r' && c != '\n');
    reader->state = c == '\r' && !plain ? CR : TEXT;
    if (c == '\n' && !plain) {
        emit_bare(reader, out, c);
    } else if (plain) {
        reader->eight_bit |= (unsigned char)c >> 7;
        emit_text(reader, out, &c, 1);
    }
}

/* Runs one byte through the state machine. Returns true at the end of the message. */
static bool step(struct data_reader *reader, struct buf *out, char c)
{
    switch ((enum state)reader->state) {
    case START:
        if (c == '.' && reader->rules.dot_stuffed)
            reader->state = DOT;
        else
            text_byte(reader, out, c);
        return false;
    case TEXT:
        text_byte(reader, out, c);
        return false;
    case CR:
        if (c == '\n') {
            emit_line_end(reader, out);
            reader->state = START;
            return false;
        }
        emit_bare(reader, out, '\r');
        text_byte(reader, out, c);
        return false;
    case DOT: /* the dot is dropped: it was stuffed, or it ends the message */
        if (c == '\r')
            reader->state = DOT_CR;
        else
            text_byte(reader, out, c);
        return false;
    case DOT_CR:
        if (c == '\n')
            return true;
        emit_bare(reader, out, '\r');
        text_byte(reader, out, c);
        return false;
    }
    return false;
}

/* ---- copying whole runs ----------------------------------------------------------------------- */

static size_t find_feed(struct input *in)
{
    if (in->feed < in->used) {
        const char *feed = memchr(in->data + in->used, '\n', in->size - in->used);
        in->feed = feed ? (size_t)(feed - in->data) : in->size;
    }
    return in->feed;
}

/*
 * Returns the length of the run of lines at `used` that can be passed on unchanged; the run ends with CR LF.
 * Returns 0 if there is none. In state TEXT the run begins with the rest of the current line.
 */
static size_t line_run(struct data_reader *reader, struct input *in)
{
    const char *data = in->data;
    size_t at = in->used, lines = 0, column = reader->column, longest = reader->longest_line[reader->part];
    size_t limit = whole_line_limit(reader);
    bool stuffed = reader->rules.dot_stuffed, at_start = reader->state == START;
    if (in->used < in->careful_until)
        return 0;
    for (size_t feed = find_feed(in); feed < in->size && feed > at && data[feed - 1] == '\r';) {
        if (stuffed && at_start && data[at] == '.')
            break;
        size_t length = column + (feed - 1 - at);
        if (length > limit || (length == 0 && reader->part == CONTENT_HEADER))
            break;
        longest = length > longest ? length : longest;
        column = 0;
        at_start = true;
        lines++;
        at = feed + 1;
        if (at - in->used >= RUN_MAX)
            break;
        const char *next = memchr(data + at, '\n', in->size - at);
        feed = next ? (size_t)(next - data) : in->size;
    }
    if (scan(reader, data + in->used, at - in->used) != lines) {
        in->careful_until = at;
        return 0;
    }
    if (lines)
        reader->longest_line[reader->part] = longest;
    return at - in->used;
}

/* Returns the number of bytes before the next CR or LF. */
static size_t text_run(struct input *in)
{
    size_t feed = find_feed(in);
    const char *found = memchr(in->data + in->used, '\r', feed - in->used);
    return found ? (size_t)(found - in->data) - in->used : feed - in->used;
}

/*
 * Copies as many bytes as possible at once. Returns false if the byte at `used` must go through the state
 * machine.
 */
static bool copy_piece(struct data_reader *reader, struct input *in, struct buf *out)
{
    const char *data = in->data + in->used;
    size_t size;
    if (reader->state != START && reader->state != TEXT)
        return false;
    if (is_binary(reader)) {
        size = in->size - in->used;
        scan(reader, data, size);
        emit(reader, out, data, size);
    } else if ((size = line_run(reader, in)) > 0) {
        emit(reader, out, data, size);
        reader->column = 0;
        reader->state = START;
    } else if (reader->state == START && *data == '.' && reader->rules.dot_stuffed) {
        return false;
    } else if ((size = text_run(in)) > 0) {
        scan(reader, data, size);
        emit_text(reader, out, data, size);
        reader->state = TEXT;
    }
    in->used += size;
    return size > 0;
}

size_t data_reader_feed(struct data_reader *reader, struct slice input, struct buf *out, bool *end)
{
    struct input in = {.data = input.data, .size = input.size};
    const char *feed = input.size ? memchr(input.data, '\n', input.size) : NULL;
    in.feed = feed ? (size_t)(feed - input.data) : input.size;
    *end = false;
    while (in.used < in.size && !*end)
        if (!copy_piece(reader, &in, out))
            *end = step(reader, out, in.data[in.used++]);
    note_length(reader);
    return in.used;
}

void data_reader_finish(struct data_reader *reader, struct buf *out)
{
    if (reader->state == CR)
        emit_bare(reader, out, '\r');
    if (reader->column > 0 && !is_binary(reader))
        emit_line_end(reader, out);
    note_length(reader);
    reader->state = START;
}
