/*
 * test_committer: what is settled how when commits fail, with a backend in memory that fails as it is told.
 *
 * A gate holds the committer inside a `done`, so that what is submitted meanwhile becomes one batch.
 */
#include <CUnit/Basic.h>
#include <errno.h>
#include <limits.h>
#include <semaphore.h>
#include <stdlib.h>
#include "base/id.h"
#include "base/mem.h"
#include "on_loop.h"
#include "spool/committer.h"
#include "spool/layout.h"
#include "spool/outbox.h"
#include "spool_harness.h"

/* ---- the backend --------------------------------------------------------------------------------------- */

enum { MOST_ROWS = 100, MOST_CHANGES = 2500 };

struct row {
    enum spool_table table;
    struct layout_key key;
    size_t key_size;
};

struct change {
    struct row row;
    bool put;
};

/* Touched by the committer's thread; the test looks after something was settled. */
struct fake {
    struct spool_backend backend;
    struct row rows[MOST_ROWS];
    struct change batch[MOST_CHANGES];
    size_t row_count, change_count;
    uint64_t batch_bytes, most_bytes; /* a batch with more content than most_bytes fails */
    unsigned fail;                    /* so many commits fail */
    bool kept;                        /* a batch that fails is there after a revive all the same */
    bool may_be_kept;                 /* what it says of a batch that failed */
    uint64_t messages;                /* what it was told */
    unsigned fail_revive;             /* so many revives fail */
    bool broken;
    enum spool_status status; /* of failures */
    unsigned commits, durable;
    _Atomic unsigned revives;
    uint64_t watched[2]; /* envelopes of which one has a row at any time; 0: nothing is watched */
    bool lost;           /* there was none after some commit */
    bool doubled;        /* a row was put that was there, and that may be put only once */
};

static struct fake fake;

static struct row make_row(enum spool_table table, struct slice key)
{
    struct row row = {.table = table, .key_size = key.size};
    CU_ASSERT_FATAL(key.size <= sizeof row.key);
    memcpy(row.key.bytes, key.data, key.size);
    return row;
}

static size_t find_row(enum spool_table table, struct slice key)
{
    size_t i = 0;
    while (i < fake.row_count && (fake.rows[i].table != table ||
                                  !slice_equal(slice_of(fake.rows[i].key.bytes, fake.rows[i].key_size), key)))
        i++;
    return i;
}

static bool has_envelope_row(uint64_t id)
{
    struct layout_key key;
    return find_row(SPOOL_META, layout_meta_key(&key, id, LAYOUT_ENVELOPE)) < fake.row_count;
}

static bool may_be_put_again(const struct row *row)
{
    return row->table == SPOOL_META && row->key.bytes[LAYOUT_ID_SIZE] == LAYOUT_RETRY;
}

static void apply(void)
{
    for (size_t i = 0; i < fake.change_count; i++) {
        struct change *change = &fake.batch[i];
        size_t at = find_row(change->row.table, slice_of(change->row.key.bytes, change->row.key_size));
        if (change->put && at == fake.row_count)
            fake.rows[fake.row_count++] = change->row;
        else if (change->put)
            fake.doubled = fake.doubled || !may_be_put_again(&change->row);
        else if (at < fake.row_count)
            fake.rows[at] = fake.rows[--fake.row_count];
    }
}

static void fake_put(struct spool_backend *backend, enum spool_table table, struct slice key,
                     struct slice value)
{
    (void)backend;
    fake.batch_bytes += table == SPOOL_BODY ? value.size : 0;
    fake.batch[fake.change_count++] = (struct change){.row = make_row(table, key), .put = true};
}

static void fake_drop(struct spool_backend *backend, enum spool_table table, struct slice key)
{
    (void)backend;
    fake.batch[fake.change_count++] = (struct change){.row = make_row(table, key)};
}

static enum spool_status fake_commit(struct spool_backend *backend, bool durable)
{
    (void)backend;
    bool fails = fake.broken || fake.fail > 0 || fake.batch_bytes > fake.most_bytes;
    fake.commits++;
    fake.durable += durable;
    if (fake.fail > 0)
        fake.fail--;
    if (!fails || fake.kept)
        apply();
    if (fake.watched[0] && !has_envelope_row(fake.watched[0]) && !has_envelope_row(fake.watched[1]))
        fake.lost = true;
    fake.change_count = 0;
    fake.batch_bytes = 0;
    fake.broken = fails;
    return fails ? fake.status : SPOOL_OK;
}

