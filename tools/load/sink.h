/*
 * sink: what the parts of impulse-sink share: its settings, its counts, its threads, its sessions.
 */
#ifndef IMPULSE_TOOLS_LOAD_SINK_H
#define IMPULSE_TOOLS_LOAD_SINK_H

#include <pthread.h>
#include "base/counter.h"
#include "base/list.h"
#include "tools/load/fault_plan.h"
#include "tools/load/target.h"
#include "tools/load/wire.h"

struct sink_settings {
    struct target address;
    const char *hostname, *ledger, *certificate, *key;
    uint64_t threads, messages; /* the latter: ends after so many; 0: no bound */
    double seconds;             /* ends after that time; 0: no bound */
    bool no_pipelining, no_chunking, no_8bitmime, no_verify, tls_at_once, json, quiet;
    struct fault_plan faults;
};

/* Each is counted by one thread and added up by the main one. */
struct sink_counts {
    struct counter connections;
    struct counter messages, recipients;      /* accepted with 250 */
    struct counter bytes;                     /* of all content */
    struct counter whole, altered, unstamped; /* of the accepted ones, unless nothing is verified */
    struct counter refused;                   /* the content arrived and was answered 4xx or 5xx */
    struct counter unanswered; /* the content arrived, and the connection ended before the reply */
    struct counter faults;     /* rules that applied */
};

struct sink;

struct sink_thread {
    struct sink *sink;
    pthread_t thread;
    uv_loop_t loop;
    uv_poll_t listener;
    uv_async_t ending; /* sent by the main thread */
    int fd;            /* it listens */
    struct list sessions;
    struct buf lines; /* of the ledger, to be written before the replies that they record are sent */
    struct sink_counts counts;
};

struct sink {
    struct sink_settings settings;
    SSL_CTX *tls;           /* NULL: no TLS is offered */
    char *greeting;         /* the text of the banner */
    int ledger;             /* a descriptor; -1: none is written */
    _Atomic uint64_t begun; /* messages: MAIL commands, which the rules count */
    _Atomic uint64_t came;  /* connections, which take the offsets of a range in turn */
    atomic_bool full;       /* that there are too many connections has been reported */
    struct sink_thread *threads;
};

/* Begins a session on a connection that was accepted. */
void sink_session_start(struct sink_thread *thread, int fd);
/* Closes all sessions; they are freed in later turns of the loop. */
void sink_sessions_end(struct sink_thread *thread);
/* Writes the lines of the ledger. Ends the process if that fails, because the ledger would prove nothing. */
void sink_write_lines(struct sink_thread *thread);

#endif
