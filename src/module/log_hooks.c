/*
 * log_hooks: telling modules what happened, and handing them the daemon's own lines (paniclog).
 *
 * The lines go to one set at a time, `taker`: the current generation's. Its sink is added before the old
 * one's is removed, so that none is lost.
 */
#include <string.h>
#include "base/mem.h"
#include "log/paniclog.h"
#include "log/writer.h"
#include "module/set.h"

static struct module_set *taker; /* main thread only; NULL: nobody */

int imp_hook_log(struct imp_module *module, const struct imp_log_hooks *hooks)
{
    struct module_set *set = module->set;
    struct imp_log_hooks asked;
    if (!module->in_setup)
        return module_misregistered(module, "imp_hook_log: only setup may register hooks");
    if (!module_copy_struct(&asked, sizeof asked, hooks))
        return module_misregistered(module, "imp_hook_log: the struct has no size");
    set->listeners = mem_resize(set->listeners, (set->listener_count + 1) * sizeof *set->listeners);
    struct log_listener *listener = &set->listeners[set->listener_count++];
    *listener = (struct log_listener){
        .module = module, .runner = {module->label, "its log hook", ""}, .hooks = asked};
    return 0;
}

#define TELL(set, hook, ...)                                                                                 \
    for (size_t i = 0; i < (set)->listener_count; i++) {                                                     \
        const struct log_listener *listener = &(set)->listeners[i];                                          \
        if (!listener->hooks.hook)                                                                           \
            continue;                                                                                        \
        const struct runner *outer = runner_enter(&listener->runner);                                        \
        listener->hooks.hook(__VA_ARGS__, listener->hooks.closure);                                          \
        runner_leave(outer);                                                                                 \
    }

void module_set_log_reception(struct module_set *set, const struct imp_log_reception *event)
{
    TELL(set, reception, event)
}

void module_set_log_delivery(struct module_set *set, const struct imp_log_delivery *event)
{
    TELL(set, delivery, event)
}

void module_set_log_transient(struct module_set *set, const struct imp_log_delivery *event)
{
    TELL(set, transient, event)
}

void module_set_log_permanent(struct module_set *set, const struct imp_log_delivery *event)
{
    TELL(set, permanent, event)
}

void module_set_log_rejection(struct module_set *set, const struct imp_log_rejection *event)
{
    TELL(set, rejection, event)
}

void module_set_log_authentication(struct module_set *set, const struct imp_log_authentication *event)
{
    TELL(set, authentication, event)
}

void module_set_log_authorization(struct module_set *set, const struct imp_log_authorization *event)
{
    TELL(set, authorization, event)
}

bool module_set_wants_rejections(const struct module_set *set)
{
    for (size_t i = 0; i < set->listener_count; i++)
        if (set->listeners[i].hooks.rejection)
            return true;
    return false;
}

void module_set_reopen_logs(struct module_set *set)
{
    for (size_t i = 0; i < set->listener_count; i++) {
        const struct log_listener *listener = &set->listeners[i];
        if (!listener->hooks.reopen)
            continue;
        const struct runner *outer = runner_enter(&listener->runner);
        listener->hooks.reopen(listener->hooks.closure);
        runner_leave(outer);
    }
    log_files_reopen();
}

/* ---- paniclog ----------------------------------------------------------------------------------------- */

static bool wants_lines(const struct module_set *set)
{
    for (size_t i = 0; i < set->listener_count; i++)
        if (set->listeners[i].hooks.paniclog)
            return true;
    return false;
}

static bool tell_line(struct module_set *set, enum imp_level level, const char *line, size_t size)
{
    TELL(set, paniclog, level, line, size)
    return wants_lines(set);
}

static void sink(enum panic_level level, const char *line, size_t size, void *closure)
{
    tell_line(closure, (enum imp_level)level, line, size);
}

struct module_set *log_hooks_paniclog_taker(void)
{
    return taker;
}

void log_hooks_take_paniclog(struct module_set *set)
{
    struct module_set *before = taker;
    if (before == set)
        return;
    if (wants_lines(set))
        paniclog_add_sink(sink, set);
    taker = set;
    if (before)
        paniclog_remove_sink(sink, before);
}

void log_hooks_leave_paniclog(struct module_set *set)
{
    if (taker != set)
        return;
    paniclog_remove_sink(sink, set);
    taker = NULL;
}

bool log_hooks_tell_paniclog(enum imp_level level, const char *line, size_t size)
{
    return taker && tell_line(taker, level, line, size);
}
