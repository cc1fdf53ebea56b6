/*
 * records: passwords and groups in flat files, line by line.
 */
#include "sasl/records.h"

#include <ctype.h>
#include "base/file.h"

int records_read(struct buf *text, const char *path)
{
    return file_read(path, RECORDS_FILE_MAX, text, NULL);
}

bool records_next(struct slice *rest, struct slice *record, unsigned *line)
{
    while (rest->size > 0) {
        const char *end = memchr(rest->data, '\n', rest->size);
        size_t size = end ? (size_t)(end - rest->data) : rest->size;
        *record = slice_of(rest->data, size);
        rest->data += end ? size + 1 : size;
        rest->size -= end ? size + 1 : size;
        ++*line;
        if (record->size > 0 && record->data[record->size - 1] == '\r')
            record->size--;
        if (record->size > 0 && record->data[0] != '#')
            return true;
    }
    return false;
}

/* ---- records --------------------------------------------------------------------------------- */

/* The part before the first ':'; *rest is what is behind it. False when there is no ':'. */
static bool take_field(struct slice *rest, struct slice *field)
{
    const char *colon = rest->size ? memchr(rest->data, ':', rest->size) : NULL;
    if (!colon)
        return false;
    *field = slice_of(rest->data, (size_t)(colon - rest->data));
    rest->size -= field->size + 1;
    rest->data = colon + 1;
    return true;
}

bool records_is_digest(struct slice text)
{
    for (size_t i = 0; i < text.size; i++)
        if (!isxdigit((unsigned char)text.data[i]))
            return false;
    return text.size == RECORDS_DIGEST_SIZE;
}

bool records_parse_realm_password(struct slice record, struct slice *user, struct slice *realm,
                                  struct slice *password)
{
    if (!take_field(&record, user) || !take_field(&record, realm))
        return false;
    *password = record;
    return user->size > 0 && password->size > 0;
}

bool records_parse_digest(struct slice record, struct slice *user, struct slice *realm, struct slice *digest)
{
    return records_parse_realm_password(record, user, realm, digest) && records_is_digest(*digest);
}

bool records_parse_password(struct slice record, struct slice *user, struct slice *password)
{
    if (!take_field(&record, user))
        return false;
    *password = record;
    return user->size > 0 && password->size > 0; /* nobody logs in with nothing */
}

static bool parse_group(struct slice record, struct slice *group, struct slice *users)
{
    struct slice unused;
    if (!take_field(&record, group) || group->size == 0)
        return false;
    take_field(&record, &unused);
    *users = record;
    return !memchr(record.size ? record.data : "", ':', record.size);
}

const char *records_check_digest(struct slice record)
{
    struct slice user, realm, digest;
    return records_parse_digest(record, &user, &realm, &digest)
               ? NULL
               : "expected user:realm:MD5 (32 hexadecimal digits)";
}

const char *records_check_password(struct slice record)
{
    struct slice user, password;
    return records_parse_password(record, &user, &password) ? NULL : "expected user:password";
}

const char *records_check_realm_password(struct slice record)
{
    struct slice user, realm, password;
    return records_parse_realm_password(record, &user, &realm, &password) ? NULL
                                                                          : "expected user:realm:password";
}

const char *records_check_password_digest(struct slice record)
{
    struct slice user, digest;
    return records_parse_password(record, &user, &digest) && records_is_digest(digest)
               ? NULL
               : "expected user:MD5 (32 hexadecimal digits)";
}

const char *records_check_group(struct slice record)
{
    struct slice group, users;
    return parse_group(record, &group, &users) ? NULL : "expected group:user,... or group:unused:user,...";
}

/* ---- asking ---------------------------------------------------------------------------------- */

bool records_same_secret(struct slice given, struct slice secret)
{
    volatile unsigned char difference = given.size != secret.size;
    for (size_t i = 0; i < given.size; i++)
        difference =
            difference | (unsigned char)(given.data[i] ^ (secret.size ? secret.data[i % secret.size] : 0));
    return difference == 0;
}

static bool next_user(struct slice *users, struct slice *user)
{
    while (users->size > 0) {
        size_t size = 0;
        while (size < users->size && !strchr(", \t", users->data[size]))
            size++;
        *user = slice_of(users->data, size);
        size_t step = size < users->size ? size + 1 : size;
        users->data += step;
        users->size -= step;
        if (size > 0)
            return true;
    }
    return false;
}

void records_groups(struct slice text, struct slice user, void (*found)(struct slice group, void *closure),
                    void *closure)
{
    struct slice record, group, users, member;
    unsigned line = 0;
    while (records_next(&text, &record, &line)) {
        bool is_member = false;
        if (!parse_group(record, &group, &users))
            continue;
        while (next_user(&users, &member))
            is_member = is_member || slice_equal(member, user);
        if (is_member)
            found(group, closure);
    }
}
