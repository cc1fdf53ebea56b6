/*
 * path.h: from a recipient to the path of a maildir.
 */
#ifndef MAILDIR_PATH_H
#define MAILDIR_PATH_H

#include <stdbool.h>
#include <stddef.h>

/*
 * Is `template` an absolute path whose variables are known? On false *wrong points at what is not. *fixed is
 * the length of the leading directories, without a final slash, in whose names there is no '%': they are to
 * exist.
 */
bool maildir_path_check(const char *template, size_t *fixed, const char **wrong);

/*
 * Expands %d (domain), %l (local part), %r (recipient) and %% into path[size]. In a value, '%', '/', control
 * characters and a leading dot are written %XX, so that a value is never more than a part of one name, and
 * two recipients never share a directory that the template keeps apart. An empty value becomes "%". False
 * when it does not fit.
 */
bool maildir_path_expand(const char *template, const char *recipient, const char *domain, bool lowercase,
                         char *path, size_t size);

#endif
