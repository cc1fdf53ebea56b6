/*
 * socket_fields.h: the options of a Listen that are about its socket, whatever is spoken over it.
 */
#ifndef IMPULSE_POLICY_SOCKET_FIELDS_H
#define IMPULSE_POLICY_SOCKET_FIELDS_H

#include "confparse/confparse.h"
#include "net/listener.h"

/* Fills the fields that have an option; the others (endpoint, concurrency, pool) are not touched. Any thread.
 */
void socket_fields_fill(struct listener_settings *settings, const struct conf_chain *chain);

#endif
