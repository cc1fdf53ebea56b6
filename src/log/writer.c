/*
 * writer: one thread, and two buffers for each file.
 *
 * Callers append to a file's `pending` buffer under the one lock; the thread swaps it with the empty
 * `writing` buffer and writes that without the lock, so a caller waits for a memcpy and never for a disk.
 * Both buffers keep their memory between passes.
 *
 * A pass goes over all files. It begins 100 ms after the first line that waits, or when much waits, or when a
 * flush, a reopen or the end asks for it. A file that cannot be written keeps its lines and is tried again
 * with every pass, at least once a second; the others go on.
 *
 * A caller waits for a disk that is slow, and so slows down what makes the lines. For one that takes nothing
 * it does not: strangers make lines, too, and the daemon is not to stand still, or unable to end, for a log.
 */
#include "log/writer.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <string.h>
#include <time.h>
#include <unistd.h>
#include "base/buf.h"
#include "base/clock.h"
#include "base/list.h"
#include "base/mem.h"
#include "base/thread.h"
#include "log/paniclog.h"

enum {
    DELAY_MS = 100,
    RETRY_MS = 1000,
    COMPLAINT_MS = 60000,
    ENOUGH = 256 * 1024,         /* bytes that begin a pass at once */
    TOO_MUCH = 64 * 1024 * 1024, /* bytes of one file that make callers wait, or lines be lost */
    KEPT_BUFFER = 1024 * 1024,   /* an empty buffer larger than this is given back */
};

struct log_file {
    struct list_node link; /* in files; guarded by lock, and removed by passes only */
    char *path;
    mode_t mode;
    unsigned references; /* opens without a close; 0: goes away when it is written */

    /* Guarded by lock. */
    struct buf pending;
    uint64_t waiting; /* bytes in pending and writing */
    uint64_t lost;    /* lines that there was no room for since the file was written last */
    bool failing;     /* the last write did not take all */

    /* Guarded by pass_lock. */
    struct buf writing;
    int fd;
    bool complained; /* the paniclog has it that the file cannot be written */
    struct panic_rate complaints;
};

static pthread_mutex_t pass_lock = PTHREAD_MUTEX_INITIALIZER; /* held during a pass; taken before lock */
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;      /* held for moments */
static pthread_cond_t work;                                   /* for the thread; monotonic clock */
static pthread_cond_t room = PTHREAD_COND_INITIALIZER;        /* fewer bytes wait, or the thread ended */
static pthread_cond_t passed = PTHREAD_COND_INITIALIZER;      /* a pass ended, or the thread did */

/* All guarded by lock. */
static struct list files = {{&files.head, &files.head}};
static uint64_t waiting;                    /* bytes in pending and writing of all files */
static uint64_t fresh;                      /* of those, queued since the last pass began */
static uint64_t fresh_since_ms;             /* when the first of them came */
static unsigned blocked;                    /* callers that wait for room */
static uint64_t passes_begun, passes_ended; /* counts */
static uint64_t pass_wanted;                /* a flush or reopen asks for this pass */
static bool reopen_wanted, running, stopping;

static pthread_t thread;
/* This thread makes passes. If it logs that a file fails, it may be to that file: it queues and never waits.
 */
static _Thread_local bool passing;

/* ---- writing, with pass_lock ----------------------------------------------------------------- */

/* At most once a minute for each file: these lines may be on their way to this very file. */
static void complain(struct log_file *file, int error)
{
    if (!panic_rate_allows(&file->complaints, COMPLAINT_MS, NULL))
        return;
    file->complained = true;
    paniclog(
        PANIC_CRITICAL,
        "log file %s: write: %s; its lines wait in memory until it can be written, and are lost when there "
        "are %d MiB of them",
        file->path, strerror(error), TOO_MUCH >> 20);
}

/* Says that the file can be written again, where that has to be said. */
static void note_success(struct log_file *file)
{
    pthread_mutex_lock(&lock);
    uint64_t lost = file->lost;
    file->lost = 0;
    pthread_mutex_unlock(&lock);
    if (lost > 0)
        paniclog(PANIC_ERROR, "log file %s: written again; %" PRIu64 " lines were lost", file->path, lost);
    else if (file->complained)
        paniclog(PANIC_NOTICE, "log file %s: written again", file->path);
    file->complained = false;
}

/* Writes file->writing as far as the disk takes it. Returns the bytes written. */
static size_t write_out(struct log_file *file)
{
    size_t total = 0;
    while (buf_size(&file->writing) > 0) {
        struct slice lines = buf_slice(&file->writing);
        ssize_t written = write(file->fd, lines.data, lines.size);
        if (written < 0 && errno == EINTR)
            continue;
        if (written <= 0) {
            complain(file, written < 0 ? errno : EIO);
            return total;
        }
        buf_consume(&file->writing, (size_t)written);
        total += (size_t)written;
    }
    note_success(file);
    if (file->writing.capacity > KEPT_BUFFER)
        buf_release(&file->writing);
    return total;
}

