/*
 * A session of impulse-sink, as its files share it: sink_session.c has its life and its replies,
 * sink_command.c the commands, sink_content.c what comes after DATA and BDAT.
 */
#ifndef IMPULSE_TOOLS_LOAD_SINK_SESSION_H
#define IMPULSE_TOOLS_LOAD_SINK_SESSION_H

#include "tools/load/sink.h"
#include "tools/load/stamp.h"

enum reading { READ_COMMANDS, READ_DATA, READ_CHUNK };

struct reply {
    enum sink_point point;
    unsigned code;
    const char *text;
};

struct sink_session {
    struct wire wire;
    struct sink_thread *thread;
    struct list_node node; /* of thread->sessions */
    uv_timer_t timer;      /* of a delayed reply */
    struct reply delayed;
    unsigned closed; /* of the wire and the timer */
    enum reading reading;
    bool counted;   /* a message is under way, which has the place below */
    uint64_t place; /* messages that were begun before it */
    bool greeted, has_sender, in_content, last_chunk, ended;
    char before[2];        /* the last two bytes of content: a dot counts after CR LF only */
    uint64_t content_size; /* of what has arrived */
    uint64_t bytes_seen;   /* on the connection: rules about them were asked */
    uint64_t number;       /* connections that came before it */
    uint64_t said;         /* bytes of replies */
    uint64_t chunk_left;
    size_t recipient_count;
    struct buf recipient;  /* of the RCPT that is being answered */
    struct buf recipients; /* " ADDRESS" for each */
    struct stamp_reader stamp;
};

/* Replies at a point of the session, unless a rule of the fault plan prevents it. */
void sink_session_respond(struct sink_session *session, enum sink_point point, unsigned code,
                          const char *text);
/* Replies where no rule applies: to commands that are wrong or have no effect. */
void sink_session_reply(struct sink_session *session, unsigned code, const char *text);
/* Reads what comes next as content, of a new message or of one that has begun. */
void sink_session_begin_content(struct sink_session *session, enum reading reading);
void sink_session_forget(struct sink_session *session); /* the transaction */

/* Runs a command, which comes without the end of its line. */
void sink_session_run_command(struct sink_session *session, struct slice line);

/* Takes content after DATA, up to a dot at the beginning of a line. Returns how much was used; 0: more is needed. */
size_t sink_content_data(struct sink_session *session, struct slice input);
/* Takes content of a chunk. Returns how much was used. */
size_t sink_content_chunk(struct sink_session *session, struct slice input);
/* Replies to a chunk that has arrived. */
void sink_content_end_chunk(struct sink_session *session);

#endif
