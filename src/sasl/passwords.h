/*
 * passwords: a file of passwords, kept in memory and read again when it changed.
 *
 * Everybody who opens a path in the same form shares one copy, whatever generation they belong to. Each
 * question looks at the file's times first, so that a change holds at once (Momentum 4 manual,
 * "ec_md5passwd": no restart is needed). Blocks on the disk: the main thread or a thread of a pool, never an
 * event loop. Locked inside.
 */
#ifndef IMPULSE_SASL_PASSWORDS_H
#define IMPULSE_SASL_PASSWORDS_H

#include "base/buf.h"

struct passwords;

struct passwords_form { /* of a record */
    bool realms;        /* user:realm:secret, rather than user:secret */
    bool hashed;        /* the secret is an MD5 in hexadecimal digits, rather than clear text */
};

/* Nothing is read yet. `path` is copied. */
struct passwords *passwords_open(const char *path, struct passwords_form form);
struct passwords *passwords_ref(struct passwords *passwords); /* any thread */
void passwords_close(struct passwords *passwords);            /* any thread; NULL is harmless */

struct passwords_form passwords_form(const struct passwords *passwords);

/*
 * Appends the secret of `user` in `realm` (left out of account in a file without realms) to `secret`, an MD5
 * in lower case. The first record of a user counts. 1: found; 0: there is no such user; a negative errno: the
 * file cannot be read, which the paniclog says once. The time that it takes does not depend on whether there
 * is such a user.
 */
int passwords_find(struct passwords *passwords, struct slice user, struct slice realm, struct buf *secret);
/* Appends the realm of the first record to `realm`. Results as above. */
int passwords_first_realm(struct passwords *passwords, struct buf *realm);

#endif