/* A pipe that nobody reads is refused (ENXIO): opening it as files are opened would wait for a reader. */
static int open_path(const char *path, mode_t mode)
{
    int fd;
    do
        fd = open(path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NOCTTY | O_NONBLOCK, mode);
    while (fd < 0 && errno == EINTR);
    if (fd >= 0)
        fcntl(fd, F_SETFL, O_APPEND); /* writing may wait */
    return fd;
}

/* The old file stays in use when the path cannot be opened: lines in a rotated file beat lost ones. */
static void reopen(struct log_file *file)
{
    int fd = open_path(file->path, file->mode);
    if (fd < 0) {
        paniclog(PANIC_ERROR, "log file %s: cannot be reopened: %s; lines go on to the file opened before",
                 file->path, strerror(errno));
        return;
    }
    close(file->fd);
    file->fd = fd;
}

static void file_free(struct log_file *file)
{
    close(file->fd);
    buf_release(&file->pending);
    buf_release(&file->writing);
    free(file->path);
    free(file);
}

/* ---- passes, with both locks ----------------------------------------------------------------- */

/* `lock` is given up for the system calls. */
static void write_and_count(struct log_file *file)
{
    pthread_mutex_unlock(&lock);
    size_t written = write_out(file);
    pthread_mutex_lock(&lock);
    waiting -= written;
    file->waiting -= written;
    file->failing = buf_size(&file->writing) > 0;
    if (blocked)
        pthread_cond_broadcast(&room);
}

/* What an earlier pass could not write goes first. */
static void write_file(struct log_file *file)
{
    if (buf_size(&file->writing) > 0)
        write_and_count(file);
    if (buf_size(&file->writing) > 0)
        return;
    struct buf empty = file->writing;
    file->writing = file->pending;
    file->pending = empty;
    write_and_count(file);
}

static bool is_finished(const struct log_file *file)
{
    return file->references == 0 && buf_size(&file->pending) + buf_size(&file->writing) == 0;
}

static void make_pass(void)
{
    bool and_reopen = reopen_wanted;
    uint64_t pass = ++passes_begun;
    reopen_wanted = false;
    fresh = 0;
    for (struct list_node *node = files.head.next, *next; node != &files.head; node = next) {
        struct log_file *file = container_of(node, struct log_file, link);
        write_file(file);
        if (and_reopen) {
            pthread_mutex_unlock(&lock);
            reopen(file);
            pthread_mutex_lock(&lock);
        }
        next = node->next; /* read last: meanwhile a file may have been added behind this one */
        if (is_finished(file)) {
            list_remove(node);
            file_free(file);
        }
    }
    passes_ended = pass;
    pthread_cond_broadcast(&passed);
}

static void make_locked_pass(void)
{
    pthread_mutex_lock(&pass_lock);
    pthread_mutex_lock(&lock);
    make_pass();
    pthread_mutex_unlock(&lock);
    pthread_mutex_unlock(&pass_lock);
}

/* Without locks: a pass in the caller's thread, while the writer thread does not run. */
static void make_own_pass(void)
{
    if (passing)
        return;
    passing = true;
    make_locked_pass();
    passing = false;
}

/* ---- the thread ------------------------------------------------------------------------------ */

/* With lock. When the next pass is due on the clock of clock_mono_ms; UINT64_MAX: only when somebody asks. */
static uint64_t next_pass_ms(uint64_t last_pass_ms)
{
    if (stopping || pass_wanted > passes_begun || fresh >= ENOUGH)
        return 0;
    if (fresh > 0)
        return fresh_since_ms + DELAY_MS;
    return waiting > 0 ? last_pass_ms + RETRY_MS : UINT64_MAX;
}

static void *writer_thread(void *argument)
{
    uint64_t last_pass_ms = 0;
    (void)argument;
    passing = true;
    pthread_mutex_lock(&lock);
    for (;;) {
        uint64_t due = next_pass_ms(last_pass_ms);
        if (due == UINT64_MAX) {
            pthread_cond_wait(&work, &lock);
        } else if (clock_mono_ms() < due) {
            struct timespec until = {.tv_sec = (time_t)(due / 1000), .tv_nsec = (long)(due % 1000) * 1000000};
            pthread_cond_timedwait(&work, &lock, &until);
        } else {
            bool last = stopping;
            pthread_mutex_unlock(&lock);
            make_locked_pass();
            pthread_mutex_lock(&lock);
            last_pass_ms = clock_mono_ms();
            if (last)
                break;
        }
    }
    running = false;
    pthread_cond_broadcast(&room);
    pthread_cond_broadcast(&passed);
    pthread_mutex_unlock(&lock);
    return NULL;
}

