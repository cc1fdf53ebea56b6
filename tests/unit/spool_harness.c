/*
 * spool_harness: see spool_harness.h.
 */
#include "spool_harness.h"

#include <CUnit/Basic.h>
#include <ftw.h>
#include <pthread.h>
#include <stdio.h>
#include "base/buf.h"
#include "base/clock.h"
#include "base/id.h"
#include "base/mem.h"
#include "log/paniclog.h"
#include "spool/backend.h"

/* ---- folders ------------------------------------------------------------------------------------------- */

char *harness_folder(void)
{
    const char *where = getenv("TMPDIR");
    char *folder = mem_printf("%s/impulse-spool.XXXXXX", where ? where : "/tmp");
    if (!mkdtemp(folder)) {
        perror(folder);
        exit(1);
    }
    return folder;
}

static int remove_entry(const char *path, const struct stat *status, int type, struct FTW *walk)
{
    (void)status, (void)type, (void)walk;
    return remove(path);
}

void harness_remove(char *folder)
{
    nftw(folder, remove_entry, 16, FTW_DEPTH | FTW_PHYS);
    free(folder);
}

/* ---- lines of the paniclog ----------------------------------------------------------------------------- */

static struct buf lines;
static pthread_mutex_t lines_lock = PTHREAD_MUTEX_INITIALIZER;

static void keep_line(enum panic_level level, const char *line, size_t size, void *closure)
{
    (void)level, (void)closure;
    pthread_mutex_lock(&lines_lock);
    buf_append(&lines, line, size);
    buf_append(&lines, "\n", 1);
    pthread_mutex_unlock(&lines_lock);
}

void harness_catch_lines(void)
{
    paniclog_add_sink(keep_line, NULL);
    paniclog_set_stderr(false);
}

bool harness_saw_line(const char *text)
{
    pthread_mutex_lock(&lines_lock);
    struct slice all = buf_slice(&lines);
    bool saw = all.size && memmem(all.data, all.size, text, strlen(text));
    pthread_mutex_unlock(&lines_lock);
    return saw;
}

void harness_forget_lines(void)
{
    pthread_mutex_lock(&lines_lock);
    buf_release(&lines);
    pthread_mutex_unlock(&lines_lock);
}

/* ---- requests ------------------------------------------------------------------------------------------ */

struct spool *harness_open(const char *folder)
{
    return harness_open_with(&(struct spool_settings){.directory = folder});
}

struct spool *harness_open_with(const struct spool_settings *settings)
{
    char error[500];
    struct spool *spool = spool_open(settings, error, sizeof error);
    if (!spool) {
        fprintf(stderr, "%s\n", error);
        exit(1);
    }
    return spool;
}

struct waiting {
    struct spool_request request;
    sem_t settled;
};

static void wake(struct spool_request *request)
{
    sem_post(&((struct waiting *)(void *)request)->settled);
}

enum spool_status harness_settle(struct spool *spool, struct spool_request *request)
{
    struct waiting waiting = {.request = *request};
    waiting.request.done = wake;
    sem_init(&waiting.settled, 0, 0);
    spool_submit(spool, &waiting.request);
    while (sem_wait(&waiting.settled) != 0)
        ;
    sem_destroy(&waiting.settled);
    return waiting.request.status;
}

/* ---- messages ------------------------------------------------------------------------------------------ */

char harness_byte(uint64_t id, uint64_t offset)
{
    return (char)((id ^ id >> 12) + offset * 7 + offset / 251);
}

struct message harness_message(uint64_t size, size_t envelope_count)
{
    struct message message = {.body = body_create(id_next(), NULL, size), .envelope_count = envelope_count};
    message.body->eight_bit = true;
    for (size_t i = 0; i < envelope_count; i++) {
        struct envelope_facts facts = {
            .reverse_path = SLICE_LITERAL("sender@example.com"),
            .recipient = SLICE_LITERAL("recipient@example.net"),
            .id = id_next(),
            .batch_id = message.body->id,
            .received_us = clock_wall_us(),
        };
        message.envelopes[i] = envelope_create(&facts, message.body);
    }
    return message;
}

/* The bytes of one chunk, from malloc. */
static struct slice make_chunk(const struct body *body, uint32_t chunk)
{
    uint64_t begin = (uint64_t)chunk * BODY_CHUNK;
    size_t size = body->size - begin < BODY_CHUNK ? (size_t)(body->size - begin) : BODY_CHUNK;
    char *bytes = mem_resize(NULL, size);
    for (size_t i = 0; i < size; i++)
        bytes[i] = harness_byte(body->id, begin + i);
    return slice_of(bytes, size);
}

