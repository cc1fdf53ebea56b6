/*
 * pattern: Domain and Host stanzas named by a regular expression, "/.../" (Momentum 4 manual, "Regex
 * Domains").
 *
 * Domains have no case, so the expressions ignore it. Matching is bounded: an expression that backtracks
 * without end matches nothing. Compiled code is shared by threads; each match brings its own memory.
 */
#include "confparse/pattern.h"

#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>
#include <stdio.h>
#include <string.h>

enum { STEPS_MAX = 100000, HEAP_MAX_KIB = 1024 };

bool conf_name_is_pattern(const char *name)
{
    size_t size = strlen(name);
    return size > 2 && name[0] == '/' && name[size - 1] == '/';
}

void *conf_pattern_compile(const char *name, char *problem, size_t problem_size)
{
    int error;
    PCRE2_SIZE offset;
    pcre2_code *code =
        pcre2_compile((PCRE2_SPTR)name + 1, strlen(name) - 2, PCRE2_CASELESS, &error, &offset, NULL);
    if (!code) {
        PCRE2_UCHAR reason[120];
        pcre2_get_error_message(error, reason, sizeof reason);
        snprintf(problem, problem_size, "bad regular expression: %s, at its character %zu", (char *)reason,
                 (size_t)offset + 1);
    }
    return code;
}

bool conf_pattern_matches(void *code, const char *text, size_t size)
{
    pcre2_match_context *limits = pcre2_match_context_create(NULL);
    pcre2_match_data *data = pcre2_match_data_create(1, NULL);
    bool found = false;
    if (limits && data) {
        pcre2_set_match_limit(limits, STEPS_MAX);
        pcre2_set_heap_limit(limits, HEAP_MAX_KIB);
        found = pcre2_match(code, (PCRE2_SPTR)text, size, 0, 0, data, limits) >= 0;
    }
    pcre2_match_data_free(data);
    pcre2_match_context_free(limits);
    return found;
}

void conf_pattern_free(void *code)
{
    pcre2_code_free(code);
}
