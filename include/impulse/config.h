/*
 * impulse/config.h: options, of the module's own stanza and as they apply to a client or to a queue.
 *
 * A module's manifest declares its options, each with type, default and range (modules/README.md):
 *
 *     [greylist]
 *     option.table = string /var/lib/greylist        stands in the stanza greylist { }
 *     option.grey_delay = duration(0..) 300
 *     scopes.grey_delay = inbound                     stands in Listen, Peer, ... with their fallback
 *
 * The configuration is checked against that before the module hears of it, so what is read here is of the
 * type that was declared, and a mistake of the operator has been reported with its place. What the module
 * finds wrong itself it reports with imp_config_error or imp_policy_error, which know the place.
 *
 *     static int setup(struct imp_module *module, const struct imp_config *config)
 *     {
 *         const char *table = imp_config_text(config, "table");
 *         if (table[0] != '/')
 *             return imp_config_error(config, "table", "has to be an absolute path");
 *         ...
 *     }
 *
 *     static int policy(struct imp_module *module, struct imp_policy *policy)
 *     {
 *         int64_t *delay = malloc(sizeof *delay);
 *         *delay = imp_policy_int(policy, "grey_delay");
 *         imp_policy_set(policy, module, delay, free);
 *         return 0;
 *     }
 *
 * A question that the manifest cannot answer is a fault of the module: an option that is not declared, or one
 * that is declared with another type than is asked for. The answer is then NULL, 0 or false, and setup (or
 * the policy function) counts as failed whatever it returns, with a line that names the module, the option,
 * the type that was asked for and the declared one.
 *
 * Momentum's modules declare their options in C (ec_config_*); source of the scopes and their fallback:
 * Momentum 4 manual, "Configuration Scopes and Fallback".
 */
#ifndef IMPULSE_CONFIG_H
#define IMPULSE_CONFIG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#ifndef IMP_API
#define IMP_API __attribute__((visibility("default")))
#endif

struct imp_module; /* one loaded instance; module.h */
struct imp_config; /* a stanza of the module in one generation: its own, or one in it */
struct imp_policy; /* options that apply to one Listen and Peer, one binding and domain, or one host */

/* ---- the module's own stanza ------------------------------------------------------------------------------- */

/*
 * The value of an option: as the stanza sets it, else the manifest's default. Names are case-insensitive.
 * Texts are NUL-terminated. `config` and everything that these functions return is valid until setup returns.
 * Main thread, from setup.
 *
 *   imp_config_text     string, enum (as the manifest spells the choice), address, cidr
 *                       NULL: not set, and there is no default
 *   imp_config_bool     bool; false when not set
 *   imp_config_int      int, size (bytes), duration (whole seconds), mode, port, throttle (events)
 *                       0 when not set
 *   imp_config_seconds  duration with its fraction; throttle: the period
 *   imp_config_choice   enum: which of its choices, from 0 in the order of the manifest; -1 when not set
 */
IMP_API const char *imp_config_text(const struct imp_config *config, const char *option);
IMP_API bool imp_config_bool(const struct imp_config *config, const char *option);
IMP_API int64_t imp_config_int(const struct imp_config *config, const char *option);
IMP_API double imp_config_seconds(const struct imp_config *config, const char *option);
IMP_API int imp_config_choice(const struct imp_config *config, const char *option);
/* list, cidr_list: how many items; dict: how many pairs. 0 when not set. */
IMP_API size_t imp_config_count(const struct imp_config *config, const char *option);
/* list, cidr_list: an item; dict: the value of a pair; NULL past the end. A list or dictionary in it is text.
 */
IMP_API const char *imp_config_item(const struct imp_config *config, const char *option, size_t index);
/* dict: the key of a pair; NULL past the end. */
IMP_API const char *imp_config_key(const struct imp_config *config, const char *option, size_t index);
/* dict: the value of the first pair with that key (case-insensitive), or NULL. */
IMP_API const char *imp_config_lookup(const struct imp_config *config, const char *option, const char *key);
/* True when the configuration sets the option, rather than the manifest's default. */
IMP_API bool imp_config_is_set(const struct imp_config *config, const char *option);
/*
 * The stanzas of one kind in this one (stanza.KIND in the manifest), in order of the file: `after` is NULL at
 * first, then what the call before returned; NULL at the end. The functions above read their options.
 */
IMP_API const struct imp_config *imp_config_stanza(const struct imp_config *config, const char *kind,
                                                   const struct imp_config *after);
