/*
 * test_spool: what is stored comes back after a restart, what was removed does not.
 */
#include <CUnit/Basic.h>
#include <errno.h>
#include "base/buf.h"
#include "base/id.h"
#include "base/mem.h"
#include "base/thread.h"
#include "spool_harness.h"

static void test_store(void)
{
    char *folder = harness_folder();
    struct spool *spool = harness_open(folder);
    struct message message = harness_message(1000, 1);
    CU_ASSERT_EQUAL(harness_store(spool, &message), SPOOL_OK);
    CU_ASSERT(harness_content_is_whole(spool, message.body));
    CU_ASSERT(spool_has_room(spool, 1000));
    spool_close(spool);

    spool = harness_open(folder);
    struct recovered recovered = harness_recover(spool);
    CU_ASSERT_EQUAL(recovered.result.envelopes, 1);
    CU_ASSERT_EQUAL(recovered.result.bodies, 1);
    CU_ASSERT_EQUAL(recovered.result.bytes, 1000);
    CU_ASSERT_EQUAL(recovered.result.damaged_rows, 0);
    CU_ASSERT_EQUAL(recovered.result.orphan_bodies_removed, 0);
    CU_ASSERT_EQUAL(recovered.result.greatest_id, message.envelopes[0]->id);
    struct envelope *envelope = harness_find(&recovered, message.envelopes[0]->id);
    CU_ASSERT_PTR_NOT_NULL_FATAL(envelope);
    CU_ASSERT_PTR_NULL(envelope->body->memory);
    CU_ASSERT_EQUAL(envelope->body->id, message.body->id);
    CU_ASSERT_EQUAL(envelope->body->references, 1);
    CU_ASSERT_EQUAL(envelope->body->undelivered, 1);
    CU_ASSERT(envelope->body->eight_bit);
    CU_ASSERT(harness_content_is_whole(spool, envelope->body));
    CU_ASSERT_EQUAL(harness_remove_envelope(spool, envelope), SPOOL_OK);
    CU_ASSERT_FALSE(harness_content_is_whole(spool, envelope->body));
    harness_recovered_free(&recovered);
    spool_close(spool);

    spool = harness_open(folder);
    recovered = harness_recover(spool);
    CU_ASSERT_EQUAL(recovered.result.envelopes, 0);
    harness_recovered_free(&recovered);
    spool_close(spool);
    harness_message_free(&message);
    harness_remove(folder);
}

static void test_ids_go_on(void)
{
    char *folder = harness_folder();
    struct spool *spool = harness_open(folder);
    struct message message = harness_message(10, 1);
    message.envelopes[0]->connection_id = id_next() + ((uint64_t)1 << 52); /* far in the future */
    CU_ASSERT_EQUAL(harness_store(spool, &message), SPOOL_OK);
    spool_close(spool);
    spool = harness_open(folder);
    CU_ASSERT(id_next() < message.envelopes[0]->connection_id);
    struct recovered recovered = harness_recover(spool);
    CU_ASSERT_EQUAL(recovered.result.greatest_id, message.envelopes[0]->connection_id);
    CU_ASSERT(id_next() > message.envelopes[0]->connection_id);
    harness_recovered_free(&recovered);
    spool_close(spool);
    harness_message_free(&message);
    harness_remove(folder);
}

