/*
 * fault_plan: see fault_plan.h.
 *
 * Whether a rule with a fraction applies is decided by the seed, the rule and how often it was asked, so that
 * a run with one connection can be repeated exactly.
 */
#include "tools/load/fault_plan.h"

#include <stdlib.h>
#include <string.h>
#include "base/clock.h"
#include "base/mem.h"
#include "base/slice.h"
#include "tools/load/random.h"

static const char *const points[POINTS] = {"connect", "ehlo", "starttls", "mail",    "rcpt", "data",
                                           "end",     "rset", "quit",     "content", "byte", "reply"};
static const char *const actions[] = {"", "refuse", "delay", "close", "reset", "hang", "rubbish", "long"};

enum { ACTIONS = sizeof actions / sizeof *actions };

static bool read_number(struct slice text, double *number)
{
    char *copy = mem_copy_text(text.data, text.size), *end;
    *number = strtod(copy, &end);
    bool read = text.size > 0 && !*end && *number >= 0 && *number < 1e15;
    free(copy);
    return read;
}

/* "1000" messages or "5s". */
static bool read_time(struct slice text, struct fault_time *time)
{
    time->set = true;
    time->in_seconds = text.size > 1 && text.data[text.size - 1] == 's';
    if (time->in_seconds)
        text.size--;
    return read_number(text, &time->value);
}

/* Splits a word at `separator`. Returns what is before it; *value is what follows. */
static struct slice split(struct slice word, char separator, struct slice *value)
{
    struct slice name = word;
    *value = slice_of(NULL, 0);
    const char *at = word.size ? memchr(word.data, separator, word.size) : NULL;
    if (at) {
        name.size = (size_t)(at - word.data);
        *value = slice_of(at + 1, word.size - name.size - 1);
    }
    return name;
}

/* "300", or the range "1-300". */
static bool read_offset(struct fault_rule *rule, struct slice text)
{
    struct slice last, first = split(text, '-', &last);
    if (!slice_to_uint(first, &rule->offset) || rule->offset == 0)
        return false;
    rule->last = rule->offset;
    return !last.data || (slice_to_uint(last, &rule->last) && rule->last >= rule->offset);
}

static const char *read_point(struct fault_rule *rule, struct slice word)
{
    struct slice offset, name = split(word, '+', &offset);
    for (unsigned i = 0; i < POINTS; i++) {
        if (!slice_equal(name, slice_text(points[i])))
            continue;
        rule->point = (enum sink_point)i;
        bool wanted = i >= POINT_CONTENT;
        if (wanted && !read_offset(rule, offset))
            return "a number of bytes belongs to it, or a range: content+N, byte+N, reply+N-M";
        return wanted || !offset.size ? NULL : "only content, byte and reply have a number of bytes";
    }
    return "it begins with none of connect, ehlo, starttls, mail, rcpt, data, end, rset, quit, content+N, "
           "byte+N, reply+N";
}

/* Returns what is wrong with the value of an action, or NULL. */
static const char *read_action(struct fault_rule *rule, enum sink_action action, struct slice value)
{
    uint64_t number = 0;
    bool read = slice_to_uint(value, &number);
    if (rule->action)
        return "it has two actions";
    rule->action = action;
    rule->code = rule->delay = (unsigned)number;
    if (action == ACTION_REFUSE)
        return read && number >= 400 && number <= 599 ? NULL : "refuse=CODE needs a code from 400 to 599";
    if (action == ACTION_DELAY)
        return read && number <= 86400000 ? NULL : "delay=MS needs a number of milliseconds";
    return value.size ? "close, reset, hang, rubbish and long have no value" : NULL;
}

