/*
 * rescue: check and salvage, message by message; copies are in rescue_copy.c.
 */
#include "spool/rescue.h"

#include <inttypes.h>
#include <stdlib.h>
#include "base/id.h"
#include "base/mem.h"
#include "message/envelope.h"
#include "spool/backend.h"
#include "spool/directory.h"
#include "spool/progress.h"
#include "spool/rescue_rows.h"
#include "spool/survey.h"

enum { BATCH_BYTES = 8 * 1024 * 1024 };

struct rescue {
    struct rescue_rows rows;
    FILE *out;
    struct spool_backend *target; /* NULL: only a check */
    uint64_t waiting;             /* bytes in the target's batch */
    uint64_t whole, lost;         /* messages */
    uint64_t last_body;           /* the last one that was found whole; 0: none yet */
    bool failed;                  /* the target cannot be written */
};

/* ---- one message --------------------------------------------------------------------------------------- */

static void lose(struct rescue *rescue, uint64_t id, const struct envelope *envelope, const char *why,
                 const char *file)
{
    char text[ID_TEXT_SIZE], batch[ID_TEXT_SIZE] = "";
    id_format(id, text);
    rescue->lost++;
    if (!envelope) {
        fprintf(rescue->out, "lost: message %s: %s%s\n", text, why, file);
        return;
    }
    id_format(envelope->batch_id, batch);
    fprintf(rescue->out, "lost: message %s, batch %s, from <%.*s> to <%.*s>: %s%s\n", text, batch,
            (int)envelope->reverse_path.size, envelope->reverse_path.data, (int)envelope->recipient.size,
            envelope->recipient.data, why, file);
}

static void put(struct rescue *rescue, enum spool_table table, struct slice key, struct slice value)
{
    if (!rescue->target)
        return;
    rescue->target->operations->put(rescue->target, table, key, value);
    rescue->waiting += key.size + value.size;
}

static void commit(struct rescue *rescue)
{
    if (!rescue->target || rescue->failed)
        return;
    rescue->target->operations->count(rescue->target, rescue->whole);
    if (rescue->target->operations->commit(rescue->target, true) != SPOOL_OK) {
        fprintf(rescue->out, "the new spool cannot be written: %s\n",
                rescue->target->operations->failure(rescue->target));
        rescue->failed = true;
    }
    rescue->waiting = 0;
}

/* Where a part is, for people. */
static void name_place(const struct rescue_row *row, char place[static 60])
{
    uint64_t number;
    place[0] = '\0';
    if (row && row->type == ENTRY_BLOB && blob_number(row->value, &number))
        snprintf(place, 60, " (%06" PRIu64 ".blob)", number);
}

/* Are all parts there? If not, *why. */
static bool find_parts(const struct rescue *rescue, const struct body_facts *body, const char **why,
                       char place[static 60])
{
    uint64_t size = 0;
    for (uint32_t chunk = 0; chunk < body->chunks; chunk++) {
        struct layout_key key;
        struct slice bytes;
        const struct rescue_row *row =
            rescue_rows_find(&rescue->rows, layout_body_key(&key, body->id, chunk));
        *why = "its content is missing";
        name_place(row, place);
        if (!row || !rescue_rows_value(&rescue->rows, row, &bytes, why))
            return false;
        size += bytes.size;
    }
    *why = "its content does not have the size that it had";
    return size == body->size;
}

static void copy_parts(struct rescue *rescue, const struct body_facts *body)
{
    struct layout_key key;
    struct slice bytes;
    const char *why;
    for (uint32_t chunk = 0; rescue->target && chunk < body->chunks; chunk++) {
        struct slice part = layout_body_key(&key, body->id, chunk);
        if (rescue_rows_value(&rescue->rows, rescue_rows_find(&rescue->rows, part), &bytes, &why))
            put(rescue, SPOOL_BODY, part, bytes);
        if (rescue->waiting >= BATCH_BYTES)
            commit(rescue); /* a body without envelopes is no message: it is put first */
    }
}

