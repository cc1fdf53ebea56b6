/*
 * obstacle: what keeps a message from a next hop that does not offer what the message needs. Pure functions;
 * any thread.
 *
 * Nothing is converted on the way: a message either goes as it came or comes back. Each obstacle is
 * permanent, because another attempt would find the same hop.
 */
#ifndef IMPULSE_SMTP_CLIENT_OBSTACLE_H
#define IMPULSE_SMTP_CLIENT_OBSTACLE_H

#include "smtp/client/client_offers.h"
#include "message/envelope.h"

/*
 * Is the header of a message ASCII? `part` is the content's first part. When the header does not end in it,
 * the whole content has to be.
 */
bool header_is_ascii(const struct envelope *envelope, struct slice part);

struct obstacle_facts {
    const struct offers *offers;
    bool ascii_header; /* only asked for messages with ENVELOPE_SMTPUTF8 */
    bool same_host;    /* the hop is a Unix socket: there is no network that TLS would protect from */
};
/* One line, "550 5.6.1 [internal] ...", or an empty slice: the envelope can go. */
struct slice obstacle_find(const struct envelope *envelope, const struct obstacle_facts *facts);

#endif
