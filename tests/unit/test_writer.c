/* The log writer: order, delay, reopening, sharing, a full disk, and life before and after its thread. */
#include "unit.h"

#include <errno.h>
#include <inttypes.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/resource.h>
#include <signal.h>
#include <semaphore.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>
#include "base/buf.h"
#include "base/clock.h"
#include "base/mem.h"
#include "log/paniclog.h"
#include "log/writer.h"

static char directory[UNIT_PATH_SIZE];
static char path[UNIT_PATH_SIZE + 16], rotated[UNIT_PATH_SIZE + 16];

static void set_up(void)
{
    unit_directory(directory);
    snprintf(path, sizeof path, "%s/mainlog", directory);
    snprintf(rotated, sizeof rotated, "%s/mainlog.1", directory);
}

static void write_text(struct log_file *file, const char *text)
{
    log_file_write(file, text, strlen(text));
}

/* The file's whole content; free it with buf_release. */
static struct buf content(const char *name)
{
    struct buf b = {0};
    int fd = open(name, O_RDONLY);
    for (ssize_t got = 1; fd >= 0 && got > 0;) {
        got = read(fd, buf_reserve(&b, 65536), 65536);
        if (got > 0)
            buf_commit(&b, (size_t)got);
    }
    if (fd >= 0)
        close(fd);
    return b;
}

static void assert_content(const char *name, const char *expected)
{
    struct buf b = content(name);
    CU_ASSERT(slice_equal(buf_slice(&b), slice_text(expected)));
    buf_release(&b);
}

/* ---- one thread ------------------------------------------------------------------------------ */

static void test_without_thread(void)
{
    set_up();
    struct log_file *file = log_file_open(path, 0640);
    CU_ASSERT_PTR_NOT_NULL_FATAL(file);
    write_text(file, "before");
    assert_content(path, "before\n");
    CU_ASSERT_EQUAL(log_writer_start(), 0);
    write_text(file, "while");
    log_writer_stop();
    assert_content(path, "before\nwhile\n");
    write_text(file, "after");
    assert_content(path, "before\nwhile\nafter\n");
    rename(path, rotated);
    log_files_reopen();
    write_text(file, "new");
    assert_content(path, "new\n");
    log_files_flush();
    log_file_close(file);
    log_file_close(NULL);
    log_writer_stop();
    unit_directory_remove(directory);
}

static void test_open(void)
{
    struct stat status;
    mode_t mask = umask(022);
    set_up();
    errno = 0;
    CU_ASSERT_PTR_NULL(log_file_open("/nonexistent/dir/log", 0640));
    CU_ASSERT_EQUAL(errno, ENOENT);
    CU_ASSERT_EQUAL(mkfifo(path, 0600), 0);
    CU_ASSERT_PTR_NULL(log_file_open(path, 0640)); /* and nobody waits for a reader */
    CU_ASSERT_EQUAL(errno, ENXIO);
    CU_ASSERT_EQUAL(unlink(path), 0);
    int fd = open(path, O_WRONLY | O_CREAT, 0600);
    CU_ASSERT_EQUAL(write(fd, "old\n", 4), 4);
    close(fd);
    struct log_file *one = log_file_open(path, 0640), *two = log_file_open(path, 0640);
    CU_ASSERT_PTR_EQUAL(one, two);
    struct log_file *other = log_file_open(rotated, 0640);
    CU_ASSERT(stat(rotated, &status) == 0 && (status.st_mode & 0777) == 0640);
    CU_ASSERT_EQUAL(log_writer_start(), 0);
    write_text(one, "first");
    log_file_close(one);
    log_files_flush();
    write_text(two, "second"); /* the other open holds it */
    log_file_close(two);
    two = log_file_open(path, 0640); /* maybe before the thread let it go */
    write_text(two, "third");
    log_file_close(two);
    log_file_close(other);
    log_writer_stop();
    assert_content(path, "old\nfirst\nsecond\nthird\n");
    umask(mask);
    unit_directory_remove(directory);
}

