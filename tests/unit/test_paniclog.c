/* The daemon's own lines: their form, their sinks, and stderr. */
#include "unit.h"

#include <errno.h>
#include <inttypes.h>
#include <pthread.h>
#include <string.h>
#include <time.h>
#include "base/buf.h"
#include "base/clock.h"
#include "log/paniclog.h"

/* ---- stderr in a file ------------------------------------------------------------------------ */

static FILE *captured;
static int real_stderr;

static void capture_begin(void)
{
    captured = tmpfile();
    CU_ASSERT_PTR_NOT_NULL_FATAL(captured);
    real_stderr = dup(STDERR_FILENO);
    dup2(fileno(captured), STDERR_FILENO);
}

/* What was written since, in text[]. */
static void capture_end(char *text, size_t size)
{
    dup2(real_stderr, STDERR_FILENO);
    close(real_stderr);
    rewind(captured);
    text[fread(text, 1, size - 1, captured)] = '\0';
    fclose(captured);
}

/* ---- sinks ----------------------------------------------------------------------------------- */

struct sink {
    struct buf lines;
    enum panic_level level;
    unsigned count;
};

static void keep_line(enum panic_level level, const char *line, size_t size, void *closure)
{
    struct sink *sink = closure;
    buf_append(&sink->lines, line, size);
    buf_append_text(&sink->lines, "\n");
    sink->level = level;
    sink->count++;
    errno = EIO; /* which the caller of paniclog does not see */
}

/* The line without its time stamp, which is checked. */
static struct slice text_of(const struct sink *sink)
{
    struct slice line = buf_slice(&sink->lines), stamp;
    uint64_t seconds, now = clock_wall_us() / 1000000;
    CU_ASSERT(slice_next(&line, ':', &stamp));
    CU_ASSERT(slice_to_uint(stamp, &seconds) && seconds <= now && now - seconds < 5);
    return line;
}

static void *log_a_line(void *argument)
{
    (void)argument;
    paniclog(PANIC_ERROR, "from another thread");
    return NULL;
}

static void log_in_thread(enum panic_level level, const char *line, size_t size, void *closure)
{
    int *logged = closure;
    pthread_t thread;
    struct timespec until;
    (void)level, (void)line, (void)size;
    if ((*logged)++ > 0) /* the thread's line comes here, too */
        return;
    pthread_create(&thread, NULL, log_a_line, NULL);
    clock_gettime(CLOCK_REALTIME, &until);
    until.tv_sec += 10;
    CU_ASSERT_EQUAL(pthread_timedjoin_np(thread, NULL, &until), 0);
}

/* The first of all: a sink may wait for a thread that logs, also while it gets the lines from before it. */
static void test_early(void)
{
    char text[400];
    int logged = 0;
    capture_begin();
    paniclog(PANIC_ERROR, "early");
    paniclog_add_sink(log_in_thread, &logged);
    paniclog_remove_sink(log_in_thread, &logged);
    capture_end(text, sizeof text);
    CU_ASSERT_EQUAL(logged, 2);
}

static void test_form(void)
{
    struct sink sink = {0};
    char text[4000], long_text[3000];
    memset(long_text, 'x', sizeof long_text - 1);
    long_text[sizeof long_text - 1] = '\0';
    paniclog_set_stderr(false);
    paniclog_add_sink(keep_line, &sink);
    errno = ENOENT;
    paniclog(PANIC_CRITICAL, "pool %s: %d", "accept", 4);
    CU_ASSERT_EQUAL(errno, ENOENT);
    CU_ASSERT_EQUAL(sink.level, PANIC_CRITICAL);
    CU_ASSERT(slice_equal(text_of(&sink), SLICE_LITERAL(" pool accept: 4\n")));
    buf_clear(&sink.lines);
    paniclog(PANIC_ERROR, "a peer said \"%s\"", "x\r\n1307461172: forged\x7f");
    CU_ASSERT(slice_equal(text_of(&sink), SLICE_LITERAL(" a peer said \"x  1307461172: forged \"\n")));
    buf_clear(&sink.lines);
    capture_begin();
    paniclog(PANIC_ERROR, "%s", long_text);
    capture_end(text, sizeof text);
    CU_ASSERT_EQUAL(text_of(&sink).size, sizeof long_text - 1 + 2);
    CU_ASSERT_STRING_EQUAL(text, ""); /* a sink has it and stderr is off */
    paniclog_remove_sink(keep_line, &sink);
    paniclog_set_stderr(true);
    buf_release(&sink.lines);
}

