/*
 * imp_config.h: a module instance's stanza, while its setup runs.
 */
#ifndef IMPULSE_MODULE_IMP_CONFIG_H
#define IMPULSE_MODULE_IMP_CONFIG_H

#include "module/manifest.h"
#include "module/option_question.h"

struct config_reading; /* what the stanza and those in it share */

struct imp_config {
    const struct conf *conf;
    const struct conf_scope *scope; /* NULL: no stanza; the manifest's defaults apply */
    const struct manifest *manifest;
    const char *path; /* of a stanza in the module's stanza: "rule/when"; of that itself "" */
    struct config_reading *reading;
};

struct config_reading {
    struct option_fault fault;
    struct imp_config **stanzas; /* those in the module's stanza that were asked for */
    size_t count;
};

/* `label` names the module in lines about it. Main thread. */
void config_reading_begin(struct config_reading *reading, const char *label);
/* Frees what was asked for; the line of the fault stays. */
void config_reading_end(struct config_reading *reading);

#endif