/* A line is on disk soon without anybody asking. */
static void test_delay(void)
{
    set_up();
    struct log_file *file = log_file_open(path, 0640);
    struct stat status;
    CU_ASSERT_EQUAL(log_writer_start(), 0);
    uint64_t begin = clock_mono_ms();
    write_text(file, "line");
    while (stat(path, &status) == 0 && status.st_size == 0 && clock_mono_ms() - begin < 5000)
        sched_yield();
    CU_ASSERT_EQUAL(status.st_size, 5);
    CU_ASSERT(clock_mono_ms() - begin < 2000); /* 100 ms and what a loaded machine adds */
    log_writer_stop();
    log_file_close(file);
    unit_directory_remove(directory);
}

static void test_reopen(void)
{
    set_up();
    struct log_file *file = log_file_open(path, 0640);
    CU_ASSERT_EQUAL(log_writer_start(), 0);
    write_text(file, "one");
    CU_ASSERT_EQUAL(rename(path, rotated), 0);
    write_text(file, "two");
    log_files_reopen();
    log_files_flush();
    write_text(file, "three");
    log_files_flush();
    assert_content(rotated, "one\ntwo\n");
    assert_content(path, "three\n");
    /* A path that cannot be opened: lines go on to the file that is open. */
    CU_ASSERT_EQUAL(rename(path, rotated), 0);
    CU_ASSERT_EQUAL(mkdir(path, 0700), 0);
    paniclog_set_level(PANIC_CRITICAL);
    log_files_reopen();
    log_files_flush();
    write_text(file, "four");
    log_files_flush();
    paniclog_set_level(PANIC_NOTICE);
    assert_content(rotated, "three\nfour\n");
    CU_ASSERT_EQUAL(rmdir(path), 0);
    log_files_reopen();
    log_files_flush();
    write_text(file, "five");
    log_writer_stop();
    assert_content(path, "five\n");
    log_file_close(file);
    unit_directory_remove(directory);
}

/* ---- many threads ---------------------------------------------------------------------------- */

enum { THREADS = 4, LINES_EACH = 20000 };

struct producer {
    struct log_file *file;
    int number;
};

static void *produce(void *argument)
{
    struct producer *producer = argument;
    char line[64];
    for (int i = 0; i < LINES_EACH; i++) {
        int size = snprintf(line, sizeof line, "%d %d some text of a usual length", producer->number, i);
        log_file_write(producer->file, line, (size_t)size);
    }
    return NULL;
}

/* Counts lines that are not the next one of their thread. */
static size_t misplaced(struct slice text, int next[THREADS])
{
    struct slice line, number, index;
    size_t wrong = 0;
    while (slice_next(&text, '\n', &line)) {
        uint64_t n = THREADS, i = 0;
        bool parsed = slice_next(&line, ' ', &number) && slice_next(&line, ' ', &index) &&
                      slice_to_uint(number, &n) && slice_to_uint(index, &i);
        wrong += !parsed || n >= THREADS || (int)i != next[n]++;
    }
    return wrong;
}

/* Four threads write to two files that are rotated meanwhile: every line is there once and in its thread's
 * order. */
