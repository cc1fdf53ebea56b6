/* Pools: Momentum's predefined ones, order, concurrency, backlog, cancelling, ending. */
#include "unit.h"

#include <dirent.h>
#include <signal.h>
#include <stdatomic.h>
#include <string.h>
#include "base/list.h"
#include "event/pool.h"
#include "log/paniclog.h"

static struct pool *define(struct pool_set *set, const char *name, unsigned concurrency, unsigned backlog)
{
    pool_set_define(set,
                    &(struct pool_settings){.name = name, .concurrency = concurrency, .backlog = backlog});
    return pool_set_find(set, name);
}

/* Threads of this process with that name. */
static unsigned threads_named(const char *name)
{
    unsigned count = 0;
    DIR *tasks = opendir("/proc/self/task");
    for (struct dirent *entry; tasks && (entry = readdir(tasks));) {
        char path[300], comm[32] = "";
        snprintf(path, sizeof path, "/proc/self/task/%s/comm", entry->d_name);
        FILE *file = fopen(path, "r");
        if (file && fgets(comm, sizeof comm, file))
            comm[strcspn(comm, "\n")] = '\0';
        if (file)
            fclose(file);
        count += strcmp(comm, name) == 0;
    }
    if (tasks)
        closedir(tasks);
    return count;
}

/* ---- jobs ------------------------------------------------------------------------------------ */

struct gate { /* jobs that wait here until it is opened */
    struct unit_counter entered, opened;
};

#define GATE                                                                                                 \
    {                                                                                                        \
        UNIT_COUNTER, UNIT_COUNTER                                                                           \
    }

struct test_job {
    struct pool_job job;
    struct gate *gate;
    int *order, *place;
    int number;
    pthread_t worker;
    struct loop *done_on;
    struct unit_counter worked, done;
    bool term_blocked;
};

static void work(struct pool_job *job)
{
    struct test_job *test = container_of(job, struct test_job, job);
    sigset_t blocked;
    pthread_sigmask(SIG_SETMASK, NULL, &blocked);
    test->term_blocked = sigismember(&blocked, SIGTERM);
    test->worker = pthread_self();
    if (test->gate) {
        unit_count(&test->gate->entered, 1);
        unit_wait(&test->gate->opened, 1, 30);
    }
    if (test->order)
        test->order[(*test->place)++] = test->number; /* a pool of one thread */
    unit_count(&test->worked, 1);
}

static void done(struct pool_job *job)
{
    struct test_job *test = container_of(job, struct test_job, job);
    test->done_on = loop_current();
    unit_count(&test->done, 1);
}

#define TEST_JOB(...)                                                                                        \
    {                                                                                                        \
        .job.work = work, .worked = UNIT_COUNTER, .done = UNIT_COUNTER, __VA_ARGS__                          \
    }

/* ---- tests ----------------------------------------------------------------------------------- */

static void test_predefined(void)
{
    static const struct {
        const char *name;
        unsigned concurrency;
    } expected[] = {{"SwapOut", 5}, {"SwapIn", 5}, {"Unlink", 6}, {"Batch_Unlink", 4},
                    {"Close", 0},   {"CPU", 4},    {"IO", 50},    {"SpoolIn", 1}};
    struct pool_set *set = pool_set_create();
    for (size_t i = 0; i < sizeof expected / sizeof *expected; i++) {
        struct pool *pool = pool_set_find(set, expected[i].name);
        CU_ASSERT_PTR_NOT_NULL_FATAL(pool);
        CU_ASSERT_EQUAL(pool_concurrency(pool), expected[i].concurrency);
        CU_ASSERT_STRING_EQUAL(pool_name(pool), expected[i].name);
    }
    CU_ASSERT_PTR_EQUAL(pool_set_find(set, "swapout"), pool_set_find(set, "SWAPOUT"));
    CU_ASSERT_PTR_NULL(pool_set_find(set, "accept-pool"));
    pool_set_free(set);
    pool_set_free(NULL);
}

