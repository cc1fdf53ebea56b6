/*
 * sdk_command: console commands of modules (include/impulse/command.h): rows of the set's registry, which
 * lies on that of the console.
 */
#include "sdk/sdk_command.h"

#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include "base/mem.h"
#include "control/ctl_command.h"
#include "control/ctl_gather.h"
#include "impulse/command.h"
#include "sdk/sdk_registry.h"

struct command_row {
    struct ctl_command shown; /* comes first: the row that the console sees */
    struct imp_module *module;
    imp_command_fn *run;
    void *closure;
    char *words, *arguments, *help, *pool, *thread;
};

struct imp_command_call {
    struct ctl_call *call;
    const struct command_row *row;
    struct module_set *set; /* a reference: keeps the row and its module */
    struct pool_job job;
    void (*room)(struct imp_command_call *call, void *closure);
    void *room_closure;
    void (*cancelled)(struct imp_command_call *call, void *closure);
    void *cancelled_closure;
    void (*release)(void *closure);
    void *release_closure;
    struct runner runner; /* copied where it is entered: the call may be gone when the function returns */
};

_Static_assert((int)IMP_COMMAND_TAKEN == (int)CTL_TAKEN && (int)IMP_COMMAND_BEHIND == (int)CTL_BEHIND &&
                   (int)IMP_COMMAND_GONE == (int)CTL_GONE,
               "the SDK's words are the console's");

/* ---- one call -------------------------------------------------------------------------------- */

static void end_call(void *closure)
{
    struct imp_command_call *call = closure;
    struct module_set *set = call->set;
    if (call->release) {
        const struct runner *outer = runner_enter(&call->runner);
        call->release(call->release_closure);
        runner_leave(outer);
    }
    free(call);
    module_set_unref(set);
}

/* A crash names the module and its command. */
static void run_named(struct imp_command_call *call)
{
    const struct command_row *row = call->row;
    struct runner runner = call->runner;
    const struct runner *outer = runner_enter(&runner);
    row->run(call, row->closure);
    runner_leave(outer);
}

/* The call may be over, and freed, before the function returns: the instance stays until it has. */
static void run_on_pool(struct pool_job *job)
{
    struct imp_command_call *call = container_of(job, struct imp_command_call, job);
    struct module_set *set = module_set_ref(call->set);
    run_named(call);
    module_set_unref(set);
}

static void start(struct ctl_call *ctl, void *closure)
{
    const struct command_row *row = closure;
    struct imp_command_call *call = mem_new(struct imp_command_call);
    call->call = ctl;
    call->row = row;
    call->runner = (struct runner){row->module->label, "its console command", row->words};
    call->set = module_set_ref(row->module->set);
    call->job.work = run_on_pool;
    call->job.owner = (struct pool_job_owner){row->module->label, "its console command", row->words};
    ctl_call_at_end(ctl, end_call, call);
    if (!row->pool) {
        run_named(call);
        return;
    }
    struct pool *pool = call->set->pools ? pool_set_find(call->set->pools, row->pool) : NULL;
    if (pool && pool_try(pool, &call->job))
        return;
    imp_command_printf(call,
                       pool ? "All threads of the pool \"%s\" are busy; try again later.\n"
                            : "There is no pool \"%s\".\n",
                       row->pool);
    ctl_call_finish(ctl, false);
}

size_t imp_command_count(const struct imp_command_call *call)
{
    return ctl_call_count(call->call);
}

const char *imp_command_word(const struct imp_command_call *call, size_t index)
{
    return ctl_call_word(call->call, index);
}

const char *imp_command_user(const struct imp_command_call *call)
{
    return ctl_call_user(call->call);
}

enum imp_command_room imp_command_write(struct imp_command_call *call, const char *data, size_t size)
{
    return (enum imp_command_room)ctl_call_write(call->call, slice_of(data, size));
}

enum imp_command_room imp_command_printf(struct imp_command_call *call, const char *format, ...)
{
    va_list args;
    size_t size;
    va_start(args, format);
    char *text = mem_vprintf(&size, format, args);
    va_end(args);
    enum imp_command_room room = imp_command_write(call, text, size);
    free(text);
    return room;
}

enum imp_command_room imp_command_wait(struct imp_command_call *call)
{
    return (enum imp_command_room)ctl_call_wait(call->call);
}

/* Calls a function of the command's. It may finish the call, so the runner is a copy. */
static void tell(struct imp_command_call *call, void (*told)(struct imp_command_call *call, void *closure),
                 void *closure)
{
    struct runner runner = call->runner;
    const struct runner *outer = runner_enter(&runner);
    told(call, closure);
    runner_leave(outer);
}

static void tell_room(struct ctl_call *ctl, void *closure)
{
    struct imp_command_call *call = closure;
    (void)ctl;
    tell(call, call->room, call->room_closure);
}

void imp_command_on_room(struct imp_command_call *call,
                         void (*room)(struct imp_command_call *call, void *closure), void *closure)
{
    call->room = room;
    call->room_closure = closure;
    ctl_call_on_room(call->call, room ? tell_room : NULL, call);
}

bool imp_command_gone(struct imp_command_call *call)
{
    return ctl_call_gone(call->call);
}

static void tell_cancelled(struct ctl_call *ctl, void *closure)
{
    struct imp_command_call *call = closure;
    (void)ctl;
    tell(call, call->cancelled, call->cancelled_closure);
}

