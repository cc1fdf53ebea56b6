/*
 * protocol.h: SMTP as a session speaks it: the table of commands behind struct session_protocol. Private to
 * src/smtp.
 */
#ifndef IMPULSE_SMTP_PROTOCOL_H
#define IMPULSE_SMTP_PROTOCOL_H

#include "smtp/session.h"

extern const struct session_protocol smtp_protocol;

#endif
