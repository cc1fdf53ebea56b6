/*
 * set.h: what the files of this folder know of a module set and its instances; nobody else includes it.
 *
 * A set is built on the main thread by module_set_load and does not change afterwards, so that any thread
 * reads it without a lock. Each generation has instances of its own, singletons too: while the sessions of
 * the old generation end, old and new instances of a module exist side by side and share nothing but the
 * module's own file-scope variables.
 */
#ifndef IMPULSE_MODULE_SET_H
#define IMPULSE_MODULE_SET_H

#include <pthread.h>
#include <stdatomic.h>
#include "base/list.h"
#include "log/paniclog.h"
#include "module/module.h"
#include "module/points.h"
#include "module/runner.h"

enum { MODULE_ERROR_SIZE = 512 };

struct imp_module {
    struct module_set *set;
    const struct imp_module_definition *definition; /* in the shared object, which is never unmapped */
    char *instance;                                 /* "" for a singleton */
    char *label;                                    /* "relay", "ec_logger:main": how lines name it */
    char *owner;                                    /* "module relay": how registries name it */
    void *data;                                     /* the module's own */
    enum imp_level level;                           /* its lines less severe than this are dropped */
    size_t index;                                   /* in set->instances and in a policy's slots */
    bool in_setup;                                  /* registrations are allowed */
    bool failed;                                    /* setup said no: there is nothing to tear down */
    bool misregistered;                             /* something that it registered in setup was refused */
    char error[MODULE_ERROR_SIZE];                  /* the last imp_module_error, "" when there was none */
};

struct hook {
    imp_hook_fn *run;
    void *closure;
    struct imp_module *module;
    struct runner runner; /* names it */
    int priority;
    unsigned flags;                                  /* enum imp_hook_flags */
    unsigned deadline_ms;                            /* 0: the set's */
    struct pool *pool;                               /* of IMP_HOOK_MAY_BLOCK */
    struct panic_rate nonsense, late, unbegun, slow; /* of the lines about it */
};

struct hook_chain { /* in the order in which hooks are called */
    struct hook *hooks;
    size_t count;
    const struct point_row *row;
};

struct imp_point { /* that a module declared */
    struct hook_chain chain;
    struct point_row row; /* name and help are owned */
    struct imp_module *module;
};

struct early_hook { /* of a point that nobody has declared yet */
    char *point;
    struct hook hook;
};

struct log_listener {
    struct imp_log_hooks hooks;
    struct imp_module *module;
    struct runner runner;
};

struct periodic {
    struct runner runner;
    void (*tick)(void *closure);
    void *closure;
    unsigned seconds;
    uint64_t due_ms; /* clock_mono_ms */
};

struct hook_limits {
    unsigned timeout; /* seconds of a suspension whose hook has no deadline of its own */
    unsigned slow_ms; /* a hook that keeps a loop for longer is named; 0: none is */
};

struct module_set {
    _Atomic unsigned references; /* one is its own, until it ends */
    atomic_bool keeps_open;      /* an instance has something open on a loop, or had */
    atomic_bool ending;          /* nobody else refers to it any more */
    pthread_t home;              /* the main thread: where teardown happens */
    struct list_node retired;    /* waits for the main thread once nobody refers to the set */
    struct pool_set *pools;
    struct imp_module **instances; /* in order of setup */
    size_t instance_count;
    struct hook_chain chains[HOOK_POINTS];
    struct imp_point **points; /* those that modules declared */
    size_t point_count;
    struct early_hook *early_hooks; /* none once the set is loaded */
    size_t early_count;
    struct hook_limits hook_limits;
    struct log_listener *listeners;
    size_t listener_count;
    struct periodic *periodics;
    size_t periodic_count;
    struct registry
        registries[MODULE_REGISTRIES]; /* what its instances registered; see src/sdk/sdk_registry.h */
};

/* An empty set with one reference, whose main thread is the caller's; without limits for its hooks. */
struct module_set *module_set_create(struct pool_set *pools);
/* Adds an instance with nothing set up; `instance` is copied. */
struct imp_module *module_set_add(struct module_set *set, const struct imp_module_definition *definition,
                                  const char *instance);

/* module_policy.c: does each outbound policy function agree with what the configuration sets of its module's options?
 * False with one line in error[]. Main thread. */
bool module_set_check_outbound(struct module_set *set, const struct conf *conf, char *error,
                               size_t error_size);

/* log_hooks.c: the set whose modules take paniclog lines, or NULL. Main thread. */
struct module_set *log_hooks_paniclog_taker(void);
/* Makes `set` that one. */
void log_hooks_take_paniclog(struct module_set *set);
/* Ends that if `set` is the one. */
void log_hooks_leave_paniclog(struct module_set *set);
/* One line for the modules that take paniclog lines now. False when there are none. */
bool log_hooks_tell_paniclog(enum imp_level level, const char *line, size_t size);

/* hook.c: puts the hooks of points that were declared late in their places. False with one line in error[].
 */
bool module_set_place_hooks(struct module_set *set, char *error, size_t error_size);
/* Frees chains and declared points. */
void module_set_free_hooks(struct module_set *set);

/* The last imp_module_error, kept although setup may not pass the failure on. Returns -1. */
int module_misregistered(struct imp_module *module, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/*
 * given.c: copies a struct that a module gives, which begins with its size, into one of this daemon's: members
 * that the module knows and we do not are left out, those that it does not know are 0. False when it is NULL or
 * has no more than a size.
 */
bool module_copy_struct(void *to, size_t size, const void *given);
/* Is there a handle? If not, the paniclog names the module, and `function`, which it called without. Any thread. */
bool module_is_given(const void *handle, const char *function);
/* Names in the paniclog a module and what it did, which was refused. Any thread. */
void module_name_misuse(const struct imp_module *module, const char *what);

/* ask.c: calls the chain from call->next_hook on. */
enum hook_outcome hook_chain_continue(struct imp_call *call);
/* What the verdict of the hook that was called last amounts to, and then the rest of the chain. */
enum hook_outcome hook_chain_judge(struct imp_call *call, int verdict);
/* The hook that was called last. */
struct hook *hook_call_current(const struct imp_call *call);

/* hook_job.c: runs the hook that was called last on its pool. */
enum hook_outcome hook_job_start(struct imp_call *call);
/* False: a thread has begun with it. Otherwise the job is gone, and the call has none. Loop thread. */
bool hook_job_take_back(struct hook_job *job);
void hook_job_abandon(struct hook_job *job, void (*released)(struct imp_call *call));
uint64_t hook_job_wait_ms(const struct hook_job *job);
/* Has a thread of the pool begun with it? */
bool hook_job_has_begun(const struct hook_job *job);
/* Tells the paniclog that no thread did, and why. */
void hook_job_name_waiting(const struct hook_job *job, const char *limit);

/* suspension.c: no answer is wanted any more; `cancelled` is called unless it has come. Loop thread. */
void suspension_cancel(struct suspension *suspension);
uint64_t suspension_wait_ms(const struct suspension *suspension);

#endif
