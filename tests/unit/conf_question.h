/* conf_question: what the tests of config get, config eval and impulsectl explain share. */
#ifndef IMPULSE_TESTS_CONF_QUESTION_H
#define IMPULSE_TESTS_CONF_QUESTION_H

#include "conf_harness.h"
#include "confparse/query.h"

enum { WORDS_MAX = 24, ANSWER_MAX = 4096 };

typedef bool query_fn(const struct conf *conf, const char *const *words, size_t count, FILE *out);

static bool taken; /* was the last question answered, not refused? */

/* The answer to the words of `text`, divided by single spaces. */
static inline const char *ask(query_fn *query, const struct conf *conf, const char *text)
{
    static char answer[ANSWER_MAX];
    char line[512];
    const char *words[WORDS_MAX] = {line};
    size_t count = *text ? 1 : 0;
    snprintf(line, sizeof line, "%s", text);
    for (char *space = line; (space = strchr(space, ' '));) {
        *space++ = '\0';
        words[count++] = space;
    }
    answer[0] = '\0';
    FILE *out = fmemopen(answer, sizeof answer, "w");
    taken = query(conf, words, count, out);
    fclose(out);
    return answer;
}

static inline bool says(query_fn *query, const struct conf *conf, const char *text, const char *expected)
{
    const char *answer = ask(query, conf, text);
    bool same = strcmp(answer, expected) == 0;
    if (!same)
        fprintf(stderr, "%s: %s", text, answer);
    return same;
}

#endif
