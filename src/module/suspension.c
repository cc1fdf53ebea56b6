/*
 * suspension: a call that waits for an answer from another thread.
 *
 * A module's handle is a number, not an address: it names a slot of a table and the use of it that was meant,
 * so that a handle that is resumed twice is recognised, however late, and harms nobody. Slots are reused and
 * never freed.
 *
 * The module that suspends owes one resume. Whether an answer comes or nobody waits any more is decided by
 * one compare-and-swap: exactly one of the two happens. An answer is posted to the call's loop, so it does
 * not matter if it is there before the hook has returned. A suspension holds a reference to the module set
 * until it is resumed: the code that will do so is still running.
 */
#include <assert.h>
#include <stdatomic.h>
#include "base/clock.h"
#include "base/mem.h"
#include "event/late_gate.h"
#include "metrics/budget.h"
#include "module/set.h"

enum { BLOCK_SLOTS = 256, BLOCKS = 16384 }; /* 4 million at a time */

enum suspension_state { SLOT_FREE, SLOT_WAITING, SLOT_ANSWERED, SLOT_CANCELLED };

struct suspension {
    _Atomic uint64_t tag; /* which use of the slot, and the state: use << 2 | state */
    uint32_t number;
    struct imp_call *call; /* the rest: of this use. Loop thread only */
    struct loop *loop;
    struct module_set *set;
    struct hook *hook;
    void (*cancelled)(void *closure);
    void *closure;
    uint64_t due_ms; /* clock_mono_ms */
    int verdict;
    struct hook_reply *reply; /* the refusal of the answer; owned; NULL: it is none */
    struct loop_task task;
    struct suspension *next;             /* while it is free */
    _Atomic(const char *) module, point; /* of the last use: static, or interned */
};

static struct {
    pthread_mutex_t lock; /* for the list of free slots, and for adding blocks */
    struct suspension *free;
    uint32_t blocks_used;
    _Atomic(struct suspension *) blocks[BLOCKS];
} table = {.lock = PTHREAD_MUTEX_INITIALIZER};

static struct late_gate gate;

/* ---- slots and handles ------------------------------------------------------------------------------- */

static_assert(sizeof(void *) == 8, "a handle has 32 bits for the slot and 32 for its use");

static struct imp_suspension *handle_of(const struct suspension *slot)
{
    uint64_t use = atomic_load_explicit(&slot->tag, memory_order_relaxed) >> 2;
    return (struct imp_suspension *)(uintptr_t)(use << 32 | (slot->number + 1));
}

/* The slot of a handle, and the tag that it has while the handle is valid, without the state. NULL: it is
 * none. */
static struct suspension *slot_of(const struct imp_suspension *handle, uint64_t *tag)
{
    uint64_t bits = (uint64_t)(uintptr_t)handle;
    uint32_t number = (uint32_t)bits - 1;
    *tag = bits >> 32 << 2;
    if ((uint32_t)bits == 0 || number / BLOCK_SLOTS >= BLOCKS)
        return NULL;
    struct suspension *block =
        atomic_load_explicit(&table.blocks[number / BLOCK_SLOTS], memory_order_acquire);
    return block ? &block[number % BLOCK_SLOTS] : NULL;
}

/* Under the lock. */
static void add_block(void)
{
    uint32_t index = table.blocks_used;
    if (index == BLOCKS)
        return;
    struct suspension *block = mem_array(BLOCK_SLOTS, sizeof *block);
    for (uint32_t i = BLOCK_SLOTS; i-- > 0;) {
        block[i].number = index * BLOCK_SLOTS + i;
        block[i].next = table.free;
        table.free = &block[i];
    }
    atomic_store_explicit(&table.blocks[index], block, memory_order_release);
    table.blocks_used = index + 1;
}

/* NULL: as many are out as the budget allows, which is below the 4 million that the table holds. */
static struct suspension *slot_take(void)
{
    if (!budget_take(BUDGET_SUSPENSIONS, 1))
        return NULL;
    pthread_mutex_lock(&table.lock);
    if (!table.free)
        add_block();
    struct suspension *slot = table.free;
    if (slot)
        table.free = slot->next;
    pthread_mutex_unlock(&table.lock);
    if (!slot) {
        budget_give(BUDGET_SUSPENSIONS, 1);
        return NULL;
    }
    uint32_t use = (uint32_t)(atomic_load_explicit(&slot->tag, memory_order_relaxed) >> 2) + 1;
    atomic_store_explicit(&slot->tag, (uint64_t)use << 2 | SLOT_WAITING, memory_order_relaxed);
    return slot;
}

static void slot_give(struct suspension *slot)
{
    uint64_t use = atomic_load_explicit(&slot->tag, memory_order_relaxed) >> 2;
    free(slot->reply);
    slot->reply = NULL;
    atomic_store_explicit(&slot->tag, use << 2 | SLOT_FREE, memory_order_release);
    pthread_mutex_lock(&table.lock);
    slot->next = table.free;
    table.free = slot;
    pthread_mutex_unlock(&table.lock);
    budget_give(BUDGET_SUSPENSIONS, 1);
}

/* Of this use of the slot, from one state to another. False: it was in another state. */
static bool change_state(struct suspension *slot, uint64_t tag, enum suspension_state from,
                         enum suspension_state to)
{
    uint64_t expected = tag | from;
    return atomic_compare_exchange_strong(&slot->tag, &expected, tag | to);
}

static uint64_t tag_of(const struct suspension *slot)
{
    return atomic_load_explicit(&slot->tag, memory_order_relaxed) & ~UINT64_C(3);
}

