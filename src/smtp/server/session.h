/*
 * session.h: one SMTP connection; private to src/smtp/server.
 *
 * A session is a state machine driven by its socket, by its timer, and by the completion of whatever it waits
 * for. It belongs to one worker (one loop) for its whole life; all functions here are called on that loop's
 * thread.
 *
 *     OPENING --greeting--> READING
 *
 *     READING --command line--> (command) --hook suspends--> WAITING --resumed--> READING
 *        |                          |
 *        |                        DATA --> RECEIVING --end of data--> WAITING (hooks, spool) --> READING
 *        +--QUIT, 421, client closes--> CLOSING
 */
#ifndef IMPULSE_SMTP_SERVER_SESSION_H
#define IMPULSE_SMTP_SERVER_SESSION_H

#include "base/list.h"
#include "module/imp_session.h"
#include "net/stream.h"
#include "smtp/wire/data_reader.h"
#include "smtp/server/policy.h"
#include "smtp/server/reply.h"
#include "smtp/server/server.h"

struct auth_dialogue;
struct smtps_call;
struct listen_policies;
struct listen_terms;
struct session_limits;
struct tls_facts;
struct smtps_worker;
struct smtps_transaction;

enum session_state {
    SESSION_READING,   /* expects a command line */
    SESSION_RECEIVING, /* after 354: reads content */
    SESSION_WAITING,   /* for a hook or the spool: input is left in the buffer */
    SESSION_CLOSING,   /* sends the output, then closes the socket */
    SESSION_OPENING,   /* before the greeting: the input is not SMTP yet (PROXY header, TLS handshake) */
};

enum hello_kind { HELLO_NONE, HELLO_HELO, HELLO_EHLO };

enum {                                /* maximum bytes of a line without CR LF */
       COMMAND_LINE_MAX = 2048,       /* RFC 5321 4.5.3.1.4 requires 512 */
       DIALOGUE_LINE_MAX = 12288 - 2, /* in an exchange, or for a command that begins one: RFC 4954 4 */
};

enum auth_status { AUTH_NONE, AUTH_PASS, AUTH_FAIL, AUTH_ERROR }; /* result of the last AUTH */

enum { AUTH_USER_SHOWN = 255 }; /* maximum bytes of a user name in the connection context */

struct smtps_session;
typedef void session_continue_fn(struct smtps_session *session, enum hook_outcome outcome);
/*
 * Handles one line without its line end, valid during the call. NULL and 0: the line was too long; only
 * within an exchange.
 */
typedef void session_line_fn(struct smtps_session *session, struct slice line);
/* Called in SESSION_OPENING when the socket is readable, or when a time set before has come. */
typedef void session_event_fn(struct smtps_session *session);
/* Handles content; returns the number of bytes used, at least one. */
typedef size_t session_content_fn(struct smtps_session *session, struct slice input);

/*
 * The protocol spoken on the connection. The session only handles lines and content; the commands are
 * implemented above it.
 */
struct session_protocol {
    session_line_fn *command;
    bool (*is_long)(struct slice start); /* returns whether a line with this start is a command that may have
                                            DIALOGUE_LINE_MAX bytes */
    /*
     * Returns whether content may follow a command with this start. If such a command cannot be parsed, the
     * session ends, because nothing after it can be parsed.
     */
    bool (*announces_content)(struct slice start);
    /* returns whether no more content can be taken now; session_resume will be called */
    bool (*congested)(const struct smtps_session *session);
    /* returns how many bytes of content to read at once */
    size_t (*content_size)(const struct smtps_session *session);
    /* called when the session has done what it can for now and waits for input */
    void (*settled)(struct smtps_session *session);
    void (*reset)(struct smtps_session *session); /* ends the transaction; none of it is accepted */
    /* returns the phase of the session, as the rejectlog names it */
    const char *(*phase)(const struct smtps_session *session);
};