/* Threads of a stanza's pool are there from the start, a predefined pool's come with its work. */
static void test_threads(void)
{
    struct pool_set *set = pool_set_create();
    struct gate gate = GATE;
    struct test_job jobs[3] = {TEST_JOB(.gate = &gate), TEST_JOB(.gate = &gate), TEST_JOB(.gate = &gate)};
    define(set, "accept-pool", 4, 0);
    CU_ASSERT_EQUAL(threads_named("accept-pool"), 0);
    CU_ASSERT_EQUAL(pool_set_start(set), 0);
    CU_ASSERT_EQUAL(threads_named("accept-pool"), 4);
    CU_ASSERT_EQUAL(threads_named("IO"), 0);
    for (int i = 0; i < 3; i++)
        pool_submit(pool_set_find(set, "io"), &jobs[i].job);
    CU_ASSERT_EQUAL(unit_wait(&gate.entered, 3, 10), 3);
    CU_ASSERT_EQUAL(threads_named("IO"), 3);
    unit_count(&gate.opened, 1);
    pool_set_free(set);
    CU_ASSERT_EQUAL(threads_named("accept-pool") + threads_named("IO"), 0);
    CU_ASSERT(jobs[0].term_blocked);
}

static void test_redefine(void)
{
    struct pool_set *set = pool_set_create();
    struct pool *pool = define(set, "cpu", 2, 0);
    CU_ASSERT_STRING_EQUAL(pool_name(pool), "CPU");
    CU_ASSERT_EQUAL(pool_concurrency(pool), 2);
    CU_ASSERT_EQUAL(pool_set_start(set), 0);
    CU_ASSERT_EQUAL(threads_named("CPU"), 2);
    define(set, "cpu", 9, 0); /* it has started: unchanged */
    CU_ASSERT_EQUAL(pool_concurrency(pool), 2);
    pool_set_free(set);
}

static void test_stack_size(void)
{
    struct pool_set *set = pool_set_create();
    struct test_job job = TEST_JOB(0);
    size_t size = 0;
    struct gate gate = GATE;
    job.gate = &gate;
    pool_set_define(set, &(struct pool_settings){.name = "small", .concurrency = 1, .stack_size = 1 << 20});
    CU_ASSERT_EQUAL(pool_set_start(set), 0);
    pool_submit(pool_set_find(set, "small"), &job.job);
    CU_ASSERT_EQUAL(unit_wait(&gate.entered, 1, 10), 1);
    pthread_attr_t attributes;
    CU_ASSERT_EQUAL(pthread_getattr_np(job.worker, &attributes), 0);
    pthread_attr_getstacksize(&attributes, &size);
    pthread_attr_destroy(&attributes);
    CU_ASSERT(size >= 1 << 20 && size < 4 << 20);
    unit_count(&gate.opened, 1);
    pool_set_free(set);
}

static void test_order(void)
{
    enum { JOBS = 200 };
    struct pool_set *set = pool_set_create();
    struct pool *pool = define(set, "one", 1, 0);
    struct test_job jobs[JOBS];
    int order[JOBS], place = 0, wrong = 0;
    for (int i = 0; i < JOBS; i++) {
        jobs[i] = (struct test_job)TEST_JOB(.order = order, .place = &place, .number = i);
        pool_submit(pool, &jobs[i].job);
    }
    pool_set_free(set); /* lets queued jobs finish */
    CU_ASSERT_EQUAL(place, JOBS);
    for (int i = 0; i < JOBS; i++)
        wrong += order[i] != i;
    CU_ASSERT_EQUAL(wrong, 0);
}

