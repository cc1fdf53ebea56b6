/*
 * queue: what was accepted and is not delivered yet, by binding and domain; who is tried when; what happens
 * after.
 *
 * Every (binding, domain) queue is owned by one loop, chosen by its name, and touched by that loop's thread
 * only; envelopes reach it as tasks. Delivery (src/delivery) is above: the queue calls it through struct
 * queue_transport and hears back through queue_settle, so that the queue includes nothing of it.
 */
#ifndef IMPULSE_QUEUE_QUEUE_H
#define IMPULSE_QUEUE_QUEUE_H

#include "confparse/confparse.h"
#include "event/loop.h"
#include "event/pool.h"
#include "message/envelope.h"
#include "module/module.h"
#include "policy/fields.h"
#include "spool/spool.h"

struct queue_set; /* all queues */
struct queue;     /* one (binding, domain) */

enum {
    QUEUE_RETRIES_NONE = -1, /* no limit but message_expiration */
    QUEUE_RETRIES_AUTO = -2, /* as many as fit into message_expiration */
};

/*
 * The outbound options of one (binding, domain), resolved once per generation (conf_chain_outbound) and
 * shared by all queues whose scopes set the same. Which option fills which field is in options.def
 * (FIELD(QUEUE, ...)), whose choices the enums follow. Times in seconds.
 */
struct queue_settings {
    enum { BLACKHOLE_NO = 1, BLACKHOLE_TRUE, BLACKHOLE_INLINE, BLACKHOLE_INTERNAL } blackhole;
    unsigned retry_interval, max_retry_interval, message_expiration;
    unsigned delay_dsn_retry_interval; /* after which a sender who asked for it is told of the delay */
    int max_retries;                   /* QUEUE_RETRIES_NONE, QUEUE_RETRIES_AUTO or a count */
    bool never_retry, never_attempt_expired, suspend_delivery;
    bool generate_bounces;
    enum { BOUNCE_HEADERS = 1, BOUNCE_NONE, BOUNCE_ALL } bounces_inline_original;
    const char *mailerdaemon;               /* NULL: mailer-daemon@hostname */
    unsigned max_outbound_connections;      /* UINT_MAX: no limit */
    struct policy_setting server_max;       /* server_max_outbound_connections, from which follows: */
    unsigned binding_max_connections;       /* through the binding, of all its queues; UINT_MAX: no limit */
    unsigned max_deliveries_per_connection; /* 0: no limit */
    unsigned max_recipients_per_batch;      /* of one transaction; 0: as many as delivery can */
    unsigned connect_timeout, ehlo_timeout, mailfrom_timeout, rcptto_timeout, body_timeout, rset_timeout,
        idle_timeout;
    uint16_t remote_smtp_port, lmtp_port;
    const char *delivery_method;     /* of any case: "esmtp", "smtp", "lmtp", or a module's method */
    const char *gateway;             /* NULL: none */
    const struct conf_value *routes; /* a list, as written; NULL: none */
    const char *ehlo_hostname;       /* may be "__hostname__" or "__message__" */
    const char *bind_address;        /* NULL: the kernel chooses */
    struct imp_policy *modules;      /* what modules keep with these settings; a reference; NULL: nothing */
};

/*
 * `binding` may be "default". Each thread remembers what it asked last, so that asking again costs a few
 * comparisons and no lock. Any thread. Valid until queue_set_free or, for an old generation, until the
 * caller's current loop turn ends.
 */
const struct queue_settings *queue_settings_find(struct queue_set *set, struct slice binding,
                                                 struct slice domain);

struct queue_dependencies {   /* all outlive the queue set */
    struct loop_group *loops; /* delivery_pool / maintainer_pool, or the default group */
    struct pool_set *pools;
    struct spool *spool;
};

/* Main thread. Keeps references to `conf` and `modules`. */
struct queue_set *queue_set_create(const struct queue_dependencies *dependencies, struct conf *conf,
                                   struct module_set *modules);
/* New generation: settings are resolved anew from the next attempt on. Main thread. */
void queue_set_reconfigure(struct queue_set *set, struct conf *conf, struct module_set *modules);

/*
 * At most so many connections at a time, and `reserve` more for queues that have none. Connections above a new limit
 * stay. No limit until the first call. Any thread.
 */
void queue_set_limit_connections(struct queue_set *set, unsigned limit, unsigned reserve);

/*
 * Takes an envelope that is durable in the spool and tries it at once, or at next_attempt_us when that is set
 * (a recovered one). Any thread; ownership passes.
 */
void queue_accept(struct queue_set *set, struct envelope *envelope);

/*
 * Begins to drain: no new attempt is started. Calls `drained` on some loop thread, once, when no delivery is
 * in flight; the caller bounds its wait by itself. Main thread.
 */
void queue_set_drain(struct queue_set *set, void (*drained)(void *argument), void *argument);
/*
 * For a process that ends while deliveries continue: hands the spool every message that is in memory only,
 * also those that delivery has. Each loop does that for its own messages, within `wait_ms`. The caller does it
 * for a loop that `is_parked`, whose thread does nothing more. Returns false if a loop did not answer: call it
 * again. Any thread but a loop's, one at a time.
 */
bool queue_set_store_last(struct queue_set *set, bool (*is_parked)(const struct loop *loop),
                          unsigned wait_ms);
