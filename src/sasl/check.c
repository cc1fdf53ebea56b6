/*
 * check: reading a file of records for its mistakes.
 */
#include "sasl/check.h"

#include "base/mem.h"
#include "sasl/records.h"

enum { COMPLAINTS_MAX = 5 }; /* about the records of one file */

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

bool seen_values_add(struct seen_values *seen, const struct conf_value *value)
{
    for (size_t i = 0; i < seen->count; i++)
        if (seen->values[i] == value)
            return false;
    seen->values = mem_resize(seen->values, (seen->count + 1) * sizeof *seen->values);
    seen->values[seen->count++] = value;
    return true;
}
