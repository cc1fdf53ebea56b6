/*
 * console_modules: the console's commands about modules: which there are, who hooks what, and what is
 * registered, by the daemon itself and by its modules. Source of the form: Momentum 4 manual, console command
 * "module".
 */
#include "daemon/console_modules.h"

#include <strings.h>
#include "control/ctl_command.h"
#include "daemon/daemon_private.h"
#include "daemon/listen_kinds.h"
#include "delivery/delivery.h"
#include "smtp/server/server.h"

static const struct module_set *modules_of(const struct command_call *call)
{
    return ((struct daemon *)call->upper->daemon)->modules;
}

/* ---- module list ----------------------------------------------------------------------------- */

static void print_module(const struct module_facts *facts, void *out)
{
    fprintf(out, "Module: %s%s%s\n", facts->name, *facts->instance ? ":" : "", facts->instance);
    fprintf(out, "  Scope_Name: %s\n", facts->name);
    if (*facts->instance)
        fprintf(out, "  Instance_Name: %s\n", facts->instance);
    fprintf(out, "  Enabled: enabled\n  API: %s\n  Name: %s\n  Description: %s\n", facts->api, facts->name,
            facts->description);
}

static bool run_modules(struct command_call *call)
{
    module_set_list(modules_of(call), print_module, call->out);
    return true;
}

/* ---- module hooks ---------------------------------------------------------------------------- */

/*
 * Shows everything, one point with its hooks, or the hooks of a module and the points that it declared. A point
 * is printed before the first hook that is shown of it.
 */
struct hook_list {
    FILE *out;
    const char *wanted;            /* a point, a module, or an instance "NAME:INSTANCE"; NULL: everything */
    const struct point_row *point; /* the one whose hooks come */
    bool point_wanted, point_shown;
    size_t shown;
};

static bool is_module(const char *wanted, const char *label)
{
    size_t size = strlen(wanted);
    return strncasecmp(wanted, label, size) == 0 && (label[size] == '\0' || label[size] == ':');
}

/* As Momentum's page has it: a point a line, and what is to be said about it indented by a tab. */
static void show_point(struct hook_list *list)
{
    const struct point_row *row = list->point;
    const char *kind = row->flags & POINT_MAY_REFUSE ? "asked" : "told";
    if (list->point_shown)
        return;
    list->point_shown = true;
    list->shown++;
    fprintf(list->out, "%s\n\t%s: %s (on %s; %s%s)\n", row->name, row->owner, row->help, row->thread, kind,
            row->flags & POINT_MAY_SUSPEND ? ", may suspend" : "");
}

static void begin_point(const struct point_row *row, void *closure)
{
    struct hook_list *list = closure;
    list->point = row;
    list->point_shown = false;
    list->point_wanted = !list->wanted || strcasecmp(list->wanted, row->name) == 0;
    if (list->point_wanted || is_module(list->wanted, row->owner))
        show_point(list);
}

static void print_hook(const struct hook_facts *facts, void *closure)
{
    struct hook_list *list = closure;
    if (!list->point_wanted && !is_module(list->wanted, facts->module))
        return;
    show_point(list);
    fprintf(list->out, "\thook of %s, priority %d", facts->module, facts->priority);
    if (facts->pool)
        fprintf(list->out, ", on ThreadPool %s", facts->pool);
    if (facts->deadline_ms)
        fprintf(list->out, ", deadline %u ms", facts->deadline_ms);
    fputc('\n', list->out);
}

static bool run_hooks(struct command_call *call)
{
    struct hook_list list = {.out = call->out, .wanted = call->count ? call->words[0] : NULL};
    struct module_hook_listener listener = {begin_point, print_hook, &list};
    module_set_list_hooks(modules_of(call), &listener);
    if (list.shown == 0)
        fprintf(call->out, "No hook point and no module that hooks one is called \"%s\".\n", list.wanted);
    return list.shown > 0;
}

/* ---- what is registered ---------------------------------------------------------------------- */

/* Prints each row in the same form: its name, and below it its owner, its help and its thread. */
static bool print_registry(struct command_call *call, const struct registry *registry)
{
    for (const struct registry_row *row = NULL; (row = registry_next(registry, row));)
        fprintf(call->out, "%s\n\t%s: %s (on %s)\n", row->name, row->owner, row->help ? row->help : "",
                row->thread);
    return true;
}

/* Prints the rows of the core and of the modules, whose registry lies on the core's once a module has a row. */
static bool print_both(struct command_call *call, enum module_registry which, const struct registry *core)
{
    const struct registry *rows = module_set_registry(modules_of(call), which);
    return print_registry(call, rows->count ? rows : core);
}

static bool run_delivery_methods(struct command_call *call)
{
    return print_both(call, MODULE_DELIVERY_METHODS, delivery_methods());
}

static bool run_listeners(struct command_call *call)
{
    return print_registry(call, listen_kinds());
}

static bool run_routes(struct command_call *call)
{
    return print_both(call, MODULE_ROUTES, NULL);
}

static bool run_services(struct command_call *call)
{
    return print_both(call, MODULE_SERVICES, NULL);
}

static bool run_smtp_commands(struct command_call *call)
{
    return print_both(call, MODULE_SMTP_COMMANDS, smtp_server_commands());
}

static bool run_smtp_extensions(struct command_call *call)
{
    return print_both(call, MODULE_SMTP_EXTENSIONS, smtp_server_extensions());
}

static bool run_smtp_parameters(struct command_call *call)
{
    return print_both(call, MODULE_SMTP_PARAMETERS, smtp_server_parameters());
}

static const struct ctl_command table[] = {
    {"module delivery methods", "", 0, 0, "shows what delivery_method can name, and who registered it",
     .run = run_delivery_methods},
    {"module hooks", "[POINT|MODULE]", 0, 1,
     "shows the hook points, and who is asked or told at each, in order: all, one point, or those of a "
     "module",
     .run = run_hooks},
    {"module list", "", 0, 0, "shows the modules that are loaded", .run = run_modules},
    {"module listeners", "", 0, 0, "shows the stanzas that can hold a Listen, and who registered them",
     .run = run_listeners},
    {"module routes", "", 0, 0, "shows the HTTP routes that modules have registered", .run = run_routes},
    {"module services", "", 0, 0, "shows what modules offer each other", .run = run_services},
    {"module smtp commands", "", 0, 0, "shows the commands of SMTP, and who registered them",
     .run = run_smtp_commands},
    {"module smtp extensions", "", 0, 0, "shows the extensions of SMTP, and who registered them",
     .run = run_smtp_extensions},
    {"module smtp parameters", "", 0, 0, "shows the parameters of MAIL and RCPT, and who registered them",
     .run = run_smtp_parameters},
};

void console_modules_register(void)
{
    ctl_commands_add("the daemon", table, sizeof table / sizeof *table);
}