/* ---- suspending -------------------------------------------------------------------------------------- */

/* Why this call cannot be suspended now; NULL: it can. */
static const char *find_obstacle(const struct imp_call *call)
{
    if (call->job)
        return "suspends although it may block";
    if (call->suspension)
        return "suspends twice";
    return call->chain->row->flags & POINT_MAY_SUSPEND ? NULL : "suspends where nobody waits";
}

struct imp_suspension *imp_call_suspend(struct imp_call *call, void (*cancelled)(void *closure),
                                        void *closure)
{
    struct hook *hook = hook_call_current(call);
    const char *obstacle = find_obstacle(call);
    struct suspension *slot = obstacle ? NULL : slot_take();
    if (!slot) {
        paniclog_rated(&hook->nonsense, PANIC_ERROR, "module %s: its hook at %s %s; it got no suspension",
                       hook->module->label, hook->runner.what,
                       obstacle
                           ? obstacle
                           : "suspends, and as many calls are suspended as module_max_suspensions allows");
        return NULL;
    }
    slot->call = call;
    slot->loop = call->loop;
    slot->set = module_set_ref(call->set);
    slot->hook = hook;
    slot->cancelled = cancelled;
    slot->closure = closure;
    slot->due_ms = clock_mono_ms() + hook_call_deadline_ms(call);
    atomic_store_explicit(&slot->module, hook->module->definition->name, memory_order_relaxed);
    atomic_store_explicit(&slot->point, hook->runner.what, memory_order_relaxed);
    call->suspension = slot;
    return handle_of(slot);
}

void suspension_cancel(struct suspension *slot)
{
    slot->call = NULL;
    void (*cancelled)(void *closure) = slot->cancelled;
    void *closure = slot->closure;
    struct runner runner = {slot->hook->module->label, "the cancel function of its hook at",
                            slot->hook->runner.what};
    struct module_set *set = module_set_ref(slot->set); /* a resume may give up the slot's */
    if (change_state(slot, tag_of(slot), SLOT_WAITING, SLOT_CANCELLED) && cancelled) {
        const struct runner *outer = runner_enter(&runner);
        cancelled(closure);
        runner_leave(outer);
    }
    module_set_unref(set);
}

uint64_t suspension_wait_ms(const struct suspension *slot)
{
    uint64_t now = clock_mono_ms();
    return slot->due_ms > now ? slot->due_ms - now : 0;
}

/* ---- resuming ---------------------------------------------------------------------------------------- */

static enum hook_outcome outcome_of(struct suspension *slot, struct imp_call *call)
{
    struct hook *hook = slot->hook;
    if (slot->reply) {
        if (slot->verdict != IMP_DONE)
            paniclog_rated(&hook->nonsense, PANIC_ERROR,
                           "module %s: its hook at %s was resumed with a refusal and verdict %d; refused",
                           hook->module->label, hook->runner.what, slot->verdict);
        *hook_call_reply(call) = *slot->reply;
        call->refused_by = hook->module->definition->name;
        return HOOK_REFUSED;
    }
    if (slot->verdict == IMP_CONT)
        return hook_chain_continue(call);
    if (slot->verdict != IMP_DONE) {
        paniclog_rated(
            &hook->nonsense, PANIC_ERROR,
            "module %s: its hook at %s was resumed with %d, which is no verdict; refused with 451 4.3.0",
            hook->module->label, hook->runner.what, slot->verdict);
        return hook_call_fail(call);
    }
    hook_call_clear_reply(call);
    call->decided = true;
    return HOOK_PASS;
}

static void deliver_answer(struct loop_task *task)
{
    struct suspension *slot = container_of(task, struct suspension, task);
    struct imp_call *call = slot->call;
    struct module_set *set = slot->set;
    if (call) {
        call->suspension = NULL;
        call->resumed(call, outcome_of(slot, call));
    }
    slot_give(slot);
    module_set_unref(set);
}

static void name_second_resume(const struct suspension *slot)
{
    static struct panic_rate rate;
    const struct runner *runner = runner_now();
    if (!slot || !slot->module) {
        paniclog_rated(&rate, PANIC_CRITICAL,
                       "module %s: imp_suspension_resume was given what is no suspension; "
                       "it is ignored",
                       runner ? runner->module : "(on a thread of its own)");
        return;
    }
    paniclog_rated(&rate, PANIC_CRITICAL,
                   "module %s: a suspension of its hook at %s was resumed twice; the second time is ignored",
                   slot->module, slot->point);
}

static void post_answer(struct suspension *slot)
{
    slot->task.run = deliver_answer;
    late_gate_post(&gate, slot->loop, &slot->task);
}

void imp_suspension_resume(struct imp_suspension *handle, int verdict, int code, const char *enhanced,
                           const char *text)
{
    uint64_t tag;
    struct suspension *slot = slot_of(handle, &tag);
    struct hook_reply *reply = NULL;
    if (code != 0) {
        reply = mem_new(struct hook_reply);
        hook_reply_set(reply, code, enhanced, text);
    }
    if (slot && change_state(slot, tag, SLOT_WAITING, SLOT_ANSWERED)) {
        slot->verdict = verdict;
        slot->reply = reply;
        post_answer(slot);
        return;
    }
    free(reply);
    if (slot && change_state(slot, tag, SLOT_CANCELLED, SLOT_ANSWERED)) { /* nobody waits */
        struct module_set *set = slot->set;
        slot_give(slot);
        module_set_unref(set);
        return;
    }
    name_second_resume(slot);
}

void module_suspensions_close(void)
{
    late_gate_close(&gate);
}
