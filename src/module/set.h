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
#include "impulse/hooks.h"
#include "module/module.h"

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
    char error[MODULE_ERROR_SIZE];                  /* the last imp_module_error, "" when there was none */
};

struct hook {
    imp_validate_fn *call;
    struct imp_module *module;
    int priority;
    atomic_bool complained; /* its nonsense was reported */
};

struct hook_chain { /* in the order in which hooks are asked */
    struct hook *hooks;
    size_t count;
};

struct log_listener {
    struct imp_log_hooks hooks;
    struct imp_module *module;
};

struct periodic {
    struct imp_module *module;
    void (*tick)(struct imp_module *module);
    unsigned seconds;
    uint64_t due_ms; /* clock_mono_ms */
};

struct module_set {
    _Atomic unsigned references;
    pthread_t home;           /* the main thread: where teardown happens */
    struct list_node retired; /* waits for the main thread once nobody refers to the set */
    struct pool_set *pools;
    struct imp_module **instances; /* in order of setup */
    size_t instance_count;
    struct hook_chain chains[IMP_HOOK_POINTS];
    struct log_listener *listeners;
    size_t listener_count;
    struct periodic *periodics;
    size_t periodic_count;
    struct module_delivery_method *methods; /* names and pools are owned */
    size_t method_count;
    struct registry registries[MODULE_REGISTRIES]; /* what its instances registered; see src/sdk/sdk_registry.h */
};

/* An empty set with one reference, whose main thread is the caller's. */
struct module_set *module_set_create(struct pool_set *pools);
/* Adds an instance with nothing set up; `instance` is copied. */
struct imp_module *module_set_add(struct module_set *set, const struct imp_module_definition *definition,
                                  const char *instance);

/* log_hooks.c: the set whose modules take paniclog lines, or NULL. Main thread. */
struct module_set *log_hooks_paniclog_taker(void);
/* Makes `set` that one. */
void log_hooks_take_paniclog(struct module_set *set);
/* Ends that if `set` is the one. */
void log_hooks_leave_paniclog(struct module_set *set);
/* One line for the modules that take paniclog lines now. False when there are none. */
bool log_hooks_tell_paniclog(enum imp_level level, const char *line, size_t size);

/* validate.c: asks the chain from session->next_hook on; `set` is session->modules. */
enum hook_outcome hook_chain_continue(struct imp_session *session);

#endif
