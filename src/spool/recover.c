/*
 * recover: one scan of the meta table, in the order of ids.
 *
 * An envelope's retry state is the row after it. Envelopes are collected and then sorted by body, so that the
 * envelopes of one body meet without a map from ids to bodies. Whether the bodies are there is looked up on every
 * processor: it is half of the work.
 *
 * When memory runs short (memory_guard.h) the scan goes on, but keeps envelopes of bodies that it has only. So no body is
 * shared by an envelope in memory and one that is left in the spool.
 */
#include "spool/recover.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include "base/id.h"
#include "base/mem.h"
#include "base/parallel.h"
#include "log/paniclog.h"
#include "message/edits.h"
#include "message/envelope.h"
#include "metrics/memory_guard.h"
#include "spool/batch.h"
#include "spool/layout.h"

enum {
    MOST_DAMAGE_LINES = 20, /* in the paniclog; then they are only counted */
    LOOK_RANGE = 4096,      /* envelopes whose bodies a thread looks up at a time */
    MEASURE_RANGE = 4096,   /* envelopes after which memory is looked at */
    STILL_TO_COME = 512, /* bytes for each envelope after the scan: sorting, its body, its place in a queue */
};

struct found {
    struct body_facts body;
    bool whole; /* of the first envelope of a body: every chunk of the body is there */
    struct envelope *envelope;
};

struct found_edits {
    uint64_t body_id;
    char *sealed; /* owned, until a body takes it */
    size_t size;
};

struct recovery {
    struct spool_backend *backend;
    bool remove_damaged;
    struct spool_recovered *result;
    struct found *found; /* `count` of `capacity` */
    size_t count, capacity;
    size_t fitting;     /* how many of `found` came before memory ran short, then sorted; 0: it did not */
    uint64_t *arriving; /* ids of bodies that were never stored */
    size_t arriving_count;
    struct found_edits *edits; /* in the order of their bodies' ids */
    size_t edits_count, edits_room;
    enum spool_status status;
};

static void see_id(struct recovery *recovery, uint64_t id)
{
    if (id > recovery->result->greatest_id)
        recovery->result->greatest_id = id;
}

static void see_damage(struct recovery *recovery, uint64_t id, const char *what)
{
    char text[ID_TEXT_SIZE];
    if (++recovery->result->damaged_rows > MOST_DAMAGE_LINES)
        return;
    id_format(id, text);
    paniclog(PANIC_ERROR, "spool: %s of message %s; %s", what, text,
             recovery->remove_damaged ? "the row is removed (unlink_on_spool_in_failure)"
                                      : "the row stays in the spool and is not delivered");
}

/* Adds the removal of an envelope's rows to the batch, where that is asked for. */
static void remove_envelope(struct recovery *recovery, uint64_t id)
{
    struct spool_backend *backend = recovery->backend;
    struct layout_key key;
    if (!recovery->remove_damaged)
        return;
    backend->operations->drop(backend, SPOOL_META, layout_meta_key(&key, id, LAYOUT_ENVELOPE));
    backend->operations->erase(backend, SPOOL_META, layout_meta_key(&key, id, LAYOUT_RETRY));
}

static int compare_bodies(const void *a, const void *b)
{
    const struct found *x = a, *y = b;
    if (x->body.id != y->body.id)
        return x->body.id < y->body.id ? -1 : 1;
    return x->envelope->id < y->envelope->id ? -1 : x->envelope->id > y->envelope->id;
}

/* ---- when memory runs short -------------------------------------------------------------------------- */

/* Called before an envelope is added. */
static void measure(struct recovery *recovery)
{
    if (recovery->fitting || recovery->count == 0 || recovery->count % MEASURE_RANGE)
        return;
    memory_guard_look();
    if (memory_guard_has_room(recovery->count * STILL_TO_COME))
        return;
    recovery->fitting = recovery->count;
    qsort(recovery->found, recovery->fitting, sizeof *recovery->found, compare_bodies);
}

static int compare_body_id(const void *id, const void *found)
{
    uint64_t wanted = *(const uint64_t *)id, there = ((const struct found *)found)->body.id;
    return wanted < there ? -1 : wanted > there;
}

static bool is_left_out(const struct recovery *recovery, uint64_t body_id)
{
    return recovery->fitting &&
           !bsearch(&body_id, recovery->found, recovery->fitting, sizeof *recovery->found, compare_body_id);
}

/* ---- rows -------------------------------------------------------------------------------------------- */

static void see_envelope(struct recovery *recovery, uint64_t id, struct slice value)
{
    struct body_facts body;
    struct envelope *envelope = envelope_decode(value, &body);
    if (!envelope || envelope->id != id) {
        envelope_free(envelope);
        see_damage(recovery, id, "cannot read the envelope");
        remove_envelope(recovery, id);
        return;
    }
    see_id(recovery, envelope->batch_id);
    see_id(recovery, envelope->connection_id);
    see_id(recovery, body.id);
    measure(recovery);
    if (is_left_out(recovery, body.id)) {
        recovery->result->left_out++;
        envelope_free(envelope);
        return;
    }
    if (recovery->count == recovery->capacity) {
        recovery->capacity = recovery->capacity ? recovery->capacity * 2 : 1024;
        recovery->found = mem_resize(recovery->found, recovery->capacity * sizeof *recovery->found);
    }
    recovery->found[recovery->count++] = (struct found){.body = body, .envelope = envelope};
}

