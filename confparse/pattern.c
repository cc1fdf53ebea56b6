/*
 * pattern: Domain and Host stanzas named by a regular expression, "/.../" (Momentum 4 manual, "Regex
 * Domains").
 *
 * Domains have no case, so the expressions ignore it. Matching is bounded: an expression that backtracks
 * without end matches nothing. Compiled code is shared by threads.
 */
#include "confparse/pattern.h"

#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "confparse/memory.h"

enum { STEPS_MAX = 100000, HEAP_MAX_KIB = 1024 };

bool conf_name_is_pattern(const char *name)
{
    size_t size = strlen(name);
    return size > 2 && name[0] == '/' && name[size - 1] == '/';
}

static pcre2_code *compile(const char *expression, size_t size, char *problem, size_t problem_size)
{
    int error;
    PCRE2_SIZE offset;
    pcre2_code *code = pcre2_compile((PCRE2_SPTR)expression, size, PCRE2_CASELESS, &error, &offset, NULL);
    if (!code) {
        PCRE2_UCHAR reason[120];
        pcre2_get_error_message(error, reason, sizeof reason);
        snprintf(problem, problem_size, "bad regular expression: %s, at its character %zu", (char *)reason,
                 (size_t)offset + 1);
    }
    return code;
}

void *conf_pattern_compile(const char *name, char *problem, size_t problem_size)
{
    return compile(name + 1, strlen(name) - 2, problem, problem_size);
}

void *conf_pattern_compile_bare(const char *expression, char *problem, size_t problem_size)
{
    return compile(expression, strlen(expression), problem, problem_size);
}

void conf_pattern_free(void *code)
{
    pcre2_code_free(code);
}

struct conf_matcher {
    pcre2_match_context *limits;
    pcre2_match_data *data;
};

struct conf_matcher *conf_matcher_create(void)
{
    struct conf_matcher *matcher = conf_alloc(sizeof *matcher);
    matcher->limits = pcre2_match_context_create(NULL);
    matcher->data = pcre2_match_data_create(1, NULL);
    if (!matcher->limits || !matcher->data)
        conf_out_of_memory();
    pcre2_set_match_limit(matcher->limits, STEPS_MAX);
    pcre2_set_heap_limit(matcher->limits, HEAP_MAX_KIB);
    return matcher;
}

void conf_matcher_free(struct conf_matcher *matcher)
{
    pcre2_match_data_free(matcher->data);
    pcre2_match_context_free(matcher->limits);
    free(matcher);
}

bool conf_matcher_matches(struct conf_matcher *matcher, const void *code, const char *text, size_t size)
{
    return pcre2_match(code, (PCRE2_SPTR)text, size, 0, 0, matcher->data, matcher->limits) >= 0;
}
