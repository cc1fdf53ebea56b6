/*
 * view: what a thread remembers of the configuration. Private to src/queue. Any thread.
 */
#ifndef IMPULSE_QUEUE_VIEW_H
#define IMPULSE_QUEUE_VIEW_H

#include "queue/queue_private.h"

/* The set's generation, with a reference for the caller; takes a lock. */
struct generation *set_generation(struct queue_set *set);

struct view;
/* This thread's view of the set, of the current generation. Good for the caller's loop turn. */
struct view *view_of(struct queue_set *set);
/* As queue_settings_find. */
const struct queue_settings *view_settings(struct view *view, struct slice binding, struct slice domain);
struct generation *view_generation(const struct view *view); /* borrowed */
/* Lets the thread forget whatever it remembers. */
void view_forget(void);

#endif