void imp_command_on_cancel(struct imp_command_call *call,
                           void (*cancelled)(struct imp_command_call *call, void *closure), void *closure)
{
    call->cancelled = cancelled;
    call->cancelled_closure = closure;
    ctl_call_on_cancel(call->call, cancelled ? tell_cancelled : NULL, call);
}

void imp_command_at_end(struct imp_command_call *call, void (*release)(void *closure), void *closure)
{
    call->release = release;
    call->release_closure = closure;
}

void imp_command_finish(struct imp_command_call *call, bool ok)
{
    ctl_call_finish(call->call, ok);
}

/* ---- every loop ------------------------------------------------------------------------------ */

static struct loop_group *(*find_loops)(void *daemon, const char *name);
static void *loops_owner;

void sdk_command_set_loops(struct loop_group *(*find)(void *daemon, const char *name), void *daemon)
{
    find_loops = find;
    loops_owner = daemon;
}

struct imp_command_part {
    struct ctl_part part; /* nothing else: a part is one under another name */
};

struct module_gather {
    struct imp_command_call *call;
    imp_command_step_fn *step;
    void (*end)(struct imp_command_call *call, void *closure);
    void *closure;
};

static bool step_part(struct ctl_part *part)
{
    const struct module_gather *gather = part->closure;
    const struct runner *outer = runner_enter(&gather->call->runner);
    bool more = gather->step((struct imp_command_part *)part, gather->closure) != 0;
    runner_leave(outer);
    return more;
}

static void end_gather(struct ctl_call *ctl, void *closure)
{
    struct module_gather *gather = closure;
    (void)ctl;
    struct runner runner = gather->call->runner;
    const struct runner *outer = runner_enter(&runner);
    if (gather->end)
        gather->end(gather->call, gather->closure);
    runner_leave(outer);
    free(gather);
}

void imp_command_gather(struct imp_command_call *call, const char *loops, imp_command_step_fn *step,
                        void (*end)(struct imp_command_call *call, void *closure), void *closure)
{
    struct module_gather *gather = mem_new(struct module_gather);
    *gather = (struct module_gather){call, step, end, closure};
    ctl_gather(call->call, find_loops(loops_owner, loops), step_part, end_gather, gather);
}

void imp_command_part_write(struct imp_command_part *part, const char *data, size_t size)
{
    buf_append(&part->part.text, data, size);
}

void imp_command_part_printf(struct imp_command_part *part, const char *format, ...)
{
    va_list args;
    size_t size;
    va_start(args, format);
    char *text = mem_vprintf(&size, format, args);
    va_end(args);
    buf_append(&part->part.text, text, size);
    free(text);
}

unsigned imp_command_part_index(const struct imp_command_part *part)
{
    return loop_index(part->part.loop);
}

void **imp_command_part_place(struct imp_command_part *part)
{
    return &part->part.place;
}

bool imp_command_part_gone(const struct imp_command_part *part)
{
    return part->part.gone;
}

/* ---- registering ----------------------------------------------------------------------------- */

static void free_row(void *what)
{
    struct command_row *row = what;
    free(row->words);
    free(row->arguments);
    free(row->help);
    free(row->pool);
    free(row->thread);
    free(row);
}

/* Words with one space between them, as command_find compares them. */
static bool are_words(const char *words)
{
    return sdk_has_text(words) && *words != ' ' && words[strlen(words) - 1] != ' ' && !strstr(words, "  ") &&
           !strpbrk(words, "=()[]{}#\"'") && !slice_has_control(slice_text(words));
}

static struct command_row *make_row(struct imp_module *module, const struct imp_command *command,
                                    const char *pool)
{
    struct command_row *row = mem_new(struct command_row);
    row->module = module;
    row->run = command->run;
    row->closure = command->closure;
    row->words = mem_dup(command->words);
    row->arguments = mem_dup(command->arguments ? command->arguments : "");
    row->help = mem_dup(command->help);
    if (pool) {
        row->pool = mem_dup(pool);
        row->thread = mem_printf("pool %s", row->pool);
    }
    row->shown = (struct ctl_command){
        .words = row->words,
        .arguments = row->arguments,
        .least = command->least,
        .most = command->most,
        .help = row->help,
        .start = start,
        .closure = row,
        .thread = row->thread,
        .may_block = row->pool != NULL,
    };
    return row;
}

int imp_command_add(struct imp_module *module, const struct imp_command *given)
{
    struct imp_command command;
    if (!module_copy_struct(&command, sizeof command, given) || !are_words(command.words) || !command.run ||
        !sdk_has_text(command.help) || command.most < command.least)
        return module_misregistered(
            module, "imp_command_add: size, words (one space between), help and run are required");
    bool may_block = command.flags & IMP_COMMAND_MAY_BLOCK;
    const char *pool = may_block ? sdk_pool_name(module, command.pool, "imp_command_add") : NULL;
    if (may_block && !pool)
        return -1;
    const struct registry form = {.kind = "console command", .below = ctl_commands(), .release = free_row};
    struct command_row *row = make_row(module, &command, pool);
    struct registry_row entry = {
        .name = row->words, .help = row->help, .thread = row->thread ? row->thread : "main", .what = row};
    if (sdk_register(module, MODULE_COMMANDS, &form, &entry) == 0)
        return 0;
    free_row(row);
    return -1;
}
