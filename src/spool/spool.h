/*
 * spool: where accepted messages are before anybody is told 250, and until they are delivered.
 *
 * An interface with a RocksDB backend: column family "meta" holds one row per envelope, "body" one row per
 * chunk. One committer thread collects every request that waits, writes them as one synced batch and reports
 * each back, so that N concurrent messages cost one flush of the disk. Requests of one thread are applied in
 * order.
 */
#ifndef IMPULSE_SPOOL_SPOOL_H
#define IMPULSE_SPOOL_SPOOL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "message/envelope.h"

struct spool;

enum spool_status {
    SPOOL_OK,
    SPOOL_FULL,  /* no room on the disk: answer 452 4.3.1; nothing of the request was kept */
    SPOOL_ERROR, /* the disk failed: answer 451 4.3.0; nothing of the request was kept */
    /*
     * Only of a STORE: the disk failed while the message was made durable, and cannot be read to find out whether it was.
     * The message is removed as soon as the disk works; if the process is started again before that, it may be delivered.
     * No answer would be true, so close the connection.
     */
    SPOOL_UNKNOWN,
};

enum spool_request_kind {
    SPOOL_STORE,   /* the last (or only) part of a body and all its envelopes, synced: after done(OK) it
                      survives kill -9 and power loss. Sets body->undelivered to the number of envelopes. */
    SPOOL_CHUNK,   /* one BODY_CHUNK of a large body while it arrives; durable with the STORE that follows */
    SPOOL_DISCARD, /* the chunks of a body that will not be stored (client left, size exceeded) */
    SPOOL_UPDATE,  /* new retry state of one envelope; not synced (an old state costs a retry too early) */
    SPOOL_REMOVE,  /* one envelope is finished: its row goes, and the body's rows with the last envelope of it
                      (body->undelivered reaches 0); not synced by itself, unless it is to be `durable` */
    SPOOL_REPLACE, /* one envelope becomes another of the same body: its rows go, and `data`, the encoded
                      successor, is kept under `successor` in the same batch; synced. Never refused */
};

/*
 * A request. It lives inside the caller's object and belongs to the spool from submit until done is called.
 *
 * A body whose CHUNK or STORE was refused cannot be stored any more: later parts of it are refused as well,
 * and its owner gives what was kept back with DISCARD.
 */
struct spool_request {
    struct spool_request *next;
    enum spool_request_kind kind;
    /* STORE, CHUNK, DISCARD. The caller's reference lasts until done; for a DISCARD it need not. */
    struct body *body;
    /* STORE: `envelope_count` of them, kept until done. UPDATE, REPLACE and REMOVE: exactly one, read during submit
     * only, so that it may be changed or freed right after. */
    struct envelope **envelopes;
    size_t envelope_count;
    /* CHUNK: its number from 0. STORE: the number of the last part, which is in `data`; a whole body is part
     * 0. */
    uint32_t chunk;
    /* CHUNK and STORE: the bytes; borrowed until done. A STORE after chunks may have none. UPDATE: a remark
     * to keep with the retry state, for spool_remark_read; borrowed until done, or part of the request's own
     * memory. */
    struct slice data;
    uint64_t successor;       /* REPLACE: the new id */
    bool keeps_remark;        /* UPDATE: the remark that is there stays; `data` is empty */
    bool durable;             /* REMOVE: done is called when the removal survives power loss */
    enum spool_status status; /* set before done */
    /* Called on the committer thread when the request is settled; it must not block: post a loop task. The loop is
     * woken when all requests of the batch are settled, and has to live until spool_close. May be NULL for UPDATE,
     * REMOVE and DISCARD: then the spool frees the request with free(). */
    void (*done)(struct spool_request *request);
    struct { /* the spool's */
        uint64_t id, next_attempt_us;
        uint32_t retries;
        uint64_t bytes; /* DISCARD: what the parts took */
        bool last;      /* REMOVE: no other envelope needs the body */
    } facts;
};

/* A reserve of less may be too little to open the spool again: what its log holds is written to files then.
 */
enum { SPOOL_LEAST_RESERVE = 192 * 1024 * 1024 };

