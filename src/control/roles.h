/*
 * roles: the roles of a user, and the commands that the Authorization stanza lets them run.
 *
 * A user has the roles that the groups:// file gives, and that of the user's own name. Each Role of that name
 * is asked, in order of the file: its `allow` patterns, Perl compatible regular expressions, are searched in
 * the command line. What no pattern allows is not allowed. Source: Momentum 4 manual, "authorization" and
 * "Control_Listener Authorization". Main thread; reads the file.
 */
#ifndef IMPULSE_CONTROL_ROLES_H
#define IMPULSE_CONTROL_ROLES_H

#include "control/access.h"
#include "impulse/log.h"

struct roles {
    char **names; /* of the file, in its order */
    size_t count;
};

/* The roles of `user`. False, with none, when there is a file and it cannot be read, which is said in the
 * paniclog. To be released either way. */
bool roles_read(struct roles *roles, const struct access_method *groups, const char *user);
void roles_release(struct roles *roles);

/*
 * May `user` run `command`? *role is the name of the Role that allows it, "" otherwise; borrowed from `conf`.
 * FAILED: a pattern could not be tried, or the groups not be read.
 */
enum imp_authorization roles_judge(const struct conf *conf, const struct access_method *groups,
                                   const char *user, const char *command, const char **role);

/* Returns the list of patterns of a Role stanza; NULL: it has none. */
const struct conf_value *roles_patterns(const struct conf_scope *role);
/* Is `pattern` a regular expression? On false, problem[] says what is wrong with it. */
bool roles_pattern_check(const char *pattern, char *problem, size_t size);

#endif
