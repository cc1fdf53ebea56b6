/*
 * impulse/module.h: what makes a shared object an Impulse module.
 *
 * A module is one .so and, beside it, one .ecm manifest of the same base name that says its scope name, its
 * options and which core options load it implicitly. It defines one `struct imp_module_definition` with
 * IMP_MODULE_DEFINE and includes only headers of this folder. Everything public begins with imp_.
 *
 * Threads: setup, (inbound) policy and teardown functions run on the main thread while no hook of the same instance
 * runs. Hooks run on event-loop threads, several at once; see hooks.h.
 *
 * Generations: a reload makes instances anew, singletons too, and tears the old ones down when the last session that
 * began before it has ended; until then both are there, each with its own data. The shared object stays loaded as
 * long as the process lives, so what is to outlive a reload is kept in file-scope variables (with a lock).
 * Source of the model: Momentum 4 manual, "Modules".
 */
#ifndef IMPULSE_MODULE_H
#define IMPULSE_MODULE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "impulse/config.h"

#ifdef __cplusplus
extern "C" {
#endif

/*
 * The ABI version. A module built against another major version, or a newer minor one, is refused at load with one
 * line. The minor number grows when something is added, the major one when something that existed changes. Every struct
 * that crosses the border begins with its size, so that both sides know which of its members the other one has.
 */
#define IMP_ABI_MAJOR    2
#define IMP_ABI_MINOR    0
#define IMP_MODULE_MAGIC 0x494d504cu /* "IMPL" */

struct imp_module;    /* one loaded instance; the daemon's */
struct imp_session;   /* one SMTP connection; session.h */
struct imp_message;   /* one message, the same while it arrives, waits and leaves */
struct imp_recipient; /* one recipient of it */
struct imp_call;      /* one call of a hook; hooks.h */

enum imp_module_kind {
    IMP_GENERIC,   /* any number of instances, each with its own scope: ec_logger "name" { } */
    IMP_SINGLETON, /* one for the process */
};

struct imp_module_definition {
    size_t size;    /* sizeof(struct imp_module_definition) */
    uint32_t magic; /* IMP_MODULE_MAGIC */
    uint16_t abi_major, abi_minor;
    const char *name;        /* the scope name, as in the manifest */
    const char *description; /* one line */
    enum imp_module_kind kind;
    /*
     * Called once per instance and generation before it is used: read the options, register hooks, open files. It
     * runs as the account that the `security` stanza names, not as root.
     * 0 or -1; on -1 the start (or the reload) stops with the line given to imp_module_error, and teardown is not
     * called: setup has released what it took. What fails to be registered stops the start also when setup returns 0;
     * then teardown is called. Required.
     */
    int (*setup)(struct imp_module *module, const struct imp_config *config);
    /*
     * Called for each resolved inbound policy of the generation after setup: compile what the hooks will need and
     * keep it with imp_policy_set (config.h). 0 or -1 as above. NULL: not interested.
     */
    int (*policy)(struct imp_module *module, struct imp_policy *policy);
    /*
     * The same for each resolved outbound policy: what applies to a binding and domain. Any thread, when a queue first
     * needs it; config.h says what failing does. It says why with imp_policy_error. NULL: not interested.
     */
    int (*outbound_policy)(struct imp_module *module, struct imp_policy *policy);
    /* The same for each resolved policy of a host that mail is sent to, from the Host stanzas. NULL: not interested. */
    int (*host_policy)(struct imp_module *module, struct imp_policy *policy);
    /* Called when no hook of the instance will run any more: release what setup took. NULL: nothing to do. */
    void (*teardown)(struct imp_module *module);
};

/* At file scope: IMP_MODULE_DEFINE(.name = "x", .description = "...", .kind = IMP_SINGLETON, .setup = x_setup); */
#define IMP_MODULE_DEFINE(...)                                                                               \
    _Pragma("GCC diagnostic push") _Pragma(                                                                  \
        "GCC diagnostic ignored \"-Wmissing-field-initializers\"") /* C++ warns of what is left out */       \
        IMP_API extern const struct imp_module_definition imp_module_definition;                             \
    const struct imp_module_definition imp_module_definition = {.size =                                      \
                                                                    sizeof(struct imp_module_definition),    \
                                                                .magic = IMP_MODULE_MAGIC,                   \
                                                                .abi_major = IMP_ABI_MAJOR,                  \
                                                                .abi_minor = IMP_ABI_MINOR,                  \
                                                                __VA_ARGS__};                                \
    _Pragma("GCC diagnostic pop") IMP_API extern const struct imp_module_definition imp_module_definition

/* ---- the instance ------------------------------------------------------------------------------------------ */

/* The instance name ("" for a singleton); lives as long as the instance. Any thread. */
IMP_API const char *imp_module_instance(const struct imp_module *module);
/* A pointer of the module's own, for setup to leave and hooks to find; NULL before it is set. The daemon neither looks
 * at it nor frees it: that is teardown's. Set it in setup alone, as any thread may read it afterwards. */
IMP_API void imp_module_set_data(struct imp_module *module, void *data);
IMP_API void *imp_module_data(const struct imp_module *module);
/* printf-style, one line of at most 511 bytes; says why setup or policy returns -1. The last call counts. Main thread,
 * from setup and policy; outbound_policy says it with imp_policy_error. */
IMP_API void imp_module_error(struct imp_module *module, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/*
 * Calls `tick` every `seconds`, to about a second, on the main thread, which must not be kept: the simplest timer
 * (timer.h has those of event loops). The first call comes a whole period after the instance's generation has begun,
 * the last before a reload replaces it or the daemon ends. `seconds` 0 counts as 1; `closure` lives as long as the
 * instance. Only from setup; several are allowed. 0, or -1 with a line in imp_module_error.
 */
IMP_API int imp_module_every(struct imp_module *module, unsigned seconds, void (*tick)(void *closure),
                             void *closure);

/* ---- paniclog ---------------------------------------------------------------------------------------------- */

enum imp_level { IMP_CRITICAL, IMP_ERROR, IMP_WARNING, IMP_NOTICE, IMP_INFO, IMP_DEBUG };
/* One line for the paniclog, prefixed with the module's name; left out when `level` is less severe than the debug_level
 * of the module's stanza (ERROR by default). Any thread; does not block on files. */
IMP_API void imp_paniclog(const struct imp_module *module, enum imp_level level, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

#ifdef __cplusplus
}
#endif
#endif
