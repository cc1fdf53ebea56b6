/*
 * policy_content: options about content that are more than one field of a policy.
 */
#include "smtp/server/policy_content.h"

#include <stdio.h>
#include <strings.h>
#include "base/mem.h"
#include "message/body.h"
#include "message/header.h"
#include "message/supplemental.h"

enum {
    LINE_LENGTH_RFC = 998,                /* RFC 5322 section 2.1.1 */
    LARGE_MESSAGE_MAX = 16 * 1024 * 1024, /* bytes of one message that a session may gather in memory */
};

/* ---- lines -----------------------------------------------------------------------------------------------
 */

static const char *word_of(const struct conf_chain *chain, const char *option)
{
    return conf_chain_text(chain, option, "");
}

/*
 * Momentum passes bare CRs and LFs of the body on when nothing is set; what a next hop takes for the end of
 * the message must not depend on them, so they are refused, and "ignore" is "fix" (doc/compatibility.md).
 */
static void resolve_line_endings(struct esmtp_policy *policy, const struct conf_chain *chain)
{
    static const struct {
        const char *option, *word;
        enum line_ending_policy policy;
    } words[] = {
        {"rfc2822_lone_lf_in_body", "fix", LINE_ENDINGS_FIX},
        {"rfc2822_lone_lf_in_body", "ignore", LINE_ENDINGS_FIX},
        {"rfc2822_lone_lf_in_headers", "fix", LINE_ENDINGS_FIX},
        {"invalid_line_endings", "deny", LINE_ENDINGS_REJECT},
        {"invalid_line_endings", "fix", LINE_ENDINGS_FIX},
        {"invalid_line_endings", "allow", LINE_ENDINGS_ALLOW},
    };
    policy->line_endings = policy->header_line_endings = LINE_ENDINGS_REJECT;
    for (size_t i = 0; i < sizeof words / sizeof *words; i++) {
        if (strcasecmp(word_of(chain, words[i].option), words[i].word) != 0)
            continue;
        if (strcmp(words[i].option, "rfc2822_lone_lf_in_body") != 0)
            policy->header_line_endings = words[i].policy;
        if (strcmp(words[i].option, "rfc2822_lone_lf_in_headers") != 0)
            policy->line_endings = words[i].policy;
    }
}

/* "pedantic" and "fix" say both the length and what becomes of longer lines; a number says the length. */
static void resolve_line_length(struct esmtp_policy *policy, const struct conf_chain *chain)
{
    enum { PEDANTIC = -1, FIX = -2 };
    const char *rule = word_of(chain, "rfc2822_max_line_length_policy");
    int64_t length = conf_chain_int(chain, "rfc2822_max_line_length", 0);
    policy->max_line_length = LINE_LENGTH_RFC;
    if (length > 0)
        policy->max_line_length = conf_u32(length);
    if (length == FIX || (length != PEDANTIC && strcasecmp(rule, "fix") == 0))
        policy->line_length_rule = LINE_LENGTH_FIX;
    else if (length == PEDANTIC || strcasecmp(rule, "reject") == 0)
        policy->line_length_rule = LINE_LENGTH_REJECT;
}

/* ---- the header ------------------------------------------------------------------------------------------
 */

static void resolve_header_rules(struct esmtp_policy *policy, const struct conf_chain *chain)
{
    const char *date = word_of(chain, "rfc2822_date_header");
    policy->date_rule = strcasecmp(date, "ignore") == 0     ? DATE_IGNORE
                        : strcasecmp(date, "pedantic") == 0 ? DATE_PEDANTIC
                                                            : DATE_IFNEEDED;
    policy->add_message_id = strcasecmp(word_of(chain, "rfc2822_messageid_header"), "ignore") != 0;
    policy->refuse_missing_header = strcasecmp(word_of(chain, "rfc2822_missing_headers"), "allow") != 0;
}

/* As a value of type boolean is written: Momentum 4 manual, "Configuration File Syntax". */
static bool read_bool(const char *text, bool *value)
{
    static const struct {
        const char *word;
        bool value;
    } words[] = {{"true", true},   {"yes", true}, {"on", true},   {"1", true},  {"enabled", true},
                 {"false", false}, {"no", false}, {"off", false}, {"0", false}, {"disabled", false}};
    for (size_t i = 0; i < sizeof words / sizeof *words; i++) {
        if (strcasecmp(text, words[i].word) != 0)
            continue;
        *value = words[i].value;
        return true;
    }
    return false;
}

/* The names of one word or of a list, as a dictionary holds it: ( "a" "b" ). */
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

/* NULL, or what is wrong. */
static const char *read_trace_option(struct trace_options *trace, const char *name, const char *value)
{
    if (strcasecmp(name, "received_header") == 0)
        return read_bool(value, &trace->received) ? NULL : "has to be true or false";
    if (strcasecmp(name, "supplemental_header") == 0)
        return read_bool(value, &trace->supplemental) ? NULL : "has to be true or false";
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

static bool resolve_trace(struct esmtp_policy *policy, const struct conf_chain *chain, char *error,
                          size_t error_size)
{
    const struct conf_value *value = conf_chain_value(chain, "trace_headers");
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
    int64_t large = conf_chain_int(chain, "large_message_threshold", BODY_CHUNK);
    resolve_line_endings(policy, chain);
    resolve_line_length(policy, chain);
    resolve_header_rules(policy, chain);
    policy->large_message = large < BODY_CHUNK          ? BODY_CHUNK
                            : large > LARGE_MESSAGE_MAX ? LARGE_MESSAGE_MAX
                                                        : (uint32_t)large;
    return resolve_trace(policy, chain, error, error_size);
}

void policy_content_release(struct esmtp_policy *policy)
{
    supplemental_free(policy->supplemental);
}
