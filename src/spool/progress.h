/*
 * progress: how far the spool had come, in a small file of its own ("progress"), so that a loss is noticed.
 *
 * A log that was cut off looks like one that a kill ended a little earlier. After each durable commit the number of the
 * last change is written here, without a sync: what this file says was durable before, so the file may be behind, but it
 * is never ahead. Whoever opens a spool that has come less far has lost something.
 *
 * The file also says that there is a spool: it is created durably right after the database, and then a second one, the
 * marker, beside the folder. A spool is only created where both are missing and so are RocksDB's files; a creation that was
 * interrupted has left neither, unless the database is there.
 *
 * Thread: the committer's, or the main thread before it starts.
 */
#ifndef IMPULSE_SPOOL_PROGRESS_H
#define IMPULSE_SPOOL_PROGRESS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { PROGRESS_LOGS = 16 };

struct progress_facts {
    /* Of the last change that was durable and is in the newest log, or in a table; RocksDB counts each row that is put or
     * removed. 0: nothing was written since the database was opened, which empties the logs. */
    uint64_t sequence;
    uint64_t messages;            /* envelopes in the spool then */
    uint64_t catalogue;           /* the number of RocksDB's catalogue (MANIFEST), 0: not noted yet */
    uint64_t catalogue_size;      /* bytes of it that were durable */
    uint64_t newest_log;          /* the number of the log that was written to */
    uint64_t log_count;           /* at most PROGRESS_LOGS */
    uint64_t logs[PROGRESS_LOGS]; /* the numbers of the logs that there were */
};

struct progress;

enum progress_state {
    PROGRESS_NONE,    /* there is no such file */
    PROGRESS_READ,    /* *facts is what it says */
    PROGRESS_UNKNOWN, /* it is damaged or cannot be read: there is a spool, but not how far it had come */
};

enum progress_state progress_read(const char *directory, struct progress_facts *facts);

/* Opens the file, creating it durably. NULL with errno set. */
struct progress *progress_open(const char *directory);
/* A database was opened: finds its catalogue, and notes everything, durably. What was noted before is replaced. */
void progress_begin(struct progress *progress, uint64_t messages);
/* A commit comes. `form` is a number that is another one when RocksDB has begun a log: the folder is listed then. If it begins
 * one meanwhile, that is noted with the next commit: the log that is noted may be older than the change, never newer. */
void progress_prepare(struct progress *progress, uint64_t form);
/* The commit wrote something, and is durable. One pwrite; when the catalogue has grown since, it is also synced, and its size is
 * noted by the commit after that. */
void progress_note(struct progress *progress, uint64_t sequence, uint64_t messages);
/* The database was closed, which may have written tables: the catalogue is noted once more, so that it cannot be cut unnoticed.
 * NULL is harmless. */
void progress_close(struct progress *progress);

/* The marker of the spool in `directory`, the file beside it; free() it. */
char *progress_marker(const char *directory);
/* Creates the marker durably. 0 or a negative errno. */
int progress_mark(const char *directory);

#endif