enum spool_status harness_store_chunks(struct spool *spool, struct message *message, uint32_t chunks)
{
    enum spool_status status = SPOOL_OK;
    for (uint32_t chunk = 0; chunk < chunks && status == SPOOL_OK; chunk++) {
        struct slice data = make_chunk(message->body, chunk);
        struct spool_request request = {
            .kind = SPOOL_CHUNK, .body = message->body, .chunk = chunk, .data = data};
        status = harness_settle(spool, &request);
        free((char *)(uintptr_t)data.data);
    }
    return status;
}

enum spool_status harness_store(struct spool *spool, struct message *message)
{
    uint64_t size = message->body->size;
    uint32_t last = size ? (uint32_t)((size - 1) / BODY_CHUNK) : 0;
    enum spool_status status = harness_store_chunks(spool, message, last);
    if (status != SPOOL_OK)
        return status;
    message->body->chunks = last + 1;
    struct slice data = make_chunk(message->body, last);
    struct spool_request request = {.kind = SPOOL_STORE,
                                    .body = message->body,
                                    .envelopes = message->envelopes,
                                    .envelope_count = message->envelope_count,
                                    .chunk = last,
                                    .data = data};
    status = harness_settle(spool, &request);
    free((char *)(uintptr_t)data.data);
    return status;
}

enum spool_status harness_remove_envelope(struct spool *spool, struct envelope *envelope)
{
    struct spool_request request = {.kind = SPOOL_REMOVE, .envelopes = &envelope, .envelope_count = 1};
    return harness_settle(spool, &request);
}

void harness_message_free(struct message *message)
{
    for (size_t i = 0; i < message->envelope_count; i++)
        envelope_free(message->envelopes[i]);
    body_unref(message->body);
}

bool harness_content_is_whole(struct spool *spool, const struct body *body)
{
    uint64_t offset = 0;
    for (uint32_t chunk = 0; chunk < body->chunks; chunk++) {
        char *data;
        size_t size;
        if (spool_body_read(spool, body, chunk, &data, &size) != 0)
            return false;
        size_t wrong = 0;
        for (size_t i = 0; i < size; i++)
            wrong += data[i] != harness_byte(body->id, offset + i);
        free(data);
        if (wrong)
            return false;
        offset += size;
    }
    return offset == body->size;
}

/* ---- rows ------------------------------------------------------------------------------------ */

static bool count_row(struct slice key, struct slice value, void *closure)
{
    (void)key, (void)value;
    ++*(size_t *)closure;
    return true;
}

size_t harness_count_rows(const char *folder)
{
    char error[500];
    size_t rows = 0;
    char *directory = mem_printf("%s/impulse", folder);
    struct spool_backend *backend = rocksdb_backend_open(directory, error, sizeof error);
    CU_ASSERT_PTR_NOT_NULL_FATAL(backend);
    for (int table = 0; table < SPOOL_TABLE_COUNT; table++)
        CU_ASSERT_EQUAL(
            backend->operations->scan(backend, (enum spool_table)table, slice_of(NULL, 0), count_row, &rows),
            0);
    backend->operations->close(backend);
    free(directory);
    return rows;
}

/* ---- recovery ------------------------------------------------------------------------------------------ */

static void keep_envelope(struct envelope *envelope, void *closure)
{
    struct recovered *recovered = closure;
    recovered->envelopes =
        mem_resize(recovered->envelopes, (recovered->count + 1) * sizeof *recovered->envelopes);
    recovered->envelopes[recovered->count++] = envelope;
}

struct recovered harness_recover(struct spool *spool)
{
    struct recovered recovered = {.count = 0};
    CU_ASSERT_EQUAL(spool_recover(spool, keep_envelope, &recovered, &recovered.result), 0);
    CU_ASSERT_EQUAL(recovered.count, recovered.result.envelopes);
    return recovered;
}

void harness_recovered_free(struct recovered *recovered)
{
    for (size_t i = 0; i < recovered->count; i++)
        envelope_free(recovered->envelopes[i]);
    free(recovered->envelopes);
}

struct envelope *harness_find(const struct recovered *recovered, uint64_t id)
{
    for (size_t i = 0; i < recovered->count; i++)
        if (recovered->envelopes[i]->id == id)
            return recovered->envelopes[i];
    return NULL;
}

int harness_run(void)
{
    CU_basic_run_tests();
    unsigned failures = CU_get_number_of_failures();
    CU_cleanup_registry();
    harness_forget_lines();
    return failures ? 1 : 0;
}
