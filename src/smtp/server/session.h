/*
 * session.h: one SMTP connection; private to src/smtp/server.
 *
 * A session is a state machine driven by its socket, its timer and the settling of what it waits for. It
 * belongs to one worker (one loop) for life; everything here is called on that loop's thread.
 *
 *     OPENING --greeting--> READING
 *
 *     READING --command line--> (command) --hook suspends--> WAITING --resumed--> READING
 *        |                          |
 *        |                        DATA --> RECEIVING --end of data--> WAITING (hooks, spool) --> READING
 *        +--QUIT, 421, the client's end--> CLOSING
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
    SESSION_RECEIVING, /* after 354: content */
    SESSION_WAITING,   /* for a hook or the spool: input stays where it is */
    SESSION_CLOSING,   /* output is flushed, then the socket closes */
    SESSION_OPENING,   /* before the greeting: what comes is not SMTP yet (PROXY header, TLS handshake) */
};

enum hello_kind { HELLO_NONE, HELLO_HELO, HELLO_EHLO };

enum {                                /* bytes of a line without CR LF */
       COMMAND_LINE_MAX = 2048,       /* RFC 5321 4.5.3.1.4 asks for 512 */
       DIALOGUE_LINE_MAX = 12288 - 2, /* within a dialogue, or of a command that begins one: RFC 4954 4 */
};

enum auth_status { AUTH_NONE, AUTH_PASS, AUTH_FAIL, AUTH_ERROR }; /* of the last AUTH */

enum { AUTH_USER_SHOWN = 255 }; /* bytes of a user's name that the connection context keeps */

struct smtps_session;
typedef void session_continue_fn(struct smtps_session *session, enum hook_outcome outcome);
/* One line without its end; valid during the call. NULL and 0: within a dialogue, it was too long. */
typedef void session_line_fn(struct smtps_session *session, struct slice line);
/* SESSION_OPENING: the socket is readable, or a time that was set has come. */
typedef void session_event_fn(struct smtps_session *session);
/* Content: returns the bytes used, at least one. */
typedef size_t session_content_fn(struct smtps_session *session, struct slice input);

/*
 * What is spoken over the connection: the commands are above the session, which only knows lines and content.
 */
struct session_protocol {
    session_line_fn *command;
    bool (*is_long)(struct slice start); /* a command that may have DIALOGUE_LINE_MAX bytes, by its start */
    /* By its start, content may follow this command: when it cannot be read, nothing behind it can. */
    bool (*announces_content)(struct slice start);
    bool (*congested)(
        const struct smtps_session *session); /* content cannot be taken further; session_resume will come */
    void (*reset)(struct smtps_session *session); /* forget the transaction: nothing of it is accepted */
    const char *(*phase)(const struct smtps_session *session); /* what is awaited, in the rejectlog's words */
};

struct smtps_session {
    struct imp_session view; /* what modules see; first, so that the two convert */
    struct stream stream;
    uv_timer_t timer;
    struct list_node link; /* the worker's list */
    struct smtps_worker *worker;
    const struct session_protocol *protocol;
    struct smtp_generation *generation;     /* one reference */
    const struct listen_policies *policies; /* the generation's */
    const struct listen_terms *terms;       /* for this client, out of `policies` */
    const struct esmtp_policy *policy;      /* of the terms */
    const struct session_limits *slots;     /* the budgets in which this session holds a slot */
    enum session_state state;
    enum hello_kind hello;
    bool waiting_for_turn; /* SESSION_WAITING: nothing has begun yet, so a drain need not wait for it */
    bool waiting_for_hook; /* SESSION_WAITING: `view.resumed` will come */
    bool held;             /* a hook that nobody waits for runs on a pool's thread, and uses the session */
    bool last_chance;      /* its time is up, and the loop has yet to look at its input */
    bool skip_line;        /* the rest of an overlong command line is being thrown away */
    bool leave;            /* 421 at the next opportunity: the server drains */
    bool timer_running;
    unsigned errors;             /* refused for syntax or order */
    unsigned open_handles;       /* stream and timer: the session is freed when both are closed */
    uint64_t deadline;           /* loop_now() at which the client is given up; 0: never */
    uint64_t progress;           /* bytes of content since the deadline was last moved */
    uint64_t skipped;            /* bytes of an overlong line thrown away */
    uint32_t receptions;         /* messages accepted */
    uint32_t mails;              /* MAIL commands accepted */
    uint32_t recipients;         /* RCPT commands accepted */
    char *hello_name;            /* owned; NULL before HELO or EHLO */
    const struct tls_facts *tls; /* NULL: plain text */
    unsigned real_extensions; /* its own policy's, once the client took another one's place; 0: it did not */
    char *user;               /* who authenticated; owned; NULL: nobody */
    char *right_before;       /* can_relay before that; owned; NULL: it was not set */
    enum auth_status auth_status;
    const char *auth_mechanism;            /* of the last AUTH; static text; NULL: there was none */
    unsigned auth_failures;                /* so far */
    struct smtps_call *call;               /* a module's command that is under way; NULL: none */
    struct auth_dialogue *dialogue;        /* an AUTH that is under way; NULL: none */
    struct imp_auth_facts auth_facts;      /* what view.auth points to, while hooks are asked */
    struct slice command;                  /* the running command's line, while it runs */
    struct smtps_transaction *transaction; /* NULL outside MAIL ... end of data */
    struct {                               /* BDAT: the chunk that is being read */
        uint64_t size, left;               /* bytes */
        bool last;                         /* it ends the message */
        const struct smtps_reply
            *problem; /* its bytes are thrown away, then this is the answer; NULL: it is taken */
        bool told;    /* the rejectlog has a chunk that was refused since the last MAIL */
    } chunk;
    session_event_fn *opening;    /* SESSION_OPENING: takes the input */
    session_event_fn *time_is_up; /* called at the deadline; NULL: the client is given up with 421 4.4.2 */
    session_line_fn *read_line;   /* takes the next line instead of the command table; NULL: nobody */
    session_content_fn *content;  /* SESSION_RECEIVING: takes the input */
    session_continue_fn *next;    /* what continues the command after a hook */
    uint64_t hooks_due;           /* clock_mono_ms by which all hooks are to have answered; 0: no limit */
    size_t next_recipient;        /* after the final dot: whom the per-recipient hooks are asked about */
    bool asking_recipients;       /* the loop over them is running */
};

