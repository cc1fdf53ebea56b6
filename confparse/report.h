/*
 * report: the diagnostics of a load, kept with the sources they point into.
 */
#ifndef IMPULSE_CONFPARSE_REPORT_H
#define IMPULSE_CONFPARSE_REPORT_H

#include <stdarg.h>
#include "confparse/source.h"

enum { CONF_REPORT_MAX = 1000 }; /* diagnostics kept; the rest are counted */

struct conf_report *conf_report_create(void);
/* The report owns the source from here on and gives it its order. */
void conf_report_take_source(struct conf_report *report, struct conf_source *source);

/* The sources in order of opening, linked by `next`. */
const struct conf_source *conf_report_sources(const struct conf_report *report);
/* One more conf_report_free is needed. One thread at a time. */
struct conf_report *conf_report_ref(struct conf_report *report);

/* Adds one finding about `span`. */
void conf_report_at_span(struct conf_report *report, enum conf_severity severity, struct conf_span span,
                         const char *format, ...) __attribute__((format(printf, 4, 5)));
/* No further diagnostic will be kept: work that only serves one can be spared. */
bool conf_report_full(const struct conf_report *report);
/* Brings the diagnostics into the order of the files, then of line and column. */
void conf_report_sort(struct conf_report *report);

#endif
