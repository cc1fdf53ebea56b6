/*
 * policy_table.h: the policies of one generation, each of them once: twenty thousand Peers that set the same
 * few things share a few policies. Main thread.
 */
#ifndef IMPULSE_SMTP_SERVER_POLICY_TABLE_H
#define IMPULSE_SMTP_SERVER_POLICY_TABLE_H

#include "smtp/server/policy.h"

struct policy_table;

struct policy_table *policy_table_create(void);
/* Frees the policies, too. NULL is harmless. */
void policy_table_free(struct policy_table *table);
/*
 * The policy for `chain`: one made for a chain whose levels set the same, else a new one. It lives as long as
 * the table. NULL with one line in error[].
 */
const struct esmtp_policy *policy_table_find(struct policy_table *table, const struct conf_chain *chain,
                                             struct module_set *modules, char *error, size_t error_size);

/* Does any of them have deferred_spool? */
bool policy_table_defers(const struct policy_table *table);

#endif
