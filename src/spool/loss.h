/*
 * loss: what a spool has lost whose log is damaged or too short, and the logs that are kept for salvage then.
 */
#ifndef IMPULSE_SPOOL_LOSS_H
#define IMPULSE_SPOOL_LOSS_H

#include "spool/backend.h"
#include "spool/survey.h"

/* Keeps links to the logs, which the opening of the database removes. `damaged` says what is wrong with them. */
void loss_keep_logs(struct survey *survey, const char *directory, const char *damaged);

/*
 * Called when the database was opened; `reached` is its last change. Returns what is missing, and says so in the paniclog. Removes
 * the links to the logs if it is known that nothing is missing: a power loss may damage what was not durable yet.
 */
struct spool_loss loss_judge(const struct survey *survey, const char *directory, uint64_t reached);

#endif
