/*
 * rescue: the spool in the hands of an operator: checked, copied, and read where RocksDB refuses to (impulsectl spool).
 *
 * Everything is told to `out`, a line each, and nothing to the paniclog. No spool is changed but the one that restore and
 * salvage create.
 */
#ifndef IMPULSE_SPOOL_RESCUE_H
#define IMPULSE_SPOOL_RESCUE_H

#include <stdbool.h>
#include <stdio.h>

enum rescue_result {
    RESCUE_GOOD,
    RESCUE_DAMAGE, /* something is missing or damaged; it was told */
    RESCUE_FAILED, /* it could not be done; the reason was told */
};

/* `spoolbase` is the directory of the option of that name, which holds the folder "impulse". */

/* Is a running daemon, or another of these commands, using the spool? */
bool rescue_is_used(const char *spoolbase);

/* Reads all of the spool in the directory, and tells each file and each message that is damaged. The spool must not be used. */
enum rescue_result rescue_check(const char *spoolbase, FILE *out);

/* Copies a spool that is not used, and whole, into the directory `target`, which must not exist. */
enum rescue_result rescue_backup(const char *spoolbase, const char *target, FILE *out);

/* Checks the backup, and copies it to `spoolbase`, where no spool may be. */
enum rescue_result rescue_restore(const char *backup, const char *spoolbase, FILE *out);

/*
 * Reads what can be read of the spool, and makes a new one of it in `target`, where no spool may be. Tells each message that
 * is lost, and why. A message that was delivered shortly before may be in it again.
 */
enum rescue_result rescue_salvage(const char *spoolbase, const char *target, FILE *out);

#endif
