/*
 * extension.h: the SMTP extensions that the server implements, as rows of one table: their names in
 * SMTP_Extensions, and when each is offered. Main thread; extension_at any thread.
 */
#ifndef IMPULSE_SMTP_SERVER_EXTENSION_H
#define IMPULSE_SMTP_SERVER_EXTENSION_H

#include <stdbool.h>
#include <stddef.h>
#include "base/registry.h"

enum { /* bits of esmtp_policy.extensions and of the result of session_offers */
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
       EXTENSION_FIRST_OF_MODULES = 65536, /* from here on: those of modules; see extension_declare */
       /*
        * A client that may use one of these can impersonate others. They depend on the client that is really
        * connected, not on the one that it impersonates.
        */
       EXTENSIONS_TRUSTED =
           EXTENSION_XCLIENT | EXTENSION_XREMOTEIP | EXTENSION_XSETCONTEXT | EXTENSION_XDUMPCONTEXT,
};

enum extension_rule {
    EXTENSION_ALWAYS,     /* harmless for all clients: offered whatever SMTP_Extensions says */
    EXTENSION_BY_DEFAULT, /* offered if SMTP_Extensions names it or is not set */
    EXTENSION_WHEN_NAMED, /* offered only if SMTP_Extensions names it */
};

struct extension {
    const char *keyword; /* in the reply to EHLO and in SMTP_Extensions */
    unsigned bit;
    enum extension_rule rule;
    unsigned needs;   /* the extension that this one depends on; 0: none */
    const char *help; /* one line: what the client may do; NULL for one of modules */
};

/* Returns the extension at `index`, in the order in which EHLO offers them; NULL after the last. */
const struct extension *extension_at(size_t index);

/* The registry of the server's own, on which that of a generation's modules lies. */
void extensions_register(void);
const struct registry *extensions_core(void);

struct module_extension { /* a row of MODULE_SMTP_EXTENSIONS: what a module offers */
    const char *keyword;
    const char *arguments; /* behind the keyword in EHLO's answer; "" for none */
    unsigned bit;
    bool when_named; /* offered only where SMTP_Extensions names it */
};

/*
 * A module has an extension of that keyword, or may have one, as its manifest says: SMTP_Extensions can name
 * it from now on, also when that is at a reload. Returns its bit, which it keeps as long as the process lives;
 * 0: all bits are taken. Main thread, as all that looks a keyword up: sessions have the bits in their policy
 * and the rows of their generation's modules.
 */
unsigned extension_declare(struct slice keyword);

/*
 * Returns the extension that an item of SMTP_Extensions names, with or without arguments ("AUTH LOGIN"); NULL
 * if there is none. Main thread.
 */
const struct extension *extension_find(const char *item);

/*
 * Returns the extension bits for the `count` items of SMTP_Extensions, each with or without arguments ("AUTH
 * LOGIN"). Unknown names are ignored. Main thread.
 */
unsigned extensions_resolve(const char *const *names, size_t count);
/* Returns the extension bits if SMTP_Extensions is not set. */
unsigned extensions_default(void);

#endif