/*
 * After the loops stopped and before they, the pools and the spool are freed: waits for what pools and spool
 * still do for the queue, then frees envelopes (they are in the spool).
 */
void queue_set_free(struct queue_set *set);
/* Envelopes held in memory now. Any thread. */
uint64_t queue_set_count(const struct queue_set *set);

struct queue_counts {
    uint64_t connections;       /* that reached a next hop, now */
    uint64_t total, delayed;    /* envelopes now; those of them that wait for their time */
    uint64_t delivered, failed; /* since the start; failed for good */
};
/* Not all as of one moment. Any thread. */
void queue_set_counts(const struct queue_set *set, struct queue_counts *counts);

/* ---- the seam to delivery ---------------------------------------------------------------------------- */

enum queue_verdict { QUEUE_DELIVERED, QUEUE_TRANSIENT, QUEUE_PERMANENT };

/* Who owes a sender with NOTIFY=SUCCESS the answer, once an envelope is QUEUE_DELIVERED (RFC 3461
 * section 5.2). */
enum queue_duty {
    QUEUE_RELAYED,   /* we do: the next hop does not know DSN, so the action is "relayed" */
    QUEUE_PASSED_ON, /* the next hop does: it was given the parameters */
    QUEUE_FINAL,     /* we do: the message is in its mailbox, the action is "delivered" */
};

struct queue_outcome {
    enum queue_verdict verdict;
    enum queue_duty duty;   /* of QUEUE_DELIVERED */
    unsigned stage;         /* Momentum's connection stage (manual, "Connection Stages") */
    uint64_t connection_id; /* 0: none */
    uint64_t bytes;
    struct slice peer;     /* next hop's address text */
    struct slice host;     /* its name, or its address where a route names that; empty: none */
    struct slice response; /* one line: "250 ...", "421 4.4.0 [internal] ..." ; borrowed for the call */
};

struct queue_transport {
    /*
     * A queue has ready envelopes and may have one more connection (fewer than max_outbound_connections are
     * open). The transport opens one, takes envelopes with queue_take while it lives, asks the hooks of
     * message_sending about each attempt (sending.h), and calls queue_connection_closed when it is gone. Called
     * on the queue's loop.
     */
    void (*open)(struct queue_transport *transport, struct queue *queue);
};
void queue_set_transport(struct queue_set *set, struct queue_transport *transport);

/* All on the queue's loop thread: */
struct envelope *queue_take(struct queue *queue); /* next ready envelope, now the caller's; NULL: none */
/*
 * Takes up to `limit` further ready envelopes that may share a transaction with `first` (envelope_may_share),
 * in their order, into more[]; returns how many. Those that were accepted together stand together, so only
 * the neighbourhood of each is searched.
 */
size_t queue_take_batch(struct queue *queue, const struct envelope *first, struct envelope **more,
                        size_t limit);
/* Settles an envelope that queue_take or queue_take_batch gave: logs it, removes or reschedules it, makes a
 * bounce. Ownership passes. */
void queue_settle(struct queue *queue, struct envelope *envelope, const struct queue_outcome *outcome);
/* Gives back an envelope that was not tried (the connection ended first); it keeps its place and retry count.
 */
void queue_give_back(struct queue *queue, struct envelope *envelope);
/* After the loops stopped: frees an envelope that was neither settled nor given back. What is in memory only
 * (ENVELOPE_DEFERRED) is stored first. NULL is fine. */
void queue_abandon(struct queue_set *set, struct envelope *envelope);
/* The connection reached a next hop that talks to it; others that fail leave the ready envelopes to it. */
void queue_connection_established(struct queue *queue);
/*
 * No next hop could be reached, or (`was_established`) the one that was hung up before an envelope was tried:
 * unless another connection is established, every envelope that is ready is settled with `outcome` (copied),
 * in later turns. queue_connection_closed follows, and does not count this one as established any more.
 */
void queue_connection_failed(struct queue *queue, bool was_established, const struct queue_outcome *outcome);
/*
 * No connection could be begun, because this machine lacks what `what` names (one line): descriptors, ports, memory.
 * No envelope counts this as an attempt; the queue tries again after a second. queue_connection_closed follows.
 */
void queue_connection_obstructed(struct queue *queue, const char *what);
/* The connection that `open` asked for is gone; not from within `open` or `wake`. The queue may be gone
 * afterwards. */
void queue_connection_closed(struct queue *queue, bool was_established);
/* A connection that is idle asks to be told when there is work again; `wake` is called once. */
struct queue_waiter {
    struct list_node link;
    void (*wake)(struct queue_waiter *waiter);
};
void queue_wait(struct queue *queue, struct queue_waiter *waiter);
void queue_wait_cancel(struct queue_waiter *waiter);

const struct queue_settings *queue_settings(struct queue *queue); /* current generation's; for this turn */
struct module_set *queue_modules(struct queue *queue);            /* likewise; take a reference to keep it */
size_t queue_ready(const struct queue *queue);                    /* envelopes that queue_take would give */
/* Do other queues wait for a connection? Then one that is idle should end. */
bool queue_others_wait(const struct queue *queue);
struct slice queue_domain(const struct queue *queue);
struct loop *queue_loop(const struct queue *queue);

#endif