/*
 * A retry row without its envelope says nothing: it is left from an envelope that was removed without having
 * been retried as far as its owner knew. The envelope may also be one that is left out.
 */
static void see_retry(struct recovery *recovery, uint64_t id, struct slice key, struct slice value)
{
    bool is_last = recovery->count > recovery->fitting;
    struct envelope *envelope = is_last ? recovery->found[recovery->count - 1].envelope : NULL;
    bool stray = !envelope || envelope->id != id;
    if (stray && recovery->fitting)
        return;
    bool damaged = !stray && !layout_retry_parse(value, &envelope->next_attempt_us, &envelope->retries);
    if (damaged)
        see_damage(recovery, id, "cannot read the retry state");
    if (stray || (damaged && recovery->remove_damaged))
        recovery->backend->operations->erase(recovery->backend, SPOOL_META, key);
}

static void see_arriving(struct recovery *recovery, uint64_t id)
{
    size_t count = recovery->arriving_count + 1;
    recovery->arriving = mem_resize(recovery->arriving, count * sizeof *recovery->arriving);
    recovery->arriving[recovery->arriving_count++] = id;
}

static void see_edits(struct recovery *recovery, uint64_t id, struct slice value)
{
    if (is_left_out(recovery, id))
        return;
    if (recovery->edits_count == recovery->edits_room) {
        recovery->edits_room = recovery->edits_room ? recovery->edits_room * 2 : 64;
        recovery->edits = mem_resize(recovery->edits, recovery->edits_room * sizeof *recovery->edits);
    }
    recovery->edits[recovery->edits_count++] = (struct found_edits){
        .body_id = id, .sealed = mem_copy_text(value.data, value.size), .size = value.size};
}

static bool see_row(struct slice key, struct slice value, void *closure)
{
    struct recovery *recovery = closure;
    uint64_t id;
    enum layout_kind kind;
    if (!layout_meta_parse(key, &id, &kind)) {
        see_damage(recovery, 0, "unknown row instead of an envelope");
        if (recovery->remove_damaged)
            recovery->backend->operations->drop(recovery->backend, SPOOL_META, key);
        return true;
    }
    see_id(recovery, id);
    switch (kind) {
    case LAYOUT_ENVELOPE:
        see_envelope(recovery, id, value);
        break;
    case LAYOUT_RETRY:
        see_retry(recovery, id, key, value);
        break;
    case LAYOUT_ARRIVING:
        see_arriving(recovery, id);
        break;
    case LAYOUT_EDITS:
        see_edits(recovery, id, value);
        break;
    }
    return true;
}

/* Removes what is of no use any more, in one batch with the retry rows that the scan erased. */
static int clear_ruins(struct recovery *recovery)
{
    for (size_t i = 0; i < recovery->arriving_count; i++)
        batch_drop_parts(recovery->backend, recovery->arriving[i]);
    recovery->result->orphan_bodies_removed = recovery->arriving_count;
    return recovery->backend->operations->commit(recovery->backend, true) == SPOOL_OK ? 0 : -EIO;
}

static bool is_whole(const struct recovery *recovery, const struct body_facts *body)
{
    struct layout_key key;
    for (uint32_t chunk = 0; chunk < body->chunks; chunk++)
        if (!recovery->backend->operations->may_exist(recovery->backend, SPOOL_BODY,
                                                      layout_body_key(&key, body->id, chunk)))
            return false;
    return true;
}

/* Looks up the bodies of some envelopes, which are sorted by body, each body once. */
static void look_for_bodies(size_t first, size_t end, void *closure)
{
    const struct recovery *recovery = closure;
    struct found *found = recovery->found;
    for (size_t i = first; i < end; i++)
        if (i == 0 || found[i].body.id != found[i - 1].body.id)
            found[i].whole = is_whole(recovery, &found[i].body);
}

static struct body *make_body(const struct body_facts *facts)
{
    struct body *body = body_create(facts->id, NULL, facts->size);
    body->chunks = facts->chunks;
    body->eight_bit = facts->eight_bit;
    return body;
}

static int compare_edits(const void *id, const void *edits)
{
    uint64_t wanted = *(const uint64_t *)id, found = ((const struct found_edits *)edits)->body_id;
    return wanted < found ? -1 : wanted > found;
}

/* Gives the body its edits. False when they are missing, or not of this body. */
static bool take_edits(struct recovery *recovery, struct body *body)
{
    struct found_edits *found = recovery->edits_count
                                    ? bsearch(&body->id, recovery->edits, recovery->edits_count,
                                              sizeof *recovery->edits, compare_edits)
                                    : NULL;
    struct edits_view view;
    if (!found || !found->sealed || !edits_open(slice_of(found->sealed, found->size), &view) ||
        view.base != body->size)
        return false;
    body_set_edits(body, found->sealed, (uint32_t)found->size);
    found->sealed = NULL;
    return true;
}

