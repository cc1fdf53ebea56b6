/*
 * generation: one configuration as the queues see it: the resolved settings and the modules to be told.
 *
 * Shared by reference count. Settings are resolved when first asked for, one struct for all queues whose scopes
 * set the same, so that a million domains without a stanza of their own share one. Private to src/queue.
 */
#ifndef IMPULSE_QUEUE_GENERATION_H
#define IMPULSE_QUEUE_GENERATION_H

#include "queue/queue.h"

struct generation {
    _Atomic uint32_t references;
    unsigned serial; /* unique within the process, from 1 */
    struct conf *conf;
    struct module_set *modules;
    const char *hostname;          /* the option, else the system's */
    struct policy_table *settings; /* of struct queue_settings */
    struct policy_table *hosts;    /* of struct imp_policy */
};

/* One reference. Main thread. */
struct generation *generation_create(struct conf *conf, struct module_set *modules);
struct generation *generation_ref(struct generation *generation); /* any thread */
void generation_unref(struct generation *generation);             /* any thread */

/*
 * Fills `chain` with the scopes of a queue, which are valid as long as the generation. Takes no lock unless
 * there are regex Domains. Any thread.
 */
void generation_chain(const struct generation *generation, struct slice binding, struct slice domain,
                      struct conf_chain *chain);
/* Returns the settings of such a chain, which live as long as the generation. Takes a lock. Any thread. */
const struct queue_settings *generation_chain_settings(struct generation *generation,
                                                       const struct conf_chain *chain);
/* Calls generation_chain and generation_chain_settings. */
const struct queue_settings *generation_settings(struct generation *generation, struct slice binding,
                                                 struct slice domain);
/*
 * Returns what modules have compiled for a host to which mail of this binding is sent; NULL if there is
 * nothing. Valid as long as the generation. Takes a lock if a module compiles anything. Any thread.
 */
const struct imp_policy *generation_host_policy(struct generation *generation, struct slice binding,
                                                struct slice host);

#endif