static void test_done(void)
{
    struct loop_group *group = loop_group_create("home", 2);
    struct pool_set *set = pool_set_create();
    struct test_job threaded = TEST_JOB(0), direct = TEST_JOB(0);
    loop_group_start(group);
    threaded.job.done = direct.job.done = done;
    threaded.job.home = loop_group_at(group, 1);
    direct.job.home = loop_group_at(group, 0);
    pool_submit(pool_set_find(set, "IO"), &threaded.job);
    CU_ASSERT_EQUAL(unit_wait(&threaded.done, 1, 10), 1);
    CU_ASSERT_PTR_EQUAL(threaded.done_on, threaded.job.home);
    CU_ASSERT_FALSE(pthread_equal(threaded.worker, pthread_self()));
    /* No threads: the work is done in the caller, done still on the loop. */
    CU_ASSERT(pool_try(pool_set_find(set, "Close"), &direct.job));
    CU_ASSERT_EQUAL(direct.worked.value, 1);
    CU_ASSERT(pthread_equal(direct.worker, pthread_self()));
    CU_ASSERT_EQUAL(unit_wait(&direct.done, 1, 10), 1);
    CU_ASSERT_PTR_EQUAL(direct.done_on, direct.job.home);
    pool_set_free(set);
    loop_group_stop(group);
    loop_group_free(group);
}

/* After it the answers of all jobs are with loops that run. */
static void test_wait(void)
{
    enum { JOBS = 200 };
    struct loop_group *group = loop_group_create("home", 1);
    struct pool_set *set = pool_set_create();
    struct test_job jobs[JOBS];
    loop_group_start(group);
    pool_set_wait(set);
    for (int i = 0; i < JOBS; i++) {
        jobs[i] = (struct test_job)TEST_JOB(0);
        jobs[i].job.done = done;
        jobs[i].job.home = loop_group_at(group, 0);
        pool_submit(pool_set_find(set, i % 2 ? "CPU" : "SwapIn"), &jobs[i].job);
    }
    pool_set_wait(set);
    loop_group_stop(group);
    int answered = 0;
    for (int i = 0; i < JOBS; i++)
        answered += jobs[i].done.value;
    CU_ASSERT_EQUAL(answered, JOBS);
    pool_set_free(set);
    loop_group_free(group);
}

static void keep_name(const char *what, void *name)
{
    snprintf(name, 64, "%s", what);
}

/* Those of modules are told apart from the daemon's, also when their owner is gone before they end. */
static void test_running(void)
{
    struct pool_set *set = pool_set_create();
    struct pool *pool = define(set, "two", 2, 0);
    struct gate gate = GATE;
    struct test_job own = TEST_JOB(.gate = &gate), foreign = TEST_JOB(.gate = &gate);
    char label[] = "greylist", name[64] = "";
    unsigned others;
    foreign.job.owner = (struct pool_job_owner){label, "its hook at", "validate_data"};
    pool_submit(pool, &own.job);
    pool_submit(pool, &foreign.job);
    CU_ASSERT_EQUAL(unit_wait(&gate.entered, 2, 10), 2);
    label[0] = '\0';
    CU_ASSERT_FALSE(pool_set_wait_for(set, 1));
    CU_ASSERT_EQUAL(pool_set_running(set, &others, keep_name, name), 1);
    CU_ASSERT_EQUAL(others, 1);
    CU_ASSERT_STRING_EQUAL(name, "greylist: its hook at validate_data");
    unit_count(&gate.opened, 1);
    CU_ASSERT(pool_set_wait_for(set, 10000));
    CU_ASSERT_EQUAL(pool_set_running(set, &others, NULL, NULL), 0);
    CU_ASSERT_EQUAL(others, 0);
    pool_set_free(set);
}

/* ---- backlog --------------------------------------------------------------------------------- */

struct submitter {
    struct pool *pool;
    struct test_job *job;
    struct unit_counter returned;
};

static void *submit(void *argument)
{
    struct submitter *submitter = argument;
    pool_submit(submitter->pool, &submitter->job->job);
    unit_count(&submitter->returned, 1);
    return NULL;
}