struct smtps_session {
    struct imp_session view; /* what modules see; the first member, so that pointers to both convert */
    struct stream stream;
    uv_timer_t timer;
    struct list_node link; /* in the worker's list */
    struct smtps_worker *worker;
    const struct session_protocol *protocol;
    struct smtp_generation *generation;     /* one reference */
    const struct listen_policies *policies; /* owned by the generation */
    const struct listen_terms *terms;       /* the terms of this client, part of `policies` */
    const struct esmtp_policy *policy;      /* of the terms */
    const struct session_limits *slots;     /* the budgets in which this session holds a slot; NULL: none */
    enum session_state state;
    enum hello_kind hello;
    bool waiting_for_turn;  /* SESSION_WAITING: no message has begun yet, so a drain need not wait */
    bool waiting_for_spool; /* SESSION_WAITING: replies are held back until the answer to the message */
    bool
        holds_answer; /* the output has the answer to a message: it is sent, whatever the session waits for */
    bool waiting_for_hook; /* SESSION_WAITING: `view.call.resumed` will be called */
    bool held; /* a hook that is no longer waited for still runs on a pool thread and uses the session */
    bool untold_abort, untold_end; /* POINT_SESSION_ABORTED, POINT_SESSION_ENDED: to be told when held ends */
    bool last_chance;              /* its time is up, and the loop has yet to look at its input */
    bool skip_line;                /* discarding the rest of an overlong command line */
    bool leave;                    /* the server drains: send 421 at the next opportunity */
    bool timer_running;
    unsigned errors;             /* commands rejected for syntax or order */
    unsigned open_handles;       /* stream and timer: the session is freed when both are closed */
    uint64_t deadline;           /* loop_now() in ms at which the session is ended; 0: never */
    uint64_t progress;           /* bytes of content since the deadline was last moved */
    uint64_t skipped;            /* bytes of an overlong line that were discarded */
    uint32_t receptions;         /* messages accepted */
    uint32_t mails;              /* MAIL commands accepted */
    uint32_t recipients;         /* RCPT commands accepted */
    char *hello_name;            /* owned; NULL before HELO or EHLO */
    const struct tls_facts *tls; /* NULL: plain text */
    unsigned real_extensions;    /* the extensions of its own policy, after the client took on another address
                                    (stand_in.h); 0: it did not */
    char *user;                  /* authenticated user; owned; NULL: none */
    char *right_before;          /* value of can_relay before that; owned; NULL: not set */
    enum auth_status auth_status;
    const char *auth_mechanism;            /* mechanism of the last AUTH; static text; NULL: none */
    unsigned auth_failures;                /* failed attempts so far */
    struct smtps_call *call;               /* a module's command that is under way; NULL: none */
    struct auth_dialogue *dialogue;        /* AUTH exchange in progress; NULL: none */
    struct imp_auth_facts auth_facts;      /* view.auth points here while hooks run */
    struct slice command;                  /* line of the running command, while it runs */
    struct smtps_transaction *transaction; /* NULL outside MAIL ... end of data */
    struct {                               /* BDAT: the chunk being read */
        uint64_t size, left;               /* bytes */
        bool last;                         /* the chunk ends the message */
        const struct smtps_reply
            *problem; /* reply to send after discarding the chunk; NULL: the chunk is accepted */
        bool told;    /* a rejected chunk is in the rejectlog since the last MAIL */
    } chunk;
    session_event_fn *opening;    /* SESSION_OPENING: handles the input */
    session_event_fn *time_is_up; /* called at the deadline; NULL: reply 421 4.4.2 and close */
    session_line_fn *read_line; /* handles the next line instead of the command table; NULL: the table does */
    session_content_fn *content; /* SESSION_RECEIVING: handles the input */
    session_continue_fn *next;   /* continues the command after a hook */
    uint64_t hooks_due;          /* clock_mono_ms by which all hooks must have decided; 0: no limit */
    size_t next_recipient;       /* after the final dot: index for the per-recipient hooks */
    bool asking_recipients;      /* the loop over the recipients is running */
};

/*
 * Begins a session on the accepted socket `fd`, which it takes over: it sends the greeting, or one line and
 * closes. `policies` are those of the Listen in `generation`. Defined in session_open.c.
 */
void session_start(struct smtps_worker *worker, const struct session_protocol *protocol,
                   struct smtp_generation *generation, const struct listen_policies *policies, int fd,
                   const struct net_addr *local, const struct net_addr *peer);

/*
 * Calls the hooks of validate_connect and sends the greeting. Used when the client connects and after
 * XCLIENT. Defined in session_open.c.
 */
void session_greet(struct smtps_session *session);

/*
 * Changes the client's address (PROXY header, XCLIENT, XREMOTEIP): from now on everything that depends on the
 * address, including its policy and that policy's `context`, is that of `peer`. Only the budgets that the
 * session counts against stay. `local` is the address that the client connected to; NULL leaves it. Both are
 * copied. Defined in session_open.c.
 */
void session_set_addresses(struct smtps_session *session, const struct net_addr *peer,
                           const struct net_addr *local);

/*
 * Passes the next line to `run` instead of the command table, once; used for exchanges within a command, as
 * in AUTH.
 */
void session_read_line(struct smtps_session *session, session_line_fn *run);
/* Treats input as content and passes it to `take` until that sets the state to SESSION_READING again. */
void session_receive(struct smtps_session *session, session_content_fn *take);

/*
 * Queues one reply, which is sent after the input in the buffer is processed. Writes negative replies (400
 * and above) to the rejectlog.
 */