struct spool_settings {
    const char
        *directory;      /* Spoolbase; the spool is in its folder "impulse", created if missing and locked */
    bool remove_damaged; /* recovery removes what it cannot read, instead of keeping it for somebody to see */
    uint64_t
        reserve_bytes; /* STORE and CHUNK answer SPOOL_FULL when less would stay free on the file system */
};

/* Opens or creates. NULL with one line in error[] (another process holds it, no permission, corrupt). Main
 * thread. */
struct spool *spool_open(const struct spool_settings *settings, char *error, size_t error_size);

struct spool_recovered {
    uint64_t envelopes, bodies, bytes, orphan_bodies_removed, damaged_rows;
    uint64_t missing; /* when the log has lost something: so many messages at least are gone (0: not known) */
    uint64_t left_out; /* messages that do not fit into memory: they stay in the spool */
    uint64_t greatest_id;
};
/*
 * Reads every envelope back, bodies shared again and undelivered counts rebuilt, and gives each to `take`
 * (whose property it becomes), the oldest body first. The bodies have no memory. Parts of bodies that were
 * never stored are removed; an envelope whose body is missing, or a row that does not decode, is counted as
 * damaged and reported in the paniclog, and kept on disk unless remove_damaged is set. Content is not read:
 * it is missing when the backend knows so without reading it, and spool_body_read tells otherwise. Sets
 * id_set_floor. Before the first submit. 0 or a negative errno.
 */
int spool_recover(struct spool *spool, void (*take)(struct envelope *envelope, void *closure), void *closure,
                  struct spool_recovered *result);

/*
 * Hands a request to the committer: at once, or, on the thread of a loop, with the other requests of the loop's turn
 * when that ends. Any thread; never blocks.
 */
void spool_submit(struct spool *spool, struct spool_request *request);

/*
 * Is there room for a message of `size` bytes (0: unknown)? Cheap (a cached statvfs, at most a second old):
 * for refusing at MAIL before any byte is read. Any thread.
 */
bool spool_has_room(struct spool *spool, uint64_t size);

/*
 * Does the disk not record changes as they come? True while it fails and a change is held until it works again, and while
 * more than 2,000 changes wait. No delivery should begin then: if the process were killed, every message that was delivered
 * and whose removal is not recorded would be delivered again. Cheap. Any thread.
 */
bool spool_is_behind(const struct spool *spool);

/* Returns how many REMOVEs, UPDATEs and REPLACEs were handed to the committer and are not settled. Any thread. */
uint64_t spool_unrecorded(const struct spool *spool);

/* Bytes that may be stored before the reserve is touched, as of the last second. Any thread. */
uint64_t spool_free_bytes(struct spool *spool);

/*
 * Reads part `chunk` of a body into memory from malloc (*data, *size). Blocks on the disk: pool threads only.
 * 0, -ENOENT or -EIO.
 */
int spool_body_read(struct spool *spool, const struct body *body, uint32_t chunk, char **data, size_t *size);

/* The same, as content_reader.read (message/cursor.h). */
int spool_read_content(void *spool, const struct body *body, uint32_t chunk, char **data, size_t *size);

/* The remark of the last UPDATE of an envelope that is not removed, likewise. */
int spool_remark_read(struct spool *spool, uint64_t envelope_id, char **data, size_t *size);

/*
 * Makes a copy of the spool, as of one moment, in the directory `target`, which is created: a backup of what is stored when
 * it begins, while messages come and go. Blocks on the disk: pool threads only. False with one line in error[].
 */
bool spool_backup(struct spool *spool, const char *target, char *error, size_t error_size);

/*
 * The process ends: from here on a REMOVE, UPDATE, REPLACE or DISCARD that the disk does not take after one more
 * attempt is settled with SPOOL_ERROR, and is done again, or not at all, after the next start. Before, it is held
 * until the disk takes it. Any thread.
 */
void spool_let_go(struct spool *spool);
/* Settles everything submitted and syncs, for a process that ends at once: what is submitted from here on is
 * not answered, and nothing is freed. Main thread. */
void spool_finish(struct spool *spool);
/* Settles everything submitted, syncs, closes. Nobody submits any more. */
void spool_close(struct spool *spool);

#endif
