/*
 * policy_content: resolves options about content that fill more than one field of a policy.
 */
#include "smtp/server/policy_content.h"

#include <stdio.h>
#include <strings.h>
#include "base/mem.h"
#include "message/body.h"
#include "message/header.h"
#include "message/supplemental.h"
#include "policy/fields.h"

struct content_options { /* values as set; FIELD(CONTENT, ...) in options.def, whose choices have the order of
                            the enums */
    enum { BODY_IGNORE = 1, BODY_PEDANTIC, BODY_FIX } lone_in_body;
    enum { HEADER_FIX = 1, HEADER_PEDANTIC } lone_in_header;
    enum { INVALID_NOT_SET, INVALID_DENY, INVALID_ALLOW, INVALID_FIX } invalid;
    int64_t line_length; /* bytes, or LINE_LENGTH_PEDANTIC, LINE_LENGTH_BREAK; 0: ignore */
    enum line_length_rule line_length_rule;
    enum { MESSAGE_ID_IGNORE = 1, MESSAGE_ID_IFNEEDED } message_id;
    enum { MISSING_REJECT = 1, MISSING_ALLOW } missing_header;
    uint64_t large_message;
    const struct conf_value *trace_headers;
};

static const struct policy_field fields[] = {
#define CONTENT(field, option, type) POLICY_FIELD(struct content_options, field, option, type),
#include "policy/fields_of.h"
};

enum {
    LINE_LENGTH_RFC = 998,                /* RFC 5322 section 2.1.1 */
    LINE_LENGTH_PEDANTIC = -1,            /* rfc2822_max_line_length = pedantic */
    LINE_LENGTH_BREAK = -2,               /* rfc2822_max_line_length = fix */
    LARGE_MESSAGE_MAX = 16 * 1024 * 1024, /* maximum bytes of one message that a session collects in memory */
};

/* ---- lines -----------------------------------------------------------------------------------------------
 */

/*
 * Without a setting, Momentum passes bare CRs and LFs in the body on. What a next hop takes as the end of the
 * message must not depend on them, so they are rejected, and "ignore" acts as "fix" (doc/compatibility.md).
 */
static void resolve_line_endings(struct esmtp_policy *policy, const struct content_options *options)
{
    static const enum line_ending_policy invalid[] = {
        [INVALID_DENY] = LINE_ENDINGS_REJECT,
        [INVALID_ALLOW] = LINE_ENDINGS_ALLOW,
        [INVALID_FIX] = LINE_ENDINGS_FIX,
    };
    policy->line_endings = options->lone_in_body == BODY_PEDANTIC ? LINE_ENDINGS_REJECT : LINE_ENDINGS_FIX;
    policy->header_line_endings =
        options->lone_in_header == HEADER_PEDANTIC ? LINE_ENDINGS_REJECT : LINE_ENDINGS_FIX;
    if (options->invalid != INVALID_NOT_SET)
        policy->line_endings = policy->header_line_endings = invalid[options->invalid];
}

/* "pedantic" and "fix" set both the length and what happens to longer lines; a number sets the length. */
static void resolve_line_length(struct esmtp_policy *policy, const struct content_options *options)
{
    policy->max_line_length = options->line_length > 0 ? conf_u32(options->line_length) : LINE_LENGTH_RFC;
    policy->line_length_rule = options->line_length == LINE_LENGTH_PEDANTIC ? LINE_LENGTH_REJECT
                               : options->line_length == LINE_LENGTH_BREAK  ? LINE_LENGTH_FIX
                                                                            : options->line_length_rule;
}

/* ---- the header ------------------------------------------------------------------------------------------
 */

/* Parses the names in a dictionary value, one word or a list: ( "a" "b" ). */
static void read_names(struct supplemental_rules *rules, const char *text)
{
    static const char between[] = " \t\r\n,()\"";
    for (const char *name = text + strspn(text, between); *name; name += strspn(name, between)) {
        size_t size = strcspn(name, between);
        rules->metas = mem_resize(rules->metas, (rules->meta_count + 1) * sizeof *rules->metas);
        rules->metas[rules->meta_count++] = mem_copy_text(name, size);
        name += size;
    }
}

struct trace_options {
    bool received, supplemental;
    struct supplemental_rules *rules; /* owned */
};

/* Returns NULL, or what is wrong with the value. */
static const char *read_trace_option(struct trace_options *trace, const char *name, const char *value)
{
    if (strcasecmp(name, "received_header") == 0)
        return conf_parse_bool(value, &trace->received) ? NULL : "has to be true or false";
    if (strcasecmp(name, "supplemental_header") == 0)
        return conf_parse_bool(value, &trace->supplemental) ? NULL : "has to be true or false";
    if (strcasecmp(name, "header_name") == 0) {
        free(trace->rules->name);
        trace->rules->name = mem_dup(value);
        return header_is_name(slice_text(value)) ? NULL : "has to be the name of a header field";
    }
    if (strcasecmp(name, "include_meta_names") != 0)
        return "is not known here";
    read_names(trace->rules, value);
    return NULL;
}

static bool resolve_trace(struct esmtp_policy *policy, const struct conf_value *value, char *error,
                          size_t error_size)
{
    struct trace_options trace = {.received = true, .rules = mem_new(struct supplemental_rules)};
    const char *problem = NULL;
    trace.rules->name = mem_dup("X-KumoRef");
    for (size_t i = 0; value && !problem && i < value->count; i++) {
        problem = read_trace_option(&trace, value->items[2 * i], value->items[2 * i + 1]);
        if (problem)
            snprintf(error, error_size, "%s:%u:%u: trace_headers: %s %s", value->place.file,
                     value->place.line, value->place.column, value->items[2 * i], problem);
    }
    policy->add_received = policy->add_received && trace.received;
    if (!problem && trace.supplemental)
        policy->supplemental = trace.rules;
    else
        supplemental_free(trace.rules);
    return !problem;
}

bool policy_content_resolve(struct esmtp_policy *policy, const struct conf_chain *chain, char *error,
                            size_t error_size)
{
    struct content_options options;
    policy_fields_fill(&options, fields, POLICY_FIELD_COUNT(fields), chain);
    resolve_line_endings(policy, &options);
    resolve_line_length(policy, &options);
    policy->add_message_id = options.message_id == MESSAGE_ID_IFNEEDED;
    policy->refuse_missing_header = options.missing_header == MISSING_REJECT;
    policy->large_message = options.large_message < BODY_CHUNK          ? BODY_CHUNK
                            : options.large_message > LARGE_MESSAGE_MAX ? LARGE_MESSAGE_MAX
                                                                        : (uint32_t)options.large_message;
    return resolve_trace(policy, options.trace_headers, error, error_size);
}

void policy_content_release(struct esmtp_policy *policy)
{
    supplemental_free(policy->supplemental);
}