/* The edits of a copy are upon its body as that is with the body's own. */
static bool fits_body(const struct envelope *envelope, const struct body *body)
{
    struct edits_view own;
    return !(envelope->flags & ENVELOPE_OWN_EDITS) ||
           (edits_open(envelope->header, &own) && own.base == body_edited_size(body));
}

/* The envelopes cannot be delivered. Frees them. */
static void refuse(struct recovery *recovery, struct found *first, size_t count, const char *what)
{
    for (size_t i = 0; i < count; i++) {
        see_damage(recovery, first[i].envelope->id, what);
        remove_envelope(recovery, first[i].envelope->id);
        envelope_free(first[i].envelope);
    }
    if (!recovery->remove_damaged)
        return;
    struct layout_key key;
    batch_drop_parts(recovery->backend, first->body.id);
    if (first->body.edited)
        recovery->backend->operations->drop(recovery->backend, SPOOL_META,
                                            layout_meta_key(&key, first->body.id, LAYOUT_EDITS));
}

/* Attaches `count` envelopes to the body they share. False if it is missing; the envelopes are freed then. */
static bool share_body(struct recovery *recovery, struct found *first, size_t count)
{
    if (!first->whole) {
        refuse(recovery, first, count, "the content is missing");
        return false;
    }
    struct body *body = make_body(&first->body);
    bool sound = !first->body.edited || take_edits(recovery, body);
    for (size_t i = 0; i < count; i++)
        sound = sound && fits_body(first[i].envelope, body);
    if (!sound) {
        body_unref(body);
        refuse(recovery, first, count, "cannot read the edits");
        return false;
    }
    for (size_t i = 0; i < count; i++)
        envelope_attach(first[i].envelope, body);
    body_unref(body);
    recovery->result->bodies++;
    recovery->result->bytes += first->body.size;
    recovery->result->envelopes += count;
    return true;
}

static void give_all(struct recovery *recovery, void (*take)(struct envelope *envelope, void *closure),
                     void *closure)
{
    struct found *found = recovery->found, *end = found + recovery->count;
    while (found < end) {
        size_t sharing = 1;
        while (found + sharing < end && found[sharing].body.id == found->body.id)
            sharing++;
        if (share_body(recovery, found, sharing))
            for (size_t i = 0; i < sharing; i++)
                take(found[i].envelope, closure);
        found += sharing;
    }
}

static void report_damage(const struct spool_recovered *result)
{
    if (result->damaged_rows > MOST_DAMAGE_LINES)
        paniclog(PANIC_ERROR, "spool: %" PRIu64 " rows are damaged in all", result->damaged_rows);
}

/* Removals may be missing as well as messages, so that the difference is the least that is lost. */
static void report_loss(struct spool_backend *backend, struct spool_recovered *result)
{
    struct spool_loss loss = backend->operations->loss(backend);
    uint64_t found = result->envelopes + result->damaged_rows + result->left_out;
    if (!loss.changes)
        return;
    result->missing = loss.messages > found ? loss.messages - found : 0;
    paniclog(PANIC_CRITICAL,
             "spool: at least %" PRIu64 " messages are missing: %" PRIu64 " were stored and %" PRIu64
             " are found",
             result->missing, loss.messages, found);
}

static void free_found(struct recovery *recovery)
{
    for (size_t i = 0; i < recovery->count; i++)
        envelope_free(recovery->found[i].envelope);
}

int recover(struct spool_backend *backend, bool remove_damaged,
            void (*take)(struct envelope *envelope, void *closure), void *closure,
            struct spool_recovered *result)
{
    *result = (struct spool_recovered){0};
    struct recovery recovery = {.backend = backend, .remove_damaged = remove_damaged, .result = result};
    int error = backend->operations->scan(backend, SPOOL_META, slice_of(NULL, 0), see_row, &recovery);
    if (error)
        paniclog(PANIC_CRITICAL,
                 "spool: cannot be read: %s. Nothing was removed; \"impulsectl spool salvage\" reads what "
                 "can be read into "
                 "a new spool",
                 backend->operations->problem(backend));
    if (!error)
        error = clear_ruins(&recovery);
    if (error) {
        free_found(&recovery);
    } else {
        id_set_floor(result->greatest_id);
        if (recovery.count)
            qsort(recovery.found, recovery.count, sizeof *recovery.found, compare_bodies);
        parallel_ranges("recover", recovery.count, LOOK_RANGE, look_for_bodies, &recovery);
        give_all(&recovery, take, closure);
        if (remove_damaged && backend->operations->commit(backend, true) != SPOOL_OK)
            error = -EIO;
        report_damage(result);
        report_loss(backend, result);
    }
    for (size_t i = 0; i < recovery.edits_count; i++)
        free(recovery.edits[i].sealed);
    free(recovery.edits);
    free(recovery.found);
    free(recovery.arriving);
    return error;
}
