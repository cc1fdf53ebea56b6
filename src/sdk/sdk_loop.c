/*
 * sdk_loop: see sdk_loop.h.
 *
 * Whoever drops the last reference to a module set but the set's own begins its end here: a task for each
 * loop. What is opened on a loop before its task runs is seen by the task, what would be opened later is
 * refused.
 */
#include "sdk/sdk_loop.h"

#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include "base/mem.h"

struct imp_loop {
    struct loop *loop;
    unsigned index;
    struct list open;         /* struct sdk_open; its thread only */
    struct list closing;      /* those that are being closed */
    struct list early;        /* struct post, before the loops run; under early_lock */
    _Atomic unsigned posting; /* threads that are past the question whether the loop is closed */
};

static struct imp_loop *loops; /* NULL: the daemon has not made them known */
static unsigned loop_count;
static atomic_bool running, jobs_closed, closed;
static atomic_uint starting; /* threads that start a job */
static pthread_mutex_t early_lock = PTHREAD_MUTEX_INITIALIZER;

struct imp_loop *sdk_loop_from(const struct loop *loop)
{
    return loop ? loop_data(loop) : NULL;
}

struct loop *sdk_loop_of(const struct imp_loop *loop)
{
    return loop->loop;
}

bool sdk_jobs_enter(void)
{
    atomic_fetch_add(&starting, 1);
    if (!atomic_load(&jobs_closed))
        return true;
    atomic_fetch_sub(&starting, 1);
    return false;
}

void sdk_jobs_leave(void)
{
    atomic_fetch_sub(&starting, 1);
}

/* ---- what is open ---------------------------------------------------------------------------- */

bool sdk_open_add(struct sdk_open *open, struct imp_module *module, void (*close)(struct sdk_open *open))
{
    struct imp_loop *loop = sdk_loop_from(loop_current());
    if (!loop || atomic_load(&closed) || !module_set_keep_open(module->set))
        return false;
    *open = (struct sdk_open){.loop = loop, .module = module, .close = close};
    list_append(&loop->open, &open->node);
    return true;
}

void sdk_open_closing(struct sdk_open *open)
{
    if (open->closing)
        return;
    module_set_ref(open->module->set);
    open->closing = true;
    list_remove(&open->node);
    list_append(&open->loop->closing, &open->node);
}

void sdk_open_closed(struct sdk_open *open)
{
    list_remove(&open->node);
    if (open->closing)
        module_set_unref(open->module->set);
}

/*
 * Closes what instances of the set have open; NULL: of every set. A module that is told of one end may bring
 * about another: each is taken off the list before it is looked at.
 */
static void close_open(struct imp_loop *loop, const struct module_set *set)
{
    struct list left;
    struct list_node *node;
    list_init(&left);
    while ((node = list_pop(&loop->open)))
        list_append(&left, node);
    while ((node = list_pop(&left))) {
        struct sdk_open *open = container_of(node, struct sdk_open, node);
        list_append(&loop->open, node);
        if (!set || open->module->set == set)
            open->close(open);
    }
}

/* ---- the end of a module set ----------------------------------------------------------------- */

struct set_end {
    struct module_set *set;
    _Atomic unsigned left; /* loops that have not closed what is open on them */
    struct set_end_task {
        struct loop_task task;
        struct set_end *end;
        struct imp_loop *loop;
    } tasks[];
};

static void end_on_loop(struct loop_task *task)
{
    struct set_end_task *mine = container_of(task, struct set_end_task, task);
    struct set_end *end = mine->end;
    close_open(mine->loop, end->set);
    if (atomic_fetch_sub(&end->left, 1) != 1)
        return;
    module_set_unref(end->set);
    free(end);
}

/* On the thread that dropped the last reference; module_set_on_end. */
static void end_set(struct module_set *set)
{
    if (!atomic_load(&running)) { /* this is the only thread */
        for (unsigned i = 0; i < loop_count; i++)
            close_open(&loops[i], set);
        module_set_unref(set);
        return;
    }
    struct set_end *end = mem_zalloc(sizeof *end + loop_count * sizeof *end->tasks);
    end->set = set;
    end->left = loop_count;
    for (unsigned i = 0; i < loop_count; i++) {
        end->tasks[i] = (struct set_end_task){{.run = end_on_loop}, end, &loops[i]};
        loop_post(loops[i].loop, &end->tasks[i].task);
    }
}

/* A function that a module posted. */
struct post {
    struct list_node node; /* in loop->early */
    struct loop_task task;
    struct imp_module *module;
    struct runner runner;
    void (*run)(void *closure);
    void *closure;
};

/* ---- the daemon's ---------------------------------------------------------------------------- */

