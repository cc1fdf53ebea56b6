/*
 * server.h: the SMTP server's whole face: what main needs to receive mail.
 *
 * A generation is one loaded configuration as the server uses it: the policies of every Listen, compiled to
 * plain structs. Sessions hold a reference to the generation they began with; a reload gives each loop the
 * next one.
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
struct smtp_listen;     /* one Listen stanza's place in the server; outlives generations */
struct smtp_generation; /* reference-counted */

/* What lies above the server, as callbacks. */
struct smtp_upper {
    /* Takes an envelope that is durable. Any loop thread; ownership passes. */
    void (*accept)(void *upper, struct envelope *envelope);
    /*
     * May refuse a recipient by its domain (blackhole = "inline"). NULL: no objection; else a static reply
     * text such as "551 5.7.1 recipient blackholed". Any loop thread.
     */
    const char *(*check_recipient)(void *upper, struct slice binding, struct slice domain);
    void *upper;
};

/* Registers the server's commands and extensions, on which those of modules lie. Once more is harmless. Main thread, before
 * modules are set up. */
void smtp_server_register(void);

struct smtp_server *smtp_server_create(struct spool *spool, struct pool_set *pools,
                                       const struct smtp_upper *upper);
/* After the loops stopped and every session ended or was abandoned. */
void smtp_server_free(struct smtp_server *server);

/* ---- generations ----------------------------------------------------------------------------- */

/*
 * Compiles the inbound policies of every enabled Listen of every ESMTP_Listener. Takes its own references to
 * conf and modules. NULL with one line in error[]. Without modules (NULL) it serves to see whether that works,
 * certificates included. Main thread.
 */
struct smtp_generation *smtp_generation_create(struct conf *conf, struct module_set *modules, char *error,
                                               size_t error_size);
/* Findings about the authentication of SMTP clients that need more than one option, or a file, to see; for -t and
 * every load. Main thread. */
void smtp_auth_check(const struct conf *conf, struct conf_report *report);
/* Findings about SMTP_Extensions: names that there are not, and trust in everybody. Main thread. */
void smtp_extension_check(const struct conf *conf, struct conf_report *report);
/* A module may have an SMTP extension of that keyword: SMTP_Extensions can name it. Main thread. */
void smtp_extension_declare(const char *keyword);
/* Findings about `pathway`: names that no Pathway has. Main thread. */
void smtp_pathway_check(const struct conf *conf, struct conf_report *report);
struct smtp_generation *smtp_generation_ref(struct smtp_generation *generation); /* any thread */
void smtp_generation_unref(struct smtp_generation *generation); /* any thread; NULL is harmless */

/* ---- listens --------------------------------------------------------------------------------- */

/*
 * A Listen that serves on the loops of `group`. `endpoint` is the stanza's name; generations are searched for
 * a stanza with the same address. Main thread; freed with the server at the latest.
 */
struct smtp_listen *smtp_listen_create(struct smtp_server *server, const char *endpoint,
                                       struct loop_group *group);
/* After the listener that calls smtp_server_accept with it was stopped. Its sessions go on. Main thread. */
void smtp_listen_free(struct smtp_listen *listen);
/*
 * Makes `generation` current on every loop that serves (each learns it through a task). Takes its own
 * references. Main thread; the loops may run or not yet run.
 */
void smtp_server_set_generation(struct smtp_server *server, struct smtp_generation *generation);

/* A connection for that Listen: a listener_accept_fn whose argument is the struct smtp_listen. */
void smtp_server_accept(struct loop *loop, int fd, const struct net_addr *local, const struct net_addr *peer,
                        void *listen);

/* ---- the end --------------------------------------------------------------------------------- */

/*
 * Drains: sessions between transactions are told 421 and closed, a transaction whose DATA is under way is
 * finished first. `drained` is called once, on some loop thread, when no session is left. Main thread, after
 * the listeners stopped.
 */
void smtp_server_drain(struct smtp_server *server, void (*drained)(void *argument), void *argument);
/* The loops are about to stop: who answers a command from here on is not heard, and harms nobody. Once. */
void smtp_server_close_calls(void);
/* Hangs up on every session that is still open: what was not answered 250 is not accepted. Main thread. */
void smtp_server_abort(struct smtp_server *server);
/* Sessions open now. Any thread. */
uint64_t smtp_server_sessions(const struct smtp_server *server);

struct smtp_counts {
    uint64_t sessions; /* open now */
    uint64_t received; /* messages accepted, one for each recipient */
    uint64_t rejected; /* refusals of MAIL, RCPT, DATA and content */
};
/* Since the start. Main thread. */
void smtp_server_count(const struct smtp_server *server, struct smtp_counts *counts);

#endif