static void test_threads(void)
{
    enum { ROTATIONS = 10 };
    set_up();
    char second[sizeof path + 8];
    snprintf(second, sizeof second, "%s.second", path);
    struct log_file *files[2] = {log_file_open(path, 0640), log_file_open(second, 0640)};
    struct producer producers[THREADS];
    pthread_t threads[THREADS];
    CU_ASSERT_EQUAL(log_writer_start(), 0);
    for (int i = 0; i < THREADS; i++) {
        producers[i] = (struct producer){files[i % 2], i};
        pthread_create(&threads[i], NULL, produce, &producers[i]);
    }
    char name[sizeof path + 16];
    for (int i = 0; i < ROTATIONS; i++) {
        snprintf(name, sizeof name, "%s.%d", path, i);
        CU_ASSERT_EQUAL(rename(path, name), 0);
        log_files_reopen();
        log_files_flush();
    }
    for (int i = 0; i < THREADS; i++)
        pthread_join(threads[i], NULL);
    log_writer_stop();
    int next[THREADS] = {0};
    size_t wrong = 0;
    for (int i = 0; i <= ROTATIONS + 1; i++) {
        if (i < ROTATIONS)
            snprintf(name, sizeof name, "%s.%d", path, i);
        else
            snprintf(name, sizeof name, "%s", i == ROTATIONS ? path : second);
        struct buf b = content(name);
        wrong += misplaced(buf_slice(&b), next);
        buf_release(&b);
    }
    CU_ASSERT_EQUAL(wrong, 0);
    for (int i = 0; i < THREADS; i++)
        CU_ASSERT_EQUAL(next[i], LINES_EACH);
    log_file_close(files[0]);
    log_file_close(files[1]);
    unit_directory_remove(directory);
}

/* ---- a disk that is full --------------------------------------------------------------------- */

/* RLIMIT_FSIZE lets a write fail with EFBIG, after a part of it fitted, and takes no real disk. */
static void limit_file_size(rlim_t size)
{
    struct rlimit limit;
    getrlimit(RLIMIT_FSIZE, &limit);
    limit.rlim_cur = size;
    CU_ASSERT_EQUAL(setrlimit(RLIMIT_FSIZE, &limit), 0);
}

static void count_complaint(enum panic_level level, const char *line, size_t size, void *closure)
{
    (void)line, (void)size;
    unit_count(closure, level == PANIC_CRITICAL);
}

/* A complaint goes to the file that it is about, as a module's paniclog sink would have it. */
static void log_complaint(enum panic_level level, const char *line, size_t size, void *closure)
{
    (void)level;
    log_file_write(closure, line, size);
}

static void test_full_disk(void)
{
    set_up();
    signal(SIGXFSZ, SIG_IGN);
    struct log_file *file = log_file_open(path, 0640), *small = log_file_open(rotated, 0640);
    struct unit_counter complaints = UNIT_COUNTER;
    paniclog_set_stderr(false);
    paniclog_add_sink(count_complaint, &complaints);
    paniclog_add_sink(log_complaint, file);
    CU_ASSERT_EQUAL(log_writer_start(), 0);
    limit_file_size(100);
    char line[61];
    for (int i = 0; i < 4; i++) {
        snprintf(line, sizeof line, "%060d", i);
        write_text(file, line);
    }
    write_text(small, "others go on");
    log_files_flush(); /* returns although the lines are not written */
    log_files_flush();
    CU_ASSERT_EQUAL(unit_wait(&complaints, 1, 0), 1); /* once a minute, not once a try */
    assert_content(rotated, "others go on\n");
    struct stat status;
    CU_ASSERT(stat(path, &status) == 0 && status.st_size == 100);
    limit_file_size(RLIM_INFINITY);
    log_files_flush();
    paniclog_remove_sink(log_complaint, file);
    log_writer_stop();
    struct buf b = content(path);
    struct slice text = buf_slice(&b), part;
    for (int i = 0; i < 4; i++) {
        snprintf(line, sizeof line, "%060d", i);
        CU_ASSERT(slice_next(&text, '\n', &part) && slice_equal(part, slice_text(line)));
    }
    CU_ASSERT(slice_next(&text, '\n', &part)); /* the complaint */
    buf_release(&b);
    paniclog_remove_sink(count_complaint, &complaints);
    paniclog_set_stderr(true);
    log_file_close(file);
    log_file_close(small);
    signal(SIGXFSZ, SIG_DFL);
    unit_directory_remove(directory);
}

