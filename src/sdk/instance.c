/*
 * instance: functions for a module instance itself: its name, its data, its log lines.
 */
#include <stdarg.h>
#include <stdio.h>
#include "base/mem.h"
#include "log/paniclog.h"
#include "module/set.h"

const char *imp_module_instance(const struct imp_module *module)
{
    return module->instance;
}

void imp_module_set_data(struct imp_module *module, void *data)
{
    module->data = data;
}

void *imp_module_data(const struct imp_module *module)
{
    return module->data;
}

void imp_module_error(struct imp_module *module, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    vsnprintf(module->error, sizeof module->error, format, args);
    va_end(args);
}

void imp_paniclog(const struct imp_module *module, enum imp_level level, const char *format, ...)
{
    if (level > module->level)
        return;
    va_list args;
    va_start(args, format);
    char *text = mem_vprintf(NULL, format, args);
    va_end(args);
    paniclog((enum panic_level)level, "%s: %s", module->label, text);
    free(text);
}

int imp_module_every(struct imp_module *module, unsigned seconds, void (*tick)(void *closure), void *closure)
{
    struct module_set *set = module->set;
    if (!module->in_setup || !tick)
        return module_misregistered(module, "imp_module_every: only in setup, and with a function");
    set->periodics = mem_resize(set->periodics, (set->periodic_count + 1) * sizeof *set->periodics);
    set->periodics[set->periodic_count++] = (struct periodic){.runner = {module->label, "its tick", ""},
                                                              .tick = tick,
                                                              .closure = closure,
                                                              .seconds = seconds ? seconds : 1};
    return 0;
}
