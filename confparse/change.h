/*
 * change: what one `config set` or `config unset` asks for, read off its words and checked as far as it can
 * be without the rest of the configuration. One thread.
 */
#ifndef IMPULSE_CONFPARSE_CHANGE_H
#define IMPULSE_CONFPARSE_CHANGE_H

#include "confparse/memory.h"
#include "confparse/outline.h"

struct conf_change { /* everything is in the arena it was read into */
    struct conf_link *links;
    size_t link_count;
    /* Two scopes are one when these are equal; a scope in another one begins with that one's. */
    struct conf_text scope;
    const char *option; /* NULL: all options of the scope and of the scopes in it */
    const char *value;  /* as conf_print_value writes it at depth 0; NULL: unset */
};

/*
 * Reads [SCOPE ...] OPTION [=] VALUE, or [SCOPE ...] [OPTION]. `conf` tells what scopes there are. The answer
 * to a set, or why either is refused, goes to `out`; false: it is refused.
 */
bool conf_change_read_set(struct conf_arena *arena, const struct conf *conf,
                          const struct conf_load_options *options, const char *const *words, size_t count,
                          struct conf_change *change, FILE *out);
bool conf_change_read_unset(struct conf_arena *arena, const struct conf *conf,
                            const struct conf_load_options *options, const char *const *words, size_t count,
                            struct conf_change *change, FILE *out);

#endif
