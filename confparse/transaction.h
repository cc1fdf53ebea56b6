/*
 * transaction: changes to a running configuration that take effect together or not at all.
 *
 * A transaction belongs to one console session and sees its own changes alone. `config set` outside of one is
 * a transaction of one change. It begins on the generation that runs then; to commit, that one must still
 * run, so that the first of several commits wins. One thread. Source: Momentum 4 manual, console command
 * "config"; "Using the include and readonly_include Directives" for the file a change is written to.
 */
#ifndef IMPULSE_CONFPARSE_TRANSACTION_H
#define IMPULSE_CONFPARSE_TRANSACTION_H

#include "confparse/files.h"

struct conf_transaction;

/* Takes a reference to `base`, and borrows `options` until conf_transaction_free. From scratch: begins empty.
 */
struct conf_transaction *conf_transaction_begin(struct conf *base, bool from_scratch,
                                                const struct conf_load_options *options);
void conf_transaction_free(struct conf_transaction *transaction); /* rollback; NULL is harmless */
/* The generation it began on. */
const struct conf *conf_transaction_base(const struct conf_transaction *transaction);

/*
 * config set [SCOPE ...] OPTION [=] VALUE and config unset [SCOPE ...] [OPTION]. The words after the option
 * are the value: one word, or the words of a ( ) or [ ]. What is wrong in itself is refused at once: no such
 * option there, a value of the wrong type. The answer goes to `out`. False: refused, nothing was noted.
 */
bool conf_transaction_set(struct conf_transaction *transaction, const char *const *words, size_t count,
                          FILE *out);
bool conf_transaction_unset(struct conf_transaction *transaction, const char *const *words, size_t count,
                            FILE *out);
/* config replay: the changes so far, as commands. */
void conf_transaction_replay(const struct conf_transaction *transaction, FILE *out);

/*
 * The configuration as it would be after a commit: a generation with a reference for the caller, checked
 * whole; NULL when it has errors, which are in *report (never NULL afterwards). Made once for the same
 * changes, so that looking and committing costs one load.
 */
struct conf *conf_transaction_build(struct conf_transaction *transaction, struct conf_report **report);

#endif
