/*
 * test_queue_end: the end of the queues: what arrives while they drain, and a disk that fails.
 */
#include "delivery_harness.h"

#include <semaphore.h>
#include <signal.h>
#include <sys/resource.h>
#include "base/clock.h"
#include "base/id.h"
#include "base/mem.h"
#include "on_loop.h"
#include "queue/queue_manage.h"
#include "spool/intake.h"
#include "spool/spool.h"

static const struct slice content = SLICE_LITERAL("Subject: hi\r\n\r\nhello\r\n");

/* ---- what arrives while the queues drain ------------------------------------------------------------- */

static struct harness harness;

/* Is refused nowhere, and delivered in an hour: it stays in the queue. */
static struct envelope *make_waiting(const char *recipient)
{
    struct body *body = body_create(id_next(), NULL, 0);
    struct envelope *envelope = envelope_create(
        &(struct envelope_facts){
            .recipient = slice_text(recipient),
            .binding = SLICE_LITERAL("default"),
            .id = id_next(),
            .batch_id = id_next(),
            .received_us = clock_wall_us(),
        },
        body);
    envelope->next_attempt_us = clock_wall_us() + 3600 * UINT64_C(1000000);
    body_unref(body);
    return envelope;
}

static sem_t held[2], released[2];

static void hold(unsigned i)
{
    sem_post(&held[i]);
    while (sem_wait(&released[i]) != 0)
        ;
}

static void hold_first(struct loop_task *task)
{
    (void)task;
    hold(0);
}

static void hold_second(struct loop_task *task)
{
    (void)task;
    hold(1);
}

static struct unit_counter runs = UNIT_COUNTER;

static void count_run(struct loop_task *task)
{
    (void)task;
    unit_count(&runs, 1);
}

static void post(void *semaphore)
{
    sem_post(semaphore);
}

/*
 * The loop takes the tasks [drain, hold, what takes the inbox, a task of somebody else] at once. Draining empties the
 * inbox, so the message that arrives while the second one runs finds it empty: its push must not post the task that
 * is still to run.
 */
static void test_arrival_while_draining(void)
{
    struct loop_task first = {.run = hold_first}, second = {.run = hold_second}, last = {.run = count_run};
    sem_t drained;
    harness_start(&harness, "suspend_delivery = true");
    sem_init(&drained, 0, 0);
    for (unsigned i = 0; i < 2; i++) {
        sem_init(&held[i], 0, 0);
        sem_init(&released[i], 0, 0);
    }
    struct loop *loop = loop_group_at(harness.loops, 0);
    loop_post(loop, &first);
    sem_wait(&held[0]);
    queue_set_drain(harness.queues, post, &drained);
    loop_post(loop, &second);
    for (unsigned i = 0; i < 20; i++) { /* some domains are of this loop */
        char to[32];
        snprintf(to, sizeof to, "a@d%u.example", i);
        queue_accept(harness.queues, make_waiting(to));
    }
    loop_post(loop, &last);
    sem_post(&released[0]);
    sem_wait(&held[1]);
    for (unsigned i = 0; i < 20; i++) {
        char to[32];
        snprintf(to, sizeof to, "b@d%u.example", i);
        queue_accept(harness.queues, make_waiting(to));
    }
    sem_post(&released[1]);
    CU_ASSERT_EQUAL(unit_wait(&runs, 1, 10), 1);
    sem_wait(&drained);
    CU_ASSERT_EQUAL(queue_set_count(harness.queues), 40);
    harness_end(&harness);
    CU_ASSERT_EQUAL(harness_count(&harness), 0);
}

/* ---- a disk that fails ------------------------------------------------------------------------------- */

static struct unit_counter walks = UNIT_COUNTER;
static _Atomic bool changed;

static bool change(struct queue_walk *walk, struct queued *queued)
{
    uint64_t id;
    (void)walk;
    changed = queued_change(queued, SLICE_LITERAL("bob@other.example"), slice_of(NULL, 0), slice_of(NULL, 0),
                            SLICE_LITERAL("554 5.7.0 moved"), &id) ||
              changed;
    return true;
}

static void over(struct queue_walk *walk)
{
    (void)walk;
    unit_count(&walks, 1);
}

static void limit_files(rlim_t size)
{
    struct rlimit limit;
    getrlimit(RLIMIT_FSIZE, &limit);
    limit.rlim_cur = size;
    setrlimit(RLIMIT_FSIZE, &limit);
}

/* A message is being given another recipient when the process ends: it is there, as one of the two. */
static void test_change_on_a_failing_disk(void)
{
    struct queue_walk each[2] = {{.visit = change, .done = over}, {.visit = change, .done = over}};
    harness_start(&harness, "suspend_delivery = true");
    harness_send(&harness, "alice@example.com", "bob@example.com", content);
    limit_files(1);
    for (unsigned i = 0; i < queue_walks(harness.queues); i++)
        queue_walk_begin(harness.queues, i, &each[i]);
    CU_ASSERT_EQUAL(unit_wait(&walks, 2, 30), 2);
    CU_ASSERT(changed);
    harness_end(&harness);
    limit_files(RLIM_INFINITY);
    CU_ASSERT_EQUAL(harness_count(&harness), 1);
}

/* ---- the forced end ---------------------------------------------------------------------------------- */

static struct unit_counter stores = UNIT_COUNTER;

static void count_store(struct spool_request *request)
{
    CU_ASSERT_EQUAL(request->status, SPOOL_OK);
    unit_count(&stores, 1);
}

static struct spool_request store;

/* Stores a message, and then the turn of the loop does not end. */
static void store_and_hold(struct loop_task *task)
{
    (void)task;
    spool_submit(harness.spool, &store);
    hold(0);
}

static bool is_held(const struct loop *loop)
{
    return loop == loop_group_at(harness.loops, 0);
}

/* A module blocks the loop in the turn in which a message was to be stored: the forced end stores it. */
static void test_store_of_a_blocked_loop(void)
{
    struct loop_task task = {.run = store_and_hold};
    harness_start(&harness, "suspend_delivery = true");
    struct envelope *envelope = make_waiting("alice@example.com");
    struct body *body = body_create(id_next(), mem_dup(content.data), content.size);
    intake_whole(&store, body);
    intake_envelopes(&store, &envelope, 1, count_store);
    sem_init(&held[0], 0, 0);
    sem_init(&released[0], 0, 0);
    loop_post(loop_group_at(harness.loops, 0), &task);
    sem_wait(&held[0]);
    CU_ASSERT_EQUAL(stores.value, 0);
    CU_ASSERT_TRUE(queue_set_store_last(harness.queues, is_held, 10000));
    CU_ASSERT_EQUAL(unit_wait(&stores, 1, 10), 1);
    sem_post(&released[0]);
    envelope_free(envelope);
    body_unref(body);
    harness_end(&harness);
}

int main(void)
{
    signal(SIGXFSZ, SIG_IGN);
    return unit_run("the end of the queues", (CU_TestInfo[]){
                                                 {"arrival while draining", test_arrival_while_draining},
                                                 {"change on a failing disk", test_change_on_a_failing_disk},
                                                 {"store of a blocked loop", test_store_of_a_blocked_loop},
                                                 CU_TEST_INFO_NULL,
                                             });
}
