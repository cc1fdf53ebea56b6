/*
 * obstacle.h: finds the reason why a message cannot go to a next hop that lacks an extension which the
 * message needs. Pure functions; any thread.
 *
 * Messages are never converted: a message is either sent as it was received or returned to the sender. Each
 * obstacle is a permanent failure, because another attempt would reach the same hop.
 */
#ifndef IMPULSE_SMTP_CLIENT_OBSTACLE_H
#define IMPULSE_SMTP_CLIENT_OBSTACLE_H

#include "smtp/client/client_offers.h"
#include "message/envelope.h"

struct obstacle_facts {
    const struct offers *offers;
    bool utf8;         /* an internationalized message, unless its header is ASCII */
    bool ascii_header; /* used only for `utf8` */
    bool same_host;    /* the hop is a Unix socket, so no network needs TLS */
};
/*
 * Returns the obstacle as one line, "550 5.6.1 [internal] ..." (static), or an empty slice if the envelope
 * can be sent.
 */
struct slice obstacle_find(const struct envelope *envelope, const struct obstacle_facts *facts);

#endif
