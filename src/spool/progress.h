/*
 * progress: how far the spool had come, in a small file of its own ("progress"), so that a loss is noticed.
 *
 * A log that was cut off looks like one that a kill ended a little earlier. After each durable commit the number of the
 * last change is written here, without a sync: what this file says was durable before, so the file may be behind, but it
 * is never ahead. If a spool that is opened has come less far, something was lost.
 *
 * The file also says that there is a spool: it is created durably right after the database, and then a second one, the
 * marker, beside the folder. A spool is only created where both are missing, and RocksDB's files as well. An interrupted
 * creation has made neither of the two, or the database is there.
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
    PROGRESS_NONE, /* there is no such file */
    PROGRESS_READ, /* *facts is what it says */
    PROGRESS_UNKNOWN, /* it is damaged or cannot be read: there is a spool, but how far it had come is not known */
};

enum progress_state progress_read(const char *directory, struct progress_facts *facts);

/* Opens the file, creating it durably. NULL with errno set. */
struct progress *progress_open(const char *directory);
/* Called when a database was opened. Finds its catalogue and notes everything, durably, in place of what was noted before. */
void progress_begin(struct progress *progress, uint64_t messages);
/* Called before a commit. `form` is a number that changes when RocksDB begins a log; the logs are listed then. A log that it
 * begins during the commit is noted with the next one: the log that is noted may be older than the change, never newer. */
void progress_prepare(struct progress *progress, uint64_t form);
/* Called after a commit that wrote something and is durable. One pwrite; when the catalogue has grown since, it is also synced, and its size is
 * noted by the commit after that. */
void progress_note(struct progress *progress, uint64_t sequence, uint64_t messages);
/* Called when the database was closed, which may have written tables: notes the catalogue once more, so that it cannot be cut
 * unnoticed, and frees. NULL is harmless. */
void progress_close(struct progress *progress);

/* The marker of the spool in `directory`, the file beside it; free() it. */
char *progress_marker(const char *directory);
/* Creates the marker durably. 0 or a negative errno. */
int progress_mark(const char *directory);

#endif