static bool fake_revive(struct spool_backend *backend)
{
    (void)backend;
    fake.revives++;
    if (fake.fail_revive > 0)
        fake.fail_revive--;
    else
        fake.broken = false;
    return !fake.broken;
}

static const char *fake_failure(struct spool_backend *backend)
{
    (void)backend;
    return "as told";
}

static int fake_read(struct spool_backend *backend, enum spool_table table, struct slice key, char **data,
                     size_t *size)
{
    (void)backend;
    if (find_row(table, key) == fake.row_count)
        return -ENOENT;
    *data = mem_zalloc(1);
    *size = 1;
    return 0;
}

static int fake_scan(struct spool_backend *backend, enum spool_table table, struct slice prefix,
                     spool_row_fn *visit, void *closure)
{
    (void)backend;
    for (size_t i = 0; i < fake.row_count; i++) {
        struct slice key = slice_of(fake.rows[i].key.bytes, fake.rows[i].key_size);
        if (fake.rows[i].table == table && slice_equal(slice_of(key.data, prefix.size), prefix) &&
            !visit(key, slice_of(NULL, 0), closure))
            break;
    }
    return 0;
}

static bool fake_may_be_kept(struct spool_backend *backend)
{
    (void)backend;
    return fake.may_be_kept;
}

static void fake_count(struct spool_backend *backend, uint64_t messages)
{
    (void)backend;
    fake.messages = messages;
}

static uint64_t fake_size(struct spool_backend *backend)
{
    (void)backend;
    return 0;
}

static void fake_interrupt(struct spool_backend *backend)
{
    (void)backend;
}

static const struct spool_backend_operations fake_operations = {
    .put = fake_put,
    .drop = fake_drop,
    .erase = fake_drop,
    .commit = fake_commit,
    .revive = fake_revive,
    .may_be_kept = fake_may_be_kept,
    .count = fake_count,
    .failure = fake_failure,
    .read = fake_read,
    .scan = fake_scan,
    .size = fake_size,
    .interrupt = fake_interrupt,
};

/* ---- submitting ---------------------------------------------------------------------------------------- */

static struct committer *committer;
static struct reclaimer *reclaimer;
static struct room room;
static sem_t settled, gate_reached, gate_open;

static void begin(void)
{
    fake =
        (struct fake){.backend.operations = &fake_operations, .most_bytes = UINT64_MAX, .status = SPOOL_FULL};
    room_init(&room, "/", 0);
    harness_forget_lines();
    reclaimer = reclaimer_start(&fake.backend, RECLAIMER_LOOK_MS);
    committer = committer_start(&fake.backend, &room, reclaimer);
}

static void on_settled(struct spool_request *request)
{
    (void)request;
    sem_post(&settled);
}

static void wait_settled(unsigned count)
{
    while (count > 0)
        if (sem_wait(&settled) == 0)
            count--;
}

static void on_gate(struct spool_request *request)
{
    (void)request;
    sem_post(&gate_reached);
    while (sem_wait(&gate_open) != 0)
        ;
}

static struct spool_request gate;

static void close_gate(void)
{
    gate = (struct spool_request){.kind = SPOOL_UPDATE, .facts.id = 1, .done = on_gate};
    committer_submit(committer, &gate);
    while (sem_wait(&gate_reached) != 0)
        ;
    fake.commits = fake.durable = 0;
}

static void open_gate(void)
{
    sem_post(&gate_open);
}

/* A message and the requests about it. */
struct item {
    struct message message;
    struct spool_request store, chunk, remove;
};

static const char content[1000];

static void make_item(struct item *item, size_t size)
{
    item->message = harness_message(size, 1);
    item->store = (struct spool_request){.kind = SPOOL_STORE,
                                         .body = item->message.body,
                                         .envelopes = item->message.envelopes,
                                         .envelope_count = 1,
                                         .data = slice_of(content, size),
                                         .done = on_settled};
    item->chunk = (struct spool_request){
        .kind = SPOOL_CHUNK, .body = item->message.body, .data = slice_of(content, size), .done = on_settled};
}

