/*
 * console_demo: console commands that answer at once, later, in parts, from a pool and from every loop; a service that
 * one instance offers and another one uses; an HTTP route.
 */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <impulse/command.h>
#include <impulse/route.h>
#include <impulse/service.h>

/* ---- a command that another one answers ----------------------------------------------------------- */

/* Outlives reloads: who waits, if anybody does. */
static struct imp_command_call *waiting;
static pthread_mutex_t waiting_lock = PTHREAD_MUTEX_INITIALIZER;

static struct imp_command_call *take_waiting(void)
{
    pthread_mutex_lock(&waiting_lock);
    struct imp_command_call *call = waiting;
    waiting = NULL;
    pthread_mutex_unlock(&waiting_lock);
    return call;
}

static void wait_cancelled(struct imp_command_call *call, void *closure)
{
    struct imp_module *module = closure;
    if (take_waiting() == call)
        imp_command_finish(call, false);
    imp_paniclog(module, IMP_NOTICE, "the client has left");
}

static void wait_for_word(struct imp_command_call *call, void *closure)
{
    imp_command_printf(call, "waiting\n");
    imp_command_on_cancel(call, wait_cancelled, closure);
    pthread_mutex_lock(&waiting_lock);
    waiting = call;
    pthread_mutex_unlock(&waiting_lock);
}

static void tell_word(struct imp_command_call *call, void *closure)
{
    struct imp_command_call *other = take_waiting();
    (void)closure;
    if (other) {
        imp_command_printf(other, "%s was told\n", imp_command_word(call, 0));
        imp_command_finish(other, strcmp(imp_command_word(call, 0), "no") != 0);
    }
    imp_command_finish(call, other != NULL);
}

/* ---- from a pool, as fast as the client reads ------------------------------------------------------ */

static void count_lines(struct imp_command_call *call, void *closure)
{
    long lines = strtol(imp_command_word(call, 0), NULL, 10);
    enum imp_command_room room = IMP_COMMAND_TAKEN;
    for (long i = 0; i < lines && room != IMP_COMMAND_GONE; i++) {
        room = imp_command_printf(call, "line %ld\n", i);
        if (room == IMP_COMMAND_BEHIND)
            room = imp_command_wait(call);
    }
    if (room == IMP_COMMAND_GONE)
        imp_paniclog(closure, IMP_NOTICE, "counting was given up");
    imp_command_finish(call, room != IMP_COMMAND_GONE);
}

/* Finishes twice, and waits where it must not. */
static void misuse(struct imp_command_call *call, void *closure)
{
    static char block[512 * 1024];
    (void)closure;
    memset(block, '.', sizeof block);
    imp_command_on_room(call, NULL, NULL);
    imp_command_on_cancel(call, NULL, NULL);
    imp_command_write(call, block, sizeof block);
    imp_command_wait(call);
    imp_command_finish(call, true);
    imp_command_finish(call, false);
}

/* Does not care whether anybody reads. */
static void flood(struct imp_command_call *call, void *closure)
{
    static char block[64 * 1024];
    (void)closure;
    memset(block, '.', sizeof block);
    while (imp_command_write(call, block, sizeof block) != IMP_COMMAND_GONE)
        ;
    imp_command_finish(call, true);
}

/* ---- every loop -------------------------------------------------------------------------------------- */

static int loop_step(struct imp_command_part *part, void *closure)
{
    long lines = *(long *)closure;
    char **place = (char **)imp_command_part_place(part);
    for (int i = 0; i < 100 && !imp_command_part_gone(part) && *place < (char *)0 + lines; i++, ++*place)
        imp_command_part_printf(part, "loop %u line %ld\n", imp_command_part_index(part),
                                (long)(*place - (char *)0));
    return !imp_command_part_gone(part) && *place < (char *)0 + lines;
}

static void loop_end(struct imp_command_call *call, void *closure)
{
    imp_command_printf(call, "that was all\n");
    free(closure);
}

static void ask_loops(struct imp_command_call *call, void *closure)
{
    long *lines = malloc(sizeof *lines);
    (void)closure;
    *lines = strtol(imp_command_word(call, 0), NULL, 10);
    imp_command_gather(call, NULL, loop_step, loop_end, lines);
}

/* ---- a service, a route ------------------------------------------------------------------------------ */

struct greeting_service {
    size_t size;
    const char *(*greet)(void *closure);
};

static const char *greet(void *closure)
{
    return closure;
}

static const struct greeting_service greeting = {sizeof greeting, greet};

static void say_greeting(struct imp_command_call *call, void *closure)
{
    const struct imp_service *service = closure;
    const struct greeting_service *functions = service->functions;
    imp_command_printf(call, "%s, %s\n", functions->greet(service->closure), imp_command_user(call));
    imp_command_finish(call, true);
}

static void never_called(struct imp_http_request *request, struct imp_http_response *response, void *closure)
{
    (void)request;
    (void)response;
    (void)closure;
}

/* ---- setup --------------------------------------------------------------------------------------------- */

#define COMMAND(...)                                                                                         \
    imp_command_add(module, &(struct imp_command){.size = sizeof(struct imp_command), __VA_ARGS__})

static int add_commands(struct imp_module *module)
{
    return COMMAND(.words = "demo wait", .help = "waits for demo tell", .run = wait_for_word,
                   .closure = module) ||
           COMMAND(.words = "demo misuse", .help = "does what a command must not", .run = misuse) ||
           COMMAND(.words = "demo tell", .arguments = "WORD", .least = 1, .most = 1, .run = tell_word,
                   .help = "tells who waits") ||
           COMMAND(.words = "demo count", .arguments = "LINES", .least = 1, .most = 1, .run = count_lines,
                   .closure = module, .help = "prints lines", .flags = IMP_COMMAND_MAY_BLOCK) ||
           COMMAND(.words = "demo flood", .help = "writes on although nobody reads", .run = flood,
                   .flags = IMP_COMMAND_MAY_BLOCK) ||
           COMMAND(.words = "demo loops", .arguments = "LINES", .least = 1, .most = 1, .run = ask_loops,
                   .help = "prints lines of every loop");
}

static int use_service(struct imp_module *module, const char *how)
{
    if (strcmp(how, "offer") == 0)
        return imp_service_offer(module, &(struct imp_service){.size = sizeof(struct imp_service),
                                                               .name = "greeting",
                                                               .version = 2,
                                                               .functions = &greeting,
                                                               .closure = "good evening"});
    if (strcmp(how, "none") == 0)
        return 0;
    const struct imp_service *service =
        imp_service_find(module, "greeting", strcmp(how, "find") == 0 ? 2 : 1);
    return service ? COMMAND(.words = "demo greet", .help = "greets", .run = say_greeting,
                             .closure = (void *)service)
                   : -1;
}

static int console_demo_setup(struct imp_module *module, const struct imp_config *config)
{
    const char *clash = imp_config_text(config, "clash");
    if (imp_config_bool(config, "commands") && add_commands(module))
        return -1;
    if (clash && COMMAND(.words = clash, .help = "is taken", .run = tell_word))
        return -1;
    if (imp_config_bool(config, "commands") &&
        imp_route_add(module, &(struct imp_route){.size = sizeof(struct imp_route),
                                                  .method = "GET",
                                                  .path = "/demo/table",
                                                  .help = "shows the table",
                                                  .run = never_called}))
        return -1;
    return use_service(module, imp_config_text(config, "service"));
}

IMP_MODULE_DEFINE(.name = "console_demo", .description = "Console commands that answer later and in parts",
                  .kind = IMP_GENERIC, .setup = console_demo_setup);
