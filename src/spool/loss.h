/*
 * loss: what a spool has lost whose log is damaged or too short, and the logs that are kept for salvage then.
 */
#ifndef IMPULSE_SPOOL_LOSS_H
#define IMPULSE_SPOOL_LOSS_H

#include "spool/backend.h"
#include "spool/survey.h"

/* The log is `damaged`, and opening the database removes it: links to the logs are kept. */
void loss_keep_logs(struct survey *survey, const char *directory, const char *damaged);

/*
 * The database was opened, and its last change is `reached`. Says in the paniclog what is missing. The logs that were kept
 * stay unless nothing is: a power loss may damage what was not durable yet.
 */
struct spool_loss loss_judge(const struct survey *survey, const char *directory, uint64_t reached);

#endif
