/*
 * sasl: the server's side of one authentication exchange, over libgsasl. The console and SMTP share it.
 *
 * An exchange is one thread's at a time; each step may read a file of passwords and compute, so it runs on
 * the main thread or on a thread of a pool, never on an event loop. Who has no account is led through the
 * same exchange as who has one, in the same time.
 */
#ifndef IMPULSE_SASL_SASL_H
#define IMPULSE_SASL_SASL_H

#include "sasl/passwords.h"

enum sasl_mechanism {
    SASL_PLAIN,         /* RFC 4616 */
    SASL_LOGIN,         /* draft-murchison-sasl-login */
    SASL_CRAM_MD5,      /* RFC 2195 */
    SASL_DIGEST_MD5,    /* RFC 2831 */
    SASL_SCRAM_SHA_1,   /* RFC 5802 */
    SASL_SCRAM_SHA_256, /* RFC 7677 */
    SASL_EXTERNAL,      /* RFC 4422 appendix A */
    SASL_MECHANISMS
};

const char *sasl_mechanism_name(enum sasl_mechanism mechanism);
/* False when there is none of that name (case-insensitive). */
bool sasl_mechanism_find(struct slice name, enum sasl_mechanism *mechanism);
/* Does the password cross the connection as it is? */
bool sasl_is_plain_text(enum sasl_mechanism mechanism);
/* May the client begin, with an initial response? RFC 4954 section 4: where it may not, the answer is 501. */
bool sasl_client_begins(enum sasl_mechanism mechanism);

struct sasl_service; /* what exchanges have in common */
struct sasl_service *sasl_service_create(void);
void sasl_service_free(struct sasl_service *service); /* after its exchanges */

struct sasl_account { /* whom to believe; borrowed by sasl_begin */
    enum sasl_mechanism mechanism;
    struct passwords *passwords; /* NULL: nobody's is right */
    const char *realm;           /* of DIGEST-MD5; NULL: that of the first record */
    const char *identity;        /* of EXTERNAL: who the client is, as its certificate says; NULL: nobody */
};

struct sasl_exchange;
/* Any thread. */
struct sasl_exchange *sasl_begin(struct sasl_service *service, const struct sasl_account *account);
void sasl_end(struct sasl_exchange *exchange); /* any thread; NULL is harmless */

enum sasl_outcome {
    SASL_CONTINUES, /* *challenge goes to the client, which answers it */
    SASL_SUCCEEDED,
    SASL_FAILED,
    SASL_MALFORMED,   /* the answer is not base64; the exchange is over */
    SASL_UNAVAILABLE, /* the passwords could not be read, which the paniclog says */
};

/*
 * Takes what the client said, in base64 ("" is an empty answer). At the first step, NULL says that there was
 * no initial response, and "=" that there was an empty one (RFC 4954 section 4), which is an answer like any
 * other; where the server begins, an initial response is SASL_MALFORMED. *challenge is base64 to be freed, or
 * NULL. After anything but SASL_CONTINUES the exchange is over.
 */
enum sasl_outcome sasl_step(struct sasl_exchange *exchange, const char *answer, char **challenge);

/* The user as the client named it, any bytes but NUL; "" before. Until sasl_end. */
const char *sasl_user(const struct sasl_exchange *exchange);
/* PLAIN and LOGIN: the password that the client gave; NULL otherwise, and before. Until sasl_end. */
const char *sasl_password(const struct sasl_exchange *exchange);

#endif
