/*
 * control_private.h: what the files of src/control share.
 *
 *   control.c   the sockets, from one generation to the next
 *   control_check.c  what is wrong with Control_Listener and Authorization stanzas
 *   ctl_session.c   one connection: its lines, its login, its end;  output.c  what a command prints, bounded
 *   line.c      one command line: judged, accounted for, run;  words.c  taken apart
 *   ctl_command.c   the registry of commands;  cmd_*.c  the console's own
 *   ctl_call.c  a command that is answered later;  ctl_gather.c  one that every loop answers
 *   access.c    what a client may do;  login.c  its exchange (src/sasl);  roles.c  Authorization
 *   account.c   events for the acctlog
 */
#ifndef IMPULSE_CONTROL_CONTROL_PRIVATE_H
#define IMPULSE_CONTROL_CONTROL_PRIVATE_H

#include "base/list.h"
#include "confparse/transaction.h"
#include "control/control.h"
#include "control/login.h"

enum {
    SESSIONS_MAX = 256,            /* of one Listen, so that one that is flooded leaves the others alone */
    OUTPUT_MAX = 64 * 1024 * 1024, /* bytes that one command may print */
    UNREAD_MAX = 2 * OUTPUT_MAX,   /* and that all sessions together may have in memory */
};

/* Who is on the other side of a session, and what is his. */
struct visitor {
    char *endpoint;                       /* the name of the Listen he came in by */
    struct net_addr peer;                 /* AF_UNIX for a Unix connection */
    char *user;                           /* NULL until it is known; "" where nobody need say */
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
    size_t unread;           /* bytes of answers that clients have not read */
};

#endif