/* Stores one body for three, reopens, and removes them one after the other. */
static void test_shared_body(void)
{
    char *folder = harness_folder(), *data;
    size_t size;
    struct spool *spool = harness_open(folder);
    struct message message = harness_message(5000, 3);
    CU_ASSERT_EQUAL(harness_store(spool, &message), SPOOL_OK);
    CU_ASSERT_EQUAL(message.body->undelivered, 3);
    CU_ASSERT_EQUAL(harness_remove_envelope(spool, message.envelopes[1]), SPOOL_OK);
    spool_close(spool);

    spool = harness_open(folder);
    struct recovered recovered = harness_recover(spool);
    CU_ASSERT_EQUAL_FATAL(recovered.count, 2);
    CU_ASSERT_EQUAL(recovered.result.bodies, 1);
    CU_ASSERT_EQUAL(recovered.result.bytes, 5000);
    CU_ASSERT_PTR_EQUAL(recovered.envelopes[0]->body, recovered.envelopes[1]->body);
    CU_ASSERT_EQUAL(recovered.envelopes[0]->body->undelivered, 2);
    CU_ASSERT_EQUAL(harness_remove_envelope(spool, recovered.envelopes[0]), SPOOL_OK);
    CU_ASSERT(harness_content_is_whole(spool, recovered.envelopes[1]->body));
    CU_ASSERT_EQUAL(harness_remove_envelope(spool, recovered.envelopes[1]), SPOOL_OK);
    CU_ASSERT_EQUAL(spool_body_read(spool, recovered.envelopes[1]->body, 0, &data, &size), -ENOENT);
    harness_recovered_free(&recovered);
    spool_close(spool);
    harness_message_free(&message);
    harness_remove(folder);
}

/* A recipient that was refused after its envelope was made must not keep the body for ever. */
static void test_fewer_envelopes_than_made(void)
{
    char *folder = harness_folder();
    struct spool *spool = harness_open(folder);
    struct message message = harness_message(100, 3);
    message.envelope_count = 2;
    CU_ASSERT_EQUAL(harness_store(spool, &message), SPOOL_OK);
    message.envelope_count = 3;
    CU_ASSERT_EQUAL(harness_remove_envelope(spool, message.envelopes[0]), SPOOL_OK);
    CU_ASSERT(harness_content_is_whole(spool, message.body));
    CU_ASSERT_EQUAL(harness_remove_envelope(spool, message.envelopes[1]), SPOOL_OK);
    CU_ASSERT_FALSE(harness_content_is_whole(spool, message.body));
    spool_close(spool);
    harness_message_free(&message);
    harness_remove(folder);
}

static const uint64_t sizes[] = {
    0, 1, 511, BODY_CHUNK - 1, BODY_CHUNK, BODY_CHUNK + 1, 2 * BODY_CHUNK, 5 * BODY_CHUNK / 2};
enum { SIZE_COUNT = sizeof sizes / sizeof *sizes };

static void test_sizes(void)
{
    char *folder = harness_folder();
    struct spool *spool = harness_open(folder);
    for (size_t i = 0; i < SIZE_COUNT; i++) {
        struct message message = harness_message(sizes[i], 1);
        CU_ASSERT_EQUAL(harness_store(spool, &message), SPOOL_OK);
        CU_ASSERT(harness_content_is_whole(spool, message.body));
        harness_message_free(&message);
    }
    spool_close(spool);

    spool = harness_open(folder);
    struct recovered recovered = harness_recover(spool);
    CU_ASSERT_EQUAL_FATAL(recovered.count, SIZE_COUNT);
    CU_ASSERT_EQUAL(recovered.result.orphan_bodies_removed, 0);
    for (size_t i = 0; i < SIZE_COUNT; i++) { /* oldest first */
        CU_ASSERT_EQUAL(recovered.envelopes[i]->body->size, sizes[i]);
        CU_ASSERT(harness_content_is_whole(spool, recovered.envelopes[i]->body));
        CU_ASSERT_EQUAL(harness_remove_envelope(spool, recovered.envelopes[i]), SPOOL_OK);
    }
    harness_recovered_free(&recovered);
    spool_close(spool);
    harness_remove(folder);
}

