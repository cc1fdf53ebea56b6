/*
 * queue_demo: looks at queued messages and changes them. Console commands:
 *
 *   q list|queues|retry|fail|remove|later|to|bind ARGUMENT [NAME=VALUE ...]
 *   q answer ID
 *
 * ARGUMENT is a reason, the seconds of "later", the new recipient, the new binding, or "-". NAME=VALUE are filters:
 * id, batch, domain, binding, sender, recipient, state (a number), limit. Each message that fits is a line:
 *
 *   ID SENDER RECIPIENT BINDING STATE RETRIES NEXT-ATTEMPT-IN-SECONDS BYTES [what became of the change]
 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <impulse/command.h>
#include <impulse/module.h>
#include <impulse/queue.h>

struct task {
    struct imp_command_call *call;
    const char *what, *argument;
};

static uint64_t now_us(void)
{
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    return (uint64_t)now.tv_sec * 1000000 + (uint64_t)now.tv_nsec / 1000;
}

static int change(const struct task *task, struct imp_queued *queued, uint64_t *id)
{
    if (strcmp(task->what, "retry") == 0)
        return imp_queued_retry(queued);
    if (strcmp(task->what, "fail") == 0)
        return imp_queued_fail(queued, task->argument);
    if (strcmp(task->what, "remove") == 0)
        return imp_queued_remove(queued, task->argument);
    if (strcmp(task->what, "later") == 0)
        return imp_queued_reschedule(queued, now_us() + strtoul(task->argument, NULL, 10) * 1000000);
    if (strcmp(task->what, "to") == 0)
        return imp_queued_change(queued, task->argument, NULL, NULL, "sent elsewhere", id);
    if (strcmp(task->what, "bind") == 0)
        return imp_queued_change(queued, NULL, task->argument, NULL, "bound anew", id);
    return 0;
}

static enum imp_queue_next each(struct imp_queued *queued, void *closure)
{
    const struct task *task = closure;
    struct imp_queued_facts facts = {.size = sizeof facts};
    char line[1024];
    uint64_t id = 0;
    imp_queued_get(queued, &facts);
    int64_t wait = facts.next_attempt_us ? ((int64_t)facts.next_attempt_us - (int64_t)now_us()) / 1000000 : 0;
    snprintf(line, sizeof line, "%" PRIu64 " <%s> %s %s %d %u %" PRId64 " %" PRIu64, facts.message_id,
             facts.sender, facts.recipient, facts.binding, facts.state, facts.retries, wait, facts.bytes);
    int result = change(task, queued, &id);
    if (strcmp(task->what, "count") == 0)
        return IMP_QUEUE_GO_ON;
    imp_command_printf(task->call, "%s%s%s\n", line, result ? " " : "", result ? strerror(errno) : "");
    return IMP_QUEUE_GO_ON;
}

static void queue(const struct imp_queue_facts *facts, void *closure)
{
    const struct task *task = closure;
    if (strcmp(task->what, "queues") == 0)
        imp_command_printf(task->call, "%s %s %" PRIu64 " %" PRIu64 " %u\n", facts->binding, facts->domain,
                           facts->messages, facts->ready, facts->connections);
}

static void done(const struct imp_queue_answer *answer, void *closure)
{
    struct task *task = closure;
    imp_command_printf(task->call, "seen %" PRIu64 " matched %" PRIu64 " %s\n", answer->seen, answer->matched,
                       answer->complete ? "complete" : "incomplete");
    imp_command_finish(task->call, true);
    free(task);
}

static void answered(uint64_t id, const char *response, const char *peer, void *closure)
{
    struct task *task = closure;
    imp_command_printf(task->call, "%" PRIu64 " [%s] %s\n", id, peer ? peer : "nobody",
                       response ? response : "nothing");
    imp_command_finish(task->call, true);
    free(task);
}

/* Its members stay: the words of a command do until it is finished. */
static void filter(struct imp_queue_question *question, const char *word)
{
    const char *value = strchr(word, '=') + 1;
    if (strncmp(word, "id=", 3) == 0)
        question->message_id = strtoull(value, NULL, 10);
    else if (strncmp(word, "batch=", 6) == 0)
        question->batch_id = strtoull(value, NULL, 10);
    else if (strncmp(word, "domain=", 7) == 0)
        question->domain = value;
    else if (strncmp(word, "binding=", 8) == 0)
        question->binding = value;
    else if (strncmp(word, "sender=", 7) == 0)
        question->sender = value;
    else if (strncmp(word, "recipient=", 10) == 0)
        question->recipient = value;
    else if (strncmp(word, "state=", 6) == 0)
        question->states = (unsigned)strtoul(value, NULL, 10);
    else if (strncmp(word, "limit=", 6) == 0)
        question->limit = strtoull(value, NULL, 10);
}

static void run(struct imp_command_call *call, void *closure)
{
    struct task *task = calloc(1, sizeof *task);
    task->call = call;
    task->what = imp_command_word(call, 0);
    task->argument = imp_command_word(call, 1);
    struct imp_queue_question question = {
        .size = sizeof question,
        .queue = queue,
        .each = strcmp(task->what, "queues") == 0 ? NULL : each,
        .done = done,
        .closure = task,
    };
    for (size_t i = 2; i < imp_command_count(call); i++)
        filter(&question, imp_command_word(call, i));
    int result = strcmp(task->what, "answer") == 0
                     ? imp_queue_last_answer(closure, strtoull(task->argument, NULL, 10), answered, task)
                     : imp_queue_ask(closure, &question);
    if (result != 0) {
        imp_command_printf(call, "%s\n", strerror(errno));
        imp_command_finish(call, false);
        free(task);
    }
}

static int queue_demo_setup(struct imp_module *module, const struct imp_config *config)
{
    (void)config;
    return imp_command_add(module, &(struct imp_command){
                                       .size = sizeof(struct imp_command),
                                       .words = "q",
                                       .arguments = "WHAT ARGUMENT [NAME=VALUE ...]",
                                       .least = 2,
                                       .most = 12,
                                       .help = "looks at queued messages and changes them",
                                       .run = run,
                                       .closure = module,
                                   });
}

IMP_MODULE_DEFINE(.name = "queue_demo", .description = "Looks at queued messages", .kind = IMP_SINGLETON,
                  .setup = queue_demo_setup);
