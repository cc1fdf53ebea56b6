/*
 * spool: the parts put together: directory and lock, room, backend, reclaimer, committer.
 */
#include "spool/spool.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include "base/id.h"
#include "base/mem.h"
#include "log/paniclog.h"
#include "spool/backend.h"
#include "spool/committer.h"
#include "spool/directory.h"
#include "spool/layout.h"
#include "spool/outbox.h"
#include "spool/progress.h"
#include "spool/reclaimer.h"
#include "spool/recover.h"
#include "spool/room.h"

struct spool {
    char *directory;
    struct directory_lock lock;
    struct room room;
    struct spool_backend *backend;
    struct reclaimer *reclaimer;
    struct committer *committer;
    bool remove_damaged;
};

/* Frees what was opened, in reverse. */
static void release(struct spool *spool)
{
    if (spool->committer)
        committer_stop(spool->committer);
    if (spool->reclaimer)
        reclaimer_stop(spool->reclaimer);
    if (spool->backend)
        spool->backend->operations->close(spool->backend);
    directory_unlock(&spool->lock);
    free(spool->directory);
    free(spool);
}

/* Opens the parts in order. False with a line in error[]. */
static bool open_parts(struct spool *spool, uint64_t reserve_bytes, char *error, size_t error_size)
{
    if (!directory_lock(spool->directory, &spool->lock, error, error_size))
        return false;
    room_init(&spool->room, spool->directory, reserve_bytes);
    spool->backend = rocksdb_backend_open(spool->directory, error, error_size);
    if (!spool->backend)
        return false;
    int unmarked = progress_mark(spool->directory);
    if (unmarked)
        paniclog(PANIC_NOTICE,
                 "spool %s: cannot mark beside it that it exists (%s): if all its files are removed, the "
                 "next start "
                 "does not notice",
                 spool->directory, strerror(-unmarked));
    spool->reclaimer = reclaimer_start(spool->backend, RECLAIMER_LOOK_MS);
    if (spool->reclaimer)
        spool->committer = committer_start(spool->backend, &spool->room, spool->reclaimer);
    if (!spool->committer)
        snprintf(error, error_size, "spool %s: cannot start a thread: %s", spool->directory, strerror(errno));
    return spool->committer != NULL;
}

struct spool *spool_open(const struct spool_settings *settings, char *error, size_t error_size)
{
    struct spool *spool = mem_new(struct spool);
    spool->directory = directory_of_spool(settings->directory);
    spool->lock = (struct directory_lock){.file = -1, .folder = -1};
    spool->remove_damaged = settings->remove_damaged;
    if (open_parts(spool, settings->reserve_bytes, error, error_size))
        return spool;
    release(spool);
    return NULL;
}

int spool_recover(struct spool *spool, void (*take)(struct envelope *envelope, void *closure), void *closure,
                  struct spool_recovered *result)
{
    int error = recover(spool->backend, spool->remove_damaged, take, closure, result);
    if (!error) {
        reclaimer_found(spool->reclaimer, result->bytes);
        committer_found(spool->committer, result->envelopes + result->damaged_rows + result->left_out);
    }
    return error;
}

/* What is asked of an envelope or body later is noted here, because either may be gone by then. */
static void note_facts(struct spool_request *request)
{
    const struct envelope *envelope;
    switch (request->kind) {
    case SPOOL_STORE:
    case SPOOL_CHUNK:
        break;
    case SPOOL_DISCARD:
        request->facts.id = request->body->id;
        request->body = NULL;
        break;
    case SPOOL_REMOVE:
    case SPOOL_UPDATE:
    case SPOOL_REPLACE:
        envelope = request->envelopes[0];
        request->facts.id = envelope->id;
        request->facts.next_attempt_us = envelope->next_attempt_us;
        request->facts.retries = envelope->retries;
        request->body = request->kind == SPOOL_REMOVE ? body_ref(envelope->body) : NULL;
        break;
    }
}

void spool_submit(struct spool *spool, struct spool_request *request)
{
    note_facts(request);
    outbox_submit(spool->committer, request);
}

bool spool_has_room(struct spool *spool, uint64_t size)
{
    return room_has(&spool->room, size);
}

bool spool_is_behind(const struct spool *spool)
{
    return committer_is_behind(spool->committer);
}

uint64_t spool_unrecorded(const struct spool *spool)
{
    return committer_unrecorded(spool->committer);
}

uint64_t spool_free_bytes(struct spool *spool)
{
    return room_left(&spool->room);
}

static void report_unreadable(struct spool *spool, const struct body *body, int error)
{
    char text[ID_TEXT_SIZE];
    const char *problem =
        error == -ENOENT ? "a part is missing" : spool->backend->operations->problem(spool->backend);
    if (!*problem)
        return; /* the disk fails, which is said elsewhere */
    id_format(body->id, text);
    paniclog(
        PANIC_ERROR,
        "spool: the content %s (the batch id of its messages) cannot be read: %s%s; they stay in the spool",
        text, problem, strchr(problem, '/') ? "" : " (\"impulsectl spool check\" names the file)");
}

int spool_body_read(struct spool *spool, const struct body *body, uint32_t chunk, char **data, size_t *size)
{
    struct layout_key key;
    int error = spool->backend->operations->read(spool->backend, SPOOL_BODY,
                                                 layout_body_key(&key, body->id, chunk), data, size);
    if (error)
        report_unreadable(spool, body, error);
    return error;
}

int spool_read_content(void *spool, const struct body *body, uint32_t chunk, char **data, size_t *size)
{
    return spool_body_read(spool, body, chunk, data, size);
}

int spool_remark_read(struct spool *spool, uint64_t envelope_id, char **data, size_t *size)
{
    struct layout_key key;
    int error = spool->backend->operations->read(
        spool->backend, SPOOL_META, layout_meta_key(&key, envelope_id, LAYOUT_RETRY), data, size);
    if (error)
        return error;
    *size = *size > LAYOUT_RETRY_SIZE ? *size - LAYOUT_RETRY_SIZE : 0;
    memmove(*data, *data + LAYOUT_RETRY_SIZE, *size);
    return 0;
}

bool spool_backup(struct spool *spool, const char *target, char *error, size_t error_size)
{
    if (mkdir(target, 0750) != 0) {
        snprintf(error, error_size, "cannot create %s: %s", target, strerror(errno));
        return false;
    }
    char *folder = directory_of_spool(target);
    bool good = spool->backend->operations->backup(spool->backend, folder, error, error_size);
    free(folder);
    return good;
}

void spool_let_go(struct spool *spool)
{
    committer_let_go(spool->committer);
}

void spool_finish(struct spool *spool)
{
    committer_finish(spool->committer);
}

void spool_close(struct spool *spool)
{
    release(spool);
}
