/*
 * reception_record: tells the log hooks of an envelope that was accepted (the mainlog's R).
 */
#ifndef IMPULSE_MODULE_RECEPTION_RECORD_H
#define IMPULSE_MODULE_RECEPTION_RECORD_H

#include "message/envelope.h"
#include "module/module.h"

/* `protocol`: "esmtp", or "internal" for what was made here, which has no client. Any thread. */
void record_reception(struct module_set *modules, const struct envelope *envelope, const char *protocol);

#endif