static const char *read_word(struct fault_rule *rule, struct slice word)
{
    struct slice value, name = split(word, '=', &value);
    for (unsigned i = 1; i < ACTIONS; i++)
        if (slice_equal(name, slice_text(actions[i])))
            return read_action(rule, (enum sink_action)i, value);
    if (slice_equal(name, SLICE_LITERAL("after")))
        return read_time(value, &rule->after) ? NULL
                                              : "after= needs a number of messages, or of seconds as in 5s";
    if (slice_equal(name, SLICE_LITERAL("until")))
        return read_time(value, &rule->until) ? NULL
                                              : "until= needs a number of messages, or of seconds as in 5s";
    if (slice_equal(name, SLICE_LITERAL("fraction")))
        return read_number(value, &rule->fraction) && rule->fraction <= 1
                   ? NULL
                   : "fraction= needs a number up to 1";
    if (slice_equal(name, SLICE_LITERAL("times")))
        return slice_to_uint(value, &rule->times) && rule->times ? NULL
                                                                 : "times= needs a whole number above 0";
    return "after the point come refuse=CODE, delay=MS, close, reset, hang, rubbish or long, after=, until=, "
           "fraction=, times=";
}

const char *fault_plan_add(struct fault_plan *plan, const char *text)
{
    if (plan->count == FAULT_RULES)
        return "there are too many rules";
    struct fault_rule *rule = &plan->rules[plan->count];
    struct slice rest = slice_text(text), word;
    *rule = (struct fault_rule){.fraction = 1};
    const char *wrong = slice_next(&rest, ',', &word) ? read_point(rule, word) : "it is empty";
    while (!wrong && slice_next(&rest, ',', &word))
        wrong = read_word(rule, word);
    if (!wrong && !rule->action)
        wrong = "it has no action: refuse=CODE, delay=MS, close, reset, hang, rubbish or long";
    if (!wrong && rule->action == ACTION_REFUSE && rule->point >= POINT_CONTENT)
        wrong = "nothing can be refused in the middle of content or of a reply";
    if (!wrong && rule->action == ACTION_DELAY && rule->point == POINT_REPLY)
        wrong = "a reply is delayed as a whole";
    if (!wrong && rule->action >= ACTION_RUBBISH && rule->point != POINT_REPLY)
        wrong = "rubbish and long belong to reply+N";
    if (!wrong)
        plan->count++;
    return wrong;
}

uint64_t fault_rule_offset(const struct fault_rule *rule, uint64_t connection)
{
    return rule->offset + connection % (rule->last - rule->offset + 1);
}

uint64_t fault_plan_next_offset(const struct fault_plan *plan, enum sink_point point, uint64_t connection,
                                uint64_t now)
{
    uint64_t next = UINT64_MAX;
    for (size_t i = 0; i < plan->count; i++) {
        const struct fault_rule *rule = &plan->rules[i];
        if (rule->point != point)
            continue;
        uint64_t offset = fault_rule_offset(rule, connection);
        if (offset > now && offset < next)
            next = offset;
    }
    return next;
}

static bool has_come(const struct fault_time *time, uint64_t messages, double seconds)
{
    return (time->in_seconds ? seconds : (double)messages) >= time->value;
}

static bool applies(const struct fault_plan *plan, struct fault_rule *rule, uint64_t messages)
{
    double seconds = (double)(clock_mono_us() - plan->started) / 1e6;
    if ((rule->after.set && !has_come(&rule->after, messages, seconds)) ||
        (rule->until.set && has_come(&rule->until, messages, seconds)))
        return false;
    if (rule->fraction < 1) {
        uint64_t which = (uint64_t)(rule - plan->rules);
        uint64_t asked = atomic_fetch_add_explicit(&rule->asked, 1, memory_order_relaxed);
        if (random_fraction(plan->seed + which, asked) >= rule->fraction)
            return false;
    }
    uint64_t struck = atomic_fetch_add_explicit(&rule->struck, 1, memory_order_relaxed);
    return !rule->times || struck < rule->times;
}

const struct fault_rule *fault_plan_strike(struct fault_plan *plan, enum sink_point point, uint64_t messages,
                                           uint64_t connection, uint64_t before, uint64_t now)
{
    for (size_t i = 0; i < plan->count; i++) {
        struct fault_rule *rule = &plan->rules[i];
        if (rule->point != point)
            continue;
        uint64_t offset = point >= POINT_CONTENT ? fault_rule_offset(rule, connection) : 0;
        if (point >= POINT_CONTENT && (offset <= before || offset > now))
            continue;
        if (applies(plan, rule, messages))
            return rule;
    }
    return NULL;
}
