/*
 * query: the questions that console commands and impulsectl put to a generation. Each takes the words of the
 * command after its own name, writes its answer to `out`, and returns false when the answer is a refusal
 * (which is then what was written). They change nothing; any thread that holds a reference. Source: Momentum
 * 4 manual, console command "config".
 */
#ifndef IMPULSE_CONFPARSE_QUERY_H
#define IMPULSE_CONFPARSE_QUERY_H

#include "confparse/confparse.h"

/* config get [SCOPE ...] OPTION: the value set in this very scope. */
bool conf_query_get(const struct conf *conf, const char *const *words, size_t count, FILE *out);
/* config eval [SCOPE ...] OPTION: the value that applies there, after fallback. */
bool conf_query_eval(const struct conf *conf, const char *const *words, size_t count, FILE *out);
/*
 * impulsectl explain [SCOPE ...] OPTION: the value that applies, the file and line it came from, and every
 * level that was asked on the way with what it said.
 */
bool conf_query_explain(const struct conf *conf, const char *const *words, size_t count, FILE *out);
/* config show and showrecurse [SCOPE ...]: a scope as a file would write it; showrecurse with the scopes in
 * it. */
bool conf_query_show(const struct conf *conf, const char *const *words, size_t count, bool recurse,
                     FILE *out);
/* config locate SCOPE [REGEX]: where the scopes of that kind are. */
bool conf_query_locate(const struct conf *conf, const char *const *words, size_t count, FILE *out);

/* Writes OPTION = VALUE as a file would, indented by `depth` levels of two spaces, with its newline. */
void conf_print_setting(const char *option, const struct conf_value *value, unsigned depth, FILE *out);

#endif