/*
 * What begins with an accepted socket: a session with its greeting, or one line and the end. `policies` are
 * the Listen's in `generation`. In session_open.c.
 */
void session_start(struct smtps_worker *worker, const struct session_protocol *protocol,
                   struct smtp_generation *generation, const struct listen_policies *policies, int fd,
                   const struct net_addr *local, const struct net_addr *peer);

/*
 * Asks validate_connect and greets, as when the client had just connected: when it did, and after XCLIENT. In
 * session_open.c.
 */
void session_greet(struct smtps_session *session);

/*
 * The client is at another address than it seemed (PROXY header, XCLIENT, XREMOTEIP): from here on everything
 * that goes by the address, its policy and its `context` too, goes by this one; only the budgets that it
 * counts in stay. `local` (where it connected to) may be NULL: as it was. In session_open.c.
 */
void session_set_addresses(struct smtps_session *session, const struct net_addr *peer,
                           const struct net_addr *local);

/* The next line is not a command: `run` gets it (a dialogue within a command, as AUTH has). Once. */
void session_read_line(struct smtps_session *session, session_line_fn *run);
/* Input is content until `take` sets the state to SESSION_READING again. */
void session_receive(struct smtps_session *session, session_content_fn *take);

/* Queues one reply; it is sent when the input at hand is used up. A refusal (400 and above) goes to the
 * rejectlog. */
void session_reply(struct smtps_session *session, const struct smtps_reply *reply);
/* The same for a refusal that the rejectlog has already. */
void session_reply_again(struct smtps_session *session, const struct smtps_reply *reply);
/* session_reply, as the module of that name. */
void session_reply_as(struct smtps_session *session, const struct smtps_reply *reply, const char *module);
/* The same as session_reply with the reply that a hook asked for. */
void session_reply_hook(struct smtps_session *session);
/* The hook's refusal goes to the rejectlog, but is not the answer to the command. */
void session_log_hook_refusal(struct smtps_session *session);
/* printf-style text. `code` and `enhanced` ("" for none) as in struct smtps_reply. */
void session_replyf(struct smtps_session *session, int code, const char *enhanced, const char *format, ...)
    __attribute__((format(printf, 4, 5)));
/* Counts a refusal that only a broken or hostile client earns; after too many the session ends with 421. */
void session_count_error(struct smtps_session *session);
/* session_reply and session_count_error. */
void session_refuse(struct smtps_session *session, const struct smtps_reply *reply);

/*
 * Asks the hooks at `point` and calls `next` with the outcome: at once when nobody suspends, else later. The
 * command must not touch its line (session->command) in `next`.
 */
void session_ask(struct smtps_session *session, enum hook_point point, session_continue_fn *next);

/*
 * Before what hooks can reach is freed: true when a hook still runs on a pool's thread, in which case all of that
 * is freed when it has returned, and the session with it.
 */
bool session_hold(struct smtps_session *session);

/* The session waits for something that is not a hook; session_resume ends it. */
void session_wait(struct smtps_session *session);
/*
 * Calls `run` once, `milliseconds` from now, instead of giving the client up; also while the session waits,
 * when it is called after session_wait or session_ask. Going on, or another wait, takes it back.
 */
void session_set_time(struct smtps_session *session, uint64_t milliseconds, session_event_fn *run);
/* The wait is over, and the caller goes on with the command; session_process afterwards. */
void session_end_wait(struct smtps_session *session);
/* Goes on with the input at hand, after a wait or when the spool has caught up with the content. */
void session_resume(struct smtps_session *session);

/* Tells the hooks of a point that is told. */
void session_tell(struct smtps_session *session, enum hook_point point, const void *argument);

/* ---- between session.c and session_open.c ---- */

/* Takes what input there is, sends the replies, and reads on if that is possible. */
void session_process(struct smtps_session *session);
/* The client has idle_time from now on. */
void session_renew_deadline(struct smtps_session *session);
/* As imp_session.resumed. */
void session_hook_resumed(struct imp_session *view, enum hook_outcome outcome);
/* The server drains: the hook that is waited for gets a few seconds. */
void session_hurry_hook(struct smtps_session *session);
/* One of what keeps the session's memory is gone: its handles, a hook on a pool's thread. */
void session_let_go(struct smtps_session *session);
/* The client has left without QUIT: tells the hooks of that, then session_abort. */
void session_lost(struct smtps_session *session);
/* As stream_handler.ended: the client has left while a hook is waited for. */
void session_ended(struct stream *stream);
extern const struct stream_handler session_stream_handler;

/* Sends what is queued, then closes. */
void session_close(struct smtps_session *session);
/* Closes now; the client has gone or is not worth an answer. */
void session_abort(struct smtps_session *session);

/* The server drains: ends the session at the first point where nothing is lost. */
void session_leave(struct smtps_session *session);

/* Hooks are about to be asked about that recipient of the transaction's message; NULL: about none any more.
 */
void session_ask_about(struct smtps_session *session, struct message_recipient *recipient);

/* Ends the transaction without accepting anything (RSET, EHLO, disconnect). */
void session_reset_transaction(struct smtps_session *session);

#endif
