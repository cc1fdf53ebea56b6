/*
 * line: one command line of somebody who is known: taken apart, judged, accounted for, run. Private to
 * src/control.
 */
#ifndef IMPULSE_CONTROL_LINE_H
#define IMPULSE_CONTROL_LINE_H

#include "base/slice.h"
#include "control/control_private.h"
#include "control/ctl_call.h"

/* Where a command that is answered later is put. */
struct line_later {
    void (*look)(void *session); /* called in later turns when there is something to take from the call */
    void *session;
    struct ctl_call *call; /* NULL: the line is answered */
};

/* Prints to `out` what the operator is to read. False: the command was refused. When later->call is set,
 * neither. */
bool line_run(const struct control *control, struct visitor *visitor, const struct access *access,
              struct slice line, FILE *out, struct line_later *later);

#endif
