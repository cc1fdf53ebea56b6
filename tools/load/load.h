/*
 * load: what the parts of impulse-load share: its settings, its counts, its threads (workers) and their
 * clients, each of which has one connection at a time.
 */
#ifndef IMPULSE_TOOLS_LOAD_LOAD_H
#define IMPULSE_TOOLS_LOAD_LOAD_H

#include <pthread.h>
#include <stdatomic.h>
#include "base/counter.h"
#include "base/list.h"
#include "tools/load/content.h"
#include "tools/load/distribution.h"
#include "tools/load/histogram.h"
#include "tools/load/pattern.h"
#include "tools/load/target.h"
#include "tools/load/verify.h"
#include "tools/load/wire.h"

struct load_settings {
    const char *where; /* the operand */
    struct target target;
    const char *may_load, *helo, *ledger, *auth, *user, *password_file, *tls_name, *run_text;
    struct verify_request verify; /* ledgers to compare instead of sending */
    struct pattern from, to, source;
    struct distribution sizes, recipients;
    uint64_t connections, threads, per_connection; /* the latter: messages on a connection; 0: no bound */
    uint64_t messages;                             /* 0: no bound */
    double seconds;                                /* 0: no bound */
    double rate;                                   /* messages a second; 0: as fast as possible */
    double timeout;                                /* seconds to wait for a reply */
    uint64_t chunk;                                /* bytes of a BDAT chunk; 0: one for all */
    uint64_t seed;
    bool pipelining, bdat, starttls, tls, json, progress, quiet;
};

/* What is measured. The time of a reply begins when its command is sent (with PIPELINING: the group of commands). */
enum load_phase {
    PHASE_CONNECT,
    PHASE_TLS,
    PHASE_BANNER,
    PHASE_EHLO,
    PHASE_AUTH,
    PHASE_MAIL,
    PHASE_RCPT,
    PHASE_DATA,    /* DATA to 354 */
    PHASE_CONTENT, /* the content's first byte to the reply */
    PHASE_MESSAGE, /* MAIL to 250; at a fixed rate: from when it was due */
    PHASES
};

struct load_counts {
    struct counter connections; /* that were established */
    struct counter failed;      /* that were not, or not as far as being ready for messages */
    struct counter lost;        /* connections that broke after that */
    struct counter standing;    /* connections that are ready for messages, or carry one */
    struct counter begun;       /* messages: each ends as one of the next four */
    struct counter accepted, transient, permanent, unknown;
    struct counter recipients, refused; /* of messages that were begun: accepted, or not, at RCPT */
    struct counter bytes;               /* of accepted messages */
};

enum { COMPLAINTS = 16, COMPLAINT_TEXT = 120 };

struct load_complaint { /* something went wrong, so many times */
    char text[COMPLAINT_TEXT];
    uint64_t count;
};

struct load;

struct load_worker {
    struct load *load;
    pthread_t thread;
    unsigned index;
    uv_loop_t loop;
    uv_timer_t tick; /* ten times a second: time limits, lost connections */
    uv_poll_t pace;  /* a timerfd: when the next message is due */
    uv_async_t wake; /* sent by the main thread: it is to end */
    int pace_fd;
    bool armed; /* the timerfd is */
    struct client *clients;
    size_t client_count, clients_left; /* the latter: those that have not ended */
    struct list idle;                  /* clients that wait for a message to become due */
    uint64_t paced;                    /* messages that have become due and were taken */
    struct buf lines;                  /* of the ledger, not written yet */
    struct load_counts counts;
    uint64_t ended;                  /* when the last client was done */
    struct histogram recent;         /* PHASE_MESSAGE since the last look at it */
    _Atomic uint64_t recent_p99;     /* of the second before this one, for the line of progress */
    unsigned ticks;                  /* since that look */
    struct histogram phases[PHASES]; /* microseconds; read by others when the thread has ended */
    struct load_complaint complaints[COMPLAINTS];
};

struct load {
    struct load_settings settings;
    struct content_pool *pool;
    SSL_CTX *tls; /* NULL: plain text */
    char *password;
    uint64_t run, started, ends; /* microseconds of clock_mono_us; ends: UINT64_MAX without a bound */
    char date[48];
    int ledger;                    /* -1: none is written */
    _Atomic uint64_t numbers;      /* given out so far */
    _Atomic unsigned workers_left; /* that run */
    atomic_bool stop;              /* nothing more is begun */
    const char *_Atomic hopeless;  /* why the run was given up, or NULL */
    struct load_worker *workers;
};

/* ---- load_worker.c ----------------------------------------------------------------------------- */

enum load_grant { GRANT_NOW, GRANT_LATER, GRANT_NONE };