void session_reply(struct smtps_session *session, const struct smtps_reply *reply);
/* Like session_reply, for a rejection that is in the rejectlog already. */
void session_reply_again(struct smtps_session *session, const struct smtps_reply *reply);
/* Like session_reply, for a reply that `module` decided; the rejectlog names it. */
void session_reply_as(struct smtps_session *session, const struct smtps_reply *reply, const char *module);
/* Like session_reply, with the reply that a hook set. */
void session_reply_hook(struct smtps_session *session);
/* Writes a hook's rejection to the rejectlog without replying to the command. */
void session_log_hook_refusal(struct smtps_session *session);
/*
 * Like session_reply with a printf-style text. `code` and `enhanced` ("" for none) are as in struct
 * smtps_reply.
 */
void session_replyf(struct smtps_session *session, int code, const char *enhanced, const char *format, ...)
    __attribute__((format(printf, 4, 5)));
/*
 * Counts a rejection that only a broken or hostile client causes. After ERRORS_MAX of them the session
 * replies 421 and closes.
 */
void session_count_error(struct smtps_session *session);
/* Calls session_reply and session_count_error. */
void session_refuse(struct smtps_session *session, const struct smtps_reply *reply);
/* Calls session_reply_as and session_count_error. */
void session_refuse_as(struct smtps_session *session, const struct smtps_reply *reply, const char *module);

/*
 * Calls the hooks at `point`, then `next` with the outcome: at once if no hook suspends, otherwise later.
 * `next` must not use the command line (session->command).
 */
void session_ask(struct smtps_session *session, enum hook_point point, session_continue_fn *next);

/*
 * Before what hooks can reach is freed, and after hook_call_cancel: true when a hook still runs on a pool's
 * thread, in which case all of that is freed when it has returned, and the session with it.
 */
bool session_hold(struct smtps_session *session);

/* Makes the session wait for something other than a hook, until session_resume. */
void session_wait(struct smtps_session *session);
/*
 * Like session_wait, while the spool stores a whole message. Replies to commands that came in one group
 * with the end of the message (RFC 3030 section 4.2) are held back and sent with the answer, in one segment. If
 * they were sent first, Nagle's algorithm would keep the answer until the client acknowledges them, 40 ms
 * later. The answer to an earlier message is not held back, because a client that does not get it sends that
 * message again.
 */
void session_wait_for_spool(struct smtps_session *session);
/*
 * Calls `run` once, after `milliseconds`, instead of ending the session at its deadline. To use it while the
 * session waits, call it after session_wait or session_ask. Resuming, or another wait, cancels it.
 */
void session_set_time(struct smtps_session *session, uint64_t milliseconds, session_event_fn *run);
/* Ends the wait. The caller continues the command and then calls session_process. */
void session_end_wait(struct smtps_session *session);
/* Continues with the input in the buffer, after a wait or when the spool has stored enough of the content. */
void session_resume(struct smtps_session *session);

/*
 * Calls the hooks of a point that only notifies. While a hook runs on a pool's thread, those of the session's end
 * are called when it has returned, and no others.
 */
void session_tell(struct smtps_session *session, enum hook_point point, const void *argument);

/* ---- shared by session.c and session_open.c ---- */

/* Processes the input, sends the replies, and continues to read if possible. */
void session_process(struct smtps_session *session);
/* Gives the client idle_time from now. */
void session_renew_deadline(struct smtps_session *session);
/* Implements imp_call.resumed. */
void session_hook_resumed(struct imp_call *call, enum hook_outcome outcome);
/* Called when the server drains: limits the wait for a suspended hook to a few seconds. */
void session_hurry_hook(struct smtps_session *session);
/* Called when a user of the session's memory has ended: one of its handles, or a hook on a pool thread. */
void session_let_go(struct smtps_session *session);
/* Called when the client has left without QUIT: notifies the hooks, then calls session_abort. */
void session_lost(struct smtps_session *session);
/* Implements stream_handler.ended: the client has left during the wait for a hook. */
void session_ended(struct stream *stream);
extern const struct stream_handler session_stream_handler;

/* Sends the queued output, then closes. */
void session_close(struct smtps_session *session);
/* Closes at once, because the client has gone or gets no reply. */
void session_abort(struct smtps_session *session);

/* Called when the server drains: ends the session as soon as nothing is lost by it. */
void session_leave(struct smtps_session *session);

/* Sets the recipient of the transaction's message about which hooks are called next; NULL: none. */
void session_ask_about(struct smtps_session *session, struct message_recipient *recipient);

/* Ends the transaction without accepting anything (RSET, EHLO, disconnect). */
void session_reset_transaction(struct smtps_session *session);

#endif
