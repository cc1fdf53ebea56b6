/*
 * sdk_inject: messages that modules make.
 *
 *   imp_inject -> [feed, on IO] -> store -> [stored, on the committer] -> finish
 *
 * Content of up to a chunk is read in the caller's thread, the rest and what `read` gives on a thread of the
 * pool "IO", which waits for the disk when it is ahead of it. finish runs on a loop: the caller's, or any. The
 * steps after the first are in sdk_inject_store.c.
 */
#include "sdk/sdk_inject_private.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include "base/clock.h"
#include "base/id.h"
#include "base/mem.h"
#include "log/paniclog.h"
#include "message/context.h"
#include "message/trace.h"
#include "sdk/sdk_address.h"

/* ---- what is asked for ------------------------------------------------------------------------------- */

static void complain(const struct imp_module *module, const char *what, const char *text)
{
    static struct panic_rate said;
    paniclog_rated(&said, PANIC_ERROR, "module %s: imp_inject: %s%s%.300s%s", module->label, what,
                   text ? " \"" : "", text ? text : "", text ? "\"" : "");
}

/* False after saying what is wrong. *utf8: an address needs SMTPUTF8. */
static bool check(const struct imp_module *module, const struct imp_injection *asked, bool *utf8)
{
    const char *wrong = NULL;
    if (!sdk_address_is_valid(asked->sender, true, utf8))
        return complain(module, "not a sender:", asked->sender ? asked->sender : "(NULL)"), false;
    if (asked->recipient_count < 1 || asked->recipient_count > IMP_INJECT_RECIPIENTS_MAX ||
        !asked->recipients)
        wrong = "there are no recipients, or more than 10,000";
    else if (!asked->content == !asked->read)
        wrong = "either content or read is to be given";
    if (wrong)
        return complain(module, wrong, NULL), false;
    for (size_t i = 0; i < asked->recipient_count; i++)
        if (!sdk_address_is_valid(asked->recipients[i], false, utf8))
            return complain(module,
                            "not a recipient:", asked->recipients[i] ? asked->recipients[i] : "(NULL)"),
                   false;
    return true;
}

/* False: a name without a value, or one that is none. */
static bool make_context(const char *const *pairs, struct buf *out)
{
    struct context context = {0};
    bool fine = true;
    for (; fine && pairs && *pairs; pairs += 2)
        fine = pairs[1] && context_set(&context, pairs[0], pairs[1]);
    buf_append_slice(out, context_pairs(&context));
    context_clear(&context);
    return fine;
}

/* ---- beginning --------------------------------------------------------------------------------------- */

static void make_envelopes(struct message_injection *injection, const struct imp_injection *asked,
                           struct slice context, bool utf8)
{
    struct envelope_facts facts = {
        .reverse_path = slice_text(asked->sender),
        .binding = slice_text(asked->binding ? asked->binding : "default"),
        .binding_group = slice_text(asked->binding_group ? asked->binding_group : "default"),
        .context = context,
        .origin = {.family = AF_UNSPEC},
        .batch_id = injection->batch_id,
        .received_us = clock_wall_us(),
        .flags = (utf8 || (asked->flags & IMP_INJECT_SMTPUTF8) ? ENVELOPE_SMTPUTF8 : 0) |
                 (asked->flags & IMP_INJECT_NO_NOTICE ? ENVELOPE_NOTIFY_NEVER : 0),
    };
    injection->count = asked->recipient_count;
    injection->envelopes = mem_array(injection->count, sizeof(struct envelope *));
    injection->ids = mem_array(injection->count, sizeof *injection->ids);
    for (size_t i = 0; i < injection->count; i++) {
        facts.recipient = slice_text(asked->recipients[i]);
        facts.id = injection->ids[i] = id_next();
        injection->envelopes[i] = envelope_create(&facts, NULL);
    }
}

static struct message_injection *injection_create(struct imp_module *module,
                                                  const struct imp_injection *asked, struct slice context,
                                                  bool utf8, uint64_t bytes)
{
    struct message_injection *injection = mem_new(struct message_injection);
    struct data_rules rules = {.line_endings = {LINE_ENDINGS_FIX, LINE_ENDINGS_FIX}};
    struct loop *here = loop_current();
    injection->asked = *asked;
    injection->modules = module_set_ref(module->set);
    injection->runner = (struct runner){module->label, "its injection", ""};
    injection->home = here ? here : loop_group_next(sdk_injector.dependencies.loops);
    injection->bytes = bytes;
    injection->batch_id = id_next();
    pthread_mutex_init(&injection->lock, NULL);
    pthread_cond_init(&injection->settled, NULL);
    data_reader_init(&injection->reader, &rules);
    make_envelopes(injection, asked, context, utf8);
    if (asked->flags & IMP_INJECT_RECEIVED)
        trace_append_internal(sdk_injector.hostname, injection->batch_id,
                              slice_text(injection->count == 1 ? asked->recipients[0] : NULL),
                              clock_wall_us(), &injection->content);
    return injection;
}

static void begin(struct message_injection *injection, const struct imp_injection *asked)
{
    bool end;
    if (asked->content && asked->content_size <= BODY_CHUNK / 2) { /* it may double: bare CRs */
        data_reader_feed(&injection->reader, slice_of(asked->content, asked->content_size),
                         &injection->content, &end);
        sdk_inject_store(injection);
        return;
    }
    if (asked->content)
        injection->copy = mem_copy_text(asked->content, asked->content_size);
    injection->copy_size = asked->content_size;
    injection->job.work = sdk_inject_feed_all;
    if (!asked->content)
        injection->job.owner = (struct pool_job_owner){injection->runner.module, injection->runner.kind, ""};
    if (!pool_submit(pool_set_find(sdk_injector.dependencies.pools, "IO"), &injection->job))
        sdk_inject_settle(injection, IMP_INJECT_FAILED);
}

int imp_inject(struct imp_module *module, const struct imp_injection *given)
{
    struct imp_injection asked;
    struct buf context = {0};
    bool utf8 = false;
    int error = EINVAL;
    module_copy_struct(&asked, sizeof asked, given); /* without a size there is no sender, which is named */
    uint64_t bytes = asked.read ? READ_BYTES : asked.content_size + 1024;
    if (!asked.read && asked.content_size > IMP_INJECT_CONTENT_MAX)
        error = EFBIG;
    else if (check(module, &asked, &utf8)) {
        if (make_context(asked.context, &context))
            error = sdk_inject_enter_budget(bytes);
        else
            complain(module, "the context has a name without a value, or too much in it", NULL);
    }
    if (!error && !spool_has_room(sdk_injector.dependencies.spool, bytes))
        error = sdk_inject_leave_again(bytes);
    if (!error)
        begin(injection_create(module, &asked, buf_slice(&context), utf8, bytes), &asked);
    buf_release(&context);
    errno = error;
    return error ? -1 : 0;
}
