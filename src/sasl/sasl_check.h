/*
 * sasl_check.h: reports the records of a password or group file that will be ignored; and reports each value
 * only once.
 */
#ifndef IMPULSE_SASL_SASL_CHECK_H
#define IMPULSE_SASL_SASL_CHECK_H

#include "base/slice.h"
#include "confparse/confparse.h"

/*
 * Warns if a file cannot be read, at `place`, and about each line that `problem_of` rejects (see
 * records_check_*), at that line. These are only warnings, because the file may be created later, and the
 * user who runs the check may not be the one who reads the file later. `path` must live as long as the
 * report. Blocks on the disk; main thread.
 */
void records_check_file(struct conf_report *report, struct conf_place place, const char *path,
                        const char *(*problem_of)(struct slice record));

/*
 * Warns, at `place`, if a readable digest:// file has no record of `realm`: clients are asked for that realm,
 * so nobody can authenticate. Blocks on the disk; main thread.
 */
void records_check_realm(struct conf_report *report, struct conf_place place, const char *path,
                         const char *realm);

/*
 * The values that were reported already, because several policies share a value. Initialised with zeros; the
 * user frees `values` at the end.
 */
struct seen_values {
    const struct conf_value **values;
    size_t count;
};
/* Returns true the first time that it is called with `value`. */
bool seen_values_add(struct seen_values *seen, const struct conf_value *value);

#endif
