/*
 * client_offers: what a server's answer to EHLO or LHLO says it can do. Pure functions; any thread.
 */
#ifndef IMPULSE_SMTP_CLIENT_CLIENT_OFFERS_H
#define IMPULSE_SMTP_CLIENT_CLIENT_OFFERS_H

#include "smtp/wire/reply_line.h"

enum { /* extensions */
       OFFERS_PIPELINING = 1,
       OFFERS_8BITMIME = 2,
       OFFERS_SIZE = 4,
       OFFERS_SMTPUTF8 = 8,
       OFFERS_DSN = 16,
       OFFERS_CHUNKING = 32,
       OFFERS_BINARYMIME = 64,
};

struct offers {          /* zero-initialised: a server that knows no extension */
    unsigned extensions; /* OFFERS_* */
    unsigned recipients; /* of one transaction: LIMITS RCPTMAX= (RFC 9422); 0: not said */
};

/* Reads the lines after the first, the server's name. What is not known, or malformed, is passed over. */
struct offers offers_read(const struct wire_reply *reply);

#endif