/* As spool_submit prepares it. */
static struct spool_request removal_of(const struct item *item)
{
    return (struct spool_request){.kind = SPOOL_REMOVE,
                                  .body = body_ref(item->message.body),
                                  .facts.id = item->message.envelopes[0]->id,
                                  .done = on_settled};
}

static void submit_remove(struct item *item)
{
    item->remove = removal_of(item);
    committer_submit(committer, &item->remove);
}

static bool has_envelope(const struct item *item)
{
    return has_envelope_row(item->message.envelopes[0]->id);
}

static bool has_body(const struct item *item, uint32_t chunk)
{
    struct layout_key key;
    return find_row(SPOOL_BODY, layout_body_key(&key, item->message.body->id, chunk)) < fake.row_count;
}

static void end(struct item *items, size_t count)
{
    committer_stop(committer);
    reclaimer_stop(reclaimer);
    for (size_t i = 0; i < count; i++)
        harness_message_free(&items[i].message);
}

/* ---- tests --------------------------------------------------------------------------------------------- */

static void test_group(void)
{
    struct item items[10];
    begin();
    close_gate();
    for (size_t i = 0; i < 10; i++) {
        make_item(&items[i], 100);
        committer_submit(committer, &items[i].store);
    }
    open_gate();
    wait_settled(10);
    CU_ASSERT_EQUAL(fake.commits, 1);
    CU_ASSERT_EQUAL(fake.durable, 1);
    CU_ASSERT_EQUAL(fake.row_count, 21); /* an envelope and a body each, and the gate's update */
    close_gate();
    for (size_t i = 0; i < 10; i++)
        submit_remove(&items[i]);
    open_gate();
    wait_settled(10);
    CU_ASSERT_EQUAL(fake.commits, 1);
    CU_ASSERT_EQUAL(fake.durable, 0);
    CU_ASSERT_EQUAL(fake.row_count, 1);
    end(items, 10);
}

enum { IN_A_TURN = 5 };

static void submit_turn(void *argument)
{
    struct item *items = argument;
    for (size_t i = 0; i < IN_A_TURN; i++)
        outbox_submit(committer, &items[i].store);
    items[0].remove = removal_of(&items[0]);
    outbox_submit(committer, &items[0].remove); /* applied after the STORE, as it was submitted */
}

/* No gate holds the committer here: what a loop submits in one turn becomes one batch all the same. */
static void test_turn_of_a_loop(void)
{
    struct item items[IN_A_TURN];
    struct loop_group *group = loop_group_create("loops", 1);
    begin();
    for (size_t i = 0; i < IN_A_TURN; i++)
        make_item(&items[i], 100);
    loop_group_start(group);
    for (unsigned round = 0; round < 20; round++) {
        fake.commits = fake.durable = 0;
        on_loop_of(group, submit_turn, items);
        wait_settled(IN_A_TURN + 1);
        CU_ASSERT_EQUAL(fake.commits, 1);
        CU_ASSERT_EQUAL(fake.durable, 1);
        CU_ASSERT_FALSE(has_envelope(&items[0]));
        CU_ASSERT(has_envelope(&items[1]));
        fake.row_count = 0;
    }
    loop_group_stop(group);
    loop_group_free(group);
    end(items, IN_A_TURN);
}

/* A message that was refused after it was stored must not come back. */
static void test_durable_removal(void)
{
    struct item items[2];
    begin();
    for (size_t i = 0; i < 2; i++) {
        make_item(&items[i], 100);
        committer_submit(committer, &items[i].store);
    }
    wait_settled(2);
    close_gate();
    submit_remove(&items[0]);
    items[1].remove = (struct spool_request){.kind = SPOOL_REMOVE,
                                             .body = body_ref(items[1].message.body),
                                             .facts.id = items[1].message.envelopes[0]->id,
                                             .durable = true,
                                             .done = on_settled};
    committer_submit(committer, &items[1].remove);
    fake.fail = 1;
    open_gate();
    wait_settled(2);
    CU_ASSERT_EQUAL(fake.durable, 2); /* the one that failed, too */
    CU_ASSERT_EQUAL(items[1].remove.status, SPOOL_OK);
    CU_ASSERT_FALSE(has_envelope(&items[0]) || has_envelope(&items[1]));
    end(items, 2);
}

