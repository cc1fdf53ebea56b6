/*
 * protocol.h: SMTP as an implementation of struct session_protocol. Private to src/smtp/server.
 */
#ifndef IMPULSE_SMTP_SERVER_PROTOCOL_H
#define IMPULSE_SMTP_SERVER_PROTOCOL_H

#include "smtp/server/session.h"

extern const struct session_protocol smtp_protocol;

#endif
