/*
 * loss: see loss.h.
 */
#include "spool/loss.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "log/paniclog.h"

void loss_keep_logs(struct survey *survey, const char *directory, const char *damaged)
{
    if (damaged != survey->text)
        snprintf(survey->text, sizeof survey->text, "%s", damaged);
    survey->keep_error = survey_keep_logs(directory);
    survey->kept = survey->keep_error == 0;
}

static void tell_damage(const struct survey *survey, const char *directory, enum panic_level level)
{
    paniclog(level, "spool %s: the log is damaged or incomplete: %s", directory, survey->text);
    if (survey->keep_error)
        paniclog(level, "spool %s: the logs cannot be kept: %s", directory, strerror(-survey->keep_error));
}

static void name_kept_logs(const char *directory, uint64_t reached, enum panic_level level)
{
    char *kept = survey_name_kept(directory, reached);
    paniclog(
        level,
        "spool %s: the logs are kept in %s: \"impulsectl spool salvage\" reads from them what can be read",
        directory, *kept ? kept : "the folder kept");
    free(kept);
}

/* Says what cannot be found out. */
static void tell_ignorance(const struct survey *survey, const char *directory)
{
    if (*survey->doubt)
        paniclog(PANIC_WARNING, "spool %s: %s, so nobody can tell whether files are missing", directory,
                 survey->doubt);
    if (survey->state == PROGRESS_UNKNOWN)
        paniclog(PANIC_WARNING,
                 "spool %s: the file progress is damaged, so nobody can tell whether the log is complete",
                 directory);
    else if (survey->state == PROGRESS_NONE && survey->verdict != SURVEY_FRESH)
        paniclog(PANIC_NOTICE,
                 "spool %s: there is no file progress, so nobody can tell whether the log is complete",
                 directory);
}

struct spool_loss loss_judge(const struct survey *survey, const char *directory, uint64_t reached)
{
    uint64_t expected = survey->expected;
    struct spool_loss loss = {.changes = survey->missing, .messages = survey->noted.messages};
    if (expected > reached && expected - reached > loss.changes)
        loss.changes = expected - reached;
    bool damaged = *survey->text != '\0', known = survey->state == PROGRESS_READ;
    bool lost = loss.changes > 0 || survey->verdict == SURVEY_SHORT;
    enum panic_level level = lost ? PANIC_CRITICAL : known ? PANIC_NOTICE : PANIC_WARNING;
    tell_ignorance(survey, directory);
    if (damaged)
        tell_damage(survey, directory, level);
    if (loss.changes)
        paniclog(level,
                 "spool %s: messages are lost: %" PRIu64
                 " changes are missing that were durable (the last one was %" PRIu64 ", and %" PRIu64
                 " messages were stored)",
                 directory, loss.changes, expected, loss.messages);
    else if (lost)
        paniclog(level, "spool %s: messages may be lost with the missing log", directory);
    else if (damaged && known)
        paniclog(level, "spool %s: nothing is missing that was durable: a power loss does that", directory);
    if (survey->kept && (lost || !known))
        name_kept_logs(directory, reached, level);
    else if (survey->kept)
        survey_forget_logs(directory);
    return loss;
}