/* One that does not fit does not take the others with it. */
static void test_one_too_big(void)
{
    struct item items[4];
    begin();
    close_gate();
    for (size_t i = 0; i < 4; i++) {
        make_item(&items[i], i == 1 ? 1000 : 10);
        committer_submit(committer, &items[i].store);
    }
    fake.most_bytes = 500;
    open_gate();
    wait_settled(4);
    for (size_t i = 0; i < 4; i++) {
        CU_ASSERT_EQUAL(items[i].store.status, i == 1 ? SPOOL_FULL : SPOOL_OK);
        CU_ASSERT_EQUAL(has_envelope(&items[i]), i != 1);
    }
    CU_ASSERT(harness_saw_line("the disk is full"));
    CU_ASSERT(harness_saw_line("as told"));
    CU_ASSERT(harness_saw_line("writing works again"));
    end(items, 4);
}

/* The write failed, but it turns out that the batch was kept: then it was stored. */
static void test_failed_but_kept(void)
{
    struct item items[2];
    begin();
    close_gate();
    for (size_t i = 0; i < 2; i++) {
        make_item(&items[i], 10);
        committer_submit(committer, &items[i].store);
    }
    fake.fail = 1;
    fake.kept = true;
    open_gate();
    wait_settled(2);
    CU_ASSERT_EQUAL(fake.commits, 1);
    CU_ASSERT_EQUAL(items[0].store.status, SPOOL_OK);
    CU_ASSERT_EQUAL(items[1].store.status, SPOOL_OK);
    CU_ASSERT(has_envelope(&items[0]) && has_envelope(&items[1]));
    end(items, 2);
}

/* Behind a message that is stored, its removal and another message fail. */
static void fail_removal(struct item items[2], unsigned fail_revive, enum spool_status status)
{
    make_item(&items[0], 10);
    make_item(&items[1], 10);
    committer_submit(committer, &items[0].store);
    wait_settled(1);
    close_gate();
    submit_remove(&items[0]);
    committer_submit(committer, &items[1].store);
    fake.status = SPOOL_ERROR;
    fake.fail = 1;
    fake.fail_revive = fail_revive;
    open_gate();
    wait_settled(1);
    CU_ASSERT_EQUAL(items[1].store.status, status);
}

/* At the end of the process what is held is let go: the removal that waits is answered. */
static void test_let_go(void)
{
    struct item items[2];
    begin();
    fail_removal(items, UINT_MAX, SPOOL_ERROR);
    committer_let_go(committer);
    wait_settled(1);
    CU_ASSERT_EQUAL(items[0].remove.status, SPOOL_ERROR);
    CU_ASSERT(has_envelope(&items[0]));
    CU_ASSERT(harness_saw_line("could not be written"));
    items[0].remove = (struct spool_request){.kind = SPOOL_UPDATE, .facts.id = 1, .done = on_settled};
    committer_submit(committer, &items[0].remove);
    wait_settled(1);
    CU_ASSERT_EQUAL(items[0].remove.status, SPOOL_ERROR);
    end(items, 2);
}

/* Refused while the backend is down; a removal waits, and what was kept of the refused goes when it is up
 * again. */
static void test_down(bool kept)
{
    struct item items[4];
    begin();
    fake.kept = fake.may_be_kept = kept;
    fail_removal(items, 1, kept ? SPOOL_UNKNOWN : SPOOL_ERROR);
    make_item(&items[2], 10);
    committer_submit(committer, &items[2].store);
    wait_settled(1);
    CU_ASSERT_EQUAL(items[2].store.status, SPOOL_ERROR);
    CU_ASSERT_EQUAL(fake.revives, 1); /* it was not even tried again so soon */
    CU_ASSERT_TRUE(committer_is_behind(committer));
    CU_ASSERT_EQUAL(committer_unrecorded(committer), 1);
    wait_settled(1);
    CU_ASSERT_EQUAL(committer_unrecorded(committer), 0);
    CU_ASSERT_EQUAL(items[0].remove.status, SPOOL_OK);
    CU_ASSERT_EQUAL(fake.revives, 2);
    CU_ASSERT_FALSE(has_envelope(&items[0]) || has_envelope(&items[1]) || has_envelope(&items[2]));
    CU_ASSERT_FALSE(has_body(&items[0], 0) || has_body(&items[1], 0) || has_body(&items[2], 0));
    make_item(&items[3], 10);
    committer_submit(committer, &items[3].store);
    wait_settled(1);
    CU_ASSERT_FALSE(committer_is_behind(committer));
    CU_ASSERT_EQUAL(fake.messages, 1);
    end(items, 4);
}

