/*
 * password_file: a file of digests as htdigest keeps them, a line for each user:
 * user:realm:MD5(user:realm:password).
 *
 * Momentum 4 manual, "DIGEST-MD5 Authentication"; the digest is H(A1)'s of RFC 2831 section 2.1.2.1.
 */
#ifndef IMPULSE_TOOLS_PASSWORD_FILE_H
#define IMPULSE_TOOLS_PASSWORD_FILE_H

#include <stdbool.h>
#include <stddef.h>

enum { PASSWORD_PROBLEM = 512 };

/* Why no line of the file can have this user or this realm: one line, or NULL when it can. */
const char *password_user_problem(const char *user);
const char *password_realm_problem(const char *realm);

/* The line, without its newline; free it. NULL with one line in problem[]. */
char *password_line(const char *user, const char *realm, const char *password,
                    char problem[PASSWORD_PROBLEM]);

/*
 * Puts `line` in the place of the same user's and realm's, or at the end; every other line stays as it is.
 * The file is replaced as a whole, so that who reads it sees the old or the new one, and keeps its owner and
 * mode; one that is not there is made for its owner only, and *created says so. Two at a time wait for each
 * other. False with one line in problem[]: nothing has changed.
 */
bool password_file_update(const char *path, const char *line, bool *created, char problem[PASSWORD_PROBLEM]);

#endif
