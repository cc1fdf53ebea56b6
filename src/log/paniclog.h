/*
 * paniclog: what the daemon itself has to say, one line each, with what to do about it.
 *
 * Until ec_logger (or any module) takes the lines, they go to stderr, and the first sink gets them later (at
 * most 64); afterwards to the module's sinks, and to stderr as well in the foreground. Lines have the form of
 * Momentum's paniclog: "1307461172: text". Any thread; never waits for a file once the log writer runs.
 */
#ifndef IMPULSE_LOG_PANICLOG_H
#define IMPULSE_LOG_PANICLOG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Momentum's debug levels, most severe first (manual, debug_flags). */
enum panic_level { PANIC_CRITICAL, PANIC_ERROR, PANIC_WARNING, PANIC_NOTICE, PANIC_INFO, PANIC_DEBUG };

void paniclog(enum panic_level level, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* How often a line is said that can be due by the thousand: lives with what it is about, all 0 at first. */
struct panic_rate {
    _Atomic uint64_t said_ms;  /* clock_mono_ms of the last one; 0: never */
    _Atomic uint64_t left_out; /* how many were not said since */
};

/* May it be said, for the first time in `interval_ms`? Then *left_out (may be NULL) is how often it was not
 * since it last was. Any thread. */
bool panic_rate_allows(struct panic_rate *rate, uint64_t interval_ms, uint64_t *left_out);
/*
 * A line about what strangers do: at that level once a minute, with the number of those that were left out,
 * and the others at PANIC_INFO. Up to 1,000 bytes of text. Any thread.
 */
void paniclog_rated(struct panic_rate *rate, enum panic_level level, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* Takes one formatted line without newline; `size` bytes. Called from any thread. */
typedef void panic_sink_fn(enum panic_level level, const char *line, size_t size, void *closure);
/* Adds a sink; up to 8. Main thread, before loops start or at reload. */
void paniclog_add_sink(panic_sink_fn *sink, void *closure);
void paniclog_remove_sink(panic_sink_fn *sink, void *closure);
/* Also write to stderr when there is a sink (foreground mode). Default true. */
void paniclog_set_stderr(bool enabled);
/* Takes a line for stderr, without its newline, and does not wait; any thread. NULL: it is written by the thread that has
 * something to say, with stderr_write. Any thread. */
void paniclog_set_stderr_writer(void (*writer)(const char *line, size_t size));
/* Lines less severe than this are dropped. Default PANIC_NOTICE. */
void paniclog_set_level(enum panic_level level);

#endif
