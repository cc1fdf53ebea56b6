/*
 * spool: where accepted messages are before anybody is told 250, and until they are delivered.
 *
 * An interface with a RocksDB backend: column family "meta" holds one row per envelope, "body" one row per chunk.
 * One committer thread collects every request that waits, writes them as one synced batch and reports each back, so
 * that N concurrent messages cost one flush of the disk. Requests of one thread are applied in order.
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
};

/* A request. It lives inside the caller's object and belongs to the spool from submit until done is called. */
struct spool_request {
    struct spool_request *next;
    enum {
        SPOOL_STORE,  /* the body's last (or only) part and all its envelopes, synced: after done(OK) it survives
                         kill -9 and power loss. Body memory and envelopes are read during the call only. */
        SPOOL_CHUNK,  /* one BODY_CHUNK of a large body while it arrives; durable with the STORE that follows */
        SPOOL_DISCARD,/* the chunks of a body that will not be stored (client left, size exceeded) */
        SPOOL_UPDATE, /* new retry state of one envelope; not synced (an old state costs a retry too early) */
        SPOOL_REMOVE, /* one envelope is finished: its row goes, and the body's rows with the last envelope of it
                         (body->undelivered reaches 0); not synced by itself */
    } kind;
    struct body *body;            /* STORE, CHUNK, DISCARD; kept referenced by the caller until done */
    struct envelope **envelopes;  /* STORE: `envelope_count` of them; UPDATE and REMOVE: exactly one */
    size_t envelope_count;
    uint32_t chunk;               /* CHUNK: its number from 0. STORE: number of the last part in `data`; with
                                     body->chunks == 1 that is 0 and data is the whole body */
    struct slice data;            /* CHUNK and STORE: the bytes; borrowed until done; STORE may have none */
    enum spool_status status;     /* set before done */
    /* Called on the committer thread when the request is settled; it must not block: post a loop task. May be NULL
     * for UPDATE, REMOVE and DISCARD: then the spool frees the request with free(). */
    void (*done)(struct spool_request *request);
};

struct spool_settings {
    const char *directory;   /* Spoolbase; created if missing; held by an exclusive lock */
    uint64_t reserve_bytes;  /* STORE and CHUNK answer SPOOL_FULL when less would stay free on the file system */
};

/* Opens or creates. NULL with one line in error[] (another process holds it, no permission, corrupt). Main thread. */
struct spool *spool_open(const struct spool_settings *settings, char *error, size_t error_size);

struct spool_recovered {
    uint64_t envelopes, bodies, bytes, orphan_bodies_removed, damaged_rows;
    uint64_t greatest_id;
};
/*
 * Reads every envelope back, bodies shared again and undelivered counts rebuilt, and gives each to `take` (whose
 * property it becomes). Bodies nobody refers to are removed; an envelope whose body is missing, or a row that does
 * not decode, is counted as damaged, kept on disk and reported in the paniclog. Sets id_set_floor. Before the first
 * submit. 0 or a negative errno.
 */
int spool_recover(struct spool *spool, void (*take)(struct envelope *envelope, void *closure), void *closure,
                  struct spool_recovered *result);

/* Hands a request to the committer. Any thread; never blocks. */
void spool_submit(struct spool *spool, struct spool_request *request);

/*
 * Is there room for a message of `size` bytes (0: unknown)? Cheap (a cached statvfs, at most a second old): for
 * refusing at MAIL before any byte is read. Any thread.
 */
bool spool_has_room(struct spool *spool, uint64_t size);

/*
 * Reads part `chunk` of a body into memory from malloc (*data, *size). Blocks on the disk: pool threads only.
 * 0, -ENOENT or -EIO.
 */
int spool_body_read(struct spool *spool, const struct body *body, uint32_t chunk, char **data, size_t *size);

/* Settles everything submitted, syncs, closes. Nobody submits any more. */
void spool_close(struct spool *spool);

#endif
