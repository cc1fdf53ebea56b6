/*
 * threads.h: the EventLoop and ThreadPool stanzas as running loops and pools. Main thread.
 */
#ifndef IMPULSE_DAEMON_THREADS_H
#define IMPULSE_DAEMON_THREADS_H

#include "confparse/confparse.h"
#include "event/loop.h"
#include "event/pool.h"

struct threads;

/* Reports a ThreadPool that must have threads and has none. */
void threads_check(const struct conf *conf, struct conf_report *report);
/* Makes every configured loop group and pool, and the default group (one loop a core); starts the pools. NULL
 * with one line in error[]. */
struct threads *threads_create(const struct conf *conf, char *error, size_t error_size);
struct pool_set *threads_pools(struct threads *threads);
/* The group of that name, or the default one for NULL, "" and names that no EventLoop stanza has. */
struct loop_group *threads_loops(struct threads *threads, const char *name);
/* All loops, `main` first; to be freed with free(). */
struct loop **threads_all_loops(const struct threads *threads, struct loop *main, unsigned *count);
/* Starts the loops. False when the system refuses a thread. */
bool threads_start(struct threads *threads);
/*
 * Once deliveries have drained: modules begin no more jobs, and the pools have 5 seconds for those that run.
 * When nothing but jobs of modules runs then (or after 30 seconds, what else does), calls `leave`, which ends the
 * process without them. Main thread.
 */
void threads_rest(struct threads *threads, void (*leave)(void));
/*
 * Waits for the jobs of the pools, takes no more of what modules post or resume, runs what is queued, joins
 * the loops and closes what modules have open on them. The pools are joined by threads_free. Once, at the end
 * of the process.
 */
void threads_stop(struct threads *threads);
void threads_free(struct threads *threads);

#endif
