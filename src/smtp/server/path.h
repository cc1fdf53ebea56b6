/*
 * path.h: parses the path of MAIL or RCPT according to the session's policy; private to src/smtp/server.
 */
#ifndef IMPULSE_SMTP_SERVER_PATH_H
#define IMPULSE_SMTP_SERVER_PATH_H

#include "smtp/wire/address.h"
#include "smtp/server/session.h"

struct path_command {  /* how MAIL and RCPT differ */
    struct slice word; /* "FROM:", "TO:" */
    const struct smtps_reply *syntax, *too_long, *literal;
};

/*
 * Parses the path at the start of `*rest`, the arguments of a command, and advances `*rest` past it. `*path`
 * points into the command line. Returns NULL, or the reply that rejects the path. The command checks whether
 * the path may be null or lack a domain.
 */
const struct smtps_reply *path_parse(const struct smtps_session *session, const struct path_command *command,
                                     struct slice *rest, struct mail_path *path);

#endif