/* While the disk hangs, deliveries are to pause before too many removals wait. */
static void test_behind_while_the_disk_hangs(void)
{
    enum { MANY = 2100 };
    struct item item;
    begin();
    make_item(&item, 10);
    struct spool_request *updates = mem_array(MANY, sizeof *updates);
    close_gate();
    CU_ASSERT_FALSE(committer_is_behind(committer));
    for (size_t i = 0; i < MANY; i++) {
        updates[i] = (struct spool_request){.kind = SPOOL_UPDATE, .facts.id = 2, .done = on_settled};
        committer_submit(committer, &updates[i]);
    }
    CU_ASSERT_TRUE(committer_is_behind(committer));
    open_gate();
    wait_settled(MANY);
    CU_ASSERT_FALSE(committer_is_behind(committer));
    free(updates);
    end(&item, 1);
}

static void test_down_and_lost(void)
{
    test_down(false);
}

static void test_down_and_kept(void)
{
    test_down(true);
}

/* An envelope becomes another while the backend is down: one of the two is there at any time. */
static void test_replaced(bool kept)
{
    struct item items[2];
    begin();
    make_item(&items[0], 10);
    make_item(&items[1], 10);
    committer_submit(committer, &items[0].store);
    wait_settled(1);
    close_gate();
    struct spool_request replace = {.kind = SPOOL_REPLACE,
                                    .facts.id = items[0].message.envelopes[0]->id,
                                    .data = slice_of(content, 10),
                                    .successor = id_next(),
                                    .done = on_settled};
    struct spool_request update = {
        .kind = SPOOL_UPDATE, .facts = {.id = replace.facts.id, .retries = 1}, .done = on_settled};
    replace.facts.retries = 1;
    committer_submit(committer, &items[1].store);
    committer_submit(committer, &update);
    committer_submit(committer, &replace);
    fake.watched[0] = replace.facts.id;
    fake.watched[1] = replace.successor;
    fake.status = SPOOL_ERROR;
    fake.fail = 1;
    fake.fail_revive = 1;
    fake.kept = fake.may_be_kept = kept;
    open_gate();
    wait_settled(3);
    CU_ASSERT_EQUAL(items[1].store.status, kept ? SPOOL_UNKNOWN : SPOOL_ERROR);
    CU_ASSERT_EQUAL(replace.status, SPOOL_OK);
    CU_ASSERT(has_envelope_row(replace.successor));
    CU_ASSERT_FALSE(has_envelope(&items[0]) || has_envelope(&items[1]) || has_body(&items[1], 0));
    CU_ASSERT_FALSE(fake.lost);
    CU_ASSERT_FALSE(fake.doubled);
    CU_ASSERT_EQUAL(fake.row_count, 3); /* the successor, its body, the gate's update */
    end(items, 2);
}

static void test_replaced_and_lost(void)
{
    test_replaced(false);
}

static void test_replaced_and_kept(void)
{
    test_replaced(true);
}

/* A large body whose mark comes and goes within one batch. */
static void test_mark_in_a_kept_batch(void)
{
    struct item item;
    begin();
    close_gate();
    make_item(&item, 10);
    item.store.chunk = 1;
    committer_submit(committer, &item.chunk);
    committer_submit(committer, &item.store);
    fake.fail = 1;
    fake.kept = true;
    open_gate();
    wait_settled(2);
    CU_ASSERT_EQUAL(item.store.status, SPOOL_OK);
    CU_ASSERT_EQUAL(fake.commits, 1);
    CU_ASSERT_FALSE(fake.doubled);
    end(&item, 1);
}

/* A body of which a chunk was refused is never stored, also when there is room again; DISCARD removes the
 * rest. */
