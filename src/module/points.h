/*
 * points.h: the daemon's own hook points: one row each. Modules add rows of their own (declared_point.c).
 *
 * The path of a command asks by number, never by name.
 */
#ifndef IMPULSE_MODULE_POINTS_H
#define IMPULSE_MODULE_POINTS_H

#include <stddef.h>

enum hook_point {
    POINT_VALIDATE_CONNECT,
    POINT_VALIDATE_EHLO,
    POINT_VALIDATE_AUTH,
    POINT_VALIDATE_MAILFROM,
    POINT_VALIDATE_RCPTTO,
    POINT_VALIDATE_DATA,
    POINT_VALIDATE_DATA_SPOOL,
    POINT_VALIDATE_DATA_SPOOL_EACH_RCPT,
    POINT_VALIDATE_SET_BINDING,
    POINT_BINDING_CHOSEN,
    POINT_TLS_ACCEPTED,
    POINT_SESSION_ABORTED,
    POINT_SESSION_ENDED,
    POINT_ENQUEUED,
    POINT_SENDING,
    POINT_ATTEMPTED,
    POINT_REQUEUE,
    POINT_GONE,
    POINT_SHUTDOWN,
    HOOK_POINTS
};

enum point_flags {
    POINT_MAY_REFUSE = 1,  /* its hooks may refuse; without: they are told */
    POINT_MAY_SUSPEND = 2, /* its hooks may suspend, or block on a pool */
};

struct point_row {
    const char *name;
    const char *owner;  /* "core", or the label of the module that declared it */
    const char *thread; /* where its hooks run, for people */
    unsigned flags;     /* enum point_flags */
    const char *help;   /* one line */
};

const struct point_row *core_point(enum hook_point point);
/* The point of that name, or HOOK_POINTS. Names have no case, as everywhere in Momentum. */
enum hook_point core_point_find(const char *name);

/* Which of the names is meant by `wrong`: the one with the fewest differences, if there are few; else NULL.
 */
struct nearest_name {
    const char *wrong;
    const char *name;
    size_t distance;
};
void nearest_name_offer(struct nearest_name *nearest, const char *name);

#endif