/* ---- starting and stopping ------------------------------------------------------------------- */

int log_writer_start(void)
{
    pthread_condattr_t monotonic;
    pthread_condattr_init(&monotonic);
    pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
    pthread_cond_init(&work, &monotonic);
    pthread_condattr_destroy(&monotonic);
    pthread_mutex_lock(&lock);
    stopping = false;
    int error = thread_start(&thread, "log-writer", 0, writer_thread, NULL);
    running = error == 0;
    pthread_mutex_unlock(&lock);
    return error;
}

void log_writer_stop(void)
{
    pthread_mutex_lock(&lock);
    bool join = running;
    stopping = true;
    if (running)
        pthread_cond_signal(&work);
    pthread_mutex_unlock(&lock);
    if (!join)
        return;
    pthread_join(thread, NULL);
    pthread_cond_destroy(&work);
    make_own_pass(); /* what came between the thread's last pass and its end */
    pthread_mutex_lock(&lock);
    uint64_t left = waiting, lost = 0;
    list_each(&files, node, after)
        lost += container_of(node, struct log_file, link)->lost;
    pthread_mutex_unlock(&lock);
    if (left > 0)
        paniclog(PANIC_CRITICAL,
                 "log writer: %" PRIu64 " bytes of log lines cannot be written; %" PRIu64
                 " lines were lost before",
                 left, lost);
}

uint64_t log_writer_waiting(void)
{
    pthread_mutex_lock(&lock);
    uint64_t bytes = waiting;
    pthread_mutex_unlock(&lock);
    return bytes;
}

/* ---- files ----------------------------------------------------------------------------------- */

/* With the lock. */
static struct log_file *find(const char *path)
{
    list_each(&files, node, after) {
        struct log_file *file = container_of(node, struct log_file, link);
        if (strcmp(file->path, path) == 0)
            return file;
    }
    return NULL;
}

struct log_file *log_file_open(const char *path, mode_t mode)
{
    pthread_mutex_lock(&lock);
    struct log_file *file = find(path);
    if (file)
        file->references++;
    pthread_mutex_unlock(&lock);
    if (file)
        return file;
    int fd = open_path(path, mode);
    if (fd < 0)
        return NULL;
    file = mem_new(struct log_file);
    file->path = mem_dup(path);
    file->mode = mode;
    file->references = 1;
    file->fd = fd;
    pthread_mutex_lock(&lock);
    list_append(&files, &file->link);
    pthread_mutex_unlock(&lock);
    return file;
}

/* Is there room for another line? With the lock, which is given up while a slow disk is waited for. */
static bool has_room(const struct log_file *file)
{
    while (file->waiting >= TOO_MUCH && !file->failing && running && !passing) {
        blocked++;
        pthread_cond_wait(&room, &lock);
        blocked--;
    }
    return file->waiting < TOO_MUCH || !file->failing;
}

/* With the lock. */
static void append(struct log_file *file, const char *line, size_t size)
{
    char *end = buf_reserve(&file->pending, size + 1);
    memcpy(end, line, size);
    end[size] = '\n';
    buf_commit(&file->pending, size + 1);
    waiting += size + 1;
    file->waiting += size + 1;
    uint64_t before = fresh;
    fresh += size + 1;
    if (before == 0)
        fresh_since_ms = clock_mono_ms();
    if (running && (before == 0 || (before < ENOUGH && fresh >= ENOUGH)))
        pthread_cond_signal(&work);
}

void log_file_write(struct log_file *file, const char *line, size_t size)
{
    pthread_mutex_lock(&lock);
    if (has_room(file))
        append(file, line, size);
    else
        file->lost++;
    bool own_pass = !running;
    pthread_mutex_unlock(&lock);
    if (own_pass)
        make_own_pass();
}

/* Asks for a pass that begins after this call, and with `wait` stays until it ended. */
static void want_pass(bool and_reopen, bool wait)
{
    pthread_mutex_lock(&lock);
    uint64_t ticket = passes_begun + 1;
    pass_wanted = ticket;
    reopen_wanted = reopen_wanted || and_reopen;
    if (running)
        pthread_cond_signal(&work);
    while (wait && running && passes_ended < ticket)
        pthread_cond_wait(&passed, &lock);
    bool own_pass = !running && passes_ended < ticket;
    pthread_mutex_unlock(&lock);
    if (own_pass)
        make_own_pass();
}

void log_files_reopen(void)
{
    want_pass(true, false);
}

void log_files_flush(void)
{
    want_pass(false, true);
}

void log_file_close(struct log_file *file)
{
    if (!file)
        return;
    pthread_mutex_lock(&lock);
    bool last = --file->references == 0;
    pthread_mutex_unlock(&lock);
    if (last)
        want_pass(false, false);
}