/* Stopping does not wait for a disk that stays full, and says what is lost. */
static void test_stop_with_full_disk(void)
{
    set_up();
    signal(SIGXFSZ, SIG_IGN);
    struct log_file *file = log_file_open(path, 0640);
    struct unit_counter complaints = UNIT_COUNTER;
    paniclog_set_stderr(false);
    paniclog_add_sink(count_complaint, &complaints);
    CU_ASSERT_EQUAL(log_writer_start(), 0);
    limit_file_size(2);
    write_text(file, "lost");
    log_writer_stop();
    CU_ASSERT_EQUAL(complaints.value, 2); /* that it fails; that bytes are left */
    assert_content(path, "lo");
    limit_file_size(RLIM_INFINITY);
    log_file_close(file); /* the last attempt succeeds */
    assert_content(path, "lost\n");
    paniclog_remove_sink(count_complaint, &complaints);
    paniclog_set_stderr(true);
    signal(SIGXFSZ, SIG_DFL);
    unit_directory_remove(directory);
}

/* ---- more than the memory for it ------------------------------------------------------------- */

enum { BIG_LINE = 1 << 20, BIG_LINES = 70, BIG_KEPT = 64 }; /* 64 MiB may wait */

struct big_producer {
    struct log_file *file;
    struct unit_counter written;
};

static void *produce_big(void *argument)
{
    struct big_producer *producer = argument;
    char *line = mem_zalloc(BIG_LINE);
    memset(line, 'x', BIG_LINE);
    for (int i = 0; i < BIG_LINES; i++) {
        log_file_write(producer->file, line, BIG_LINE);
        unit_count(&producer->written, 1);
    }
    free(line);
    return NULL;
}

static size_t read_all(int fd, size_t size)
{
    static char buffer[65536];
    size_t total = 0;
    for (ssize_t got = 1; total < size && got > 0; total += (size_t)got)
        got = read(fd, buffer, sizeof buffer);
    return total;
}

/* ---- write does not return ------------------------------------------------------------------- */

