/*
 * sasl_check: reads a password or group file and reports its errors.
 */
#include "sasl/sasl_check.h"

#include "base/mem.h"
#include "sasl/records.h"

enum { COMPLAINTS_MAX = 5 }; /* maximum warnings about one file */

static void check_records(struct conf_report *report, const char *path, struct slice text,
                          const char *(*problem_of)(struct slice record))
{
    struct slice record;
    unsigned line = 0, complaints = 0;
    while (complaints < COMPLAINTS_MAX && records_next(&text, &record, &line)) {
        const char *problem = problem_of(record);
        if (!problem)
            continue;
        conf_report_add(report, CONF_WARNING, (struct conf_place){path, line, 1}, "this line is left out: %s",
                        problem);
        complaints++;
    }
}

void records_check_file(struct conf_report *report, struct conf_place place, const char *path,
                        const char *(*problem_of)(struct slice record))
{
    struct buf text = {0};
    int error = records_read(&text, path);
    if (error < 0)
        conf_report_add(report, CONF_WARNING, place, "cannot read %s: %s", path, strerror(-error));
    else
        check_records(report, path, buf_slice(&text), problem_of);
    buf_release(&text);
}

/* Returns the realm of the first record if no record has `realm`; otherwise an empty slice. */
static struct slice other_realm(struct slice text, struct slice realm)
{
    struct slice record, user, its, secret, other = {0};
    unsigned line = 0;
    while (records_next(&text, &record, &line)) {
        if (!records_parse_realm_password(record, &user, &its, &secret))
            continue;
        if (slice_equal(its, realm))
            return (struct slice){0};
        if (other.size == 0)
            other = its;
    }
    return other;
}

void records_check_realm(struct conf_report *report, struct conf_place place, const char *path,
                         const char *realm)
{
    struct buf text = {0};
    struct slice other = {0};
    if (records_read(&text, path) == 0)
        other = other_realm(buf_slice(&text), slice_text(realm));
    if (other.size > 0)
        conf_report_add(report, CONF_WARNING, place,
                        "nobody can authenticate: no record of %s is of the realm \"%s\"; the first is of "
                        "\"%.*s\": set realm, or passwords with ec_md5passwd -r",
                        path, realm, (int)other.size, other.data);
    buf_release(&text);
}

bool seen_values_add(struct seen_values *seen, const struct conf_value *value)
{
    for (size_t i = 0; i < seen->count; i++)
        if (seen->values[i] == value)
            return false;
    seen->values = mem_resize(seen->values, (seen->count + 1) * sizeof *seen->values);
    seen->values[seen->count++] = value;
    return true;
}