/* A message whose parts were all CHUNKs, ended by a STORE without bytes. */
static void test_store_without_bytes(void)
{
    char *folder = harness_folder();
    struct spool *spool = harness_open(folder);
    for (uint32_t chunks = 1; chunks <= 2; chunks++) {
        struct message message = harness_message((uint64_t)chunks * BODY_CHUNK, 1);
        CU_ASSERT_EQUAL(harness_store_chunks(spool, &message, chunks), SPOOL_OK);
        message.body->chunks = chunks;
        struct spool_request request = {.kind = SPOOL_STORE,
                                        .body = message.body,
                                        .envelopes = message.envelopes,
                                        .envelope_count = 1,
                                        .chunk = chunks - 1};
        CU_ASSERT_EQUAL(harness_settle(spool, &request), SPOOL_OK);
        CU_ASSERT(harness_content_is_whole(spool, message.body));
        harness_message_free(&message);
    }
    spool_close(spool);
    spool = harness_open(folder);
    struct recovered recovered = harness_recover(spool);
    CU_ASSERT_EQUAL_FATAL(recovered.count, 2);
    CU_ASSERT_EQUAL(recovered.result.orphan_bodies_removed, 0);
    CU_ASSERT(harness_content_is_whole(spool, recovered.envelopes[0]->body));
    CU_ASSERT(harness_content_is_whole(spool, recovered.envelopes[1]->body));
    harness_recovered_free(&recovered);
    spool_close(spool);
    harness_remove(folder);
}

static bool has_remark(struct spool *spool, uint64_t id, const char *text)
{
    char *data;
    size_t size;
    if (spool_remark_read(spool, id, &data, &size) != 0)
        return false;
    bool same = slice_equal(slice_of(data, size), slice_text(text));
    free(data);
    return same;
}

static void test_update(void)
{
    char *folder = harness_folder();
    struct spool *spool = harness_open(folder);
    struct message message = harness_message(100, 2);
    CU_ASSERT_EQUAL(harness_store(spool, &message), SPOOL_OK);
    for (uint32_t i = 1; i <= 3; i++) {
        char remark[] = "remark 0";
        remark[7] = (char)('0' + i);
        struct spool_request request = {.kind = SPOOL_UPDATE,
                                        .envelopes = &message.envelopes[0],
                                        .envelope_count = 1,
                                        .data = i == 2 ? slice_of(NULL, 0) : slice_text(remark)};
        message.envelopes[0]->retries = i;
        message.envelopes[0]->next_attempt_us = 1000 * i;
        CU_ASSERT_EQUAL(harness_settle(spool, &request), SPOOL_OK);
        CU_ASSERT(has_remark(spool, message.envelopes[0]->id, i == 2 ? "" : remark));
    }
    char *data;
    size_t size;
    CU_ASSERT_EQUAL(spool_remark_read(spool, message.envelopes[1]->id, &data, &size), -ENOENT);
    spool_close(spool);

    spool = harness_open(folder);
    CU_ASSERT(has_remark(spool, message.envelopes[0]->id, "remark 3"));
    struct recovered recovered = harness_recover(spool);
    struct envelope *tried = harness_find(&recovered, message.envelopes[0]->id);
    struct envelope *fresh = harness_find(&recovered, message.envelopes[1]->id);
    CU_ASSERT_FATAL(tried && fresh);
    CU_ASSERT_EQUAL(tried->retries, 3);
    CU_ASSERT_EQUAL(tried->next_attempt_us, 3000);
    CU_ASSERT_EQUAL(fresh->retries, 0);
    CU_ASSERT_EQUAL(fresh->next_attempt_us, 0);
    CU_ASSERT_EQUAL(harness_remove_envelope(spool, tried), SPOOL_OK);
    CU_ASSERT_EQUAL(harness_remove_envelope(spool, fresh), SPOOL_OK);
    harness_recovered_free(&recovered);
    spool_close(spool);
    harness_message_free(&message);
    harness_remove(folder);
}

