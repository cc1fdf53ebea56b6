/*
 * sdk_queue: modules' questions to the queues: one walk (queue_manage.h) in each loop, counted down to
 * `done`.
 */
#include "sdk/sdk_queue.h"

#include <errno.h>
#include <stdatomic.h>
#include <string.h>
#include "base/buf.h"
#include "base/id.h"
#include "base/mem.h"
#include "base/pending.h"
#include "impulse/queue.h"
#include "module/set.h"
#include "queue/queue_manage.h"
#include "sdk/sdk_address.h"

_Static_assert((int)IMP_QUEUED_READY == QUEUED_READY && (int)IMP_QUEUED_DELAYED == QUEUED_DELAYED &&
                   (int)IMP_QUEUED_IN_FLIGHT == QUEUED_IN_FLIGHT,
               "the SDK's states are the queue's");

static struct {
    struct queue_set *queues;
    struct pool_set *pools;
    struct pending pending; /* open while they may be asked */
} asked_of = {.pending = PENDING_STATIC};

struct question_part { /* of one loop */
    struct queue_walk walk;
    struct queue_question *question;
    uint64_t seen;
};

struct queue_question {
    struct imp_queue_question asked; /* its texts are copies */
    struct module_set *modules;      /* a reference */
    struct runner runner;
    uint64_t before; /* ids from here on are of what arrived later */
    _Atomic uint64_t matched, seen;
    _Atomic unsigned left; /* parts that have not finished */
    _Atomic bool stopped, incomplete;
    struct question_part parts[];
};

struct imp_queued {
    struct queued *queued;
};

/* ---- looking ----------------------------------------------------------------------------------------- */

static bool fits_name(const char *wanted, struct slice name)
{
    return !wanted || slice_equal_nocase(slice_text(wanted), name);
}

static bool fits(const struct imp_queue_question *asked, const struct queued *queued)
{
    const struct envelope *envelope = queued->envelope;
    return (!asked->message_id || asked->message_id == envelope->id) &&
           (!asked->batch_id || asked->batch_id == envelope->batch_id) &&
           (!asked->states || (asked->states & queued->state)) &&
           (!asked->binding || slice_equal(slice_text(asked->binding), envelope->binding)) &&
           fits_name(asked->domain, envelope->recipient_domain) &&
           fits_name(asked->sender, envelope->reverse_path) &&
           fits_name(asked->recipient, envelope->recipient);
}

static bool visit(struct queue_walk *walk, struct queued *queued)
{
    struct question_part *part = container_of(walk, struct question_part, walk);
    struct queue_question *question = part->question;
    const struct imp_queue_question *asked = &question->asked;
    part->seen++;
    if (atomic_load_explicit(&question->stopped, memory_order_relaxed))
        return false;
    if (queued->envelope->id >= question->before || !fits(asked, queued))
        return true;
    uint64_t before = atomic_fetch_add(&question->matched, 1);
    if (asked->limit && before >= asked->limit) {
        atomic_fetch_sub(&question->matched, 1);
        atomic_store(&question->stopped, true);
        return false;
    }
    struct imp_queued shown = {queued};
    const struct runner *outer = runner_enter(&question->runner);
    enum imp_queue_next next = asked->each(&shown, asked->closure);
    runner_leave(outer);
    if (next == IMP_QUEUE_STOP || asked->message_id)
        atomic_store(&question->stopped, true);
    return !atomic_load_explicit(&question->stopped, memory_order_relaxed);
}

static bool visit_queue(struct queue_walk *walk, const struct queued_queue *queue)
{
    const struct queue_question *question = container_of(walk, struct question_part, walk)->question;
    const struct imp_queue_question *asked = &question->asked;
    if ((asked->binding && !slice_equal(slice_text(asked->binding), queue->binding)) ||
        !fits_name(asked->domain, queue->domain))
        return false;
    struct imp_queue_facts facts = {
        .size = sizeof facts,
        .binding = queue->binding.data,
        .domain = queue->domain.data,
        .messages = queue->messages,
        .ready = queue->ready,
        .connections = queue->connections,
    };
    if (asked->queue) {
        const struct runner *outer = runner_enter(&question->runner);
        asked->queue(&facts, asked->closure);
        runner_leave(outer);
    }
    return asked->each != NULL;
}

