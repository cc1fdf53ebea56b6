/*
 * control: the console. Control_Listeners, their sessions, and the commands that an operator gives.
 *
 * Everything here runs on the main thread's uv loop, so a command may load a configuration, which takes a
 * while, and no session of a mail client notices. What a command wants from the daemon it asks through
 * `struct control_upper`.
 *
 * The protocol, lines that end in LF (the manual does not describe Momentum's own):
 *
 *   server   IMPULSE CONSOLE 1                     the greeting
 *        or  IMPULSE CONSOLE 1 AUTH [MECHANISM ...] ... nothing but AUTH is taken before success
 *        or  = and ERR, as below, and the end      this client is not served
 *   client   AUTH MECHANISM [INITIAL-BASE64]       SASL; each challenge and answer is one base64 line:
 *   server   + BASE64
 *   client   BASE64, or * to give up               ... until OK or ERR
 *   client   COMMAND                               one line; words as the configuration quotes them
 *   server   = N, then N bytes                     output, as often as needed; before any OK and ERR
 *   server   OK, or ERR                            the command is done, or was refused
 *
 * A command is begun when the answer to the one before it is with the kernel. An idle session is closed after
 * Timeout seconds, as is one that has not logged in by then; a line may have CONTROL_LINE_MAX bytes.
 * Source: Momentum 4 manual, "Configuring Momentum's System Console", "Control_Listener Authentication",
 * "Control_Listener Authorization", "Control_Listener Accounting".
 */
#ifndef IMPULSE_CONTROL_CONTROL_H
#define IMPULSE_CONTROL_CONTROL_H

#include <sys/types.h>
#include <uv.h>
#include "base/registry.h"
#include "confparse/confparse.h"
#include "impulse/log.h"

enum { CONTROL_LINE_MAX = 1024 * 1024, CONTROL_DEFAULT_TIMEOUT = 60 };

struct control;

/* What lies above, as callbacks; all on the main thread. Lines for the operator go to `out`, each with its
 * newline. */
struct control_upper {
    void *daemon;
    /* The running generation, borrowed until the next call that may change it. */
    struct conf *(*running)(void *daemon);
    /* How configurations are loaded here: manifests, leniency, checks. The struct stays as long as the
     * daemon; what it points to is exchanged at a reload. */
    const struct conf_load_options *(*load_options)(void *daemon);
    /* Reads `path` (NULL: the file the daemon was started with) and swaps to it. False: the running one
     * stays. */
    bool (*reload)(void *daemon, const char *path, FILE *out);
    /* Swaps to a generation that is loaded and checked; takes its own reference. False: the running one
     * stays. */
    bool (*adopt)(void *daemon, struct conf *next, FILE *out);
    /* Begins the end, as SIGTERM does. Returns at once. */
    void (*shutdown)(void *daemon);
    /* The commands that there are: those of the core, and of the modules that run. NULL: those of the core.
     */
    const struct registry *(*commands)(void *daemon);
    /* Tell the modules' log hooks. */
    void (*log_authentication)(void *daemon, const struct imp_log_authentication *event);
    void (*log_authorization)(void *daemon, const struct imp_log_authorization *event);
};

struct control *control_create(uv_loop_t *loop, const struct control_upper *upper);
/* What only the console can judge about Control_Listener and Authorization stanzas; for -t and every load. */
void control_check(const struct conf *conf, struct conf_report *report);
/*
 * Opens the sockets of the Control_Listener stanzas that are not open yet and keeps them for control_start.
 * Files of Unix sockets are given to `owner` and `group`. False with one line in error[]: none is opened.
 * Before root is dropped, and at a reload.
 */
bool control_open(struct control *control, const struct conf *conf, uid_t owner, gid_t group, char *error,
                  size_t error_size);
/*
 * Uses the running generation from here on: begins to accept on what was opened, closes the sockets it has no
 * more. Sessions go on; each command is judged by the generation that runs, and one whose Listen is gone ends
 * with its next command.
 */
void control_start(struct control *control);
/* Closes sockets; sessions end as soon as their clients have read what they were answered, or after a second.
 * The loop must run until nothing of it is left before control_free. */
void control_close(struct control *control);
/*
 * Cancels the commands that have not finished, closes the connections of their clients, and waits until no loop
 * works for a command any more. The loops must still run. Work that commands do on pools may continue.
 */
void control_cancel(struct control *control);
/* How many sockets are open. */
size_t control_count(const struct control *control);
/* Frees what commands have finished after the loop's last turn. */
void control_collect(struct control *control);
/* Runs the loop a last time. */
void control_free(struct control *control);

#endif