void sdk_loops_create(struct loop *const *all, unsigned count)
{
    loops = mem_array(count, sizeof *loops);
    loop_count = count;
    atomic_store(&running, false);
    atomic_store(&jobs_closed, false);
    atomic_store(&closed, false);
    for (unsigned i = 0; i < count; i++) {
        loops[i].loop = all[i];
        loops[i].index = i;
        list_init(&loops[i].open);
        list_init(&loops[i].closing);
        list_init(&loops[i].early);
        loop_set_data(all[i], &loops[i]);
    }
    module_set_on_end(end_set);
}

void sdk_loops_start(void)
{
    pthread_mutex_lock(&early_lock);
    atomic_store(&running, true);
    for (unsigned i = 0; i < loop_count; i++)
        for (struct list_node *node; (node = list_pop(&loops[i].early));)
            loop_post(loops[i].loop, &container_of(node, struct post, node)->task);
    pthread_mutex_unlock(&early_lock);
}

/* The loops never ran, because the start failed: what was posted to them is not run. */
static void drop_early(struct imp_loop *loop)
{
    for (struct list_node *node; (node = list_pop(&loop->early));) {
        struct post *post = container_of(node, struct post, node);
        struct module_set *set = post->module->set;
        free(post);
        module_set_unref(set);
    }
}

void sdk_loops_close_jobs(void)
{
    atomic_store(&jobs_closed, true);
    while (atomic_load(&starting) > 0)
        sched_yield();
}

void sdk_loops_close(void)
{
    atomic_store(&closed, true);
    for (unsigned i = 0; i < loop_count; i++)
        while (atomic_load(&loops[i].posting) > 0)
            sched_yield();
}

void sdk_loops_stop(void)
{
    if (!loops)
        return;
    loop_run_posted(loops[0].loop);
    atomic_store(&running, false);
    for (unsigned i = 0; i < loop_count; i++) {
        drop_early(&loops[i]);
        close_open(&loops[i], NULL);
    }
}

void sdk_loops_finish(void)
{
    while (loops && !list_empty(&loops[0].closing))
        uv_run(loop_uv(loops[0].loop), UV_RUN_NOWAIT);
}

void sdk_loops_free(void)
{
    free(loops);
    loops = NULL;
    loop_count = 0;
    module_set_on_end(NULL);
}

/* ---- what modules call ----------------------------------------------------------------------- */

struct imp_loop *imp_loop_current(void)
{
    return sdk_loop_from(loop_current());
}

struct imp_loop *imp_loop_main(void)
{
    return imp_loop_at(0);
}

struct imp_loop *imp_session_loop(const struct imp_session *session)
{
    if (!module_is_given(session, __func__))
        return NULL;
    return sdk_loop_from(session->loop);
}

unsigned imp_loop_count(void)
{
    return loop_count;
}

struct imp_loop *imp_loop_at(unsigned index)
{
    return index < loop_count ? &loops[index] : NULL;
}

unsigned imp_loop_index(const struct imp_loop *loop)
{
    return loop->index;
}

uint64_t imp_loop_now(const struct imp_loop *loop)
{
    return loop_now(loop->loop);
}

static void run_post(struct loop_task *task)
{
    struct post *post = container_of(task, struct post, task);
    struct module_set *set = post->module->set;
    const struct runner *outer = runner_enter(&post->runner);
    post->run(post->closure);
    runner_leave(outer);
    free(post);
    module_set_unref(set);
}

/* False: the loops run already. The main thread's loop is served whether they do or not. */
static bool post_early(struct imp_loop *loop, struct post *post)
{
    if (loop->index == 0 || atomic_load(&running))
        return false;
    pthread_mutex_lock(&early_lock);
    bool early = !atomic_load(&running);
    if (early)
        list_append(&loop->early, &post->node);
    pthread_mutex_unlock(&early_lock);
    return early;
}

int imp_loop_post(struct imp_loop *loop, struct imp_module *module, void (*run)(void *closure), void *closure)
{
    if (!loop || !run) {
        module_name_misuse(module, "imp_loop_post: a loop and a function are required");
        return -1;
    }
    struct post *post = mem_new(struct post);
    *post = (struct post){
        {NULL, NULL}, {.run = run_post}, module, {module->label, "a function it posted", ""}, run, closure};
    module_set_ref(module->set);
    atomic_fetch_add(&loop->posting, 1);
    bool taken = !atomic_load(&closed);
    if (taken && !post_early(loop, post))
        loop_post(loop->loop, &post->task);
    atomic_fetch_sub(&loop->posting, 1);
    if (taken)
        return 0;
    free(post);
    module_set_unref(module->set);
    return -1;
}
