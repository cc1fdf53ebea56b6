/*
 * data_reader: the DATA state machine.
 *
 * Only three things interrupt copying: a line feed, a carriage return, and a dot at the start of a line. The
 * common case (a run of bytes within lines that end in CR LF) is found with memchr for LF and copied in one
 * piece over many lines; a byte-wise machine handles the bytes around the rare cases and across reads.
 */
#include "smtp/data_reader.h"

enum state {
    TEXT,   /* inside a line */
    CR,     /* after a CR */
    START,  /* at the start of a line: after CR LF, or of the message */
    DOT,    /* after a dot at the start of a line */
    DOT_CR, /* after a dot and CR at the start of a line */
};

void data_reader_init(struct data_reader *reader, bool fix)
{
    *reader = (struct data_reader){.state = START, .fix = fix, .keep = true};
}

static void emit(struct data_reader *reader, struct buf *out, const char *data, size_t size)
{
    if (reader->keep)
        buf_append(out, data, size);
}

/* Looks for bytes above 127 and counts CRs; plain loops so that the compiler makes vector code of them. */
__attribute__((optimize("O3"))) static size_t scan(struct data_reader *reader, const char *data, size_t size)
{
    unsigned char high = 0;
    size_t returns = 0;
    for (size_t i = 0; i < size; i++) {
        high |= (unsigned char)data[i];
        returns += data[i] == '\r';
    }
    reader->eight_bit |= high >> 7;
    return returns;
}

/*
 * The length of the run at `data` in which every line feed follows a CR and no line begins with a dot; it
 * ends with CR LF. *clean tells that it holds no bare CR either, so that it can be copied as it is. 0 when
 * there is none. Called at START or in TEXT.
 */
static size_t line_run(struct data_reader *reader, const char *data, size_t size, bool *clean)
{
    size_t run = 0, lines = 0;
    while (run < size && (data[run] != '.' || (run == 0 && reader->state == TEXT))) {
        const char *feed = memchr(data + run, '\n', size - run);
        if (!feed || feed == data || feed[-1] != '\r')
            break;
        run = (size_t)(feed - data) + 1;
        lines++;
    }
    *clean = scan(reader, data, run) == lines;
    return run;
}

static void bare_byte(struct data_reader *reader, struct buf *out, char c)
{
    reader->bare = true;
    if (reader->fix)
        emit(reader, out, "\r\n", 2);
    else
        emit(reader, out, &c, 1);
}

/* A byte inside a line. CR is held back until the next byte says what it was. */
static void text_byte(struct data_reader *reader, struct buf *out, char c)
{
    reader->eight_bit |= (unsigned char)c >> 7;
    if (c == '\r') {
        reader->state = CR;
        return;
    }
    reader->state = TEXT;
    if (c == '\n')
        bare_byte(reader, out, c);
    else
        emit(reader, out, &c, 1);
}

/* One byte through the machine; true at the end of the message. */
static bool step(struct data_reader *reader, struct buf *out, char c)
{
    switch ((enum state)reader->state) {
    case START:
        if (c == '.')
            reader->state = DOT;
        else
            text_byte(reader, out, c);
        return false;
    case TEXT:
        text_byte(reader, out, c);
        return false;
    case CR:
        if (c == '\n') {
            emit(reader, out, "\r\n", 2);
            reader->state = START;
            return false;
        }
        bare_byte(reader, out, '\r');
        text_byte(reader, out, c);
        return false;
    case DOT: /* the dot itself is dropped: it was stuffed, or it is the end */
        if (c == '\r')
            reader->state = DOT_CR;
        else
            text_byte(reader, out, c);
        return false;
    case DOT_CR:
        if (c == '\n')
            return true;
        bare_byte(reader, out, '\r');
        text_byte(reader, out, c);
        return false;
    }
    return false;
}

size_t data_reader_feed(struct data_reader *reader, struct slice input, struct buf *out, bool *end)
{
    size_t used = 0;
    *end = false;
    while (used < input.size) {
        size_t run = 0;
        if (reader->state == START || reader->state == TEXT) {
            bool clean;
            run = line_run(reader, input.data + used, input.size - used, &clean);
            if (run && clean) {
                emit(reader, out, input.data + used, run);
                used += run;
                reader->state = START;
                continue;
            }
        }
        /* Byte-wise over the run with its bare CRs, and on to the end of a line. */
        for (size_t slow_until = used + run; used < input.size;) {
            if (step(reader, out, input.data[used++])) {
                *end = true;
                return used;
            }
            if (reader->state == START && used >= slow_until)
                break;
        }
    }
    return used;
}
