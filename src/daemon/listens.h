/*
 * listens.h: the Listen stanzas of the configuration as open sockets, and what changes at a reload. Main
 * thread.
 */
#ifndef IMPULSE_DAEMON_LISTENS_H
#define IMPULSE_DAEMON_LISTENS_H

#include "confparse/confparse.h"
#include "daemon/threads.h"
#include "smtp/server/server.h"

struct listens;

/* Findings about Listen, pools and loops that need more than one option to see; for -t and every load. */
void listens_check(const struct conf *conf, struct conf_report *report);

struct listens *listens_create(void);
/*
 * Opens the socket of every enabled Listen that is not open yet. False with one line in error[] when one
 * cannot be opened; those opened by this call are closed again. Runs before root is dropped, and at a reload.
 */
bool listens_open(struct listens *listens, const struct conf *conf, struct pool_set *pools, char *error,
                  size_t error_size);
/* How many sockets are open. */
size_t listens_count(const struct listens *listens);
/* Makes a place in the server for each socket that has none. Before smtp_server_set_generation. */
void listens_attach(struct listens *listens, struct smtp_server *server, struct threads *threads);
/* Does some instance of `modules` take the connections of each Listen in a stanza of a module? False with one
 * line in error[]. */
bool listens_have_modules(const struct conf *conf, struct module_set *modules, char *error,
                          size_t error_size);
/* Has them handed to these instances from here on. After listens_attach. */
void listens_use_modules(struct listens *listens, const struct conf *conf, struct module_set *modules);
/* Begins to accept on the sockets that do not yet. After smtp_server_set_generation. */
void listens_start(struct listens *listens);
/*
 * Makes of the sockets that stay open what `conf` says: backlog, buffers, who accepts. What cannot be changed
 * without opening them anew is a warning in the paniclog.
 */
void listens_change(struct listens *listens, const struct conf *conf, struct pool_set *pools);
/*
 * Closes the sockets of Listens that `conf` has no more, or has disabled. Their sessions go on; who waited to
 * be accepted is. Before smtp_server_set_generation, whose generation does not know them any more.
 */
void listens_retire(struct listens *listens, const struct conf *conf);
/* Stops accepting everywhere and closes every socket. */
void listens_close(struct listens *listens);
void listens_free(struct listens *listens);

#endif
