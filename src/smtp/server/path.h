/*
 * path.h: the path of a MAIL or RCPT command by the rules of the session's policy; private to src/smtp/server.
 */
#ifndef IMPULSE_SMTP_SERVER_PATH_H
#define IMPULSE_SMTP_SERVER_PATH_H

#include "smtp/wire/address.h"
#include "smtp/server/session.h"

struct path_command {  /* what differs between the two */
    struct slice word; /* "FROM:", "TO:" */
    const struct smtps_reply *syntax, *too_long, *literal;
};

/*
 * Parses the path at the start of *rest, which is a command's arguments, and moves *rest behind it. NULL, or
 * the refusal. Whether it may be null or without a domain is for the command to say.
 */
const struct smtps_reply *path_parse(const struct smtps_session *session, const struct path_command *command,
                                     struct slice *rest, struct mail_path *path);

#endif