/* Without `done` the spool frees the request, and the envelope may be gone before it is settled. */
/* The state is new and the remark the old one. */
static void test_update_keeps_remark(void)
{
    char *folder = harness_folder();
    struct spool *spool = harness_open(folder);
    struct message message = harness_message(100, 1);
    CU_ASSERT_EQUAL(harness_store(spool, &message), SPOOL_OK);
    for (int i = 0; i < 2; i++) {
        struct spool_request update = {.kind = SPOOL_UPDATE,
                                       .envelopes = message.envelopes,
                                       .envelope_count = 1,
                                       .keeps_remark = i == 1,
                                       .data = i == 0 ? SLICE_LITERAL("remark") : slice_of(NULL, 0)};
        message.envelopes[0]->retries = 7;
        message.envelopes[0]->next_attempt_us = 1000 + (uint64_t)i;
        CU_ASSERT_EQUAL(harness_settle(spool, &update), SPOOL_OK);
    }
    CU_ASSERT(has_remark(spool, message.envelopes[0]->id, "remark"));
    spool_close(spool);
    spool = harness_open(folder);
    struct recovered recovered = harness_recover(spool);
    CU_ASSERT_EQUAL_FATAL(recovered.count, 1);
    CU_ASSERT_EQUAL(recovered.envelopes[0]->retries, 7);
    CU_ASSERT_EQUAL(recovered.envelopes[0]->next_attempt_us, 1001);
    harness_recovered_free(&recovered);
    spool_close(spool);
    harness_message_free(&message);
    harness_remove(folder);
}

/* One of two envelopes becomes another; the body goes with the last of those that are there then. */
static void test_replace(void)
{
    char *folder = harness_folder();
    struct spool *spool = harness_open(folder);
    struct message message = harness_message(100, 2);
    CU_ASSERT_EQUAL(harness_store(spool, &message), SPOOL_OK);
    struct envelope *old = message.envelopes[1];
    old->retries = 1; /* it has a state of its own, which goes with it */
    CU_ASSERT_EQUAL(
        harness_settle(spool,
                       &(struct spool_request){.kind = SPOOL_UPDATE, .envelopes = &old, .envelope_count = 1}),
        SPOOL_OK);
    struct envelope_facts facts = {
        .recipient = SLICE_LITERAL("new@example.com"), .id = id_next(), .batch_id = old->batch_id};
    struct envelope *successor = envelope_create(&facts, NULL);
    successor->body = body_ref(message.body);
    struct buf record = {0};
    envelope_encode(successor, &record);
    CU_ASSERT_EQUAL(harness_settle(spool, &(struct spool_request){.kind = SPOOL_REPLACE,
                                                                  .envelopes = &old,
                                                                  .envelope_count = 1,
                                                                  .data = buf_slice(&record),
                                                                  .successor = successor->id}),
                    SPOOL_OK);
    buf_release(&record);
    spool_close(spool);

    spool = harness_open(folder);
    struct recovered recovered = harness_recover(spool);
    CU_ASSERT_EQUAL(recovered.count, 2);
    CU_ASSERT_PTR_NULL(harness_find(&recovered, old->id));
    struct envelope *found = harness_find(&recovered, successor->id);
    CU_ASSERT_PTR_NOT_NULL_FATAL(found);
    CU_ASSERT(slice_equal(found->recipient, SLICE_LITERAL("new@example.com")));
    CU_ASSERT_EQUAL(found->retries, 0);
    CU_ASSERT_EQUAL(found->body->undelivered, 2);
    for (size_t i = 0; i < recovered.count; i++) {
        CU_ASSERT(harness_content_is_whole(spool, recovered.envelopes[i]->body));
        CU_ASSERT_EQUAL(harness_remove_envelope(spool, recovered.envelopes[i]), SPOOL_OK);
    }
    harness_recovered_free(&recovered);
    spool_close(spool);
    CU_ASSERT_EQUAL(harness_count_rows(folder), 0);
    envelope_free(successor);
    harness_message_free(&message);
    harness_remove(folder);
}