/*
 * Says whether a client may begin a message: GRANT_NOW, with its number and when it was due; GRANT_LATER, which means
 * that the client waits in `idle`; or GRANT_NONE, as there are no more messages.
 */
enum load_grant worker_take(struct load_worker *worker, uint64_t *number, uint64_t *due);
/* Returns true if no more messages are to be begun. */
bool worker_is_done(const struct load_worker *worker);
/* Sets the timer to when the next message is due. */
void worker_await_due(struct load_worker *worker);
void worker_measure(struct load_worker *worker, enum load_phase phase, uint64_t since);
/* Counts a complaint: `what` failed, and `text` says why. */
void worker_complain(struct load_worker *worker, const char *what, struct slice text);
/* Ends the run, because it cannot do what it was started for: no more messages are begun, and `why` (static) is
 * printed at the end. */
void worker_give_up(struct load_worker *worker, const char *why);
/* Writes the lines of the ledger, if there is one. Gives up if that fails. */
void worker_write_lines(struct load_worker *worker);
void worker_client_ended(struct load_worker *worker);
/* Starts the thread. Returns NULL, or what is wrong. */
const char *worker_start(struct load *load, unsigned index);

/* ---- load_client.c ----------------------------------------------------------------------------- */

enum client_state {
    CLIENT_CLOSED, /* between two connections, or ended */
    CLIENT_CONNECTING,
    CLIENT_SHAKING,
    CLIENT_BANNER,
    CLIENT_EHLO,
    CLIENT_STARTTLS,
    CLIENT_AUTH,
    CLIENT_IDLE,
    CLIENT_MAIL,
    CLIENT_RCPT,
    CLIENT_DATA,
    CLIENT_CONTENT,
    CLIENT_RSET,
    CLIENT_QUIT
};

struct client {
    struct wire wire;
    struct load_worker *worker;
    struct list_node node; /* of worker->idle */
    enum client_state state;
    bool wire_open, ended;
    bool failed; /* the last connection did not become ready for messages */
    bool offers_pipelining, offers_chunking, offers_starttls, offers_auth;
    unsigned auth_step;
    uint64_t index;    /* among all clients */
    uint64_t since;    /* when the step began, in microseconds */
    uint64_t retry_at; /* when to connect again, if CLIENT_CLOSED */
    uint64_t pause;    /* microseconds until then, doubled with each failure */
    uint64_t carried;  /* messages on this connection */
    /* the message */
    bool sending, done; /* content is still to be sent; the result is known */
    bool transaction;   /* the server has one open */
    uint64_t number, due, content_since, chunk_left;
    unsigned recipients, asked, accepted; /* asked: RCPTs that were answered */
    unsigned chunks_open;                 /* BDATs that are not answered */
    unsigned result;     /* the first reply that decided against it, then the last one; 0: none yet */
    uint16_t *codes;     /* of each recipient */
    struct buf from, to; /* addresses; of the recipients the one that is written */
    struct content content;
};

static inline const struct load_settings *client_settings(const struct client *client)
{
    return &client->worker->load->settings;
}

void client_init(struct client *client, struct load_worker *worker, uint64_t index);
/* Connects, again if need be. */
void client_connect(struct client *client);
/* Called when the connection has nothing to do: takes a message, waits for one, or says QUIT. */
void client_go_on(struct client *client);
/* Sends what is queued. */
void client_flush(struct client *client);
void client_say(struct client *client, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* Closes a connection that failed. `what` (NULL: the step that it is in) and `text` are counted as a complaint. */
void client_fail(struct client *client, const char *what, struct slice text);
/* Called ten times a second: checks time limits, and connects again. */
void client_tick(struct client *client, uint64_t now);
void client_release(struct client *client);

/* ---- load_transaction.c ------------------------------------------------------------------------ */

void transaction_begin(struct client *client, uint64_t number, uint64_t due);
/* Handles a reply in the states CLIENT_MAIL to CLIENT_RSET. */
void transaction_reply(struct client *client, unsigned code, struct slice text);
/* Sends content until the wire cannot take more. */
void transaction_send(struct client *client);
/* Called when the connection is lost, perhaps in the middle of a message. `code` is 421 if that was the reply, or 0. */
void transaction_lost(struct client *client, unsigned code);

/* ---- load_report.c ----------------------------------------------------------------------------- */

/* Counts a complaint `count` times. The last place has all that find no other. */
void load_count_complaint(struct load_complaint complaints[COMPLAINTS], const char *text, uint64_t count);
/* Returns the sum over all workers of the counter at `offset` of struct load_counts. */
uint64_t load_sum(const struct load *load, size_t offset);
void load_print_progress(const struct load *load);
/* Prints the sums at the end, in words or as JSON. */
void load_print_report(const struct load *load);

#endif
