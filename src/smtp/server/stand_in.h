/*
 * stand_in.h: a client that speaks for another one (XCLIENT, XREMOTEIP); private to src/smtp/server.
 */
#ifndef IMPULSE_SMTP_SERVER_STAND_IN_H
#define IMPULSE_SMTP_SERVER_STAND_IN_H

#include "smtp/server/session.h"

/*
 * From here on the session is that of the client at `peer`, which connected to `local`: its policy, and what
 * follows from its address, are that client's. The commands that made this possible stay with the client that
 * is really there. What the address had earned is gone: validate_connect has to be asked again. NULL; or the
 * answer that the other client gets, which is turned away: the session ends.
 */
const struct smtps_reply *stand_in_for(struct smtps_session *session, const struct net_addr *peer,
                                       const struct net_addr *local);

/* Parses an address as XCLIENT writes it: "192.0.2.1", "IPV6:2001:db8::1"; a bare IPv6 address is taken, too.
 * The port is 0. */
bool stand_in_parse_address(struct slice text, struct net_addr *address);

#endif