static void test_backlog(void)
{
    struct pool_set *set = pool_set_create();
    struct pool *pool = define(set, "narrow", 2, 3);
    struct gate gate = GATE;
    struct test_job jobs[7];
    for (int i = 0; i < 7; i++)
        jobs[i] = (struct test_job)TEST_JOB(.gate = &gate);
    CU_ASSERT_EQUAL(pool_set_start(set), 0);
    for (int i = 0; i < 5; i++)
        CU_ASSERT(pool_try(pool, &jobs[i].job)); /* two run, three wait */
    CU_ASSERT_FALSE(pool_try(pool, &jobs[5].job));
    struct submitter submitter = {pool, &jobs[5], UNIT_COUNTER};
    pthread_t thread;
    pthread_create(&thread, NULL, submit, &submitter);
    CU_ASSERT_EQUAL(unit_wait(&submitter.returned, 1, 1), 0); /* the caller waits */
    CU_ASSERT(pool_cancel(pool, &jobs[4].job));               /* until there is room */
    CU_ASSERT_EQUAL(unit_wait(&submitter.returned, 1, 10), 1);
    pthread_join(thread, NULL);
    CU_ASSERT_FALSE(pool_try(pool, &jobs[6].job));
    unit_count(&gate.opened, 1);
    pool_submit(pool, &jobs[6].job);
    pool_set_free(set);
    for (int i = 0; i < 7; i++)
        CU_ASSERT_EQUAL(jobs[i].worked.value, i != 4);
}

static void test_cancel(void)
{
    struct pool_set *set = pool_set_create();
    struct pool *pool = define(set, "one", 1, 0);
    struct gate gate = GATE;
    struct test_job running = TEST_JOB(.gate = &gate), never = TEST_JOB(0), first = TEST_JOB(0),
                    last = TEST_JOB(0);
    pool_submit(pool, &running.job);
    CU_ASSERT_EQUAL(unit_wait(&gate.entered, 1, 10), 1);
    pool_submit(pool, &first.job);
    pool_submit(pool, &last.job);
    CU_ASSERT_FALSE(pool_cancel(pool, &running.job));
    CU_ASSERT_FALSE(pool_cancel(pool, &never.job));
    CU_ASSERT(pool_cancel(pool, &last.job));
    CU_ASSERT_FALSE(pool_cancel(pool, &last.job));
    pool_submit(pool, &last.job); /* the queue's end is right again */
    CU_ASSERT(pool_cancel(pool, &first.job));
    unit_count(&gate.opened, 1);
    pool_set_free(set);
    CU_ASSERT(running.worked.value == 1 && last.worked.value == 1 && first.worked.value == 0);
}

/* ---- threads that must not wait ---------------------------------------------------------------- */

struct on_loop { /* submits a job from a loop's thread */
    struct loop_task task;
    struct pool *pool;
    struct pool_job *job;
    bool queued;
    struct unit_counter returned;
};

static void submit_on_loop(struct loop_task *task)
{
    struct on_loop *on_loop = container_of(task, struct on_loop, task);
    on_loop->queued = pool_submit(on_loop->pool, on_loop->job);
    unit_count(&on_loop->returned, 1);
}

/* A loop's job waits in the queue of a pool whose backlog is full; the loop does not. */
static void test_loop_beyond_backlog(void)
{
    struct loop_group *group = loop_group_create("home", 1);
    struct pool_set *set = pool_set_create();
    struct gate gate = GATE;
    int order[4], place = 0;
    struct test_job running = TEST_JOB(.gate = &gate), jobs[3];
    struct pool *pool = define(set, "narrow", 1, 1);
    for (int i = 0; i < 3; i++)
        jobs[i] = (struct test_job)TEST_JOB(.order = order, .place = &place, .number = i);
    loop_group_start(group);
    CU_ASSERT(pool_submit(pool, &running.job));
    CU_ASSERT_EQUAL(unit_wait(&gate.entered, 1, 10), 1);
    CU_ASSERT(pool_submit(pool, &jobs[0].job));
    struct on_loop on_loop = {{.run = submit_on_loop}, pool, &jobs[1].job, false, UNIT_COUNTER};
    loop_post(loop_group_at(group, 0), &on_loop.task);
    CU_ASSERT_EQUAL(unit_wait(&on_loop.returned, 1, 10), 1);
    CU_ASSERT(on_loop.queued);
    struct submitter submitter = {pool, &jobs[2], UNIT_COUNTER};
    pthread_t thread;
    pthread_create(&thread, NULL, submit, &submitter); /* who may wait comes behind it */
    CU_ASSERT_EQUAL(unit_wait(&submitter.returned, 1, 1), 0);
    unit_count(&gate.opened, 1);
    CU_ASSERT_EQUAL(unit_wait(&submitter.returned, 1, 10), 1);
    pthread_join(thread, NULL);
    pool_set_free(set);
    CU_ASSERT(place == 3 && order[0] == 0 && order[1] == 1 && order[2] == 2);
    loop_group_stop(group);
    loop_group_free(group);
}

