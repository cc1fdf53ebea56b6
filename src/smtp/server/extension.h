/*
 * extension.h: the extensions of SMTP that the server has, as rows of one table: which SMTP_Extensions can
 * name, and when each is offered. Pure functions; any thread.
 */
#ifndef IMPULSE_SMTP_SERVER_EXTENSION_H
#define IMPULSE_SMTP_SERVER_EXTENSION_H

#include <stdbool.h>
#include <stddef.h>

enum { /* bits: esmtp_policy.extensions and what session_offers returns */
       EXTENSION_PIPELINING = 1,
       EXTENSION_8BITMIME = 2,
       EXTENSION_SIZE = 4,
       EXTENSION_ENHANCEDSTATUSCODES = 8,
       EXTENSION_SMTPUTF8 = 16,
       EXTENSION_DSN = 32,
       EXTENSION_CHUNKING = 64,
       EXTENSION_BINARYMIME = 128,
       EXTENSION_LIMITS = 256,
       EXTENSION_REQUIRETLS = 512,
       EXTENSION_STARTTLS = 1024,
       EXTENSION_AUTH = 2048,
       EXTENSION_XCLIENT = 4096,
       EXTENSION_XREMOTEIP = 8192,
       EXTENSION_XSETCONTEXT = 16384,
       EXTENSION_XDUMPCONTEXT = 32768,
       /* Whoever may use these can be whom it likes: they go with the client, not with whom it names. */
       EXTENSIONS_TRUSTED =
           EXTENSION_XCLIENT | EXTENSION_XREMOTEIP | EXTENSION_XSETCONTEXT | EXTENSION_XDUMPCONTEXT,
};

enum extension_rule {
    EXTENSION_ALWAYS,     /* harmless for everybody: offered whatever SMTP_Extensions says */
    EXTENSION_BY_DEFAULT, /* offered where SMTP_Extensions names it, or is not set */
    EXTENSION_WHEN_NAMED, /* only where SMTP_Extensions names it */
};

struct extension {
    const char *keyword; /* in EHLO's answer and in SMTP_Extensions */
    unsigned bit;
    enum extension_rule rule;
    unsigned needs; /* another extension without which this one means nothing; 0: none */
};

/* In the order in which EHLO offers them. NULL at the end. */
const struct extension *extension_at(size_t index);

/* The extension that an item of SMTP_Extensions names, with or without arguments ("AUTH LOGIN"); NULL: none.
 */
const struct extension *extension_find(const char *item);

/*
 * The bits for a SMTP_Extensions of `count` names, each with or without arguments ("AUTH LOGIN"). Unknown
 * names are left out of account.
 */
unsigned extensions_resolve(const char *const *names, size_t count);
/* The bits when SMTP_Extensions is not set. */
unsigned extensions_default(void);

#endif
