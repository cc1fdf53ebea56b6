/*
 * writer: a queue for each file, and an outlet that empties it.
 *
 * Callers append to the file's `pending` buffer under the one lock. An outlet is a descriptor and its thread: it takes
 * the buffer as a whole, leaves its own empty one, and writes without the lock. So a caller waits for a memcpy and
 * never for a disk, and a file that does not return from a system call keeps only its own thread.
 *
 * While threads do not run (before the start, after the stop, or when one was left behind) the caller itself does what the
 * outlet's thread would do, as far as the file takes it at once.
 *
 * A file that is to be reopened while its outlet is stuck gets a new outlet. The old one is given up: it ends when its
 * system call returns.
 */
#include "log/writer.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <poll.h>
#include <pthread.h>
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
    STUCK_MS = 2000, /* a system call that takes longer does not return */
    STOP_MS = 10000, /* what a flush or the end waits for all files together */
    STEP_MS = 100,   /* how often those look whether an outlet is stuck */
    COMPLAINT_MS = 60000,
    ENOUGH = 256 * 1024,         /* bytes that are written at once */
    PART = 256 * 1024,           /* bytes of one write: a file that is slow is not stuck */
    SMALL_PART = 4096,           /* what a pipe takes without waiting when poll says that it is writable */
    TOO_MUCH = 64 * 1024 * 1024, /* bytes of one file; further lines are lost */
    KEPT_BUFFER = 1024 * 1024,   /* an empty buffer larger than this is given back */
    MOST_GIVEN_UP = 8,           /* outlets at a time */
    THREAD_STACK = 256 * 1024,
};

/* Guarded by lock. `writing` and `fd` belong to whoever made the outlet busy. */
struct outlet {
    struct log_file *file; /* NULL: given up */
    int fd;                /* -1: the path is to be opened first */
    struct buf writing;
    uint64_t calling_since_ms; /* inside a system call; 0: not */
    bool has_thread;
    bool busy; /* somebody is in work_off */
};

/* Guarded by lock. */
struct log_file {
    struct list_node link; /* in files */
    char *path;
    mode_t mode;
    bool is_stderr;      /* has no path, and lines are written at once */
    unsigned references; /* opens without a close; 0: goes away when it is written */
    struct outlet *outlet;
    struct buf pending;
    uint64_t waiting;        /* bytes in pending and in the outlet */
    uint64_t fresh_since_ms; /* when the first line came that no attempt has seen; 0: there is none */
    uint64_t lost;           /* lines since the file was written last */
    int error;               /* of the last write; 0: it took all */
    uint64_t last_attempt_ms, attempts_begun, attempts_ended, attempt_wanted; /* times and counts */
    bool reopen_wanted;
    bool complained; /* the paniclog has it that the file takes nothing */
    struct panic_rate complaints;
    pthread_cond_t work; /* for the outlet's thread */
};

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;  /* held for moments */
static pthread_cond_t changed = PTHREAD_COND_INITIALIZER; /* an attempt or a thread ended */

/* Guarded by lock. */
static struct list files = {{&files.head, &files.head}};
static struct log_file *stderr_file;
static uint64_t waiting, lost; /* bytes that wait now, lines lost since the start; of all files */
static unsigned given_up;      /* outlets */
static bool running, stopping;

static void *outlet_thread(void *outlet);

static struct timespec at(uint64_t ms)
{
    return (struct timespec){.tv_sec = (time_t)(ms / 1000), .tv_nsec = (long)(ms % 1000) * 1000000};
}

/* ---- outlets, with the lock ------------------------------------------------------------------ */

/* Before and after a system call that may take its time. errno is kept. */
static void begin_call(struct outlet *outlet)
{
    outlet->calling_since_ms = clock_mono_ms();
    pthread_mutex_unlock(&lock);
}

static void end_call(struct outlet *outlet)
{
    int saved = errno;
    pthread_mutex_lock(&lock);
    outlet->calling_since_ms = 0;
    errno = saved;
}

static uint64_t calling_ms(const struct outlet *outlet)
{
    return outlet->calling_since_ms ? clock_mono_ms() - outlet->calling_since_ms : 0;
}

