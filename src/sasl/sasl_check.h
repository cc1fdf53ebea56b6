/*
 * sasl_check: what a file of passwords or groups holds that will be left out, and saying a thing once.
 */
#ifndef IMPULSE_SASL_SASL_CHECK_H
#define IMPULSE_SASL_SASL_CHECK_H

#include "base/slice.h"
#include "confparse/confparse.h"

/*
 * Warns of a file that cannot be read, at `place`, and of lines of it to which `problem_of` objects (see
 * records_check_*), at theirs. No more than warnings: the file may come later, and who checks may not be who
 * will read it. `path` lives as long as the report. Blocks on the disk; main thread.
 */
void records_check_file(struct conf_report *report, struct conf_place place, const char *path,
                        const char *(*problem_of)(struct slice record));

/*
 * Warns, at `place`, of a readable digest:// file whose every record is of another realm than `realm`:
 * clients are asked for that one, and nobody has a password in it. Blocks on the disk; main thread.
 */
void records_check_realm(struct conf_report *report, struct conf_place place, const char *path,
                         const char *realm);

/* Values that something was said about: several policies share a value. Zeroed at first; free `values` at the
 * end. */
struct seen_values {
    const struct conf_value **values;
    size_t count;
};
/* True the first time that it is asked about `value`. */
bool seen_values_add(struct seen_values *seen, const struct conf_value *value);

#endif
