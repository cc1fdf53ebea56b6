/*
 * daemon_private.h: the running daemon, shared by the files of this folder. Main thread.
 *
 *   daemon.c    start and end
 *   reload.c    changes from one generation to the next
 *   console.c   the daemon's part of console commands;  summary.c  the command of that name
 */
#ifndef IMPULSE_DAEMON_DAEMON_PRIVATE_H
#define IMPULSE_DAEMON_DAEMON_PRIVATE_H

#include <uv.h>
#include "control/control.h"
#include "daemon/arguments.h"
#include "daemon/certificates.h"
#include "daemon/listens.h"
#include "daemon/load.h"
#include "daemon/summary.h"
#include "daemon/threads.h"
#include "delivery/delivery.h"
#include "queue/queue.h"
#include "smtp/server/server.h"

enum phase { RUNNING, DRAINING_SESSIONS, DRAINING_QUEUE, ENDED };

struct daemon {
    const struct arguments *arguments;
    struct loading loading; /* how the running generation was loaded */
    struct conf *conf;
    struct threads *threads;
    struct listens *listens;
    struct spool *spool;
    struct module_set *modules;
    struct queue_set *queues;
    struct resolvers *resolvers; /* one for each loop, for deliveries and modules */
    struct delivery *delivery;
    struct smtp_server *server;
    struct control *control;
    struct loop_group *main; /* one loop, which the main thread runs; NULL until it is made */
    uv_loop_t *loop;         /* of it */
    uv_signal_t hangup;      /* SIGHUP; forced_end.h hears the others */
    uv_timer_t tick, bound;
    uv_async_t to_end, sessions_drained, queue_drained;
    enum phase phase;
    struct summary summary;
    struct certificates certificates;
};

#endif