static bool is_stuck(const struct log_file *file)
{
    return calling_ms(file->outlet) >= STUCK_MS;
}

static struct outlet *outlet_new(struct log_file *file, int fd)
{
    struct outlet *outlet = mem_new(struct outlet);
    outlet->file = file;
    outlet->fd = fd;
    return outlet;
}

/* The lock is given up meanwhile: close(2), too, may wait for a disk. Nobody else may know the outlet any more. */
static void outlet_free(struct outlet *outlet)
{
    pthread_mutex_unlock(&lock);
    if (outlet->fd >= 0)
        close(outlet->fd);
    pthread_mutex_lock(&lock);
    buf_release(&outlet->writing);
    free(outlet);
}

/* 0 or a negative errno. */
static int start_thread(struct outlet *outlet)
{
    pthread_t thread;
    outlet->has_thread = true;
    int error = thread_start(&thread, "log-writer", THREAD_STACK, outlet_thread, outlet);
    if (error == 0)
        pthread_detach(thread);
    outlet->has_thread = error == 0;
    return error;
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
static void reopen(struct outlet *outlet)
{
    struct log_file *file = outlet->file;
    file->reopen_wanted = false;
    char *path = mem_dup(file->path); /* the file may go away meanwhile, when the outlet is given up */
    mode_t mode = file->mode;
    begin_call(outlet);
    int fd = open_path(path, mode), error = errno;
    if (fd >= 0 && outlet->fd >= 0)
        close(outlet->fd);
    end_call(outlet);
    free(path);
    bool has_none = fd < 0 && outlet->fd < 0;
    if (fd >= 0)
        outlet->fd = fd;
    if (!outlet->file)
        return;
    if (has_none)
        file->error = error;
    if (fd >= 0 || has_none)
        return;
    pthread_mutex_unlock(&lock);
    paniclog(PANIC_ERROR, "log file %s: cannot be reopened: %s; lines go on to the file opened before",
             file->path, strerror(error));
    pthread_mutex_lock(&lock);
}

/* Writes a part. The bytes written, 0 when it was interrupted, or a negative errno. */
static ssize_t write_part(struct outlet *outlet)
{
    struct slice lines = buf_slice(&outlet->writing);
    size_t most = outlet->has_thread ? PART : SMALL_PART;
    begin_call(outlet);
    struct pollfd ready = {.fd = outlet->fd, .events = POLLOUT};
    ssize_t written = -1;
    errno = EAGAIN;
    if (outlet->has_thread || poll(&ready, 1, 0) != 0)
        written = write(outlet->fd, lines.data, lines.size < most ? lines.size : most);
    end_call(outlet);
    if (written < 0)
        return errno == EINTR ? 0 : -errno;
    return written > 0 ? written : -EIO;
}

/* Writes what the outlet has taken, as far as the file takes it. 0 or an errno. */
static int write_out(struct outlet *outlet)
{
    while (buf_size(&outlet->writing) > 0) {
        ssize_t written = write_part(outlet);
        if (written < 0)
            return (int)-written;
        buf_consume(&outlet->writing, (size_t)written);
        waiting -= (size_t)written;
        if (outlet->file)
            outlet->file->waiting -= (size_t)written;
    }
    if (outlet->writing.capacity > KEPT_BUFFER)
        buf_release(&outlet->writing);
    return 0;
}

/* What was taken goes first. Ends when all is written, the file refuses it, or the outlet was given up. */
static void write_all(struct outlet *outlet)
{
    struct log_file *file = outlet->file;
    int error = 0;
    if (outlet->fd < 0)
        reopen(outlet);
    while (outlet->file && error == 0) {
        error = outlet->fd < 0 ? file->error : write_out(outlet);
        if (error || !outlet->file || buf_size(&file->pending) == 0)
            break;
        struct buf empty = outlet->writing;
        outlet->writing = file->pending;
        file->pending = empty;
        file->fresh_since_ms = 0;
    }
    if (!outlet->file)
        return;
    file->error = error;
    file->fresh_since_ms = 0;
    file->last_attempt_ms = clock_mono_ms();
}

/* ---- what the paniclog is told --------------------------------------------------------------- */

/* At most once a minute for each file: these lines may be on their way to this very file. */
static void complain(struct log_file *file, const char *what)
{
    if (!panic_rate_allows(&file->complaints, COMPLAINT_MS, NULL))
        return;
    file->complained = true;
    pthread_mutex_unlock(&lock);
    paniclog(
        PANIC_CRITICAL,
        "log file %s: write: %s; its lines wait in memory until it can be written, and are lost when there "
        "are %d MiB of them",
        file->path, what, TOO_MUCH >> 20);
    pthread_mutex_lock(&lock);
}

/* Says that the file can be written again, where that has to be said. */
static void note_success(struct log_file *file)
{
    uint64_t count = file->lost;
    bool complained = file->complained;
    file->lost = 0;
    file->complained = false;
    if (count == 0 && !complained)
        return;
    pthread_mutex_unlock(&lock);
    if (count > 0)
        paniclog(PANIC_ERROR, "log file %s: written again; %" PRIu64 " lines were lost", file->path, count);
    else
        paniclog(PANIC_NOTICE, "log file %s: written again", file->path);
    pthread_mutex_lock(&lock);
}

/* ---- work, with the lock, which is given up for system calls and for the paniclog ------------ */

/* Gives up the lock, once nobody can find the file. */
static void file_free(struct log_file *file)
{
    list_remove(&file->link);
    outlet_free(file->outlet);
    pthread_cond_destroy(&file->work);
    buf_release(&file->pending);
    free(file->path);
    free(file);
}

/* What the outlet was to write when it was given up. */
static void finish_given_up(struct outlet *outlet)
{
    if (write_out(outlet) != 0) {
        struct slice rest = buf_slice(&outlet->writing);
        for (size_t i = 0; i < rest.size; i++)
            lost += rest.data[i] == '\n';
        waiting -= rest.size;
    }
    outlet_free(outlet);
    given_up--;
}

/* Does all that is wanted of the outlet now. False: the outlet is gone, its file may be, too. */
static bool work_off(struct outlet *outlet)
{
    struct log_file *file = outlet->file;
    if (outlet->busy)
        return true; /* it sees what was added */
    outlet->busy = true;
    uint64_t number = ++file->attempts_begun;
    write_all(outlet);
    if (outlet->file && file->reopen_wanted)
        reopen(outlet);
    if (!outlet->file) {
        finish_given_up(outlet);
        return false;
    }
    if (file->error)
        complain(file, strerror(file->error));
    else
        note_success(file);
    outlet->busy = false;
    file->attempts_ended = number;
    pthread_cond_broadcast(&changed);
    if (file->references > 0 || file->waiting > 0)
        return true;
    file_free(file);
    return false;
}

/* When the outlet has something to do, on the clock of clock_mono_ms; UINT64_MAX: when somebody asks. */
static uint64_t due_ms(const struct log_file *file)
{
    if (stopping || file->reopen_wanted || file->attempt_wanted > file->attempts_begun)
        return 0;
    if (file->error)
        return file->last_attempt_ms + RETRY_MS;
    if (file->fresh_since_ms == 0)
        return UINT64_MAX;
    return file->is_stderr || file->waiting >= ENOUGH ? 0 : file->fresh_since_ms + DELAY_MS;
}

static void *outlet_thread(void *argument)
{
    struct outlet *outlet = argument;
    pthread_mutex_lock(&lock);
    for (bool last = false; !last;) {
        uint64_t due = due_ms(outlet->file);
        if (due == UINT64_MAX) {
            pthread_cond_wait(&outlet->file->work, &lock);
        } else if (clock_mono_ms() < due) {
            struct timespec until = at(due);
            pthread_cond_timedwait(&outlet->file->work, &lock, &until);
        } else {
            last = stopping;
            if (!work_off(outlet))
                break;
            last = last && stopping; /* there may have been a start meanwhile */
            if (last)
                outlet->has_thread = false;
        }
    }
    pthread_cond_broadcast(&changed);
    pthread_mutex_unlock(&lock);
    return NULL;
}

/* Has the file's lines written soon: by its thread, or here. The file may be gone afterwards. */
static void wake(struct log_file *file)
{
    if (file->outlet->has_thread)
        pthread_cond_signal(&file->work);
    else
        work_off(file->outlet);
}

/* The file may be gone afterwards. */
static void release(struct log_file *file)
{
    if (--file->references > 0)
        return;
    file->attempt_wanted = file->attempts_begun + 1;
    wake(file);
}

/* Goes through all files: releases `file` (NULL: begins), returns the next one with a reference, NULL at the end. */
static struct log_file *next_file(struct log_file *file)
{
    struct list_node *node = file ? file->link.next : files.head.next;
    struct log_file *next = node == &files.head ? NULL : container_of(node, struct log_file, link);
    if (next)
        next->references++;
    if (file)
        release(file);
    return next;
}

/* ---- starting and stopping ------------------------------------------------------------------- */

static struct log_file *add_file(const char *path, mode_t mode, int fd)
{
    struct log_file *file = mem_new(struct log_file);
    pthread_condattr_t monotonic;
    pthread_condattr_init(&monotonic);
    pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
    pthread_cond_init(&file->work, &monotonic);
    pthread_condattr_destroy(&monotonic);
    file->path = mem_dup(path);
    file->mode = mode;
    file->references = 1;
    file->outlet = outlet_new(file, fd);
    list_append(&files, &file->link);
    return file;
}

static void queue_stderr(const char *line, size_t size)
{
    log_file_write(stderr_file, line, size);
}

/*
 * Standard error is a file like the others, which is there for good. Its descriptor is used itself, not a copy: when the
 * process goes to the background, whoever started it must see the end of what it says.
 */
static void open_stderr(void)
{
    if (stderr_file)
        return;
    stderr_file = add_file("(stderr)", 0, STDERR_FILENO);
    stderr_file->is_stderr = true;
}

int log_writer_start(void)
{
    int error = 0;
    pthread_mutex_lock(&lock);
    open_stderr();
    stopping = false;
    running = true;
    list_each(&files, node, after) {
        struct log_file *file = container_of(node, struct log_file, link);
        if (error == 0 && !file->outlet->has_thread)
            error = start_thread(file->outlet);
    }
    pthread_mutex_unlock(&lock);
    if (error)
        log_writer_stop();
    else
        paniclog_set_stderr_writer(queue_stderr);
    return error;
}

/* Waits a moment for outlets. */
static void await_change(void)
{
    struct timespec until;
    clock_gettime(CLOCK_MONOTONIC, &until);
    until = at((uint64_t)until.tv_sec * 1000 + (uint64_t)until.tv_nsec / 1000000 + STEP_MS);
    pthread_cond_clockwait(&changed, &lock, CLOCK_MONOTONIC, &until);
}

static bool any_thread_works(void)
{
    list_each(&files, node, after) {
        const struct log_file *file = container_of(node, struct log_file, link);
        if (file->outlet->has_thread && !is_stuck(file))
            return true;
    }
    return false;
}

/* What came between a thread's last work and its end. */
static void write_leftovers(void)
{
    for (struct log_file *file = next_file(NULL); file; file = next_file(file))
        if (!file->outlet->has_thread)
            work_off(file->outlet);
}

void log_writer_stop(void)
{
    uint64_t end = clock_mono_ms() + STOP_MS, left, gone = 0;
    pthread_mutex_lock(&lock);
    if (!running) {
        pthread_mutex_unlock(&lock);
        return;
    }
    stopping = true;
    list_each(&files, node, after)
        pthread_cond_signal(&container_of(node, struct log_file, link)->work);
    while (any_thread_works() && clock_mono_ms() < end)
        await_change();
    running = false;
    write_leftovers();
    left = waiting;
    list_each(&files, each, next)
        gone += container_of(each, struct log_file, link)->lost;
    pthread_mutex_unlock(&lock);
    paniclog_set_stderr_writer(NULL);
    if (left > 0)
        paniclog(PANIC_CRITICAL,
                 "log writer: %" PRIu64 " bytes of log lines cannot be written; %" PRIu64
                 " lines were lost before",
                 left, gone);
}

uint64_t log_writer_waiting(void)
{
    pthread_mutex_lock(&lock);
    uint64_t bytes = waiting;
    pthread_mutex_unlock(&lock);
    return bytes;
}

uint64_t log_writer_lost(void)
{
    pthread_mutex_lock(&lock);
    uint64_t lines = lost;
    pthread_mutex_unlock(&lock);
    return lines;
}

/* ---- files that are stuck, with the lock ----------------------------------------------------- */

/* The old outlet keeps what it has taken. Without a thread for the new one all stays as it is. */
static void replace_outlet(struct log_file *file)
{
    struct outlet *old = file->outlet, *next = outlet_new(file, -1);
    if (given_up >= MOST_GIVEN_UP || start_thread(next) != 0) {
        outlet_free(next);
        return;
    }
    file->waiting -= buf_size(&old->writing);
    file->reopen_wanted = false;
    file->outlet = next;
    file->error = 0;
    file->fresh_since_ms = file->fresh_since_ms ? file->fresh_since_ms : clock_mono_ms();
    old->file = NULL;
    given_up++;
}

void log_writer_look(void)
{
    pthread_mutex_lock(&lock);
    for (struct log_file *file = next_file(NULL); file; file = next_file(file)) {
        if (!file->outlet->has_thread || !is_stuck(file))
            continue;
        if (file->reopen_wanted)
            replace_outlet(file);
        else
            complain(file, "it does not return");
    }
    pthread_mutex_unlock(&lock);
}

/* ---- files ----------------------------------------------------------------------------------- */

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
    pthread_mutex_lock(&lock);
    file = add_file(path, mode, fd);
    int error = running ? start_thread(file->outlet) : 0;
    if (error) {
        file_free(file);
        file = NULL;
    }
    pthread_mutex_unlock(&lock);
    errno = -error;
    return file;
}

