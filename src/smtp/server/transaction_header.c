/*
 * transaction_header: applies the header rules once the header is complete. The result is a rejection, fields
 * added at the top (RFC 6409 section 8 has a submission server do so), folded lines, or removed forged
 * fields.
 */
#include "smtp/server/transaction_private.h"

#include "base/clock.h"
#include "base/id.h"
#include "message/header.h"
#include "message/trace.h"

/* Received fields of others that a message may arrive with. RFC 5321 section 6.3 asks for at least 100. */
enum { RECEIVED_MAX = 100 };

/*
 * Returns whether the header may continue after `content`, more than a chunk: its last line is incomplete, so
 * it is not known what kind of line it is.
 */
static bool goes_on(const struct header_facts *facts, struct slice content)
{
    const char *rest = content.data + facts->size;
    return facts->fields > 0 && !facts->closed &&
           (!facts->invalid || !memchr(rest, '\n', content.size - facts->size));
}

static const struct smtps_reply *judge(const struct esmtp_policy *policy, const struct header_facts *facts)
{
    if (facts->fields == 0 && policy->refuse_missing_header)
        return &reply_header_missing;
    if (facts->invalid && policy->refuse_missing_header)
        return &reply_header_invalid;
    if (!facts->date && policy->date_rule == DATE_PEDANTIC)
        return &reply_date_missing;
    if (facts->received > RECEIVED_MAX)
        return &reply_loop;
    return NULL;
}

static void append_missing(const struct smtps_transaction *t, const struct esmtp_policy *policy,
                           const struct header_facts *facts, struct buf *out)
{
    char text[40];
    if (!facts->date && policy->date_rule == DATE_IFNEEDED) {
        clock_rfc5322(t->received_us, text, sizeof text);
        buf_printf(out, "Date: %s\r\n", text);
    }
    if (!facts->message_id && policy->add_message_id)
        buf_printf(out, "Message-ID: <%llx@%s>\r\n", (unsigned long long)t->message->id,
                   policy->received_hostname);
    if (facts->fields == 0 && facts->invalid)
        buf_append_text(out, "\r\n"); /* the content that came is not a header and must not become one */
}

/*
 * Returns the range in which forged fields are looked for: the header, and the lines after an invalid line,
 * because many readers skip such a line and continue up to the empty line. If there is no field at all,
 * append_missing ends the header.
 */
static struct slice take_for_header(const struct header_facts *facts, struct slice content)
{
    if (!facts->invalid || facts->fields == 0)
        return slice_of(content.data, facts->size);
    const char *end = memmem(content.data, content.size, "\r\n\r\n", 4);
    return end ? slice_of(content.data, (size_t)(end - content.data) + 2) : content;
}

/*
 * Where clients can authenticate, the server states the result in an Authentication-Results field. A received
 * field of that kind which claims to be from this server is forged. Returns true if there was one; `out` then
 * has all other fields.
 */
static bool drop_forged(const struct esmtp_policy *policy, struct slice fields, struct buf *out)
{
    struct buf server = {0};
    trace_append_server(policy->received_hostname, &server);
    bool dropped = header_drop_results(fields, buf_slice(&server), out);
    buf_release(&server);
    return dropped;
}

/* Appends the header with long lines folded. */
static void fold(struct smtps_transaction *t, struct slice fields, struct buf *out)
{
    uint32_t limit = t->session->policy->max_line_length;
    t->reader.longest_line[CONTENT_HEADER] = header_fold(fields, limit, out);
}

const struct smtps_reply *transaction_apply_header_rules(struct smtps_transaction *t, bool complete)
{
    const struct esmtp_policy *policy = t->session->policy;
    struct slice content = buf_slice(&t->message->content);
    content = slice_of(content.data + t->trace_size, content.size - t->trace_size);
    struct header_facts facts = header_scan(content);
    if (!complete && goes_on(&facts, content))
        return &reply_header_too_big;
    const struct smtps_reply *problem = judge(policy, &facts);
    if (problem)
        return problem;
    struct buf top = {0}, honest = {0};
    struct slice fields = slice_of(content.data, facts.size), read = take_for_header(&facts, content);
    append_missing(t, policy, &facts, &top);
    size_t added = buf_size(&top);
    bool forged =
        (facts.results || read.size > facts.size) && policy->auth && drop_forged(policy, read, &honest);
    bool folds = policy->line_length_rule == LINE_LENGTH_FIX &&
                 t->reader.longest_line[CONTENT_HEADER] > policy->max_line_length;
    if (forged)
        fields = buf_slice(&honest);
    if (folds)
        fold(t, fields, &top);
    else if (forged)
        buf_append_slice(&top, fields);
    size_t replaced = forged ? read.size : folds ? facts.size : 0;
    size_t size = t->trace_size + buf_size(&top) + (replaced ? 0 : facts.size);
    if (buf_size(&top) > 0 || forged)
        buf_replace(&t->message->content, t->trace_size, replaced, buf_slice(&top));
    t->trace_size += added;
    buf_release(&top);
    buf_release(&honest);
    /* The whole header must be in the first chunk, because that is where it is read from. */
    return size > BODY_CHUNK ? &reply_header_too_big : NULL;
}
