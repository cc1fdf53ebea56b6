/* path: see path.h. */
#include "smtp/server/path.h"

/*
 * Returns whether the line has white space before its CR LF (rfc2821_allow_whitespace_in_envelope). The
 * command arguments do not contain it any more.
 */
static bool ends_in_blank(struct slice line)
{
    return line.size > 0 && ascii_is_blank(line.data[line.size - 1]);
}

const struct smtps_reply *path_parse(const struct smtps_session *session, const struct path_command *command,
                                     struct slice *rest, struct mail_path *path)
{
    const struct esmtp_policy *policy = session->policy;
    struct address_rules rules = {policy->pedantic_addresses, policy->allow_blanks_in_path};
    if (!slice_starts_nocase(*rest, command->word) ||
        (!policy->allow_blanks_at_end && ends_in_blank(session->command)))
        return command->syntax;
    *rest = slice_of(rest->data + command->word.size, rest->size - command->word.size);
    /* Many clients send blanks here, although RFC 5321 3.3 does not allow them. */
    while (rest->size > 0 && ascii_is_blank(rest->data[0]))
        *rest = slice_of(rest->data + 1, rest->size - 1);
    switch (address_parse_path(rest, &rules, path)) {
    case ADDRESS_OK:
        if (rest->size > 0 && rest->data[0] != ' ')
            return command->syntax;
        break;
    case ADDRESS_SYNTAX:
        return command->syntax;
    case ADDRESS_TOO_LONG:
        return command->too_long;
    }
    return !policy->allow_ip_literal && address_is_ip(path->domain) ? command->literal : NULL;
}
