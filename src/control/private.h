/*
 * private.h: what the files of src/control share.
 *
 *   control.c      the sockets, from one generation to the next
 *   check.c        what is wrong with Control_Listener and Authorization stanzas
 *   session.c      one connection: its lines, its login, its end
 *   output.c       what a command prints, bounded
 *   command.c      the table of commands;  cmd_*.c  their families;  words.c  a line taken apart
 *   access.c       what a client may do;  login.c  SASL;  roles.c  Authorization;  records.c  their files
 */
#ifndef IMPULSE_CONTROL_PRIVATE_H
#define IMPULSE_CONTROL_PRIVATE_H

#include "base/list.h"
#include "control/control.h"
#include "control/login.h"

enum {
    SESSIONS_MAX = 256,            /* of one Listen, so that one that is flooded leaves the others alone */
    OUTPUT_MAX = 64 * 1024 * 1024, /* bytes that one command may print */
    UNREAD_MAX = 2 * OUTPUT_MAX,   /* and that all sessions together may have in memory */
};

struct control {
    uv_loop_t *loop;
    struct control_upper upper;
    struct login_service *logins;
    struct list sockets;  /* struct control_socket, control.c */
    struct list sessions; /* struct session, session.c */
    size_t unread;        /* bytes of answers that clients have not read */
};

#endif
