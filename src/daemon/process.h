/*
 * process.h: what makes a program a daemon: going to the background, the pidfile, dropping root, telling
 * systemd. Main thread, in the order of this file, before other threads start.
 */
#ifndef IMPULSE_DAEMON_PROCESS_H
#define IMPULSE_DAEMON_PROCESS_H

#include <stdbool.h>
#include <stddef.h>
#include "confparse/confparse.h"

/*
 * Goes to the background: the caller's process waits until process_ready (exit 0) or until the daemon ends
 * before that (exit 1). Returns in the daemon only. stderr stays open until process_ready, so that a failed
 * start is seen.
 */
int process_background(void);

/*
 * Creates and locks `path` and writes the pid. NULL or "": does nothing. False with one line in error[] when
 * another daemon holds it or it cannot be written.
 */
bool process_pidfile(const char *path, char *error, size_t error_size);
/* Removes it (or empties it, when dropping root took the right to remove it). */
void process_pidfile_remove(void);

/* Whom the Security scope says to run as (manual, "security", "user"). */
struct process_identity {
    bool change;
    unsigned uid, gid;
    char name[64];
};
/* False with one line in error[] when the user or group does not exist, or root would be needed. */
bool process_identity_resolve(const struct conf *conf, struct process_identity *identity, char *error,
                              size_t error_size);
/* Makes the directory (and its parents) with mode 0750 and gives it to the identity. False with error[]. */
bool process_prepare_directory(const char *path, const struct process_identity *identity, char *error,
                               size_t error_size);
/* Gives up root for good: supplementary groups, gid, uid; checks that it cannot come back. */
bool process_drop_root(const struct process_identity *identity, char *error, size_t error_size);

/* Tells systemd (sd_notify) and, in the background, the waiting caller. */
void process_ready(void);
void process_reloading(void);
void process_stopping(void);

#endif
