/*
 * paniclog: formats the daemon's own lines and hands them to the sinks and to stderr.
 *
 * Sinks are called under a read lock, so that a sink that was removed is not being called any more. glibc's
 * default kind of rwlock lets readers pass a waiting writer; a thread that is inside a sink may therefore log
 * without a deadlock. Such a line goes to stderr alone: the sink is what it complains about.
 */
#include "log/paniclog.h"

#include <errno.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "base/clock.h"
#include "base/mem.h"
#include "base/stderr.h"

enum { MAX_SINKS = 8, USUAL_SIZE = 1024, MAX_EARLY = 64, RATE_MS = 60000 };

static struct {
    panic_sink_fn *call;
    void *closure;
} sinks[MAX_SINKS];
static unsigned sink_count;

/* What was said before there was a sink: the first one gets it. Under the lock too. */
static struct early_line {
    enum panic_level level;
    char *line;
    size_t size;
} early[MAX_EARLY];
static unsigned early_count;
static bool had_sink;

static pthread_rwlock_t sinks_lock = PTHREAD_RWLOCK_INITIALIZER;

static atomic_bool to_stderr = true;
static void (*_Atomic stderr_writer)(const char *line, size_t size);
static atomic_int least_severe = PANIC_NOTICE;
static _Thread_local bool inside_sink;

/* `line` ends in a newline that is not counted in `size`. */
static void write_stderr(const char *line, size_t size)
{
    void (*writer)(const char *, size_t) = atomic_load(&stderr_writer);
    if (writer)
        writer(line, size);
    else
        stderr_write(line, size + 1);
}

/* One line stays one line, whatever a peer or a file put into it. */
static void make_single_line(char *text, size_t size)
{
    for (size_t i = 0; i < size; i++)
        if (ascii_is_control(text[i]))
            text[i] = ' ';
}

static void keep_early(enum panic_level level, const char *line, size_t size)
{
    pthread_rwlock_wrlock(&sinks_lock);
    if (!had_sink && early_count < MAX_EARLY) {
        early[early_count].level = level;
        early[early_count].line = mem_copy_text(line, size);
        early[early_count++].size = size;
    }
    pthread_rwlock_unlock(&sinks_lock);
}

/* `line` ends in a newline that is not counted in `size`. */
static void emit(enum panic_level level, char *line, size_t size)
{
    unsigned told = 0;
    if (!inside_sink) {
        inside_sink = true;
        pthread_rwlock_rdlock(&sinks_lock);
        for (; told < sink_count; told++)
            sinks[told].call(level, line, size, sinks[told].closure);
        bool first_words = !had_sink;
        pthread_rwlock_unlock(&sinks_lock);
        inside_sink = false;
        if (first_words)
            keep_early(level, line, size);
    }
    if (told == 0 || atomic_load_explicit(&to_stderr, memory_order_relaxed))
        write_stderr(line, size);
}

void paniclog(enum panic_level level, const char *format, ...)
{
    if ((int)level > atomic_load_explicit(&least_severe, memory_order_relaxed))
        return;
    int saved_errno = errno;
    char usual[USUAL_SIZE], *line = usual, *longer = NULL;
    va_list args, again;
    va_start(args, format);
    va_copy(again, args);
    int stamp = snprintf(usual, sizeof usual, "%llu: ", (unsigned long long)(clock_wall_us() / 1000000u));
    int text = vsnprintf(usual + stamp, sizeof usual - (size_t)stamp, format, args);
    size_t size = (size_t)stamp + (text > 0 ? (size_t)text : 0);
    if (size >= sizeof usual) {
        longer = mem_resize(NULL, size + 1);
        memcpy(longer, usual, (size_t)stamp);
        vsnprintf(longer + stamp, size + 1 - (size_t)stamp, format, again);
        line = longer;
    }
    va_end(again);
    va_end(args);
    make_single_line(line + stamp, size - (size_t)stamp);
    line[size] = '\n';
    emit(level, line, size);
    free(longer);
    errno = saved_errno;
}

bool panic_rate_allows(struct panic_rate *rate, uint64_t interval_ms, uint64_t *left_out)
{
    uint64_t now = clock_mono_ms(), last = atomic_load(&rate->said_ms);
    if ((last && now < last + interval_ms) || !atomic_compare_exchange_strong(&rate->said_ms, &last, now)) {
        atomic_fetch_add(&rate->left_out, 1);
        return false;
    }
    uint64_t count = atomic_exchange(&rate->left_out, 0);
    if (left_out)
        *left_out = count;
    return true;
}

void paniclog_rated(struct panic_rate *rate, enum panic_level level, const char *format, ...)
{
    char text[1001], others[64] = "";
    uint64_t left_out = 0;
    va_list args;
    if (!panic_rate_allows(rate, RATE_MS, &left_out))
        level = level > PANIC_INFO ? level : PANIC_INFO;
    else if (left_out > 0)
        snprintf(others, sizeof others, "; %llu more since the last such line", (unsigned long long)left_out);
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    paniclog(level, "%s%s", text, others);
}

/* Without the lock: a sink may do what another thread has to log for. */
static void tell_early(panic_sink_fn *sink, void *closure, const struct early_line *lines, unsigned count)
{
    inside_sink = true;
    for (unsigned i = 0; i < count; i++) {
        sink(lines[i].level, lines[i].line, lines[i].size, closure);
        free(lines[i].line);
    }
    inside_sink = false;
}

void paniclog_add_sink(panic_sink_fn *sink, void *closure)
{
    struct early_line lines[MAX_EARLY];
    pthread_rwlock_wrlock(&sinks_lock);
    bool room = sink_count < MAX_SINKS;
    if (room) {
        sinks[sink_count].call = sink;
        sinks[sink_count++].closure = closure;
    }
    unsigned count = early_count;
    memcpy(lines, early, count * sizeof *lines);
    early_count = 0;
    had_sink = true;
    pthread_rwlock_unlock(&sinks_lock);
    tell_early(sink, closure, lines, count);
    if (!room)
        paniclog(PANIC_ERROR, "paniclog: more than %d sinks; this one gets no lines", MAX_SINKS);
}

void paniclog_remove_sink(panic_sink_fn *sink, void *closure)
{
    pthread_rwlock_wrlock(&sinks_lock);
    for (unsigned i = 0; i < sink_count; i++)
        if (sinks[i].call == sink && sinks[i].closure == closure) {
            for (sink_count--; i < sink_count; i++)
                sinks[i] = sinks[i + 1];
            break;
        }
    pthread_rwlock_unlock(&sinks_lock);
}

void paniclog_set_stderr(bool enabled)
{
    atomic_store_explicit(&to_stderr, enabled, memory_order_relaxed);
}

void paniclog_set_stderr_writer(void (*writer)(const char *line, size_t size))
{
    atomic_store(&stderr_writer, writer);
}

void paniclog_set_level(enum panic_level level)
{
    atomic_store_explicit(&least_severe, (int)level, memory_order_relaxed);
}
