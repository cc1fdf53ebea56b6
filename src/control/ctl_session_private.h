/*
 * ctl_session_private.h: shared by the files of a console session. ctl_session_open.c accepts it, ctl_session.c
 * reads lines and runs commands, ctl_session_login.c logs its client in, ctl_session_answer.c sends answers. Each
 * calls those after it. Main thread.
 */
#ifndef IMPULSE_CONTROL_CTL_SESSION_PRIVATE_H
#define IMPULSE_CONTROL_CTL_SESSION_PRIVATE_H

#include "base/buf.h"
#include "control/ctl_session.h"
#include "control/login.h"

enum ctl_session_state {
    CTL_READING,   /* waits for the next line */
    CTL_ANSWERING, /* processes a line, or sends the answer */
    CTL_WORKING,   /* a command runs and has no output at the moment */
    CTL_DELAYING,  /* delays the reply to a failed login */
    CTL_CLOSED,
};

struct ctl_session;

struct ctl_session_events { /* how ctl_session_answer.c calls ctl_session.c back */
    /* The answer is sent. The session is CTL_READING and has no output. */
    void (*sent)(struct ctl_session *session);
    /* The time of ctl_session_set_timer is up. */
    void (*time_is_up)(struct ctl_session *session);
};

enum { CTL_LEAVE_MS = 1000 }; /* time for the client to read the last answer */

struct ctl_session {
    struct list_node link; /* in control->sessions */
    struct control *control;
    const struct ctl_session_events *events;
    struct visitor who;
    union {
        uv_handle_t handle;
        uv_stream_t stream;
        uv_tcp_t tcp;
        uv_pipe_t pipe;
    };
    uv_timer_t timer;
    unsigned open_handles;
    enum ctl_session_state state;
    bool ended;    /* the client has closed its sending side */
    bool leaving;  /* closes when its answer is sent */
    bool skipping; /* discards the rest of an overlong line */
    size_t skipped;
    struct buf in;
    struct buf out; /* the answer being written */
    size_t unsent;  /* bytes of it unsent at the last timer */
    uv_write_t write;
    bool by_password;      /* who.user is known from a password */
    struct ctl_call *call; /* the command that is answered later or in parts; otherwise NULL */
    struct login *login;
    unsigned failures;
    uint64_t login_deadline; /* uv_now, in ms */
};

/* ---- ctl_session_answer.c ---- */

/* Closes at once. */
void ctl_session_hang_up(struct ctl_session *session);
/* Calls the session's timer once, after `milliseconds`; 0: not at all. */
void ctl_session_set_timer(struct ctl_session *session, uint64_t milliseconds);
/* Restarts the idle time. Before the login, one idle time covers the whole login. */
void ctl_session_renew(struct ctl_session *session);
/* Gets what applies to the client now. Returns false if the configuration has no such Listen any more. */
bool ctl_session_find_access(const struct ctl_session *session, struct access *access);
/* Sends the content of `out`. */
void ctl_session_send(struct ctl_session *session);
/* Sends an answer: `text`, then OK or ERR. */
void ctl_session_answer(struct ctl_session *session, bool done, struct slice text);
/* Sends the reason and closes. */
void ctl_session_turn_away(struct ctl_session *session, const char *why);

/* Appends a part of an answer to `out`. */
void ctl_session_append(struct ctl_session *session, struct slice text);

/* ---- ctl_session.c ---- */

/* Sets the session's events, so that it reads lines and runs them once its greeting is sent. */
void ctl_session_begin(struct ctl_session *session);

/* ---- ctl_session_login.c ---- */

/* Notes that the client has logged in as `user`. */
void ctl_session_log_in(struct ctl_session *session, const char *user);
/* Takes a line of a client that has not logged in. */
void ctl_session_login_line(struct ctl_session *session, struct slice line);
/* Answers a failed login, after its delay. */
void ctl_session_give_up_login(struct ctl_session *session);
/* Logs that the client took too long to log in, if the configuration wants that logged. */
void ctl_session_log_timeout(struct ctl_session *session);

#endif
