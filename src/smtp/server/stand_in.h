/*
 * stand_in.h: a client that acts on behalf of another one (XCLIENT, XREMOTEIP); private to src/smtp/server.
 * On the session's loop thread.
 */
#ifndef IMPULSE_SMTP_SERVER_STAND_IN_H
#define IMPULSE_SMTP_SERVER_STAND_IN_H

#include "smtp/server/session.h"

/*
 * Makes the session that of the client at `peer`, which connected to `local`: from now on, the policy and all
 * rights are those of the new address. The permission to use XCLIENT, XREMOTEIP, XSETCONTEXT and XDUMPCONTEXT
 * still depends on the client that is really connected. Grants that depended on the old address are revoked,
 * so the caller must call the hooks of validate_connect again. Returns NULL, or the reply to send before the
 * session is closed because the new address is not admitted.
 */
const struct smtps_reply *stand_in_for(struct smtps_session *session, const struct net_addr *peer,
                                       const struct net_addr *local);

/*
 * Parses an address in the form that XCLIENT uses, "192.0.2.1" or "IPV6:2001:db8::1"; an IPv6 address without
 * the prefix is accepted too. Sets the port to 0. Returns false if `text` is not an address.
 */
bool stand_in_parse_address(struct slice text, struct net_addr *address);

#endif