static void test_stderr(void)
{
    struct sink sink = {0};
    char text[400], expected[100];
    capture_begin();
    paniclog_set_stderr(false);
    paniclog(PANIC_ERROR, "nobody else takes it");
    paniclog_set_stderr(true);
    paniclog_add_sink(keep_line, &sink);
    paniclog(PANIC_ERROR, "both");
    paniclog_remove_sink(keep_line, &sink);
    paniclog(PANIC_ERROR, "stderr");
    capture_end(text, sizeof text);
    CU_ASSERT_EQUAL(sink.count, 1);
    const char *line = text;
    static const char *const lines[] = {"nobody else takes it", "both", "stderr"};
    for (size_t i = 0; i < 3; i++) {
        snprintf(expected, sizeof expected, ": %s\n", lines[i]);
        line = strchr(line, ':');
        CU_ASSERT_PTR_NOT_NULL_FATAL(line);
        CU_ASSERT_EQUAL(strncmp(line, expected, strlen(expected)), 0);
        line += strlen(expected);
    }
    CU_ASSERT_STRING_EQUAL(line, "");
    buf_release(&sink.lines);
}

static void test_level(void)
{
    struct sink sink = {0};
    paniclog_set_stderr(false);
    paniclog_add_sink(keep_line, &sink);
    paniclog(PANIC_INFO, "dropped");
    paniclog(PANIC_NOTICE, "kept");
    paniclog_set_level(PANIC_DEBUG);
    paniclog(PANIC_DEBUG, "kept");
    paniclog_set_level(PANIC_CRITICAL);
    paniclog(PANIC_ERROR, "dropped");
    paniclog_set_level(PANIC_NOTICE);
    CU_ASSERT_EQUAL(sink.count, 2);
    paniclog_remove_sink(keep_line, &sink);
    paniclog_set_stderr(true);
    buf_release(&sink.lines);
}

static void log_again(enum panic_level level, const char *line, size_t size, void *closure)
{
    (void)line;
    keep_line(level, "", 0, closure);
    paniclog(level, "the sink failed on %zu bytes", size);
}

static void test_sink_that_logs(void)
{
    struct sink sink = {0};
    char text[400];
    capture_begin();
    paniclog_set_stderr(false);
    paniclog_add_sink(log_again, &sink);
    paniclog(PANIC_ERROR, "hello");
    paniclog_remove_sink(log_again, &sink);
    paniclog_set_stderr(true);
    capture_end(text, sizeof text);
    CU_ASSERT_EQUAL(sink.count, 1);
    CU_ASSERT_PTR_NOT_NULL(strstr(text, ": the sink failed on "));
    buf_release(&sink.lines);
}

static void test_too_many_sinks(void)
{
    struct sink sinks[9] = {0};
    char text[400];
    paniclog_set_stderr(false);
    capture_begin();
    for (size_t i = 0; i < 9; i++)
        paniclog_add_sink(keep_line, &sinks[i]);
    capture_end(text, sizeof text);
    for (size_t i = 0; i < 8; i++)
        CU_ASSERT_EQUAL(sinks[i].count, 1); /* told that there was one too many */
    CU_ASSERT_EQUAL(sinks[8].count, 0);
    for (size_t i = 0; i < 9; i++) {
        paniclog_remove_sink(keep_line, &sinks[i]);
        buf_release(&sinks[i].lines);
    }
    paniclog_set_stderr(true);
}

/* ---- rates ----------------------------------------------------------------------------------- */

