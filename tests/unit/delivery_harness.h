/*
 * delivery_harness: the real queue, delivery and spool on real loops, with a configuration from a text, and
 * an SMTP server that answers as a test wants it to. Modules are played by the harness: it keeps every log
 * event.
 */
#ifndef IMPULSE_TESTS_UNIT_DELIVERY_HARNESS_H
#define IMPULSE_TESTS_UNIT_DELIVERY_HARNESS_H

#include <pthread.h>
#include <stdatomic.h>
#include "base/buf.h"
#include "delivery/delivery.h"
#include "unit.h"

/* ---- log events -------------------------------------------------------------------------------------- */

struct event {
    char kind; /* 'R', 'D', 'T', 'P' */
    uint64_t message_id;
    unsigned stage, retries;
    uint64_t size;
    char recipient[128]; /* local part and domain */
    char peer[64], protocol[16], binding[32], response[256];
};

/* The `number`th event (from 0) of a kind since harness_start; waits for it up to 10 seconds. kind 0 when
 * none. */
struct event event_wait(char kind, unsigned number);
unsigned event_count(char kind);

/* ---- the daemon's part ------------------------------------------------------------------------------- */

struct harness {
    struct loop_group *loops;
    struct pool_set *pools;
    struct spool *spool;
    struct queue_set *queues;
    struct resolvers *resolvers;
    struct delivery *delivery;
    struct queue_dependencies dependencies;
    char *folder;
    bool ours; /* the folder is removed at the end */
};

/* Starts with printf-style ecelerity.conf text; two loops. */
void harness_start(struct harness *harness, const char *format, ...) __attribute__((format(printf, 2, 3)));
void harness_reconfigure(struct harness *harness, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
/* Stops everything and checks that nobody holds an envelope any more than the spool does. */
void harness_stop(struct harness *harness);

/* Stores a message and hands it to the queue; the id of its (only) envelope. */
uint64_t harness_send(struct harness *harness, const char *from, const char *to, struct slice content);
/*
 * One message with an envelope for each of `facts`, in this order; id, batch_id, received_us and an empty
 * reverse_path (a@example.com) are filled in.
 */
void harness_send_facts(struct harness *harness, const struct envelope_facts *facts, size_t count,
                        struct slice content);
/* One message to `count` recipients, r0@d0.example to rN@dN.example. */
void harness_send_many(struct harness *harness, unsigned count, struct slice content);
/* Hands over `count` envelopes that a restart found, due in `seconds`; they are not in the spool. */
void harness_restore(struct harness *harness, unsigned count, const char *domain, unsigned seconds);
/* While set, the spool has no room for what is stored. */
extern atomic_bool harness_disk_full;
/* The last line for the paniclog since harness_start, "" when there was none. To be freed. */
char *harness_last_line(void);
/* How many envelopes the spool would give back after a restart. Stops the harness. */
unsigned harness_stop_and_count(struct harness *harness);
/* The same in two steps, and without waiting until the queues have drained. */
void harness_end(struct harness *harness);
unsigned harness_count(struct harness *harness);

/* A delivery method that the "module" offers; NULL: none. */
extern const struct module_delivery_method *_Atomic harness_method;

/* A hook of message_sending, which answers at once; NULL: none. */
struct imp_call;
extern enum hook_outcome (*_Atomic harness_sending)(struct imp_call *call);

/* ---- a server ---------------------------------------------------------------------------------------- */

/*
 * What it says, by command: replies separated by '|' for the first, second ... time, the last one from then
 * on.
 * "-" says nothing, "!" closes. NULL is the usual 2xx (to DATA: 354, or 503 without a recipient). EHLO offers
 * PIPELINING, SIZE and 8BITMIME. After LHLO, `final` is said once for each accepted recipient. BDAT is for
 * one chunk, the last.
 */
struct server_script {
    const char *banner, *ehlo, *helo, *mail, *rcpt, *data, *final, *rset;
    const char *unix_path; /* listen there */
};

struct server {
    struct server_script script;
    int listener;
    unsigned port;
    pthread_t thread;
    pthread_mutex_t lock;
    pthread_cond_t changed;
    unsigned connections, messages, used[8];
    struct buf commands; /* every line but content: "EHLO host\n" ...; "=\n" for a connection */
    struct buf contents; /* every message as sent, after un-stuffing, each ended by "\n=\n" */
    struct buf reads;    /* one letter for each command, a space for each read: "E MRD .MRD " */
    int sockets[64];
    pthread_t clients[64];
};

void server_start(struct server *server, const struct server_script *script);
/* Closes its connections. */
void server_stop(struct server *server);
/* A copy of commands, contents or reads as text, to be freed. */
char *server_text(struct server *server, const struct buf *which);
/* Waits up to 10 seconds for so many messages; how many there are. */
unsigned server_wait(struct server *server, unsigned messages);
/* A port on which nobody listens. */
unsigned server_free_port(void);

#endif
