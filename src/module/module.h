/*
 * module.h: loading modules, and asking and telling them; the daemon's side of include/impulse/.
 */
#ifndef IMPULSE_MODULE_MODULE_H
#define IMPULSE_MODULE_MODULE_H

#include "base/registry.h"
#include "confparse/confparse.h"
#include "event/pool.h"
#include "impulse/delivery.h"
#include "impulse/log.h"
#include "module/imp_session.h"
#include "module/manifests.h"
#include "module/points.h"

/* ---- a generation's modules ---------------------------------------------------------------------------------- */

struct
    module_set; /* the instances of one configuration generation and their hook chains; reference-counted */

/*
 * Loads and sets up every module that `conf` names, and those its options load implicitly, each after the modules it
 * requires; a stanza with `enabled = false` is left out. NULL on failure with one line in error[] (missing .so,
 * wrong ABI, undefined symbol, setup said no); nothing of the set is left then. A module that crashes in its own
 * setup ends the process with one line naming it. `pools` is where imp_work_submit finds its pools; NULL: nowhere.
 * `conf` and `manifests` are borrowed for the call. Main thread.
 */
struct module_set *module_set_load(const struct conf *conf, const struct manifest_set *manifests,
                                   struct pool_set *pools, char *error, size_t error_size);
/*
 * Can the modules that `conf` wants be loaded: are they there, and of this ABI? Nothing of them is run. False with
 * one line in error[]. Main thread.
 */
bool module_set_check(const struct conf *conf, const struct manifest_set *manifests, char *error,
                      size_t error_size);
struct module_set *module_set_ref(struct module_set *set); /* any thread */
/* Any thread. The last reference tears the modules down: at once on the main thread, else in its next tick. */
void module_set_unref(struct module_set *set);
/*
 * What instances have open on loops does not keep their set. When nobody else refers to one that ever had anything
 * open, `begin` is called once, on the thread that gave up the last reference; it has all of it closed, and then gives
 * up a reference with module_set_unref. Whatever refers to the set until then is counted as ever. NULL: sets are torn
 * down without. Main thread, while there is no set.
 */
void module_set_on_end(void (*begin)(struct module_set *set));
/* Before something is opened on behalf of an instance. False: the set has ended. Any thread. */
bool module_set_keep_open(struct module_set *set);
/*
 * Tells that `set` is the current generation's (its modules take paniclog lines from then on; the first set that is
 * loaded does so at once), calls its due imp_module_every ticks, and does pending teardowns. NULL: only those.
 * Called by the main thread's loop about once a second, and after a reload.
 */
void module_set_tick(struct module_set *set);
/* Calls `told` for each instance in order of setup. Main thread. */
struct module_facts {
    const char *name, *instance; /* the scope's; instance "" for a singleton */
    const char *api;             /* "Singleton", "Logger" or "Generic" */
    const char *description;
};
void module_set_list(const struct module_set *set,
                     void (*told)(const struct module_facts *facts, void *closure), void *closure);
/*
 * Calls `point` for each hook point, the daemon's own first, with its hooks in the order in which they are called.
 * Main thread.
 */
struct hook_facts {
    const char *module; /* its label */
    int priority;
    unsigned deadline_ms; /* of a suspension; 0: it cannot suspend */
    const char *pool;     /* where it runs, if it may block; NULL: on the point's thread */
};
struct module_hook_listener {
    void (*point)(const struct point_row *row, void *closure);
    void (*hook)(const struct hook_facts *facts, void *closure);
    void *closure;
};
void module_set_list_hooks(const struct module_set *set, const struct module_hook_listener *listener);
/* Tells every log hook to reopen; the writer's files are reopened too. Main thread. */
void module_set_reopen_logs(struct module_set *set);

/* What the instances of a set registered, by kind; the rows live as long as the set. Any thread. */
enum module_registry {
    MODULE_COMMANDS,
    MODULE_SERVICES,
    MODULE_ROUTES,
    MODULE_SMTP_COMMANDS,
    MODULE_SMTP_EXTENSIONS,
    MODULE_SMTP_PARAMETERS,
    MODULE_DELIVERY_METHODS,
    MODULE_LISTENERS,
    MODULE_REGISTRIES,
};
const struct registry *module_set_registry(const struct module_set *set, enum module_registry which);

/* ---- policies as modules see them ------------------------------------------------------------------------------ */

/*
 * The inbound policy of one chain: calls each module's policy function. NULL with one line in error[] on refusal.
 * Nothing of the chain is needed afterwards. The policy holds a reference to `set`. Main thread.
 */
struct imp_policy *imp_policy_create(struct module_set *set, const struct conf_chain *chain, char *error,
                                     size_t error_size);
