/*
 * listen_options.h: the options of a Listen that do not depend on what is spoken over its connections.
 */
#ifndef IMPULSE_POLICY_LISTEN_OPTIONS_H
#define IMPULSE_POLICY_LISTEN_OPTIONS_H

#include "confparse/confparse.h"
#include "net/listener.h"

struct listen_options { /* who serves it; texts are the configuration's, NULL where they are not set */
    bool enable;
    unsigned concurrency;     /* threads that accept; 0 or 1: see acceptor_threads in daemon/listens.c */
    const char *pool_name;    /* the ThreadPool of these threads */
    const char *event_loop;   /* the EventLoop of its sessions */
    unsigned max_connections; /* 0: no limit */
};

/* Any thread. */
void listen_options_fill(struct listen_options *options, const struct conf_chain *chain);
/* Returns `enable` alone. Any thread. */
bool listen_is_enabled(const struct conf_chain *chain);
/*
 * Fills the fields of the socket that have an option; the others (endpoint, concurrency, pool) are not
 * touched. Any thread.
 */
void listen_socket_fill(struct listener_settings *settings, const struct conf_chain *chain);

#endif