/* What blocks does not run on a loop, in whichever pool. */
static void test_loop_without_threads(void)
{
    struct loop_group *group = loop_group_create("home", 1);
    struct pool_set *set = pool_set_create();
    struct gate gate = GATE;
    struct test_job job = TEST_JOB(.gate = &gate);
    define(set, "IO", 0, 0); /* which has a thread all the same */
    loop_group_start(group);
    struct on_loop on_loop = {
        {.run = submit_on_loop}, pool_set_find(set, "Close"), &job.job, false, UNIT_COUNTER};
    loop_post(loop_group_at(group, 0), &on_loop.task);
    CU_ASSERT_EQUAL(unit_wait(&on_loop.returned, 1, 10), 1);
    unit_count(&gate.opened, 1);
    pool_set_wait(set);
    CU_ASSERT_EQUAL(job.worked.value, 1);
    CU_ASSERT_EQUAL(threads_named("IO"), 1);
    pool_set_free(set);
    loop_group_stop(group);
    loop_group_free(group);
}

struct breeder { /* a job that submits another one */
    struct pool_job job;
    struct pool *pool;
    struct test_job *child;
    struct gate *gate;
};

static void breed(struct pool_job *job)
{
    struct breeder *breeder = container_of(job, struct breeder, job);
    unit_count(&breeder->gate->entered, 1);
    unit_wait(&breeder->gate->opened, 1, 30);
    pool_submit(breeder->pool, &breeder->child->job);
}

/* Each pool is full, and its only thread submits a job to itself, or to the other pool. */
static void test_pool_thread_submits(void)
{
    for (int crossed = 0; crossed < 2; crossed++) {
        struct pool_set *set = pool_set_create();
        struct pool *pools[2] = {define(set, "one", 1, 1), define(set, "two", 1, 1)};
        struct gate gate = GATE;
        struct test_job children[2] = {TEST_JOB(0), TEST_JOB(0)}, fillers[2] = {TEST_JOB(0), TEST_JOB(0)};
        struct breeder breeders[2];
        for (int i = 0; i < 2; i++) {
            breeders[i] = (struct breeder){{.work = breed}, pools[i ^ crossed], &children[i], &gate};
            pool_submit(pools[i], &breeders[i].job);
        }
        CU_ASSERT_EQUAL(unit_wait(&gate.entered, 2, 10), 2);
        for (int i = 0; i < 2; i++)
            pool_submit(pools[i], &fillers[i].job);
        unit_count(&gate.opened, 1);
        CU_ASSERT_EQUAL(unit_wait(&children[0].worked, 1, 10), 1);
        CU_ASSERT_EQUAL(unit_wait(&children[1].worked, 1, 10), 1);
        CU_ASSERT(fillers[0].worked.value == 1 && fillers[1].worked.value == 1);
        pool_set_wait(set);
        pool_set_free(set);
    }
}

/* After it there is no job, though jobs of a later pool brought an earlier one work. */
static void test_wait_for_children(void)
{
    for (int i = 0; i < 200; i++) {
        struct pool_set *set = pool_set_create();
        struct gate gate = GATE;
        struct test_job child = TEST_JOB(0);
        struct breeder breeder = {{.work = breed}, pool_set_find(set, "SwapOut"), &child, &gate};
        unit_count(&gate.opened, 1);
        pool_submit(pool_set_find(set, "IO"), &breeder.job);
        pool_set_wait(set);
        CU_ASSERT_EQUAL(child.worked.value, 1);
        pool_set_free(set);
    }
}