static void question_free(struct queue_question *question)
{
    free((char *)question->asked.binding);
    free((char *)question->asked.domain);
    free((char *)question->asked.sender);
    free((char *)question->asked.recipient);
    module_set_unref(question->modules);
    free(question);
}

static void part_done(struct queue_walk *walk)
{
    struct question_part *part = container_of(walk, struct question_part, walk);
    struct queue_question *question = part->question;
    atomic_fetch_add(&question->seen, part->seen);
    if (!walk->complete)
        atomic_store(&question->incomplete, true);
    if (atomic_fetch_sub(&question->left, 1) != 1)
        return;
    struct imp_queue_answer answer = {
        .size = sizeof answer,
        .seen = question->seen,
        .matched = question->matched,
        .complete = !question->incomplete || (question->asked.message_id && question->matched),
    };
    const struct runner *outer = runner_enter(&question->runner);
    question->asked.done(&answer, question->asked.closure);
    runner_leave(outer);
    question_free(question);
    pending_end(&asked_of.pending);
}

/* ---- asking ------------------------------------------------------------------------------------------ */

/* False with errno: it is not open. */
static bool enter(void)
{
    if (pending_enter(&asked_of.pending))
        return true;
    errno = ESHUTDOWN;
    return false;
}

int imp_queue_ask(struct imp_module *module, const struct imp_queue_question *given)
{
    struct imp_queue_question asked;
    if (!module_copy_struct(&asked, sizeof asked, given) || !asked.done) {
        errno = EINVAL;
        return -1;
    }
    if (!enter())
        return -1;
    unsigned count = queue_walks(asked_of.queues);
    struct queue_question *question = mem_zalloc(sizeof *question + count * sizeof *question->parts);
    question->asked = asked;
    question->asked.binding = mem_dup(asked.binding);
    question->asked.domain = mem_dup(asked.domain);
    question->asked.sender = mem_dup(asked.sender);
    question->asked.recipient = mem_dup(asked.recipient);
    question->modules = module_set_ref(module->set);
    question->runner = (struct runner){module->label, "its question to the queues", ""};
    question->left = count;
    question->before = id_next();
    for (unsigned i = 0; i < count; i++) {
        struct question_part *part = &question->parts[i];
        part->question = question;
        part->walk.queue = visit_queue;
        part->walk.visit = asked.each ? visit : NULL;
        part->walk.done = part_done;
    }
    for (unsigned i = 0; i < count; i++) /* the last one may end before this returns */
        queue_walk_begin(asked_of.queues, i, &question->parts[i].walk);
    return 0;
}

/* ---- the last answer --------------------------------------------------------------------------------- */

struct remark_question {
    struct pool_job job;
    struct module_set *modules; /* a reference */
    struct runner runner;
    uint64_t id;
    void (*answer)(uint64_t id, const char *response, const char *peer, void *closure);
    void *closure;
};

static void read_remark(struct pool_job *job)
{
    struct remark_question *question = container_of(job, struct remark_question, job);
    struct stored_outcome *outcome = NULL;
    struct slice response = {0}, peer = {0};
    const struct runner *outer = runner_enter(&question->runner);
    if (queue_last_outcome(asked_of.queues, question->id, &outcome, &response, &peer) == 0) {
        char *texts[] = {mem_copy_text(response.data, response.size), mem_copy_text(peer.data, peer.size)};
        question->answer(question->id, texts[0], texts[1], question->closure);
        free(texts[0]);
        free(texts[1]);
    } else {
        question->answer(question->id, NULL, NULL, question->closure);
    }
    runner_leave(outer);
    free(outcome);
    module_set_unref(question->modules);
    free(question);
    pending_end(&asked_of.pending);
}

