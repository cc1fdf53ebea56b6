/*
 * control_private.h: shared by the files of src/control.
 *
 *   control.c        the sockets, across generations
 *   control_check.c  reports errors in Control_Listener and Authorization stanzas
 *   ctl_session.c    one connection: its lines, its login, its end;  output.c  the bounded output of a
 * command line.c           checks, accounts for and runs one command line;  words.c  splits it ctl_command.c
 * the registry of commands;  cmd_*.c  the console's own commands ctl_call.c       a command that is answered
 * later;  ctl_gather.c  one that every loop answers access.c         what a client may do;  login.c  its
 * login (src/sasl);  roles.c  Authorization account.c        events for the acctlog
 */
#ifndef IMPULSE_CONTROL_CONTROL_PRIVATE_H
#define IMPULSE_CONTROL_CONTROL_PRIVATE_H

#include "base/list.h"
#include "confparse/transaction.h"
#include "control/control.h"
#include "control/login.h"

enum {
    SESSIONS_MAX = 256,            /* per Listen, so that flooding one does not affect the others */
    OUTPUT_MAX = 64 * 1024 * 1024, /* maximum bytes that one command may print */
    UNREAD_MAX = 2 * OUTPUT_MAX,   /* maximum bytes in memory for all sessions together */
};

/* The client of a session, and its state. */
struct visitor {
    char *endpoint;                       /* name of the Listen that it connected to */
    struct net_addr peer;                 /* AF_UNIX for a Unix connection */
    char *user;                           /* NULL until it is known; "" if no login is required */
    struct conf_transaction *transaction; /* NULL: none has begun */
};

static inline bool visitor_is_local(const struct visitor *visitor)
{
    return visitor->peer.family == AF_UNIX;
}

struct control {
    uv_loop_t *loop;
    struct control_upper upper;
    struct login_service *logins;
    struct ctl_calls *calls; /* ctl_call_private.h */
    struct list sockets;     /* struct control_socket, control.c */
    struct list sessions;    /* struct ctl_session, ctl_session.c */
    size_t unread;           /* bytes of answers that clients have not read yet */
};

#endif