/* A FIFO that is full keeps a writer in write(2), as a disk does that hangs. */
static int open_fifo(const char *name)
{
    CU_ASSERT_EQUAL(mkfifo(name, 0600), 0);
    int reader = open(name, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
    CU_ASSERT_EQUAL(fcntl(reader, F_SETFL, 0), 0); /* from here on it waits, too */
    return reader;
}

static void count_loss_of_all(enum panic_level level, const char *line, size_t size, void *closure)
{
    static const char loss[] = " lines were lost";
    unit_count(closure, level == PANIC_ERROR && memmem(line, size, loss, sizeof loss - 1));
}

/* No caller waits, the other file is written, and the lost lines are counted and told. */
static void test_hanging_write(void)
{
    set_up();
    int reader = open_fifo(path);
    struct unit_counter told = UNIT_COUNTER;
    struct big_producer producer = {log_file_open(path, 0640), UNIT_COUNTER};
    struct log_file *other = log_file_open(rotated, 0640);
    CU_ASSERT_PTR_NOT_NULL_FATAL(producer.file);
    uint64_t lost = log_writer_lost();
    paniclog_set_stderr(false);
    paniclog_add_sink(count_loss_of_all, &told);
    CU_ASSERT_EQUAL(log_writer_start(), 0);
    produce_big(&producer); /* returns */
    lost = log_writer_lost() - lost;
    CU_ASSERT(lost >= 5 && lost <= 6); /* the pipe may have taken the beginning of one */
    write_text(other, "others");
    log_files_flush(); /* returns although a write does not */
    assert_content(rotated, "others\n");
    CU_ASSERT(log_writer_waiting() >= (uint64_t)BIG_KEPT * BIG_LINE - 65536);
    size_t all = (BIG_LINES - lost) * (size_t)(BIG_LINE + 1);
    CU_ASSERT_EQUAL(read_all(reader, all), all);
    CU_ASSERT_EQUAL(unit_wait(&told, 1, 30), 1);
    log_file_close(producer.file);
    log_file_close(other);
    log_writer_stop();
    CU_ASSERT_EQUAL(log_writer_waiting(), 0);
    paniclog_remove_sink(count_loss_of_all, &told);
    paniclog_set_stderr(true);
    close(reader);
    unit_directory_remove(directory);
}

/* A file whose write does not return is reopened all the same, and its lines go to the new file. */
static void test_reopen_while_write_hangs(void)
{
    set_up();
    int reader = open_fifo(path);
    struct log_file *file = log_file_open(path, 0640);
    char *block = mem_zalloc(BIG_LINE);
    struct unit_counter complaints = UNIT_COUNTER;
    memset(block, 'x', BIG_LINE);
    paniclog_set_stderr(false);
    paniclog_add_sink(count_complaint, &complaints);
    CU_ASSERT_EQUAL(log_writer_start(), 0);
    log_file_write(file, block, BIG_LINE);
    log_files_flush();
    log_writer_look(); /* the flush has waited until it counts as stuck */
    CU_ASSERT_EQUAL(complaints.value, 1);
    write_text(file, "behind");
    CU_ASSERT_EQUAL(rename(path, rotated), 0);
    log_files_reopen();
    log_files_flush();
    assert_content(path, "behind\n");
    CU_ASSERT_EQUAL(read_all(reader, BIG_LINE + 1), BIG_LINE + 1); /* what had been taken */
    log_writer_stop();
    log_file_close(file);
    while (log_writer_waiting() > 0) /* the thread that was given up counts them as written */
        sched_yield();
    paniclog_remove_sink(count_complaint, &complaints);
    paniclog_set_stderr(true);
    free(block);
    close(reader);
    unit_directory_remove(directory);
}

/* The end does not wait for a write that does not return, and says what is lost. */
static void test_stop_while_write_hangs(void)
{
    set_up();
    int reader = open_fifo(path);
    struct log_file *file = log_file_open(path, 0640), *other = log_file_open(rotated, 0640);
    char *block = mem_zalloc(BIG_LINE);
    struct unit_counter complaints = UNIT_COUNTER;
    paniclog_set_stderr(false);
    paniclog_add_sink(count_complaint, &complaints);
    CU_ASSERT_EQUAL(log_writer_start(), 0);
    log_file_write(file, block, BIG_LINE);
    write_text(other, "written");
    uint64_t begun = clock_mono_ms();
    log_writer_stop();
    CU_ASSERT(clock_mono_ms() - begun < 20000);
    CU_ASSERT_EQUAL(complaints.value, 1);
    assert_content(rotated, "written\n");
    CU_ASSERT_EQUAL(read_all(reader, BIG_LINE + 1), BIG_LINE + 1);
    while (log_writer_waiting() > 0)
        sched_yield();
    log_file_close(file);
    log_file_close(other);
    paniclog_remove_sink(count_complaint, &complaints);
    paniclog_set_stderr(true);
    free(block);
    close(reader);
    unit_directory_remove(directory);
}

/* Nobody reads stderr: who has something to say goes on. */
static void test_hanging_stderr(void)
{
    enum { LINES = 2000 };
    int ends[2], saved = dup(STDERR_FILENO);
    CU_ASSERT_EQUAL(pipe(ends), 0);
    dup2(ends[1], STDERR_FILENO);
    close(ends[1]);
    CU_ASSERT_EQUAL(log_writer_start(), 0);
    for (int i = 0; i < LINES; i++)
        paniclog(PANIC_ERROR, "line %0100d", i);
    size_t all = LINES * (sizeof "1307461172: line " + 100);
    CU_ASSERT_EQUAL(read_all(ends[0], all), all);
    log_writer_stop();
    dup2(saved, STDERR_FILENO);
    close(ends[0]);
    close(saved);
}

/* ---- a close that hangs ---------------------------------------------------------------------- */

static atomic_int held = -1; /* the descriptor whose close waits */
static atomic_bool waited_in_vain;
static sem_t closing, may_close;

/* Takes the place of the C library's. A caller that is locked out meanwhile would never let it return: it gives up. */
int close(int fd)
{
    if (atomic_load(&held) == fd) {
        struct timespec end;
        clock_gettime(CLOCK_REALTIME, &end);
        end.tv_sec += 5;
        atomic_store(&held, -1);
        sem_post(&closing);
        if (sem_timedwait(&may_close, &end) != 0)
            atomic_store(&waited_in_vain, true);
    }
    return (int)syscall(SYS_close, fd);
}

/* As on a file system of a network, which writes at the close. */
static void test_hanging_close(void)
{
    set_up();
    sem_init(&closing, 0, 0);
    sem_init(&may_close, 0, 0);
    CU_ASSERT_EQUAL(log_writer_start(), 0);
    struct log_file *other = log_file_open(rotated, 0640);
    int next = dup(STDIN_FILENO);
    close(next);
    struct log_file *file = log_file_open(path, 0640); /* gets the lowest number that is free, too */
    write_text(file, "last");
    atomic_store(&held, next);
    log_file_close(file);
    CU_ASSERT_EQUAL(sem_wait(&closing), 0);
    write_text(other, "line");
    log_files_flush();
    assert_content(rotated, "line\n");
    assert_content(path, "last\n");
    sem_post(&may_close);
    CU_ASSERT_FALSE(atomic_load(&waited_in_vain));
    log_file_close(other);
    log_writer_stop();
    unit_directory_remove(directory);
}

static void count_loss(enum panic_level level, const char *line, size_t size, void *closure)
{
    static const char loss[] = " 6 lines were lost";
    unit_count(closure, level == PANIC_ERROR && memmem(line, size, loss, sizeof loss - 1));
}

/* A disk that takes nothing is not waited for: what is too much is lost, and that is said when it takes lines
 * again. */
static void test_callers_go_on(void)
{
    set_up();
    signal(SIGXFSZ, SIG_IGN);
    paniclog_set_stderr(false);
    struct unit_counter losses = UNIT_COUNTER;
    paniclog_add_sink(count_loss, &losses);
    struct log_file *small = log_file_open(rotated, 0640);
    struct big_producer producer = {log_file_open(path, 0640), UNIT_COUNTER};
    pthread_t thread;
    CU_ASSERT_EQUAL(log_writer_start(), 0);
    limit_file_size(10);
    pthread_create(&thread, NULL, produce_big, &producer);
    CU_ASSERT_EQUAL(unit_wait(&producer.written, BIG_LINES, 30), BIG_LINES);
    write_text(small, "others");
    log_files_flush();
    assert_content(rotated, "others\n");
    limit_file_size(RLIM_INFINITY);
    pthread_join(thread, NULL);
    log_files_flush();
    CU_ASSERT_EQUAL(losses.value, 1);
    write_text(producer.file, "last");
    log_writer_stop();
    struct stat status;
    CU_ASSERT(stat(path, &status) == 0 && status.st_size == (off_t)BIG_KEPT * (BIG_LINE + 1) + 5);
    log_file_close(producer.file);
    log_file_close(small);
    paniclog_remove_sink(count_loss, &losses);
    paniclog_set_stderr(true);
    signal(SIGXFSZ, SIG_DFL);
    unit_directory_remove(directory);
}

int main(void)
{
    CU_TestInfo tests[] = {
        {"without the thread", test_without_thread},
        {"open and share", test_open},
        {"delay", test_delay},
        {"reopen", test_reopen},
        {"threads and rotation", test_threads},
        {"full disk", test_full_disk},
        {"stop with a full disk", test_stop_with_full_disk},
        {"callers do not wait for a full disk", test_callers_go_on},
        {"callers do not wait for a write that hangs", test_hanging_write},
        {"reopen while a write hangs", test_reopen_while_write_hangs},
        {"stop while a write hangs", test_stop_while_write_hangs},
        {"stderr that nobody reads", test_hanging_stderr},
        {"nobody waits for a close that hangs", test_hanging_close},
        CU_TEST_INFO_NULL,
    };
    return unit_run("writer", tests);
}