/* ---- no thread --------------------------------------------------------------------------------- */

struct complaint {
    struct pool *pool;
    struct test_job *job;
    int lines, queued;
};

static void submit_from_line(enum panic_level level, const char *line, size_t size, void *closure)
{
    struct complaint *complaint = closure;
    (void)level, (void)line, (void)size;
    complaint->lines++;
    complaint->queued += pool_try(complaint->pool, &complaint->job->job);
}

/* The system refuses a thread, and whoever is told of it submits work to the same pool. */
static void test_no_thread(void)
{
    struct pool_set *set = pool_set_create();
    struct test_job job = TEST_JOB(0), other = TEST_JOB(0);
    pool_set_define(set,
                    &(struct pool_settings){.name = "vast", .concurrency = 1, .stack_size = (size_t)1 << 50});
    struct complaint complaint = {pool_set_find(set, "vast"), &other, 0, 0};
    paniclog_set_stderr(false);
    paniclog_add_sink(submit_from_line, &complaint);
    CU_ASSERT_FALSE(pool_try(complaint.pool, &job.job));
    CU_ASSERT_EQUAL(job.worked.value, 0);
    CU_ASSERT(pool_submit(complaint.pool, &job.job)); /* in this thread, which may block */
    CU_ASSERT_EQUAL(job.worked.value, 1);
    CU_ASSERT(complaint.lines == 1 && complaint.queued == 0);
    paniclog_remove_sink(submit_from_line, &complaint);
    paniclog_set_stderr(true);
    pool_set_free(set);
}

/* ---- load ------------------------------------------------------------------------------------ */

enum { SUBMITTERS = 4, JOBS_EACH = 3000 };

static atomic_int jobs_worked, jobs_inside, most_inside;

static void count_inside(struct pool_job *job)
{
    int inside = atomic_fetch_add(&jobs_inside, 1) + 1, most = atomic_load(&most_inside);
    while (inside > most && !atomic_compare_exchange_weak(&most_inside, &most, inside))
        ;
    sched_yield();
    atomic_fetch_sub(&jobs_inside, 1);
    atomic_fetch_add(&jobs_worked, 1);
    free(job); /* without done the pool does not look at it again */
}

static void *submit_many(void *pool)
{
    for (int i = 0; i < JOBS_EACH; i++) {
        struct pool_job *job = calloc(1, sizeof *job);
        job->work = count_inside;
        pool_submit(pool, job);
    }
    return NULL;
}

static void test_load(void)
{
    struct pool_set *set = pool_set_create();
    struct pool *pool = define(set, "busy", 3, 5);
    pthread_t threads[SUBMITTERS];
    for (int i = 0; i < SUBMITTERS; i++)
        pthread_create(&threads[i], NULL, submit_many, pool);
    for (int i = 0; i < SUBMITTERS; i++)
        pthread_join(threads[i], NULL);
    pool_set_free(set);
    CU_ASSERT_EQUAL(jobs_worked, SUBMITTERS * JOBS_EACH);
    CU_ASSERT(most_inside <= 3);
}

int main(void)
{
    CU_TestInfo tests[] = {
        {"predefined", test_predefined},
        {"threads", test_threads},
        {"redefine", test_redefine},
        {"stack size", test_stack_size},
        {"order", test_order},
        {"done", test_done},
        {"wait", test_wait},
        {"running", test_running},
        {"backlog", test_backlog},
        {"cancel", test_cancel},
        {"a loop does not wait for a backlog", test_loop_beyond_backlog},
        {"a loop runs no job itself", test_loop_without_threads},
        {"a pool's thread does not wait for a pool", test_pool_thread_submits},
        {"wait for jobs of jobs", test_wait_for_children},
        {"no thread", test_no_thread},
        {"load", test_load},
        CU_TEST_INFO_NULL,
    };
    return unit_run("pool", tests);
}
