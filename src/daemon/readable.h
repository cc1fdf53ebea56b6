/*
 * readable.h: the files that are read again after root was given up. Whoever checks a configuration or starts
 * the daemon as root can read everything, and would hear of a key that is root's alone when it is renewed.
 */
#ifndef IMPULSE_DAEMON_READABLE_H
#define IMPULSE_DAEMON_READABLE_H

#include "confparse/confparse.h"

/*
 * Warns on stderr, with its place, of each file that `conf` consists of or names and that this process, which
 * is `account` by now, may not read. Files that are not there are told of by those who read them. Blocks on
 * the disk.
 */
void readable_check(const struct conf *conf, const char *account);

#endif
