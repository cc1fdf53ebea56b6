/*
 * effect: noticing what is read but not in effect, or in another one than Momentum's, and saying so once for
 * each option, value, stanza and module, however often it stands in the files: a note for what differs, a
 * warning for what has no effect, an error for what it would be dangerous to pass over.
 */
#ifndef IMPULSE_CONFPARSE_EFFECT_H
#define IMPULSE_CONFPARSE_EFFECT_H

#include "confparse/report.h"

struct conf_effects;

struct conf_effects *conf_effects_create(void);
/* An option of options.def was set in `scope`, at `span`; `fallback` is its default or NULL. */
void conf_effects_option(struct conf_effects *effects, const struct conf_option *row,
                         const struct conf_scope *scope, const struct conf_value *value,
                         const struct conf_value *fallback, struct conf_span span);
void conf_effects_scope(struct conf_effects *effects, const struct conf_option *row, struct conf_span span);
/* An option of a module's stanza was set; `module` and `row` live as long as `effects`. */
void conf_effects_module_option(struct conf_effects *effects, const char *module,
                                const struct conf_option *row, const struct conf_value *value,
                                const struct conf_value *fallback, struct conf_span span);
/* The stanza of a module that Momentum has and that has no manifest here. */
void conf_effects_missing_module(struct conf_effects *effects, const struct conf_documented *module,
                                 struct conf_span span);
/* Reports what was noticed. `lenient`: what is unsupported is a warning, too. */
void conf_effects_report(const struct conf_effects *effects, struct conf_report *report, bool lenient);
void conf_effects_free(struct conf_effects *effects);

#endif
