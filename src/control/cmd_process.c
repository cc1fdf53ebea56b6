/*
 * cmd_process: which process this is, and its end. Source: Momentum 4 manual, console commands "version",
 * "pid" and "shutdown".
 */
#include <stdio.h>
#include <unistd.h>
#include "config.h"
#include "control/ctl_command.h"

static bool run_version(struct command_call *call)
{
    fprintf(call->out, "Impulse %s\n", PACKAGE_VERSION);
    return true;
}

static bool run_pid(struct command_call *call)
{
    fprintf(call->out, "%ld\n", (long)getpid());
    return true;
}

static bool run_shutdown(struct command_call *call)
{
    call->upper->shutdown(call->upper->daemon);
    fputs("Shutting down.\n", call->out);
    return true;
}

static const struct ctl_command table[] = {
    {"pid", "", 0, 0, "shows the id of the process", .run = run_pid},
    {"shutdown", "", 0, 0, "ends the daemon as SIGTERM does: what is under way is finished",
     .run = run_shutdown},
    {"version", "", 0, 0, "shows the version", .run = run_version},
};

void cmd_process_register(void)
{
    ctl_commands_add("the console", table, sizeof table / sizeof *table);
}
