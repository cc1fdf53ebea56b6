/*
 * listen_kinds.h: the registry of listener stanzas: ESMTP_Listener, Control_Listener, and the stanzas of
 * modules that have a listener of their own (include/impulse/listener.h). Main thread.
 */
#ifndef IMPULSE_DAEMON_LISTEN_KINDS_H
#define IMPULSE_DAEMON_LISTEN_KINDS_H

#include "base/registry.h"
#include "confparse/confparse.h"

/* Registers those of the core. Once more is harmless. */
void listen_kinds_register(void);
/* Returns the registry of all kinds. */
const struct registry *listen_kinds(void);
/* The stanza of that module holds Listens, as its manifest says. False with one line in error[] when it has
 * the name of another listener. A name that was given stays known. */
bool listen_kinds_declare(const char *module, char *error, size_t error_size);

/* Whose the Listens in a stanza are. */
enum listen_owner {
    LISTEN_SMTP,
    LISTEN_CONSOLE, /* opened by src/control */
    LISTEN_MODULE,
};
enum listen_owner listen_owner_of(const struct conf_scope *listener);

/* Calls `visit` for every Listen that src/daemon opens, which are those of all kinds but the console's, until
 * it says false. `all`: also for those that are disabled. */
bool listen_kinds_each(const struct conf *conf, bool all,
                       bool (*visit)(const struct conf_chain *chain, const struct conf_scope *listen,
                                     void *closure),
                       void *closure);

#endif