static void test_without_done(void)
{
    static const enum spool_request_kind kinds[] = {SPOOL_UPDATE, SPOOL_REMOVE};
    char *folder = harness_folder();
    struct spool *spool = harness_open(folder);
    struct message message = harness_message(100, 1);
    CU_ASSERT_EQUAL(harness_store(spool, &message), SPOOL_OK);
    message.envelopes[0]->retries = 1;
    for (size_t i = 0; i < 2; i++) {
        struct spool_request *request = mem_new(struct spool_request);
        request->kind = kinds[i];
        request->envelopes = message.envelopes;
        request->envelope_count = 1;
        spool_submit(spool, request);
    }
    harness_message_free(&message);
    spool_close(spool);
    spool = harness_open(folder);
    struct recovered recovered = harness_recover(spool);
    CU_ASSERT_EQUAL(recovered.count, 0);
    harness_recovered_free(&recovered);
    spool_close(spool);
    harness_remove(folder);
}

static void test_nothing_is_left(void)
{
    char *folder = harness_folder();
    struct spool *spool = harness_open(folder);
    for (size_t i = 0; i < SIZE_COUNT; i++) {
        struct message message = harness_message(sizes[i], 2);
        CU_ASSERT_EQUAL(harness_store(spool, &message), SPOOL_OK);
        message.envelopes[0]->next_attempt_us = 5;
        struct spool_request request = {
            .kind = SPOOL_UPDATE, .envelopes = message.envelopes, .envelope_count = 1};
        CU_ASSERT_EQUAL(harness_settle(spool, &request), SPOOL_OK);
        CU_ASSERT_EQUAL(harness_remove_envelope(spool, message.envelopes[0]), SPOOL_OK);
        CU_ASSERT_EQUAL(harness_remove_envelope(spool, message.envelopes[1]), SPOOL_OK);
        harness_message_free(&message);
    }
    spool_close(spool);
    CU_ASSERT_EQUAL(harness_count_rows(folder), 0);
    harness_remove(folder);
}

static void test_discard(void)
{
    char *folder = harness_folder();
    struct spool *spool = harness_open(folder);
    struct message message = harness_message(3 * BODY_CHUNK + 1, 1);
    struct message kept = harness_message(2 * BODY_CHUNK, 1);
    CU_ASSERT_EQUAL(harness_store_chunks(spool, &message, 3), SPOOL_OK);
    CU_ASSERT_EQUAL(harness_store(spool, &kept), SPOOL_OK);
    struct spool_request request = {.kind = SPOOL_DISCARD, .body = message.body};
    CU_ASSERT_EQUAL(harness_settle(spool, &request), SPOOL_OK);
    CU_ASSERT_EQUAL(harness_settle(spool, &request), SPOOL_OK); /* twice is harmless */
    CU_ASSERT(harness_content_is_whole(spool, kept.body));
    CU_ASSERT_EQUAL(harness_remove_envelope(spool, kept.envelopes[0]), SPOOL_OK);
    spool_close(spool);
    CU_ASSERT_EQUAL(harness_count_rows(folder), 0);
    harness_message_free(&message);
    harness_message_free(&kept);
    harness_remove(folder);
}

/* The chunks of a body that was arriving when the process ended. */
static void test_orphan(void)
{
    char *folder = harness_folder();
    struct spool *spool = harness_open(folder);
    struct message orphan = harness_message(9 * BODY_CHUNK, 1), message = harness_message(3 * BODY_CHUNK, 1);
    CU_ASSERT_EQUAL(harness_store_chunks(spool, &orphan, 4), SPOOL_OK);
    CU_ASSERT_EQUAL(harness_store(spool, &message), SPOOL_OK);
    spool_close(spool);
    spool = harness_open(folder);
    struct recovered recovered = harness_recover(spool);
    CU_ASSERT_EQUAL(recovered.result.orphan_bodies_removed, 1);
    CU_ASSERT_EQUAL_FATAL(recovered.count, 1);
    CU_ASSERT(harness_content_is_whole(spool, recovered.envelopes[0]->body));
    CU_ASSERT_EQUAL(harness_remove_envelope(spool, recovered.envelopes[0]), SPOOL_OK);
    harness_recovered_free(&recovered);
    spool_close(spool);
    CU_ASSERT_EQUAL(harness_count_rows(folder), 0);
    harness_message_free(&orphan);
    harness_message_free(&message);
    harness_remove(folder);
}

