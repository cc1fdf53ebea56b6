/*
 * roles: who may run what.
 */
#define PCRE2_CODE_UNIT_WIDTH 8
#include "control/roles.h"

#include <pcre2.h>
#include <stdio.h>
#include "base/clock.h"
#include "base/mem.h"
#include "log/paniclog.h"
#include "sasl/records.h"

/* When a pattern is given up: a command line is the user's, and some patterns take exponential time. The
 * steps are those from one beginning in the line, of which there are as many as it has characters. */
enum { MATCH_LIMIT = 1000 * 1000, MATCH_MS = 200, MATCH_HEAP_KIB = 64 * 1024 };

/* ---- whose ----------------------------------------------------------------------------------- */

static void add_role(struct slice group, void *closure)
{
    struct roles *roles = closure;
    roles->names = mem_resize(roles->names, (roles->count + 1) * sizeof *roles->names);
    roles->names[roles->count++] = mem_copy_text(group.data, group.size);
}

bool roles_read(struct roles *roles, const struct access_method *groups, const char *user)
{
    struct buf text = {0};
    *roles = (struct roles){0};
    int error = groups->path ? records_read(&text, groups->path) : 0;
    if (error < 0)
        paniclog(PANIC_ERROR, "console: cannot read groups from %s: %s", groups->path, strerror(-error));
    else
        records_groups(buf_slice(&text), slice_text(user), add_role, roles);
    buf_release(&text);
    return error == 0 && (groups->path || !groups->value);
}

void roles_release(struct roles *roles)
{
    for (size_t i = 0; i < roles->count; i++)
        free(roles->names[i]);
    free(roles->names);
    *roles = (struct roles){0};
}

static bool is_role_of(const char *name, const struct roles *roles, const char *user)
{
    bool found = *user && strcmp(name, user) == 0;
    for (size_t i = 0; i < roles->count; i++)
        found = found || strcmp(name, roles->names[i]) == 0;
    return found;
}

/* ---- what ------------------------------------------------------------------------------------ */

static pcre2_code *compile(const char *pattern, char *problem, size_t size)
{
    static const uint32_t options = PCRE2_DOLLAR_ENDONLY | PCRE2_NEVER_BACKSLASH_C | PCRE2_AUTO_CALLOUT;
    int error;
    PCRE2_SIZE offset;
    pcre2_code *code =
        pcre2_compile((PCRE2_SPTR)pattern, PCRE2_ZERO_TERMINATED, options, &error, &offset, NULL);
    if (!code) {
        PCRE2_UCHAR message[128];
        pcre2_get_error_message(error, message, sizeof message);
        snprintf(problem, size, "%s at character %zu", (const char *)message, (size_t)offset + 1);
    }
    return code;
}

bool roles_pattern_check(const char *pattern, char *problem, size_t size)
{
    pcre2_code *code = compile(pattern, problem, size);
    pcre2_code_free(code);
    return code != NULL;
}

/* Before each item of a pattern is tried; *deadline is of clock_mono_ms. Not 0 ends the attempt. */
static int check_time(pcre2_callout_block *block, void *deadline)
{
    (void)block;
    return clock_mono_ms() < *(const uint64_t *)deadline ? 0 : PCRE2_ERROR_CALLOUT;
}

static enum imp_authorization try_pattern(const char *pattern, const char *command)
{
    char problem[256] = "it takes too long";
    pcre2_code *code = compile(pattern, problem, sizeof problem);
    int result = PCRE2_ERROR_INTERNAL;
    uint64_t deadline = clock_mono_ms() + MATCH_MS;
    if (code) {
        pcre2_match_data *data = pcre2_match_data_create(1, NULL);
        pcre2_match_context *context = pcre2_match_context_create(NULL);
        if (!data || !context)
            abort(); /* out of memory, as mem_* would have it */
        pcre2_set_match_limit(context, MATCH_LIMIT);
        pcre2_set_heap_limit(context, MATCH_HEAP_KIB);
        pcre2_set_callout(context, check_time, &deadline);
        result = pcre2_match(code, (PCRE2_SPTR)command, strlen(command), 0, 0, data, context);
        pcre2_match_context_free(context);
        pcre2_match_data_free(data);
        pcre2_code_free(code);
    }
    if (result >= 0)
        return IMP_AUTHORIZED;
    if (result == PCRE2_ERROR_NOMATCH)
        return IMP_REFUSED;
    paniclog(PANIC_ERROR, "console: the pattern \"%s\" of a Role could not be tried: %s", pattern, problem);
    return IMP_AUTHORIZATION_FAILED;
}

const struct conf_value *roles_patterns(const struct conf_scope *role)
{
    return conf_scope_value(role, "allow");
}

static enum imp_authorization try_role(const struct conf_scope *role, const char *command)
{
    const struct conf_value *allow = roles_patterns(role);
    enum imp_authorization result = IMP_REFUSED;
    for (size_t i = 0; allow && i < allow->count && result == IMP_REFUSED; i++)
        result = try_pattern(allow->items[i], command);
    return result;
}

enum imp_authorization roles_judge(const struct conf *conf, const struct access_method *groups,
                                   const char *user, const char *command, const char **role)
{
    struct roles roles;
    const struct conf_scope *stanza = conf_scope_next(conf_root(conf), "authorization", NULL), *rule = NULL;
    enum imp_authorization result = roles_read(&roles, groups, user) ? IMP_REFUSED : IMP_AUTHORIZATION_FAILED;
    *role = "";
    while (stanza && result == IMP_REFUSED && (rule = conf_scope_next(stanza, "role", rule)))
        if (is_role_of(conf_scope_name(rule), &roles, user))
            result = try_role(rule, command);
    if (result == IMP_AUTHORIZED)
        *role = conf_scope_name(rule);
    roles_release(&roles);
    return result;
}
