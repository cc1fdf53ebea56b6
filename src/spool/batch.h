/*
 * batch: what a request does to the rows. The committer's thread only.
 */
#ifndef IMPULSE_SPOOL_BATCH_H
#define IMPULSE_SPOOL_BATCH_H

#include "base/buf.h"
#include "spool/backend.h"
#include "spool/spool.h"

/* Does the request keep content, so that it needs room and may be refused? The others are never given up. */
static inline bool batch_keeps(const struct spool_request *request)
{
    return request->kind == SPOOL_STORE || request->kind == SPOOL_CHUNK;
}

/* Adds the request's rows to the backend's batch. `scratch` is reused between calls. */
void batch_add(struct spool_backend *backend, struct spool_request *request, struct buf *scratch);

/*
 * Drops the rows of every part of a body that is in the store, and the row that says it is arriving. Parts
 * that are in the batch under construction are not seen. Returns the bytes of the parts.
 */
uint64_t batch_drop_parts(struct spool_backend *backend, uint64_t body_id);

/* ---- batches whose fate is not known ------------------------------------------------------------------- */

/* Appends the keys of the rows that a STORE or CHUNK put, beginning with one that no later request of the batch drops. Appends
 * nothing for other requests. */
void batch_note_puts(const struct spool_request *request, struct buf *keys);
/* Appends the key of the successor's row, of a REPLACE. It is never undone: the row before it may be gone. */
void batch_note_successor(const struct spool_request *request, struct buf *keys);
/* Are the rows of these keys there? A batch is kept whole or not at all, so one is enough. 1, 0 (also when there are no
 * keys), or -EIO. */
int batch_was_kept(struct spool_backend *backend, const struct buf *keys);
/* Adds the removal of all of them to the backend's batch. */
void batch_undo_puts(struct spool_backend *backend, const struct buf *keys);

#endif
