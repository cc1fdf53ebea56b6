/*
 * untransacted: the console where confparse has no transactions (confparse/transaction.h): changes are
 * refused.
 */
#include "confparse/transaction.h"

static const char unavailable[] = "Transactions are not available.\n";

struct conf_transaction *conf_transaction_begin(struct conf *base, bool from_scratch,
                                                const struct conf_load_options *options)
{
    (void)base;
    (void)from_scratch;
    (void)options;
    return NULL;
}

void conf_transaction_free(struct conf_transaction *transaction)
{
    (void)transaction;
}

const struct conf *conf_transaction_base(const struct conf_transaction *transaction)
{
    (void)transaction;
    return NULL;
}

bool conf_transaction_set(struct conf_transaction *transaction, const char *const *words, size_t count,
                          FILE *out)
{
    (void)transaction;
    (void)words;
    (void)count;
    fputs(unavailable, out);
    return false;
}

bool conf_transaction_unset(struct conf_transaction *transaction, const char *const *words, size_t count,
                            FILE *out)
{
    return conf_transaction_set(transaction, words, count, out);
}

void conf_transaction_replay(const struct conf_transaction *transaction, FILE *out)
{
    (void)transaction;
    fputs(unavailable, out);
}

struct conf *conf_transaction_build(struct conf_transaction *transaction, struct conf_report **report)
{
    (void)transaction;
    *report = NULL;
    return NULL;
}
