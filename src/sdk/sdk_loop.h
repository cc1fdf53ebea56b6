/*
 * sdk_loop: the loops as modules see them, and what module instances have open on them.
 *
 * A timer or a stream does not keep its instance: when nobody else refers to the module set any more, each
 * loop is told to close what the set's instances have open on it, and the set is torn down when all of it is
 * closed.
 */
#ifndef IMPULSE_SDK_SDK_LOOP_H
#define IMPULSE_SDK_SDK_LOOP_H

#include "base/list.h"
#include "event/loop.h"
#include "impulse/loop.h"
#include "module/runner.h"
#include "module/set.h"

/* Something of an instance that lives on a loop. That loop's thread only. */
struct sdk_open {
    struct list_node node; /* of its loop */
    struct imp_loop *loop;
    struct imp_module *module;
    bool closing;                         /* holds a reference to the module set until sdk_open_closed */
    void (*close)(struct sdk_open *open); /* begins to close it, and calls sdk_open_closing */
};

/* On the loop whose thread this is. False: there is none, the instance has ended, or the process ends. */
bool sdk_open_add(struct sdk_open *open, struct imp_module *module, void (*close)(struct sdk_open *open));
/* It is being closed: the instance stays until sdk_open_closed, and nobody closes it again. Twice is
 * harmless. */
void sdk_open_closing(struct sdk_open *open);
/* It is closed and forgotten; the instance may be gone when this returns. */
void sdk_open_closed(struct sdk_open *open);

/* The loop of a module's handle, and the other way round. */
struct loop *sdk_loop_of(const struct imp_loop *loop);
struct imp_loop *sdk_loop_from(const struct loop *loop);
/* Around starting a job, whose end is posted to a loop. False: the process ends, no job is started any more.
 */
bool sdk_jobs_enter(void);
void sdk_jobs_leave(void);

/* ---- for the daemon; main thread -------------------------------------------------------------------- */

/* Makes them known, `loops[0]` being the main thread's; the array is copied. Before modules are set up. */
void sdk_loops_create(struct loop *const *loops, unsigned count);
/* The loops run from now on, and until sdk_loops_stop. */
void sdk_loops_start(void);
/* Modules begin no jobs any more; what they post is still taken. */
void sdk_loops_close_jobs(void);
/* What modules post from here on is refused; what they posted before will have run when the loops have
 * stopped. */
void sdk_loops_close(void);
/* The loops have stopped: begins to close what modules have open. It is closed when the loops are freed. */
void sdk_loops_stop(void);
/* After the event loops were freed: the main loop's things are closed as well. */
void sdk_loops_finish(void);
/* No module is left. */
void sdk_loops_free(void);

#endif
