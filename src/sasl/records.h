/*
 * records: flat files of passwords and groups: one record a line, fields divided by ':', lines that begin
 * with '#' left out:
 *
 *   digest://   user:realm:MD5 of user:realm:password in hexadecimal   as htdigest and ec_md5passwd write it
 *   file://     user:password                                         in clear text
 *   groups://   group:user,user,...  or  group:unused:user,user,...   as /etc/group, or htgroup
 *
 * Source: Momentum 4 manual, "Control_Listener Authentication", "Control_Listener Authorization" and
 * "ESMTP_Listener Authentication". Pure functions but for records_read, which blocks on the disk. Any thread.
 */
#ifndef IMPULSE_SASL_RECORDS_H
#define IMPULSE_SASL_RECORDS_H

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
const char *records_check_realm_password(struct slice record);
const char *records_check_password_digest(struct slice record);
const char *records_check_group(struct slice record);

/* The fields of a record; false when it is not one. `realm` may be empty, the others are not. */
bool records_parse_password(struct slice record, struct slice *user, struct slice *password);
bool records_parse_realm_password(struct slice record, struct slice *user, struct slice *realm,
                                  struct slice *password);
bool records_parse_digest(struct slice record, struct slice *user, struct slice *realm, struct slice *digest);

/* Is it an MD5 in hexadecimal digits? */
bool records_is_digest(struct slice text);

/* Calls `found` for each group that `user` is in. */
void records_groups(struct slice text, struct slice user, void (*found)(struct slice group, void *closure),
                    void *closure);

/* Equality that takes as long whatever differs. */
bool records_same_secret(struct slice given, struct slice secret);

#endif
