/*
 * inject_demo: makes messages. Console command:
 *
 *   inject WHAT SIZE SENDER RECIPIENT ...
 *
 * WHAT is the form: "bytes" (SIZE bytes of content), "read" (the same in parts of odd sizes), "bare" (lines that end in
 * LF), "cancel" (in parts, given up in the middle), "plain" (without flags). The answer is what `done` is told, or what
 * imp_inject refuses.
 *
 *   inject burst COUNT SENDER RECIPIENT
 *
 * injects COUNT messages at once, from a thread of the pool IO, and says how many were stored and how many refused.
 */
#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <impulse/command.h>
#include <impulse/inject.h>
#include <impulse/module.h>

enum { RECIPIENTS_MAX = 32 };

static const char header[] = "From: demo@sender.example\r\nSubject: injected\r\n\r\n";

struct task {
    struct imp_command_call *call;
    size_t given, wanted; /* bytes */
    int cancel;
    char part[7919];
};

/* The header, then lines of 78 bytes, until `wanted` bytes were given. */
static void fill(char *to, size_t at, size_t size)
{
    for (size_t i = 0; i < size; i++, at++) {
        size_t column = (at - (sizeof header - 1)) % 78;
        to[i] = at < sizeof header - 1 ? header[at]
                : column == 76         ? '\r'
                : column == 77         ? '\n'
                                       : (char)('a' + at % 26);
    }
}

static int read_part(const char **data, size_t *size, void *closure)
{
    struct task *task = closure;
    size_t left = task->wanted - task->given;
    if (left == 0 || (task->cancel && task->given > task->wanted / 2))
        return left == 0 ? 0 : -1;
    *size = left < sizeof task->part ? left : sizeof task->part;
    fill(task->part, task->given, *size);
    *data = task->part;
    task->given += *size;
    return 1;
}

static void done(const struct imp_injected *result, void *closure)
{
    struct task *task = closure;
    imp_command_printf(task->call, "%s, %zu messages, batch %s\n", result->reason, result->message_count,
                       result->batch_id ? "yes" : "no");
    imp_command_finish(task->call, result->status == IMP_INJECTED);
    free(task);
}

static void refused(struct imp_command_call *call)
{
    imp_command_printf(call, "refused: %s\n", strerror(errno));
    imp_command_finish(call, false);
}

/* ---- many at once ----------------------------------------------------------------------------------------------- */

struct burst {
    struct imp_command_call *call;
    atomic_uint left, stored, failed;
    unsigned refused;
};

static void one_less(struct burst *burst)
{
    if (atomic_fetch_sub(&burst->left, 1) != 1)
        return;
    imp_command_printf(burst->call, "%u stored, %u failed, %u refused\n", burst->stored, burst->failed,
                       burst->refused);
    imp_command_finish(burst->call, true);
    free(burst);
}

static void burst_done(const struct imp_injected *result, void *closure)
{
    struct burst *burst = closure;
    atomic_fetch_add(result->status == IMP_INJECTED ? &burst->stored : &burst->failed, 1);
    one_less(burst);
}

static void inject_burst(struct imp_module *module, struct imp_command_call *call, unsigned count)
{
    const char *recipient = imp_command_word(call, 3);
    struct burst *burst = calloc(1, sizeof *burst);
    struct imp_injection injection = {
        .size = sizeof injection,
        .sender = imp_command_word(call, 2),
        .recipients = &recipient,
        .recipient_count = 1,
        .content = header,
        .content_size = sizeof header - 1,
        .done = burst_done,
        .closure = burst,
    };
    burst->call = call;
    burst->left = count + 1;
    for (unsigned i = 0; i < count; i++)
        if (imp_inject(module, &injection) != 0) {
            burst->refused++;
            atomic_fetch_sub(&burst->left, 1);
        }
    one_less(burst);
}

/* ---- one -------------------------------------------------------------------------------------------------------- */

static void inject(struct imp_command_call *call, void *closure)
{
    struct imp_module *module = closure;
    const char *what = imp_command_word(call, 0), *recipients[RECIPIENTS_MAX];
    static const char *const context[] = {"origin", "inject_demo", NULL};
    size_t size = strtoul(imp_command_word(call, 1), NULL, 10), count = imp_command_count(call) - 3;
    if (strcmp(what, "burst") == 0) {
        inject_burst(module, call, (unsigned)size);
        return;
    }
    for (size_t i = 0; i < count; i++)
        recipients[i] = imp_command_word(call, i + 3);
    struct task *task = calloc(1, sizeof *task);
    struct imp_injection injection = {
        .size = sizeof injection,
        .sender = imp_command_word(call, 2),
        .recipients = recipients,
        .recipient_count = count,
        .context = context,
        .flags = IMP_INJECT_RECEIVED,
        .done = done,
        .closure = task,
    };
    char *content = malloc(size + sizeof header);
    task->call = call;
    task->wanted = size;
    task->cancel = strcmp(what, "cancel") == 0;
    fill(content, 0, size);
    injection.content = content;
    injection.content_size = size;
    if (strcmp(what, "read") == 0 || task->cancel) {
        injection.read = read_part;
        injection.content = NULL;
        injection.content_size = 0;
    } else if (strcmp(what, "bare") == 0) {
        injection.content = "Subject: bare\n\nline\n.\rend";
        injection.content_size = strlen(injection.content);
    } else if (strcmp(what, "plain") == 0) {
        injection.flags = 0;
        injection.binding = "other";
    }
    if (imp_inject(module, &injection) != 0) {
        refused(call);
        free(task);
    }
    free(content);
}

static int inject_demo_setup(struct imp_module *module, const struct imp_config *config)
{
    (void)config;
    return imp_command_add(module, &(struct imp_command){
                                       .size = sizeof(struct imp_command),
                                       .words = "inject",
                                       .arguments = "WHAT SIZE SENDER RECIPIENT ...",
                                       .least = 4,
                                       .most = RECIPIENTS_MAX + 3,
                                       .help = "makes a message",
                                       .run = inject,
                                       .closure = module,
                                       .flags = IMP_COMMAND_MAY_BLOCK,
                                   });
}

IMP_MODULE_DEFINE(.name = "inject_demo", .description = "Makes messages", .kind = IMP_SINGLETON,
                  .setup = inject_demo_setup);
