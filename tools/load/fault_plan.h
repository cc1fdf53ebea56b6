/*
 * fault_plan: what impulse-sink does wrong, where, and when: the rules of --at.
 *
 * A rule is a point of the session, what happens there, and what limits it, separated by commas:
 *
 *     POINT,ACTION[,after=WHEN][,until=WHEN][,fraction=F][,times=N]
 *     mail,refuse=451              content+2000,reset,fraction=0.01         end,delay=500,after=10s,until=20s
 *
 * The points of a number of bytes take a range as well, reply+1-300: the connections that come one after the other get
 * one offset after the other, so that each is tried.
 *
 * Rules are added before the threads start; then any thread may ask.
 */
#ifndef IMPULSE_TOOLS_LOAD_FAULT_PLAN_H
#define IMPULSE_TOOLS_LOAD_FAULT_PLAN_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum sink_point {
    POINT_CONNECT, /* the banner */
    POINT_EHLO,    /* and HELO */
    POINT_STARTTLS,
    POINT_MAIL,
    POINT_RCPT,
    POINT_DATA, /* the reply to DATA, or to a BDAT that is not the last */
    POINT_END,  /* the reply to the whole content */
    POINT_RSET,
    POINT_QUIT,
    POINT_CONTENT, /* content+N: N bytes of the content have arrived */
    POINT_BYTE,    /* byte+N: N bytes have arrived on the connection */
    POINT_REPLY,   /* reply+N: N bytes of replies have been sent on the connection */
    POINTS
};

enum sink_action {
    ACTION_NONE,
    ACTION_REFUSE,
    ACTION_DELAY,
    ACTION_CLOSE,
    ACTION_RESET,
    ACTION_HANG,
    ACTION_RUBBISH, /* sends what is no reply, and then nothing: POINT_REPLY only */
    ACTION_LONG     /* sends a line that does not end, and then nothing: POINT_REPLY only */
};

struct fault_time { /* zero-initialised: not set */
    bool set;
    bool in_seconds; /* else a number of messages */
    double value;
};

struct fault_rule {
    enum sink_point point;
    enum sink_action action;
    uint64_t offset; /* of POINT_CONTENT, POINT_BYTE and POINT_REPLY */
    uint64_t last;   /* the last offset of a range; the same without one */
    unsigned code;   /* of ACTION_REFUSE */
    unsigned delay;  /* of ACTION_DELAY, in milliseconds */
    double fraction; /* of the times that the rule applies; 1: always */
    struct fault_time after, until;
    uint64_t times;          /* at most; 0: no limit */
    _Atomic uint64_t asked;  /* how often its fraction was drawn */
    _Atomic uint64_t struck; /* how often it applied, or would have but for `times` */
};

enum { FAULT_RULES = 64 };

struct fault_plan {
    uint64_t seed, started; /* the latter as clock_mono_us */
    size_t count;
    struct fault_rule rules[FAULT_RULES];
};

/* Adds a rule. Returns NULL, or what is wrong with the text. */
const char *fault_plan_add(struct fault_plan *plan, const char *text);
/* Returns the offset at which the rule applies to a connection; `connection` is how many came before it. */
uint64_t fault_rule_offset(const struct fault_rule *rule, uint64_t connection);
/*
 * Returns the smallest offset above `now` at which a rule for this point, which has offsets, applies to the connection;
 * or UINT64_MAX if there is none.
 */
uint64_t fault_plan_next_offset(const struct fault_plan *plan, enum sink_point point, uint64_t connection,
                                uint64_t now);
/*
 * Returns the first rule that applies at the point, or NULL. `messages` is how many messages (MAIL) came before this
 * one, `connection` how many connections. Of rules with offsets only those with `before` < offset <= `now` apply.
 */
const struct fault_rule *fault_plan_strike(struct fault_plan *plan, enum sink_point point, uint64_t messages,
                                           uint64_t connection, uint64_t before, uint64_t now);

#endif
