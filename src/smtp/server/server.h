/*
 * server.h: the public interface of the SMTP server. The daemon uses it to receive mail.
 *
 * A generation is one loaded configuration in the form that the server uses: the policies of every Listen,
 * compiled into plain structs. A session holds a reference to the generation with which it began. A reload
 * gives each loop the next generation.
 */
#ifndef IMPULSE_SMTP_SERVER_SERVER_H
#define IMPULSE_SMTP_SERVER_SERVER_H

#include "confparse/confparse.h"
#include "event/pool.h"
#include "message/envelope.h"
#include "module/module.h"
#include "net/addr.h"
#include "spool/spool.h"

struct smtp_server;
struct smtp_listen;     /* the server's part of one Listen stanza; outlives generations */
struct smtp_generation; /* reference-counted */

/* Callbacks to the layer above the server. */
struct smtp_upper {
    /* Takes over an accepted envelope. Any loop thread. */
    void (*accept)(void *upper, struct envelope *envelope);
    /*
     * Checks a recipient's domain (blackhole = "inline"). Returns NULL, or a static reply text that rejects
     * the recipient, such as "551 5.7.1 recipient blackholed". Any loop thread.
     */
    const char *(*check_recipient)(void *upper, struct slice binding, struct slice domain);
    void *upper;
};

/*
 * Registers the server's own commands and extensions; modules add theirs on top. A second call has no effect.
 * Main thread, before modules are set up.
 */
void smtp_server_register(void);
/* Return the registries of the server's own rows. A generation's modules have registries on top of these. */
const struct registry *smtp_server_commands(void);
const struct registry *smtp_server_extensions(void);
const struct registry *smtp_server_parameters(void); /* "MAIL SIZE" */

/*
 * Creates a server without Listens. `spool` and `pools` are borrowed until smtp_server_free; `upper` is
 * copied. Main thread.
 */
struct smtp_server *smtp_server_create(struct spool *spool, struct pool_set *pools,
                                       const struct smtp_upper *upper);
/* Called after the loops have stopped and every session has ended or was abandoned. */
void smtp_server_free(struct smtp_server *server);

/* ---- generations ----------------------------------------------------------------------------- */

/*
 * Compiles the inbound policies of every enabled Listen of every ESMTP_Listener. Takes its own references to
 * conf and modules. NULL with one line in error[]. Without modules (NULL) it serves to see whether that
 * works, certificates included. Main thread.
 */
struct smtp_generation *smtp_generation_create(struct conf *conf, struct module_set *modules, char *error,
                                               size_t error_size);
/*
 * Reports findings about the authentication of SMTP clients that depend on more than one option or on a file.
 * Used by -t and on every load. Main thread.
 */
void smtp_auth_check(const struct conf *conf, struct conf_report *report);
/*
 * Reports findings about SMTP_Extensions: unknown names, and extensions that trust every client. Main thread.
 */
void smtp_extension_check(const struct conf *conf, struct conf_report *report);
/*
 * Declares that a module may have an SMTP extension of that keyword, so that SMTP_Extensions can name it.
 * Main thread.
 */
void smtp_extension_declare(const char *keyword);
/* Reports values of `pathway` that name no Pathway. Main thread. */
void smtp_pathway_check(const struct conf *conf, struct conf_report *report);
struct smtp_generation *smtp_generation_ref(struct smtp_generation *generation); /* any thread */
void smtp_generation_unref(struct smtp_generation *generation); /* any thread; NULL is allowed */

/* ---- listens --------------------------------------------------------------------------------- */

/*
 * Creates a Listen that is served by the loops of `group`. `endpoint` is the name of its stanza; in each
 * generation the stanza with the same address applies. Main thread; the server frees it if smtp_listen_free
 * was not called.
 */
struct smtp_listen *smtp_listen_create(struct smtp_server *server, const char *endpoint,
                                       struct loop_group *group);
/*
 * Called after the listener that passes it to smtp_server_accept was stopped. Sessions continue. Main thread.
 */
void smtp_listen_free(struct smtp_listen *listen);
/*
 * Makes `generation` current on every loop; a task tells each of them. Takes its own references. Main thread,
 * before or while the loops run.
 */
void smtp_server_set_generation(struct smtp_server *server, struct smtp_generation *generation);

/*
 * Takes over the connection `fd` of a Listen: a listener_accept_fn whose argument is the struct smtp_listen.
 * On the loop's thread.
 */
void smtp_server_accept(struct loop *loop, int fd, const struct net_addr *local, const struct net_addr *peer,
                        void *listen);

/* ---- the end --------------------------------------------------------------------------------- */

/* Makes every further message durable before its reply, whatever deferred_spool says. Any thread. */
void smtp_server_defer_no_more(struct smtp_server *server);
/*
 * Drains the server: sessions between transactions get 421 and are closed; a transaction whose content is
 * arriving is completed first. `drained` is called once, on some loop thread, when no session is left. Main
 * thread, after the listeners were stopped.
 */
void smtp_server_drain(struct smtp_server *server, void (*drained)(void *argument), void *argument);
/* Called once, when the loops are about to stop: replies to commands that arrive later are ignored. */
void smtp_server_close_calls(void);
/* Closes every session that is still open; messages without a 250 reply are not accepted. Main thread. */
void smtp_server_abort(struct smtp_server *server);
/* Returns the number of open sessions. Any thread. */
uint64_t smtp_server_sessions(const struct smtp_server *server);

struct smtp_counts {
    uint64_t sessions; /* open now */
    uint64_t received; /* messages accepted, counted once per recipient */
    uint64_t rejected; /* rejections of MAIL, RCPT, DATA and content */
};
/* Returns the counts since the start. Main thread. */
void smtp_server_count(const struct smtp_server *server, struct smtp_counts *counts);

#endif
