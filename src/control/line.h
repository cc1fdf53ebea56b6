/*
 * line: one command line of somebody who is known: taken apart, judged, accounted for, run. Private to
 * src/control.
 */
#ifndef IMPULSE_CONTROL_LINE_H
#define IMPULSE_CONTROL_LINE_H

#include "base/slice.h"
#include "control/control_private.h"

/* Prints to `out` what the operator is to read. False: the command was refused. */
bool line_run(const struct control *control, struct visitor *visitor, const struct access *access,
              struct slice line, FILE *out);

#endif