/* The row of that kind of the id goes over, if there is one. */
static bool copy_meta(struct rescue *rescue, uint64_t id, enum layout_kind kind)
{
    struct layout_key key;
    struct slice name = layout_meta_key(&key, id, kind);
    const struct rescue_row *row = rescue_rows_find(&rescue->rows, name);
    if (row)
        put(rescue, SPOOL_META, name, row->value);
    return row != NULL;
}

/* Looks for a body and copies it, for the first of its envelopes; they come one after the other. */
static bool take_body(struct rescue *rescue, const struct body_facts *body, const char **why,
                      char place[static 60])
{
    struct layout_key key;
    if (rescue->last_body == body->id)
        return true;
    if (!find_parts(rescue, body, why, place))
        return false;
    place[0] = '\0';
    *why = "the edits of its content are missing";
    if (body->edited && !rescue_rows_find(&rescue->rows, layout_meta_key(&key, body->id, LAYOUT_EDITS)))
        return false;
    copy_parts(rescue, body);
    if (body->edited)
        copy_meta(rescue, body->id, LAYOUT_EDITS);
    rescue->last_body = body->id;
    return true;
}

static void take_envelope(struct rescue *rescue, uint64_t id, struct slice value)
{
    struct body_facts body;
    char place[60] = "";
    const char *why = "its envelope cannot be read";
    struct envelope *envelope = envelope_decode(value, &body);
    if (envelope && envelope->id == id && take_body(rescue, &body, &why, place)) {
        copy_meta(rescue, id, LAYOUT_ENVELOPE);
        copy_meta(rescue, id, LAYOUT_RETRY);
        rescue->whole++;
        if (rescue->waiting >= BATCH_BYTES)
            commit(rescue);
    } else {
        lose(rescue, id, envelope, why, place);
    }
    envelope_free(envelope);
}

/* ---- all ----------------------------------------------------------------------------------------------- */

struct needed { /* by an envelope: its row and its body (0: the envelope cannot be read) */
    uint64_t body;
    const struct rescue_row *row;
};

static int compare_needed(const void *a, const void *b)
{
    const struct needed *x = a, *y = b;
    if (x->body != y->body)
        return x->body < y->body ? -1 : 1;
    return x->row < y->row ? -1 : x->row > y->row;
}

static bool is_needed(const struct needed *needed, size_t count, uint64_t body)
{
    size_t low = 0, high = count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (needed[middle].body < body)
            low = middle + 1;
        else
            high = middle;
    }
    return low < count && needed[low].body == body;
}

/* Bodies that no envelope needs: their envelopes are lost, unless they were still arriving. */
static void tell_orphans(struct rescue *rescue, const struct needed *needed, size_t count)
{
    uint64_t last = 0;
    for (size_t i = 0; i < rescue->rows.count; i++) {
        const struct rescue_row *row = &rescue->rows.rows[i];
        struct layout_key key;
        char text[ID_TEXT_SIZE];
        uint64_t id = layout_key_id(row->key);
        if (row->key_size != LAYOUT_BODY_SIZE || id == last)
            continue;
        last = id;
        if (is_needed(needed, count, id) ||
            rescue_rows_find(&rescue->rows, layout_meta_key(&key, id, LAYOUT_ARRIVING)))
            continue;
        id_format(id, text);
        rescue->rows.damages++;
        fprintf(rescue->out,
                "content %s (the batch id of its messages): its messages are lost, or were removed\n", text);
    }
}

/* The envelopes, with those of one body together. */
static struct needed *list_envelopes(const struct rescue_rows *rows, size_t *count)
{
    struct needed *needed = mem_array(rows->count + 1, sizeof *needed);
    *count = 0;
    for (size_t i = 0; i < rows->count; i++) {
        const struct rescue_row *row = &rows->rows[i];
        struct body_facts body;
        uint64_t id;
        enum layout_kind kind;
        if (!layout_meta_parse(slice_of(row->key, row->key_size), &id, &kind) || kind != LAYOUT_ENVELOPE)
            continue;
        struct envelope *envelope = envelope_decode(row->value, &body);
        needed[(*count)++] = (struct needed){.body = envelope ? body.id : 0, .row = row};
        envelope_free(envelope);
    }
    qsort(needed, *count, sizeof *needed, compare_needed);
    return needed;
}

