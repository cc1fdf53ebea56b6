/*
 * batch: requests as rows (layout.h).
 */
#include "spool/batch.h"

#include <errno.h>
#include <stdlib.h>
#include "message/envelope.h"
#include "spool/layout.h"

static const struct spool_backend_operations *on(const struct spool_backend *backend)
{
    return backend->operations;
}

/* An empty message has a body row too; a STORE that only ends a large body has none. */
static bool has_body_row(const struct spool_request *request)
{
    return request->data.size > 0 || request->body->size == 0;
}

/* Were parts of the body CHUNKs before this STORE? */
static bool came_in_parts(const struct spool_request *request)
{
    return request->chunk > 0 || !has_body_row(request);
}

/* The first chunk of a large body leaves a mark that the STORE takes away: what still has it at start is a
 * ruin. */
static bool marks_arrival(const struct spool_request *request)
{
    return request->kind == SPOOL_CHUNK && request->chunk == 0;
}

static void add_body(struct spool_backend *backend, const struct spool_request *request)
{
    struct layout_key key;
    if (has_body_row(request))
        on(backend)->put(backend, SPOOL_BODY, layout_body_key(&key, request->body->id, request->chunk),
                         request->data);
    if (marks_arrival(request))
        on(backend)->put(backend, SPOOL_META, layout_meta_key(&key, request->body->id, LAYOUT_ARRIVING),
                         slice_of(NULL, 0));
}

static void add_store(struct spool_backend *backend, const struct spool_request *request, struct buf *scratch)
{
    struct layout_key key;
    add_body(backend, request);
    if (request->body->edits)
        on(backend)->put(backend, SPOOL_META, layout_meta_key(&key, request->body->id, LAYOUT_EDITS),
                         body_edits(request->body));
    if (came_in_parts(request))
        on(backend)->drop(backend, SPOOL_META, layout_meta_key(&key, request->body->id, LAYOUT_ARRIVING));
    for (size_t i = 0; i < request->envelope_count; i++) {
        const struct envelope *envelope = request->envelopes[i];
        buf_clear(scratch);
        envelope_encode(envelope, scratch);
        on(backend)->put(backend, SPOOL_META, layout_meta_key(&key, envelope->id, LAYOUT_ENVELOPE),
                         buf_slice(scratch));
    }
}

/* Of the row that is in the store; one in the batch under construction is not seen. */
static void append_remark(struct spool_backend *backend, uint64_t id, struct buf *out)
{
    struct layout_key key;
    char *data;
    size_t size;
    if (on(backend)->read(backend, SPOOL_META, layout_meta_key(&key, id, LAYOUT_RETRY), &data, &size) != 0)
        return;
    if (size > LAYOUT_RETRY_SIZE)
        buf_append(out, data + LAYOUT_RETRY_SIZE, size - LAYOUT_RETRY_SIZE);
    free(data);
}

static void add_update(struct spool_backend *backend, const struct spool_request *request,
                       struct buf *scratch)
{
    struct layout_key key;
    char value[LAYOUT_RETRY_SIZE];
    buf_clear(scratch);
    buf_append_slice(scratch,
                     layout_retry_value(value, request->facts.next_attempt_us, request->facts.retries));
    if (request->keeps_remark)
        append_remark(backend, request->facts.id, scratch);
    else
        buf_append_slice(scratch, request->data);
    on(backend)->put(backend, SPOOL_META, layout_meta_key(&key, request->facts.id, LAYOUT_RETRY),
                     buf_slice(scratch));
}

static void drop_envelope(struct spool_backend *backend, const struct spool_request *request)
{
    struct layout_key key;
    on(backend)->drop(backend, SPOOL_META, layout_meta_key(&key, request->facts.id, LAYOUT_ENVELOPE));
    if (request->facts.retries > 0 || request->facts.next_attempt_us > 0)
        on(backend)->erase(backend, SPOOL_META, layout_meta_key(&key, request->facts.id, LAYOUT_RETRY));
}

static void add_replace(struct spool_backend *backend, const struct spool_request *request)
{
    struct layout_key key;
    on(backend)->put(backend, SPOOL_META, layout_meta_key(&key, request->successor, LAYOUT_ENVELOPE),
                     request->data);
    drop_envelope(backend, request);
}

