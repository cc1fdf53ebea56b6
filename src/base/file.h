/*
 * file: small files as a whole: passwords, groups, certificates. Blocks on the disk; any thread.
 */
#ifndef IMPULSE_BASE_FILE_H
#define IMPULSE_BASE_FILE_H

#include <sys/stat.h>
#include "base/buf.h"

/*
 * Reads a regular file of at most `most` bytes into `text`, which is empty before. What is read is not moved
 * meanwhile, unless the file grows: of a secret there is one copy to wipe. `status` (may be NULL) is the
 * file's, when there is one. 0; -EISDIR, or -EINVAL for anything else that is no file (a FIFO is not waited
 * for); -EFBIG; or another negative errno. `text` is to be released, whatever is returned.
 */
int file_read(const char *path, size_t most, struct buf *text, struct stat *status);

#endif
