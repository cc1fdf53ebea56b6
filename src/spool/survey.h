/*
 * survey: is everything there that the spool needs? Asked before RocksDB opens it, because RocksDB deletes what it does not
 * find in its catalogue, and begins anew where it finds none.
 */
#ifndef IMPULSE_SPOOL_SURVEY_H
#define IMPULSE_SPOOL_SURVEY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "spool/progress.h"

enum survey_verdict {
    SURVEY_FRESH,  /* there was no spool: one may be created */
    SURVEY_WHOLE,  /* nothing is known to be missing */
    SURVEY_SHORT,  /* the log ends too early or has a gap: open it, and say what is missing */
    SURVEY_BROKEN, /* files are missing or damaged: opening it would destroy what is left */
};

struct survey {
    enum survey_verdict verdict;
    enum progress_state state;
    struct progress_facts noted; /* with PROGRESS_READ */
    bool catalogued;             /* the catalogue can be read, and nothing is known to be missing from it */
    char doubt[200];             /* why nobody can tell whether files are missing; "": it can be told */
    bool may_be_older; /* BROKEN for the newest file alone, which nothing noted; see survey_trust_older */
    uint64_t reached;  /* the last change of the logs; at least the catalogue's */
    uint64_t expected; /* with PROGRESS_READ: the last change that the logs must hold; 0: none */
    uint64_t missing;  /* SHORT: changes that were durable and are gone */
    bool kept;         /* links to the logs are kept; else why not: */
    int keep_error;    /* a negative errno, or 0: it was not tried */
    char damage[300];  /* the first damage within a log */
    char text[600];    /* SHORT and BROKEN: what is wrong, and which file */
};

/* Looks at the spool in `directory`, which is locked. Changes nothing. */
void survey_take(struct survey *survey, const char *directory);
/* What is wrong, unless it is WHOLE, for people. */
const char *survey_problem(const struct survey *survey);
/*
 * Called at a start. A build that had neither the file progress nor the marker may have been killed while it wrote a file: such a
 * spool becomes WHOLE, with a doubt.
 */
void survey_trust_older(struct survey *survey, const char *directory);

/*
 * Keeps links to the logs in a folder "kept" within `directory`, since opening the spool removes them. 0 or a negative errno.
 */
int survey_keep_logs(const char *directory);
/* Called when the spool was opened. Renames the folder to "kept.N", since all changes up to N were read from the logs. Returns its
 * path ("" if that fails); free() it. */
char *survey_name_kept(const char *directory, uint64_t reached);

/* Removes the folder of the links. */
void survey_forget_logs(const char *directory);

#endif
