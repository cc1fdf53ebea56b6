/*
 * writer: writes log files and stderr, each in a thread of its own.
 *
 * A line is appended to the file's queue in memory, and the file's thread writes it soon after (at the latest 100 ms, or
 * when 256 KiB wait). No caller ever waits for a file, because strangers make lines, too: when 64 MiB of a file wait,
 * because its disk is full, slow or does not return from write(2), or because it is a pipe that nobody reads, further
 * lines are lost and counted. The paniclog says that a file takes nothing, and when it does again how many lines
 * were lost. The other files are not affected.
 *
 * Files are opened with O_APPEND, so that a rotated or shared file is never overwritten. A file that cannot be written
 * is retried every second.
 */
#ifndef IMPULSE_LOG_WRITER_H
#define IMPULSE_LOG_WRITER_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

struct log_file;

/* Starts a thread for stderr and for each file that is open; those opened later get theirs then. 0, or the negative
 * errno of thread_start when one cannot be started: none runs then. Main thread. */
int log_writer_start(void);
/*
 * Writes everything that waits, fsyncs nothing, stops the threads. Files stay open and usable (written by the caller).
 * A file whose write does not return for two seconds is left behind, and after ten seconds all are; the paniclog says
 * what is lost. Main thread, or the one that ends the process.
 */
void log_writer_stop(void);
/*
 * Looks after files whose thread is inside one system call for seconds: the paniclog says so once a minute, and when such a
 * file is to be reopened, another thread opens its path; the first one keeps the lines that it had taken and
 * writes them to the old file if that ever takes them. Call it about every second. Main thread.
 */
void log_writer_look(void);

/*
 * Opens (creating with `mode`) the file for appending; two opens of one path share one log_file (counted). NULL
 * with errno set when it cannot be opened, or no thread can be started for it (EAGAIN). Main thread.
 */
struct log_file *log_file_open(const char *path, mode_t mode);
/* Queues `size` bytes; a newline is added. Never waits. Any thread. The bytes are copied. */
void log_file_write(struct log_file *file, const char *line, size_t size);
/*
 * Has every open file reopened by its path (after rotation), once lines queued before are written; does not wait for
 * it. A path that cannot be opened leaves the old file in use. Any thread.
 */
void log_files_reopen(void);
/* Bytes of lines that are not written yet, of all files. Any thread. */
uint64_t log_writer_waiting(void);
/* Lines that were lost since the start, of all files. Any thread. */
uint64_t log_writer_lost(void);
/* Waits until all lines queued before are with the kernel, or their files refused them (they are kept and retried). Does
 * not wait for a file whose write does not return for two seconds, and ten seconds in all. Any thread. */
void log_files_flush(void);
/* The last close of a file closes it once its lines are written; does not wait. Main thread. */
void log_file_close(struct log_file *file);

#endif