/* ---- threads --------------------------------------------------------------------------------- */

enum { THREADS = 4, MESSAGES = 100 };

struct worker {
    pthread_t thread;
    struct spool *spool;
    struct message kept[MESSAGES / 2];
    unsigned failed;
};

/* Stores messages of all sizes and removes every second one. */
static void *work(void *argument)
{
    struct worker *worker = argument;
    for (size_t i = 0; i < MESSAGES; i++) {
        struct message message = harness_message(i % 20 ? i * 100 : BODY_CHUNK + i, 1 + i % 3);
        worker->failed += harness_store(worker->spool, &message) != SPOOL_OK;
        worker->failed += !harness_content_is_whole(worker->spool, message.body);
        if (i % 2) {
            worker->kept[i / 2] = message;
            continue;
        }
        for (size_t k = 0; k < message.envelope_count; k++)
            worker->failed += harness_remove_envelope(worker->spool, message.envelopes[k]) != SPOOL_OK;
        harness_message_free(&message);
    }
    return NULL;
}

static size_t check_kept(struct worker *worker, struct spool *spool, const struct recovered *recovered)
{
    size_t found = 0;
    for (size_t i = 0; i < MESSAGES / 2; i++) {
        struct message *message = &worker->kept[i];
        for (size_t k = 0; k < message->envelope_count; k++) {
            struct envelope *envelope = harness_find(recovered, message->envelopes[k]->id);
            CU_ASSERT(envelope && harness_content_is_whole(spool, envelope->body));
            found++;
        }
        harness_message_free(message);
    }
    return found;
}

static void test_threads(void)
{
    static struct worker workers[THREADS];
    char *folder = harness_folder();
    struct spool *spool = harness_open(folder);
    for (size_t i = 0; i < THREADS; i++) {
        workers[i].spool = spool;
        CU_ASSERT_EQUAL_FATAL(thread_start(&workers[i].thread, "worker", 0, work, &workers[i]), 0);
    }
    for (size_t i = 0; i < THREADS; i++) {
        pthread_join(workers[i].thread, NULL);
        CU_ASSERT_EQUAL(workers[i].failed, 0);
    }
    spool_close(spool);
    spool = harness_open(folder);
    struct recovered recovered = harness_recover(spool);
    size_t found = 0;
    for (size_t i = 0; i < THREADS; i++)
        found += check_kept(&workers[i], spool, &recovered);
    CU_ASSERT_EQUAL(found, recovered.count);
    CU_ASSERT_EQUAL(recovered.result.bodies, THREADS * MESSAGES / 2);
    harness_recovered_free(&recovered);
    spool_close(spool);
    harness_remove(folder);
}

int main(void)
{
    harness_catch_lines();
    CU_initialize_registry();
    CU_pSuite suite = CU_add_suite("spool", NULL, NULL);
    CU_add_test(suite, "store, restart, remove", test_store);
    CU_add_test(suite, "ids go on", test_ids_go_on);
    CU_add_test(suite, "shared body", test_shared_body);
    CU_add_test(suite, "fewer envelopes than made", test_fewer_envelopes_than_made);
    CU_add_test(suite, "sizes", test_sizes);
    CU_add_test(suite, "store without bytes", test_store_without_bytes);
    CU_add_test(suite, "update", test_update);
    CU_add_test(suite, "update that keeps the remark", test_update_keeps_remark);
    CU_add_test(suite, "replace", test_replace);
    CU_add_test(suite, "without done", test_without_done);
    CU_add_test(suite, "nothing is left", test_nothing_is_left);
    CU_add_test(suite, "discard", test_discard);
    CU_add_test(suite, "orphan", test_orphan);
    CU_add_test(suite, "threads", test_threads);
    return harness_run();
}