/* The name of the stanza as it is written; "" when it has none. */
IMP_API const char *imp_config_name(const struct imp_config *config);
/*
 * Says what is wrong with an option, printf-style and without its name ("has to be an absolute path"): setup
 * fails with "FILE:LINE:COLUMN: module NAME: OPTION: ...", the place being that of the option where it is
 * set, else of the stanza. `option` NULL: it is about the stanza. The first such line counts. Returns -1, for
 * setup to return.
 */
IMP_API int imp_config_error(const struct imp_config *config, const char *option, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* An option of the core, or one that a module adds to scopes of the core, as the global scope sets it, else
 * its default. Types, validity and thread as above. */
IMP_API const char *imp_config_global_text(const struct imp_config *config, const char *option);
IMP_API bool imp_config_global_bool(const struct imp_config *config, const char *option);
IMP_API int64_t imp_config_global_int(const struct imp_config *config, const char *option);

/* ---- what applies to a client, and to a queue -------------------------------------------------------------- */

/*
 * Policy functions (struct imp_module_definition) compile what hooks and deliveries will need:
 *
 *   policy           for each Listen and Peer (and Via) of a generation, after setup, on the main thread.
 *                    Failing stops the start or the reload.
 *   outbound_policy  for each binding and domain, when a queue of them is first needed, on any thread, also on
 *                    several at once; it must not block. Once when the generation is loaded it is called for the
 *                    global scope and for each Binding_Group, Binding and Domain that sets an option of this
 *                    module; failing then stops the start or the reload. Failing later is one line in the
 *                    paniclog, and the queue goes on without what the module would have kept.
 *
 *   host_policy      for each host that mail is sent to, from each binding, when an attempt at it is first told
 *                    (struct imp_moment); thread and failing as above, with each Host that sets an option of this
 *                    module, and once without one, instead of the other scopes. It asks the Host stanzas only, which
 *                    have a fallback of their own: the Host in the Binding in its Binding_Group, in the
 *                    Binding_Group, in the Binding of the global scope, in the global scope, and then the default
 *                    (Momentum 4 manual, "outbound_throttle_messages"). In each the exact name comes before regular
 *                    expressions. An option whose scopes are "outbound, host" is thus two settings. Since 2.0.
 *
 * Queues, Peers and hosts whose scopes set the same share one policy. The functions below ask for options of the
 * core, and for those that the manifest puts in scopes of the core, as they apply here after the fallback;
 * rules and types are those of imp_config_*. They answer during the call of a policy function only;
 * afterwards there is what imp_policy_set kept.
 */
IMP_API const char *imp_policy_text(const struct imp_policy *policy, const char *option);
IMP_API bool imp_policy_bool(const struct imp_policy *policy, const char *option);
IMP_API int64_t imp_policy_int(const struct imp_policy *policy, const char *option);
IMP_API double imp_policy_seconds(const struct imp_policy *policy, const char *option);
IMP_API int imp_policy_choice(const struct imp_policy *policy, const char *option);
IMP_API size_t imp_policy_count(const struct imp_policy *policy, const char *option);
IMP_API const char *imp_policy_item(const struct imp_policy *policy, const char *option, size_t index);
IMP_API const char *imp_policy_key(const struct imp_policy *policy, const char *option, size_t index);
IMP_API const char *imp_policy_lookup(const struct imp_policy *policy, const char *option, const char *key);
/* True when some scope sets the option (a list may be set and empty). */
IMP_API bool imp_policy_is_set(const struct imp_policy *policy, const char *option);
/*
 * Says which setting applies: two policies of one instance that give the same pointer for an option have the
 * same value, so that a long list that many policies share need be compiled once. NULL when no scope sets it.
 */
IMP_API const void *imp_policy_source(const struct imp_policy *policy, const char *option);
/* As imp_config_error, for the policy function to return; the place is that of the setting that applies. */
IMP_API int imp_policy_error(const struct imp_policy *policy, const char *option, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
/*
 * Keeps `data` with this policy for this module instance; `release` (may be NULL) is called with it when the
 * generation ends, or when the policy is not used after all, on any thread and before teardown. It must not block.
 * What a second call for the same policy replaces is released at once. Immutable afterwards: several threads read
 * it. Only from a policy function.
 */
IMP_API void imp_policy_set(struct imp_policy *policy, struct imp_module *module, void *data,
                            void (*release)(void *data));
/*
 * What imp_policy_set kept, or NULL. Any thread. A hook of a session finds it with imp_session_policy
 * (session.h), one about a copy in a queue in struct imp_moment (hooks.h), a delivery method with imp_delivery_policy
 * (delivery.h).
 */
IMP_API void *imp_policy_get(const struct imp_policy *policy, const struct imp_module *module);

#ifdef __cplusplus
}
#endif
#endif