static void take_all(struct rescue *rescue)
{
    size_t count;
    struct needed *needed = list_envelopes(&rescue->rows, &count);
    for (size_t i = 0; i < count; i++)
        take_envelope(rescue, layout_key_id(needed[i].row->key), needed[i].row->value);
    commit(rescue);
    tell_orphans(rescue, needed, count);
    free(needed);
}

static enum rescue_result sum_up(const struct rescue *rescue)
{
    bool damage = rescue->lost > 0 || rescue->rows.damages > 0;
    fprintf(rescue->out, "%" PRIu64 " messages are whole, %" PRIu64 " are known to be lost\n", rescue->whole,
            rescue->lost);
    return rescue->failed ? RESCUE_FAILED : damage ? RESCUE_DAMAGE : RESCUE_GOOD;
}

bool rescue_is_used(const char *spoolbase)
{
    char *folder = directory_of_spool(spoolbase);
    bool used = directory_is_locked(folder);
    free(folder);
    return used;
}

enum rescue_result rescue_check(const char *spoolbase, FILE *out)
{
    struct rescue rescue = {.out = out};
    struct survey survey;
    char *folder = directory_of_spool(spoolbase);
    survey_take(&survey, folder);
    if (survey.verdict != SURVEY_WHOLE)
        fprintf(out, "%s: %s\n", folder, survey_problem(&survey));
    enum rescue_result result = RESCUE_FAILED;
    if (survey.verdict != SURVEY_FRESH && rescue_rows_read(&rescue.rows, folder, survey.catalogued, out)) {
        take_all(&rescue);
        result = sum_up(&rescue);
    }
    if (result == RESCUE_GOOD && survey.verdict != SURVEY_WHOLE)
        result = RESCUE_DAMAGE;
    rescue_rows_release(&rescue.rows);
    free(folder);
    return result;
}

static struct spool_backend *create_target(const char *target, FILE *out)
{
    char error[600];
    struct directory_lock lock;
    struct spool_backend *backend = NULL;
    struct survey survey;
    char *folder = directory_of_spool(target);
    if (!directory_lock(folder, &lock, error, sizeof error)) {
        fprintf(out, "%s\n", error);
    } else {
        survey_take(&survey, folder);
        if (survey.verdict != SURVEY_FRESH)
            fprintf(out, "%s: there is, or was, a spool: name a directory without one\n", folder);
        else if (!(backend = rocksdb_backend_open(folder, error, sizeof error)))
            fprintf(out, "%s\n", error);
        directory_unlock(&lock);
    }
    free(folder);
    return backend;
}

enum rescue_result rescue_salvage(const char *spoolbase, const char *target, FILE *out)
{
    struct rescue rescue = {.out = out};
    char *folder = directory_of_spool(spoolbase), *target_folder = directory_of_spool(target);
    enum rescue_result result = RESCUE_FAILED;
    struct survey survey;
    survey_take(&survey, folder);
    if (survey.verdict != SURVEY_WHOLE)
        fprintf(out, "%s: %s\n", folder, survey_problem(&survey));
    if (rescue_rows_read(&rescue.rows, folder, survey.catalogued, out) &&
        (rescue.target = create_target(target, out))) {
        take_all(&rescue);
        rescue.target->operations->close(rescue.target);
        progress_mark(target_folder);
        if (!directory_give(folder, target_folder))
            fprintf(out, "%s: give it to the user that impulsed runs as\n", target);
        result = sum_up(&rescue);
        fprintf(out, "the new spool is in %s\n", target);
    }
    rescue_rows_release(&rescue.rows);
    free(target_folder);
    free(folder);
    return result;
}
