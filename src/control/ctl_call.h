/*
 * ctl_call: a console command that is answered later, or in parts.
 *
 * A call is made on the main thread when a command is begun. Its owner, the command, keeps it, writes to it
 * from any thread, and finishes it once, at once or later, from any thread; it is gone for the owner then.
 * What is written is sent to the client in the order of the calls of ctl_call_write while the command goes
 * on. A client that does not read is told to the command (CTL_BEHIND), which should stop until there is room
 * again; one that writes on loses its call when CTL_CALL_MOST bytes wait. When the client leaves, or the
 * daemon ends, the call is cancelled: what is written is dropped, and the command finishes when it can.
 */
#ifndef IMPULSE_CONTROL_CTL_CALL_H
#define IMPULSE_CONTROL_CTL_CALL_H

#include <stdbool.h>
#include <stddef.h>
#include "base/slice.h"

enum {
    CTL_CALL_MUCH = 256 * 1024,      /* bytes that wait: the command is told to stop */
    CTL_CALL_MOST = 8 * 1024 * 1024, /* bytes that wait: the call is cancelled */
};

struct ctl_call;

enum ctl_room {
    CTL_TAKEN,
    CTL_BEHIND, /* taken, but the client is behind: go on when there is room */
    CTL_GONE,   /* not taken: the client has left */
};

/* The words after the command's own, and the name of who asks ("" where nobody logs in). They live as long as
 * the call. Any thread. */
size_t ctl_call_count(const struct ctl_call *call);
const char *ctl_call_word(const struct ctl_call *call, size_t index); /* NULL past the last */
const char *ctl_call_user(const struct ctl_call *call);

/* Writes to the client. Any thread; does not block. */
enum ctl_room ctl_call_write(struct ctl_call *call, struct slice text);
/* Has the client left? Any thread. */
bool ctl_call_gone(struct ctl_call *call);
/*
 * Has `room` called once, when there is room or the call is cancelled: on the main thread, in a later turn.
 * For an owner that was told CTL_BEHIND. `call` must not be finished before. Any thread.
 */
void ctl_call_on_room(struct ctl_call *call, void (*room)(struct ctl_call *call, void *closure),
                      void *closure);
/* Waits for the same on the calling thread, which must be one of a pool or the caller's own. CTL_TAKEN or
 * CTL_GONE. */
enum ctl_room ctl_call_wait(struct ctl_call *call);
/* Has `cancelled` called once when the call is cancelled, on the main thread; only from the function that
 * begins the command. It may finish the call. */
void ctl_call_on_cancel(struct ctl_call *call, void (*cancelled)(struct ctl_call *call, void *closure),
                        void *closure);
/* Ends the answer: OK or ERR. Once; the call must not be used afterwards. Any thread. */
void ctl_call_finish(struct ctl_call *call, bool ok);
/* Has `release` called on the main thread when the call is freed; for what must outlive it. Set by whoever
 * wraps commands, before the command is begun. */
void ctl_call_at_end(struct ctl_call *call, void (*release)(void *closure), void *closure);

#endif
