/*
 * client_offers.h: the extensions that a server offers in its reply to EHLO or LHLO. Pure functions; any
 * thread.
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

struct offers {          /* all zero: a server without extensions */
    unsigned extensions; /* OFFERS_* */
    unsigned recipients; /* maximum per transaction, from LIMITS RCPTMAX= (RFC 9422); 0: not given */
};

/*
 * Parses the reply to EHLO or LHLO; its first line has the server's name and is skipped. Unknown and
 * malformed lines are ignored.
 */
struct offers offers_read(const struct wire_reply *reply);

#endif
