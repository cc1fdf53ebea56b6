/*
 * ctl_call_private.h: a call as the session sees it. Main thread, unless it says otherwise.
 */
#ifndef IMPULSE_CONTROL_CTL_CALL_PRIVATE_H
#define IMPULSE_CONTROL_CTL_CALL_PRIVATE_H

#include <uv.h>
#include "base/buf.h"
#include "control/ctl_call.h"

struct ctl_calls; /* all calls of a console */

struct ctl_calls *ctl_calls_create(uv_loop_t *loop);
/* Frees the calls that both sides have let go of. */
void ctl_calls_collect(struct ctl_calls *calls);
/*
 * Closes the handle on the loop, which must run until nothing of it is left. All sessions have left. A call
 * that is finished later is harmless.
 */
void ctl_calls_close(struct ctl_calls *calls);

/* A call with a copy of the words. `look` is called with `session` in a later turn when there is something to
 * take. */
struct ctl_call *ctl_call_create(struct ctl_calls *calls, const char *const *words, size_t count,
                                 const char *user, void (*look)(void *session), void *session);

enum ctl_progress {
    CTL_GOES_ON,
    CTL_DONE,
    CTL_REFUSED,
    CTL_OVERRUN, /* it wrote on although nobody read */
};
/* Moves at most `most` bytes of what was written to *text, and says how far the command is. What is not
 * CTL_GOES_ON means: there is no more to come. */
enum ctl_progress ctl_call_take(struct ctl_call *call, struct buf *text, size_t most);
/* Returns whether the command has finished the call (ctl_call_finish). */
bool ctl_call_is_finished(struct ctl_call *call);
/* The session needs it no more: cancels it, unless it is finished. */
void ctl_call_leave(struct ctl_call *call);

#endif