/* False: there is no memory for the line. */
static bool append(struct log_file *file, const char *line, size_t size)
{
    char *end = buf_try_reserve(&file->pending, size + 1);
    if (!end)
        return false;
    memcpy(end, line, size);
    end[size] = '\n';
    buf_commit(&file->pending, size + 1);
    waiting += size + 1;
    file->waiting += size + 1;
    return true;
}

void log_file_write(struct log_file *file, const char *line, size_t size)
{
    pthread_mutex_lock(&lock);
    if (file->waiting >= TOO_MUCH || !append(file, line, size)) {
        file->lost++;
        lost++;
    } else {
        bool first = file->fresh_since_ms == 0, enough = file->waiting >= ENOUGH;
        if (first)
            file->fresh_since_ms = clock_mono_ms();
        if (first || (enough && file->waiting - size - 1 < ENOUGH) || !file->outlet->has_thread)
            wake(file);
    }
    pthread_mutex_unlock(&lock);
}

void log_files_reopen(void)
{
    pthread_mutex_lock(&lock);
    for (struct log_file *file = next_file(NULL); file; file = next_file(file)) {
        if (file->is_stderr)
            continue;
        file->reopen_wanted = true;
        if (file->outlet->has_thread && is_stuck(file))
            replace_outlet(file);
        else
            wake(file);
    }
    pthread_mutex_unlock(&lock);
}

void log_files_flush(void)
{
    uint64_t end = clock_mono_ms() + STOP_MS;
    pthread_mutex_lock(&lock);
    for (struct log_file *file = next_file(NULL); file; file = next_file(file)) {
        uint64_t ticket = file->attempts_begun + 1;
        file->attempt_wanted = ticket;
        wake(file);
        while (file->outlet->has_thread && file->attempts_ended < ticket && !is_stuck(file) &&
               clock_mono_ms() < end)
            await_change();
    }
    pthread_mutex_unlock(&lock);
}

void log_file_close(struct log_file *file)
{
    if (!file)
        return;
    pthread_mutex_lock(&lock);
    release(file);
    pthread_mutex_unlock(&lock);
}
