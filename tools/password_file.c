/* password_file: see password_file.h. */
#include <errno.h>
#include <fcntl.h>
#include <iconv.h>
#include <openssl/evp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>
#include "base/file.h"
#include "base/mem.h"
#include "tools/password_file.h"

enum { FILE_MAX = 16 * 1024 * 1024, MD5_SIZE = 16, FIELD_MAX = 1000 };

static bool fail(char problem[PASSWORD_PROBLEM], const char *what, const char *path)
{
    snprintf(problem, PASSWORD_PROBLEM, "%s %s: %s", what, path, strerror(errno));
    return false;
}

/* ---- a line ------------------------------------------------------------------------------------------- */

static bool can_be_field(const char *text)
{
    for (const char *at = text; *at; at++)
        if (*at == ':' || (unsigned char)*at < ' ' || *at == 127)
            return false;
    return *text && strlen(text) <= FIELD_MAX;
}

const char *password_user_problem(const char *user)
{
    if (!can_be_field(user))
        return "a user name is not empty and has no colon and no control character";
    return *user == '#' ? "a user name does not begin with #, which begins a comment" : NULL;
}

const char *password_realm_problem(const char *realm)
{
    return can_be_field(realm) ? NULL : "a realm is not empty and has no colon and no control character";
}

/*
 * A client counts the characters of a password that ISO 8859-1 has in ISO 8859-1 (RFC 2831 section 2.1.2.1).
 * Text that is not UTF-8, or has other characters, stays as it is.
 */
static char *as_hashed(const char *text)
{
    size_t left = strlen(text), room = left;
    char *converted = mem_zalloc(room + 1), *out = converted, *in = (char *)text;
    iconv_t conversion = iconv_open("ISO-8859-1", "UTF-8");
    bool whole = conversion != (iconv_t)-1 && iconv(conversion, &in, &left, &out, &room) == 0;
    if (conversion != (iconv_t)-1)
        iconv_close(conversion);
    if (whole)
        return converted;
    free(converted);
    return mem_dup(text);
}

char *password_line(const char *user, const char *realm, const char *password, char problem[PASSWORD_PROBLEM])
{
    unsigned char digest[EVP_MAX_MD_SIZE];
    unsigned size = 0;
    char hex[2 * MD5_SIZE + 1];
    char *hashed = as_hashed(password);
    char *secret = mem_printf("%s:%s:%s", user, realm, hashed);
    bool done = EVP_Digest(secret, strlen(secret), digest, &size, EVP_md5(), NULL) && size == MD5_SIZE;
    explicit_bzero(secret, strlen(secret));
    explicit_bzero(hashed, strlen(hashed));
    free(secret);
    free(hashed);
    if (!done) {
        snprintf(problem, PASSWORD_PROBLEM, "the cryptography library of this machine has no MD5");
        return NULL;
    }
    for (size_t i = 0; i < MD5_SIZE; i++)
        snprintf(hex + 2 * i, 3, "%02x", digest[i]);
    return mem_printf("%s:%s:%s", user, realm, hex);
}

/* ---- the file ----------------------------------------------------------------------------------------- */

/* "user:realm:" of a line. */
static struct slice key_of(struct slice line)
{
    const char *realm = memchr(line.data, ':', line.size);
    const char *end = realm ? memchr(realm + 1, ':', line.size - (size_t)(realm + 1 - line.data)) : NULL;
    return end ? (struct slice){line.data, (size_t)(end + 1 - line.data)} : (struct slice){0};
}

/* Appends the old text to `next` with the line in its place. A second line of the same user and realm goes.
 */
static void replace_line(struct buf *next, struct slice old, struct slice line)
{
    struct slice key = key_of(line), at;
    bool placed = false;
    while (slice_next(&old, '\n', &at)) {
        if (!slice_equal(key_of(at), key)) {
            buf_append_slice(next, at);
        } else if (placed) {
            continue;
        } else {
            buf_append_slice(next, line);
            placed = true;
        }
        buf_append_text(next, "\n");
    }
    if (!placed) {
        buf_append_slice(next, line);
        buf_append_text(next, "\n");
    }
}

/* *status: of the file; a mode of 0 when there is none. */
static bool read_old(const char *path, struct buf *text, struct stat *status, char problem[PASSWORD_PROBLEM])
{
    *status = (struct stat){0};
    int error = file_read(path, FILE_MAX, text, status);
    errno = -error;
    return error == 0 || error == -ENOENT || fail(problem, "cannot read", path);
}

static bool write_all(int fd, struct slice text)
{
    while (text.size > 0) {
        ssize_t put = write(fd, text.data, text.size);
        if (put < 0 && errno != EINTR)
            return false;
        if (put > 0)
            text = (struct slice){text.data + put, text.size - (size_t)put};
    }
    return fsync(fd) == 0;
}

/* The new file gets the owner first: nobody else is to read it in between. */
static bool write_new(int folder, const char *path, struct slice text, const struct stat *old,
                      char problem[PASSWORD_PROBLEM])
{
    char *temporary = mem_printf("%s.XXXXXX", path);
    int fd = mkostemp(temporary, O_CLOEXEC);
    if (fd < 0) {
        fail(problem, "cannot write beside", path);
        free(temporary);
        return false;
    }
    bool done =
        !old->st_mode || (fchown(fd, old->st_uid, old->st_gid) == 0 && fchmod(fd, old->st_mode & 07777) == 0);
    done = done && write_all(fd, text) && rename(temporary, path) == 0;
    if (!done) {
        fail(problem, "cannot replace", path);
        unlink(temporary);
    }
    close(fd);
    free(temporary);
    if (done)
        fsync(folder);
    return done;
}

/* The folder that the file is in, locked. -1 with problem[]. */
static int lock_folder(const char *path, char problem[PASSWORD_PROBLEM])
{
    const char *slash = strrchr(path, '/');
    char *folder = !slash ? mem_dup(".") : mem_copy_text(path, slash == path ? 1 : (size_t)(slash - path));
    int fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd >= 0 && flock(fd, LOCK_EX) != 0) {
        close(fd);
        fd = -1;
    }
    if (fd < 0)
        fail(problem, "cannot use the folder", folder);
    free(folder);
    return fd;
}

bool password_file_update(const char *path, const char *line, bool *created, char problem[PASSWORD_PROBLEM])
{
    struct buf old = {0}, next = {0};
    struct stat status;
    char *target = realpath(path, NULL); /* a symbolic link stays one */
    const char *file = target ? target : path;
    int folder = lock_folder(file, problem);
    bool done = folder >= 0 && read_old(file, &old, &status, problem);
    if (done) {
        *created = !status.st_mode;
        replace_line(&next, buf_slice(&old), slice_text(line));
        done = write_new(folder, file, buf_slice(&next), &status, problem);
    }
    if (folder >= 0)
        close(folder);
    buf_release(&old);
    buf_release(&next);
    free(target);
    return done;
}
