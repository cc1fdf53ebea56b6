/*
 * records: the flat files of the console, one record a line, fields divided by ':', lines that begin with '#'
 * left out:
 *
 *   digest://   user:realm:MD5 of user:realm:password in hexadecimal      as htdigest and ec_md5passwd write
 * it file://     user:password                                            in clear text groups://
 * group:user,user,...  or  group:unused:user,user,...       as /etc/group, or htgroup
 *
 * A file is read when it is asked, so that a change holds at once. Source: Momentum 4 manual,
 * "Control_Listener Authentication" and "Control_Listener Authorization". Main thread; blocks on the disk.
 */
#ifndef IMPULSE_CONTROL_RECORDS_H
#define IMPULSE_CONTROL_RECORDS_H

#include "base/buf.h"

enum { RECORDS_FILE_MAX = 4 * 1024 * 1024, RECORDS_DIGEST_SIZE = 32 };

/* Reads a regular file of at most RECORDS_FILE_MAX bytes into `text` (to be released). 0 or a negative errno.
 */
int records_read(struct buf *text, const char *path);

/* The next line that is a record; false at the end. *line begins at 0 and is the record's number afterwards.
 */
bool records_next(struct slice *rest, struct slice *record, unsigned *line);

/* What such a record must be, for a complaint, or NULL when it is well formed. */
const char *records_check_digest(struct slice record);
const char *records_check_password(struct slice record);
const char *records_check_group(struct slice record);

/* Each looks at every record, found or not, so that the time it takes does not tell who has an account. */

/* The MD5 of `user` in `realm`, in lower case with a NUL. False when there is none. */
bool records_find_digest(struct slice text, struct slice user, struct slice realm,
                         char digest[RECORDS_DIGEST_SIZE + 1]);
/* Is that the password of `user`? */
bool records_has_password(struct slice text, struct slice user, struct slice password);
/* The realm of the first well-formed record, or an empty slice. */
struct slice records_realm(struct slice text);
/* Calls `found` for each group that `user` is in. */
void records_groups(struct slice text, struct slice user, void (*found)(struct slice group, void *closure),
                    void *closure);

/* Equality that takes as long whatever differs. */
bool records_same_secret(struct slice given, struct slice secret);

#endif
