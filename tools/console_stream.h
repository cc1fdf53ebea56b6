/*
 * console_stream: the connection to a console, and the lines that it is made of (src/control/control.h).
 *
 * Calls wait, until the deadline at most. What is read lies in one buffer, which is also the longest line
 * that is taken from a server; output of commands is handed on in parts of it. After anything but STREAM_OK
 * the stream is of no further use but to be closed.
 */
#ifndef IMPULSE_TOOLS_CONSOLE_STREAM_H
#define IMPULSE_TOOLS_CONSOLE_STREAM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>
#include "tools/console_address.h"

enum { CONSOLE_STREAM_BUFFER = 16384, CONSOLE_PROBLEM = 512 };

enum stream_status { STREAM_OK, STREAM_INTERRUPTED, STREAM_FAILED };

struct console_stream {
    int fd;                        /* -1: not open */
    int interrupt_fd;              /* readable: whatever waits gives up; -1: none */
    pid_t tunnel;                  /* the ssh that fd leads to, or 0 */
    uint64_t deadline;             /* of clock_mono_ms */
    char problem[CONSOLE_PROBLEM]; /* why a call did not return STREAM_OK */
    size_t head, tail;
    char buffer[CONSOLE_STREAM_BUFFER];
};

/* `interrupt_fd` -1: none. */
void console_stream_init(struct console_stream *stream, int interrupt_fd);
/* Calls may wait this long from now on. */
void console_stream_allow(struct console_stream *stream, unsigned milliseconds);
enum stream_status console_stream_open(struct console_stream *stream, const struct console_address *address);
void console_stream_close(struct console_stream *stream);
/* False when it is not open, the other side closed it, or said something although it was not asked. */
bool console_stream_quiet(const struct console_stream *stream);

enum stream_status console_stream_write(struct console_stream *stream, const char *bytes, size_t size);
/* A line without its LF, NUL-terminated, valid until the next read. A NUL in it is not taken. */
enum stream_status console_stream_line(struct console_stream *stream, char **line);

enum reply_kind {
    REPLY_OK,
    REPLY_REFUSED,
    REPLY_CHALLENGE, /* text: base64 */
    REPLY_OUTPUT,    /* size bytes follow, to be read with console_stream_output */
};

struct console_reply {
    enum reply_kind kind;
    uint64_t size;
    const char *text; /* what stands after OK, ERR or +; valid until the next read */
};

enum stream_status console_stream_reply(struct console_stream *stream, struct console_reply *reply);
/* The same of a line that was read. */
enum stream_status console_stream_parse(struct console_stream *stream, const char *line,
                                        struct console_reply *reply);
/* The next part of `left` bytes of output, at least one byte; left is lessened. */
enum stream_status console_stream_output(struct console_stream *stream, uint64_t *left, const char **bytes,
                                         size_t *size);
/* Reads `left` bytes of output and adds of them to the text in reason[] what fits and is no control
 * character. */
enum stream_status console_stream_reason(struct console_stream *stream, uint64_t left, char *reason,
                                         size_t size);

#endif
