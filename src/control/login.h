/*
 * login: who logs in to the console, by SASL (sasl/sasl.h).
 *
 * DIGEST-MD5 is checked against digest:// files, LOGIN and PLAIN against file:// files (sasl/records.h). Main
 * thread.
 */
#ifndef IMPULSE_CONTROL_LOGIN_H
#define IMPULSE_CONTROL_LOGIN_H

#include <stdio.h>
#include "control/access.h"

struct login_service; /* what exchanges have in common */
struct login;

struct login_service *login_service_create(void);
void login_service_free(struct login_service *service);

/* Writes " MECHANISM" for each that this client may use. */
void login_mechanisms(const struct access *access, FILE *out);

/* Begins an exchange; what it needs of `access` is copied. NULL: there is no such mechanism for this client.
 */
struct login *login_begin(struct login_service *service, const struct access *access, const char *mechanism);
void login_end(struct login *login); /* NULL is harmless */

enum login_outcome {
    LOGIN_CONTINUES, /* *challenge goes to the client, which answers it */
    LOGIN_SUCCEEDED,
    LOGIN_FAILED,
};

/* Takes what the client said, in base64 (NULL: nothing yet). *challenge is base64 to be freed, or NULL. */
enum login_outcome login_step(struct login *login, const char *answer, char **challenge);

/* The user as the client named it; "" before. Until login_end. */
const char *login_user(const struct login *login);
/* Is the outcome to be told to the log hooks, as log_authentication of the mechanism's parameters says? */
bool login_is_logged(const struct login *login);

#endif