static void add_remove(struct spool_backend *backend, const struct spool_request *request)
{
    struct layout_key key;
    drop_envelope(backend, request);
    if (!request->facts.last)
        return;
    if (request->body->edits)
        on(backend)->drop(backend, SPOOL_META, layout_meta_key(&key, request->body->id, LAYOUT_EDITS));
    for (uint32_t chunk = 0; chunk < request->body->chunks; chunk++)
        on(backend)->drop(backend, SPOOL_BODY, layout_body_key(&key, request->body->id, chunk));
}

void batch_add(struct spool_backend *backend, struct spool_request *request, struct buf *scratch)
{
    switch (request->kind) {
    case SPOOL_STORE:
        add_store(backend, request, scratch);
        break;
    case SPOOL_CHUNK:
        add_body(backend, request);
        break;
    case SPOOL_DISCARD:
        request->facts.bytes = batch_drop_parts(backend, request->facts.id);
        break;
    case SPOOL_UPDATE:
        add_update(backend, request, scratch);
        break;
    case SPOOL_REMOVE:
        add_remove(backend, request);
        break;
    case SPOOL_REPLACE:
        add_replace(backend, request);
        break;
    }
}

struct dropping {
    struct spool_backend *backend;
    uint64_t bytes;
};

static bool drop_part(struct slice key, struct slice value, void *closure)
{
    struct dropping *dropping = closure;
    dropping->bytes += value.size;
    on(dropping->backend)->drop(dropping->backend, SPOOL_BODY, key);
    return true;
}

uint64_t batch_drop_parts(struct spool_backend *backend, uint64_t body_id)
{
    struct layout_key key;
    struct dropping dropping = {.backend = backend};
    on(backend)->scan(backend, SPOOL_BODY, layout_id_key(&key, body_id), drop_part, &dropping);
    on(backend)->drop(backend, SPOOL_META, layout_meta_key(&key, body_id, LAYOUT_ARRIVING));
    return dropping.bytes;
}

/* ---- batches whose fate is not known ------------------------------------------------------------------- */

/* A note is the table, the key's size and the key, a byte each but for the key. */

static void note(struct buf *keys, enum spool_table table, struct slice key)
{
    const char head[2] = {(char)table, (char)key.size};
    buf_append(keys, head, sizeof head);
    buf_append_slice(keys, key);
}

static bool next_note(struct slice *notes, enum spool_table *table, struct slice *key)
{
    if (notes->size == 0)
        return false;
    *table = (enum spool_table)notes->data[0];
    *key = slice_of(notes->data + 2, (size_t)notes->data[1]);
    *notes = slice_of(key->data + key->size, notes->size - 2 - key->size);
    return true;
}

void batch_note_puts(const struct spool_request *request, struct buf *keys)
{
    struct layout_key key;
    if (!batch_keeps(request))
        return;
    for (size_t i = 0; i < request->envelope_count; i++)
        note(keys, SPOOL_META, layout_meta_key(&key, request->envelopes[i]->id, LAYOUT_ENVELOPE));
    if (request->kind == SPOOL_STORE && request->body->edits)
        note(keys, SPOOL_META, layout_meta_key(&key, request->body->id, LAYOUT_EDITS));
    if (has_body_row(request))
        note(keys, SPOOL_BODY, layout_body_key(&key, request->body->id, request->chunk));
    if (marks_arrival(request)) /* not the first: a STORE in the same batch drops it */
        note(keys, SPOOL_META, layout_meta_key(&key, request->body->id, LAYOUT_ARRIVING));
}

void batch_note_successor(const struct spool_request *request, struct buf *keys)
{
    struct layout_key key;
    if (request->kind == SPOOL_REPLACE)
        note(keys, SPOOL_META, layout_meta_key(&key, request->successor, LAYOUT_ENVELOPE));
}

int batch_was_kept(struct spool_backend *backend, const struct buf *keys)
{
    struct slice notes = buf_slice(keys), key;
    enum spool_table table;
    char *data;
    size_t size;
    if (!next_note(&notes, &table, &key))
        return 0;
    int error = on(backend)->read(backend, table, key, &data, &size);
    if (error)
        return error == -ENOENT ? 0 : -EIO;
    free(data);
    return 1;
}

void batch_undo_puts(struct spool_backend *backend, const struct buf *keys)
{
    struct slice notes = buf_slice(keys), key;
    enum spool_table table;
    while (next_note(&notes, &table, &key))
        on(backend)->drop(backend, table, key);
}
