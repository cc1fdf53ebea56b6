/*
 * writer: the one thread that writes log files.
 *
 * A line is appended to a memory queue and written by the writer thread soon after (at the latest 100 ms, or when
 * 256 KiB wait). When the disk cannot keep up and 64 MiB of a file wait, the caller blocks: no line is dropped.
 * Files are opened with O_APPEND, so that a rotated or shared file is never overwritten. A file that cannot be
 * written (disk full) keeps its lines and is retried every second; the paniclog says so once a minute. Lines
 * beyond 64 MiB are lost then, and counted: nobody blocks for a file that takes nothing.
 */
#ifndef IMPULSE_LOG_WRITER_H
#define IMPULSE_LOG_WRITER_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

struct log_file;

/* Starts the thread. 0 or a negative errno. Main thread. */
int log_writer_start(void);
/* Writes everything that waits, fsyncs nothing, stops the thread. Files stay open and usable (written directly). Main
 * thread. */
void log_writer_stop(void);

/*
 * Opens (creating with `mode`) the file for appending; two opens of one path share one log_file (counted). NULL
 * with errno set when it cannot be opened. Main thread.
 */
struct log_file *log_file_open(const char *path, mode_t mode);
/* Queues `size` bytes; a newline is added. Any thread. The bytes are copied. */
void log_file_write(struct log_file *file, const char *line, size_t size);
/*
 * Has every open file reopened by its path (after rotation), once lines queued before are written; does not wait for
 * it. A path that cannot be opened leaves the old file in use. Any thread.
 */
void log_files_reopen(void);
/* Bytes of lines that are not written yet, of all files. Any thread. */
uint64_t log_writer_waiting(void);
/* Waits until all lines queued before are with the kernel, or the disk refused them (they are kept and retried). */
void log_files_flush(void);
/* The last close of a file lets it go once its lines are written. Main thread. */
void log_file_close(struct log_file *file);

#endif