int imp_queue_last_answer(struct imp_module *module, uint64_t message_id,
                          void (*answer)(uint64_t message_id, const char *response, const char *peer,
                                         void *closure),
                          void *closure)
{
    if (!answer) {
        errno = EINVAL;
        return -1;
    }
    if (!enter())
        return -1;
    struct remark_question *question = mem_new(struct remark_question);
    question->job.work = read_remark;
    question->job.owner = (struct pool_job_owner){module->label, "its question for a last answer", ""};
    question->modules = module_set_ref(module->set);
    question->runner = (struct runner){module->label, "its question for a last answer", ""};
    question->id = message_id;
    question->answer = answer;
    question->closure = closure;
    if (pool_submit(pool_set_find(asked_of.pools, "SwapIn"), &question->job))
        return 0;
    module_set_unref(question->modules);
    free(question);
    pending_end(&asked_of.pending);
    errno = ESHUTDOWN;
    return -1;
}

/* ---- one message ------------------------------------------------------------------------------------- */

void imp_queued_get(const struct imp_queued *shown, struct imp_queued_facts *facts)
{
    const struct queued *queued = shown->queued;
    const struct envelope *envelope = queued->envelope;
    size_t size = facts->size;
    struct imp_queued_facts known = {
        .size = size,
        .message_id = envelope->id,
        .batch_id = envelope->batch_id,
        .sender = envelope->reverse_path.data,
        .recipient = envelope->recipient.data,
        .domain = envelope->recipient_domain.data,
        .binding = envelope->binding.data,
        .binding_group = envelope->binding_group.data,
        .bytes = envelope_size(envelope),
        .received_us = envelope->received_us,
        .next_attempt_us = envelope->next_attempt_us,
        .retries = envelope->retries,
        .state = (enum imp_queued_state)queued->state,
        .is_notification = envelope->flags & ENVELOPE_BOUNCE,
    };
    memcpy(facts, &known, size < sizeof known ? size : sizeof known);
}

static int answer(bool done)
{
    if (!done)
        errno = EBUSY;
    return done ? 0 : -1;
}

/* "550 5.7.0 [internal] REASON" */
static void make_response(struct buf *out, const char *code, const char *reason)
{
    buf_append_text(out, code);
    buf_append_text(out, " 5.7.0 [internal] ");
    buf_append_printable(out, slice_text(reason && *reason ? reason : "by a module"));
}

int imp_queued_retry(struct imp_queued *shown)
{
    return answer(queued_retry(shown->queued));
}

int imp_queued_reschedule(struct imp_queued *shown, uint64_t when_us)
{
    return answer(queued_reschedule(shown->queued, when_us));
}

int imp_queued_fail(struct imp_queued *shown, const char *reason)
{
    struct buf response = {0};
    make_response(&response, "550", reason);
    bool done = queued_fail(shown->queued, buf_slice(&response));
    buf_release(&response);
    return answer(done);
}

int imp_queued_remove(struct imp_queued *shown, const char *reason)
{
    struct buf response = {0};
    make_response(&response, "554", reason);
    bool done = queued_remove(shown->queued, buf_slice(&response));
    buf_release(&response);
    return answer(done);
}

int imp_queued_change(struct imp_queued *shown, const char *recipient, const char *binding, const char *group,
                      const char *reason, uint64_t *message_id)
{
    struct buf response = {0};
    uint64_t id = 0;
    bool utf8 = false;
    if (recipient && !sdk_address_is_valid(recipient, false, &utf8)) {
        errno = EINVAL;
        return -1;
    }
    make_response(&response, "554", reason);
    bool done = queued_change(shown->queued, slice_text(recipient), slice_text(binding), slice_text(group),
                              buf_slice(&response), &id);
    buf_release(&response);
    if (done && message_id)
        *message_id = id;
    return answer(done);
}

/* ---- the daemon's side ------------------------------------------------------------------------------- */

void sdk_queue_open(struct queue_set *queues, struct pool_set *pools)
{
    asked_of.pools = pools;
    asked_of.queues = queues;
    pending_open(&asked_of.pending);
}

void sdk_queue_close(void)
{
    pending_close(&asked_of.pending);
}