static void test_rate(void)
{
    struct panic_rate rate = {0};
    uint64_t left_out = 77;
    CU_ASSERT(panic_rate_allows(&rate, 60000, &left_out));
    CU_ASSERT_EQUAL(left_out, 0);
    for (int i = 0; i < 3; i++)
        CU_ASSERT_FALSE(panic_rate_allows(&rate, 60000, NULL));
    CU_ASSERT(panic_rate_allows(&rate, 0, &left_out)); /* the interval is over */
    CU_ASSERT_EQUAL(left_out, 3);
    CU_ASSERT(panic_rate_allows(&rate, 0, &left_out));
    CU_ASSERT_EQUAL(left_out, 0);
    rate.said_ms = UINT64_C(1) << 40; /* by another thread, a moment after this one looked at its clock */
    CU_ASSERT_FALSE(panic_rate_allows(&rate, 60000, NULL));
}

static void test_rated_line(void)
{
    struct sink sink = {0};
    struct panic_rate rate = {0};
    char long_text[3000];
    memset(long_text, 'x', sizeof long_text - 1);
    long_text[sizeof long_text - 1] = '\0';
    paniclog_set_stderr(false);
    paniclog_add_sink(keep_line, &sink);
    for (int i = 1; i <= 5; i++)
        paniclog_rated(&rate, PANIC_NOTICE, "stranger %d", i);
    CU_ASSERT(slice_equal(text_of(&sink), SLICE_LITERAL(" stranger 1\n"))); /* the others are info */
    CU_ASSERT_EQUAL(sink.level, PANIC_NOTICE);
    buf_clear(&sink.lines);
    rate.said_ms = 1; /* long ago */
    paniclog_rated(&rate, PANIC_NOTICE, "stranger 6");
    CU_ASSERT(slice_equal(text_of(&sink), SLICE_LITERAL(" stranger 6; 4 more since the last such line\n")));
    buf_clear(&sink.lines);
    paniclog_set_level(PANIC_INFO);
    paniclog_rated(&rate, PANIC_NOTICE, "%s", long_text);
    CU_ASSERT_EQUAL(sink.level, PANIC_INFO);
    CU_ASSERT_EQUAL(text_of(&sink).size, 1000 + 2); /* the blank, the newline */
    paniclog_set_level(PANIC_NOTICE);
    paniclog_remove_sink(keep_line, &sink);
    paniclog_set_stderr(true);
    buf_release(&sink.lines);
}

/* ---- threads --------------------------------------------------------------------------------- */

enum { THREADS = 4, LINES_EACH = 500 };

static void count_line(enum panic_level level, const char *line, size_t size, void *closure)
{
    (void)level, (void)line, (void)size;
    unit_count(closure, 1);
}

static void *log_lines(void *argument)
{
    for (int i = 0; i < LINES_EACH; i++)
        paniclog(PANIC_ERROR, "line %d", i);
    return argument;
}

static void test_threads(void)
{
    pthread_t threads[THREADS];
    struct unit_counter all = UNIT_COUNTER, brief = UNIT_COUNTER;
    paniclog_set_stderr(false);
    paniclog_add_sink(count_line, &all);
    for (int i = 0; i < THREADS; i++)
        pthread_create(&threads[i], NULL, log_lines, NULL);
    for (int i = 0; i < 100; i++) {
        paniclog_add_sink(count_line, &brief);
        paniclog_remove_sink(count_line, &brief);
    }
    int after_removal = brief.value; /* without its lock: nobody may touch it any more */
    for (int i = 0; i < THREADS; i++)
        pthread_join(threads[i], NULL);
    CU_ASSERT_EQUAL(all.value, THREADS * LINES_EACH);
    CU_ASSERT_EQUAL(brief.value, after_removal);
    paniclog_remove_sink(count_line, &all);
    paniclog_set_stderr(true);
}

int main(void)
{
    CU_TestInfo tests[] = {
        {"early lines", test_early},
        {"form of a line", test_form},
        {"stderr", test_stderr},
        {"level", test_level},
        {"a sink that logs", test_sink_that_logs},
        {"nine sinks", test_too_many_sinks},
        {"rate", test_rate},
        {"rated line", test_rated_line},
        {"threads", test_threads},
        CU_TEST_INFO_NULL,
    };
    return unit_run("paniclog", tests);
}
