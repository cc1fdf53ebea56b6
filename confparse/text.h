/*
 * text: a length and a pointer to bytes of a source, and comparing them the way the language does.
 * Pure functions; any thread.
 */
#ifndef IMPULSE_CONFPARSE_TEXT_H
#define IMPULSE_CONFPARSE_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <string.h>

struct conf_text {
    const char *data; /* not NUL-terminated */
    size_t size;
};

static inline struct conf_text conf_text_of(const char *text)
{
    return (struct conf_text){text, strlen(text)};
}

static inline char conf_lower(char c)
{
    return (char)(c >= 'A' && c <= 'Z' ? c + ('a' - 'A') : c);
}

/* strcmp order; the second folds ASCII letters first. A proper prefix sorts first. */
int conf_text_compare(struct conf_text a, struct conf_text b);
int conf_text_compare_nocase(struct conf_text a, struct conf_text b);

static inline bool conf_text_is(struct conf_text a, const char *word)
{
    return conf_text_compare_nocase(a, conf_text_of(word)) == 0;
}

/* Is `word` (case folded) one of the items of `list`, which `separator` divides? */
bool conf_text_listed(struct conf_text word, const char *list, char separator);

struct conf_suggestion { /* zero-initialised: none yet */
    const char *name;
    unsigned distance;
};

/*
 * Keeps in *best the candidate nearest to `word`, by insertions, deletions, replacements and swaps of
 * neighbours; only what a slip of the finger would explain counts. Call it for each candidate.
 */
void conf_suggest(struct conf_suggestion *best, struct conf_text word, const char *candidate);

#endif
