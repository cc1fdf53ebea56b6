/*
 * daemon_settings.h: the options of the global scope that the process reads once, when it starts: none of them
 * changes at reload. Texts are the configuration's. Main thread.
 */
#ifndef IMPULSE_DAEMON_DAEMON_SETTINGS_H
#define IMPULSE_DAEMON_DAEMON_SETTINGS_H

#include "dns/dns.h"
#include "policy/fields.h"
#include "spool/spool.h"

struct daemon_settings {
    const struct conf_value *pidfile; /* "": none is written */
    const char *delivery_pool;        /* the EventLoop of queues and deliveries; NULL: maintainer_pool's */
    const char *maintainer_pool;      /* NULL: the default one */
};

void daemon_settings_fill(struct daemon_settings *settings, const struct conf *conf);
void resolver_settings_fill(struct resolver_settings *settings, const struct conf *conf);
/* Fills the fields that have an option; reserve_bytes is not touched. */
void spool_settings_fill(struct spool_settings *settings, const struct conf *conf);

#endif