static void test_incomplete(void)
{
    struct item item;
    begin();
    make_item(&item, 100);
    committer_submit(committer, &item.chunk);
    wait_settled(1);
    CU_ASSERT_EQUAL(item.chunk.status, SPOOL_OK);
    item.chunk.chunk = 1;
    fake.most_bytes = 10;
    committer_submit(committer, &item.chunk);
    wait_settled(1);
    CU_ASSERT_EQUAL(item.chunk.status, SPOOL_FULL);
    fake.most_bytes = UINT64_MAX;
    item.store.chunk = 2;
    committer_submit(committer, &item.store);
    wait_settled(1);
    CU_ASSERT_EQUAL(item.store.status, SPOOL_FULL);
    CU_ASSERT_FALSE(has_envelope(&item));
    CU_ASSERT(has_body(&item, 0));
    struct spool_request discard = {
        .kind = SPOOL_DISCARD, .facts.id = item.message.body->id, .done = on_settled};
    committer_submit(committer, &discard);
    wait_settled(1);
    CU_ASSERT_EQUAL(fake.row_count, 0);
    end(&item, 1);
}

/* A DISCARD removes chunks that wait in front of it. */
static void test_discard_behind_chunks(void)
{
    struct item item;
    begin();
    close_gate();
    make_item(&item, 100);
    struct spool_request discard = {
        .kind = SPOOL_DISCARD, .facts.id = item.message.body->id, .done = on_settled};
    committer_submit(committer, &item.chunk);
    committer_submit(committer, &discard);
    open_gate();
    wait_settled(2);
    CU_ASSERT_EQUAL(fake.row_count, 1); /* the gate's update */
    end(&item, 1);
}

/* At the end what could not be removed is said to be there. */
static void test_stop_while_down(void)
{
    struct item item;
    begin();
    make_item(&item, 100);
    committer_submit(committer, &item.store);
    wait_settled(1);
    fake.fail = fake.fail_revive = 1000;
    submit_remove(&item);
    committer_stop(committer);
    reclaimer_stop(reclaimer);
    wait_settled(1);
    CU_ASSERT_EQUAL(item.remove.status, SPOOL_ERROR);
    CU_ASSERT(has_envelope(&item));
    CU_ASSERT(harness_saw_line("1 removals and updates could not be written"));
    harness_message_free(&item.message);
}

/* Nobody waits for a disk that keeps failing: after a few attempts the rest is refused at once. */
static void test_many_on_a_full_disk(void)
{
    enum { COUNT = 30 };
    static struct item items[COUNT];
    begin();
    close_gate();
    for (size_t i = 0; i < COUNT; i++) {
        make_item(&items[i], 10);
        committer_submit(committer, &items[i].store);
    }
    fake.most_bytes = 5;
    open_gate();
    wait_settled(COUNT);
    size_t refused = 0;
    for (size_t i = 0; i < COUNT; i++)
        refused += items[i].store.status == SPOOL_FULL;
    CU_ASSERT_EQUAL(refused, COUNT);
    CU_ASSERT(fake.commits <= 4);
    end(items, COUNT);
}

int main(void)
{
    harness_catch_lines();
    sem_init(&settled, 0, 0);
    sem_init(&gate_reached, 0, 0);
    sem_init(&gate_open, 0, 0);
    CU_initialize_registry();
    CU_pSuite suite = CU_add_suite("committer", NULL, NULL);
    CU_add_test(suite, "group commit", test_group);
    CU_add_test(suite, "turn of a loop", test_turn_of_a_loop);
    CU_add_test(suite, "durable removal", test_durable_removal);
    CU_add_test(suite, "one too big", test_one_too_big);
    CU_add_test(suite, "failed but kept", test_failed_but_kept);
    CU_add_test(suite, "down, batch lost", test_down_and_lost);
    CU_add_test(suite, "down, batch kept", test_down_and_kept);
    CU_add_test(suite, "behind while the disk hangs", test_behind_while_the_disk_hangs);
    CU_add_test(suite, "replaced while down, batch lost", test_replaced_and_lost);
    CU_add_test(suite, "replaced while down, batch kept", test_replaced_and_kept);
    CU_add_test(suite, "mark in a kept batch", test_mark_in_a_kept_batch);
    CU_add_test(suite, "incomplete body", test_incomplete);
    CU_add_test(suite, "discard behind chunks", test_discard_behind_chunks);
    CU_add_test(suite, "let go", test_let_go);
    CU_add_test(suite, "stop while down", test_stop_while_down);
    CU_add_test(suite, "many on a full disk", test_many_on_a_full_disk);
    return harness_run();
}