/*
 * The outbound policy of one chain: calls each module's outbound_policy function. What a function refuses is named in
 * the paniclog, and nothing is kept for its module. NULL when no module has such a function. Any thread.
 */
struct imp_policy *imp_policy_create_outbound(struct module_set *set, const struct conf_chain *chain);
/* The same for the chain of a host (conf_chain_host), by the modules' host_policy functions. */
struct imp_policy *imp_policy_create_host(struct module_set *set, const struct conf_chain *chain);
/* Has any module a host_policy function? */
bool module_set_wants_hosts(const struct module_set *set);
struct imp_policy *imp_policy_ref(struct imp_policy *policy); /* any thread; NULL is harmless */
/* Any thread; NULL is harmless. The modules' release functions run with the last reference. */
void imp_policy_unref(struct imp_policy *policy);

/* ---- asking: validate hooks -------------------------------------------------------------------------------------- */

/* Is anybody registered at this point? Lets the server skip preparing. */
bool module_set_has_hook(const struct module_set *set, enum hook_point point);
/*
 * Asks the chain about a session. On HOOK_SUSPENDED the server leaves the session alone until session->call.resumed is
 * called, on the session's loop. The session's loop thread.
 */
enum hook_outcome module_set_validate(struct module_set *set, enum hook_point point,
                                      struct imp_session *session);
/*
 * Asks the chain about what the caller has set in *call: what it is about, `loop` and `resumed`; the rest of it was
 * zero, or of a call that has ended. On HOOK_SUSPENDED the caller leaves all of it alone until call->resumed is called.
 * In the end hook_call_release. The caller holds a reference to `set`. The loop's thread.
 */
enum hook_outcome module_set_ask(struct module_set *set, enum hook_point point, struct imp_call *call);

/*
 * Calls the chain of a point that is told, not asked. The thread of the point's row. Who prepares much
 * for it asks module_set_has_hook first.
 */
struct hook_moment {
    struct imp_session *session; /* these four: what it is about; NULL: nothing of the kind */
    struct imp_message *message;
    struct imp_recipient *recipient;
    const void *argument;
};
void module_set_tell(struct module_set *set, enum hook_point point, const struct hook_moment *moment);

/*
 * The loops are about to stop: what was resumed before is still heard, whoever resumes a suspension from here on is
 * not, and harms nobody. Main thread, once, at the end of the process.
 */
void module_suspensions_close(void);

/* ---- telling: log hooks. Any thread. ------------------------------------------------------------------------------ */

void module_set_log_reception(struct module_set *set, const struct imp_log_reception *event);
void module_set_log_delivery(struct module_set *set, const struct imp_log_delivery *event);
void module_set_log_transient(struct module_set *set, const struct imp_log_delivery *event);
void module_set_log_permanent(struct module_set *set, const struct imp_log_delivery *event);
void module_set_log_rejection(struct module_set *set, const struct imp_log_rejection *event);
void module_set_log_authentication(struct module_set *set, const struct imp_log_authentication *event);
void module_set_log_authorization(struct module_set *set, const struct imp_log_authorization *event);
/* False when no module wants it: the caller then need not format contexts. */
bool module_set_wants_rejections(const struct module_set *set);

/* ---- delivery methods ----------------------------------------------------------------------------------------------- */

struct module_delivery_method {
    const char *name;
    const char *pool;
    imp_deliver_fn *deliver;
    void *closure;
    struct imp_module *module;
    const char *help, *thread; /* for lists; help may be NULL */
};
/*
 * Calls the method's deliver function. What it answers that is no result counts as IMP_TRANSIENT, and is named.
 * A thread of the method's pool.
 */
enum imp_delivery_result module_deliver(const struct module_delivery_method *method,
                                        struct imp_delivery *delivery, char *response, size_t response_size);
/* For the job that calls module_deliver. */
struct pool_job_owner module_delivery_owner(const struct module_delivery_method *method);
/* The method that a module registered under that name (case-insensitive), or NULL. Any thread. */
const struct module_delivery_method *module_set_delivery_method(const struct module_set *set,
                                                                const char *name);

/*
 * One delivery for a method's deliver function: made and used on one pool thread. `read_chunk` yields chunk after
 * chunk of the body: 1 with *data (borrowed until the next call) and *size, 0 at the end, -1 on error.
 */
struct envelope;
struct imp_delivery {
    const struct envelope *envelope;
    uint64_t size;                   /* of the content that read_chunk gives */
    const struct imp_policy *policy; /* the outbound one of its queue; NULL: there is none */
    int (*read_chunk)(struct imp_delivery *delivery, const char **data, size_t *size);
    struct message *(*message)(struct imp_delivery *delivery); /* made when it is first asked for */
    void *closure;
};

#endif
