/*
 * cmd_process: commands about the process as a whole. Source: Momentum 4 manual, console commands "version",
 * "pid", "shutdown", "module", "threads", "reopen logs", "summary" and "summary reset".
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

static bool run_modules(struct command_call *call)
{
    call->upper->modules(call->upper->daemon, call->out);
    return true;
}

static bool run_threads(struct command_call *call)
{
    call->upper->threads(call->upper->daemon, NULL, call->out);
    return true;
}

static bool run_io_queue(struct command_call *call)
{
    call->upper->threads(call->upper->daemon, "IO", call->out);
    return true;
}

static bool run_cpu_queue(struct command_call *call)
{
    call->upper->threads(call->upper->daemon, "CPU", call->out);
    return true;
}

static bool run_reopen_logs(struct command_call *call)
{
    call->upper->reopen_logs(call->upper->daemon);
    return true;
}

static bool run_summary(struct command_call *call)
{
    call->upper->summary(call->upper->daemon, call->out);
    return true;
}

static bool run_summary_reset(struct command_call *call)
{
    call->upper->summary_reset(call->upper->daemon);
    fputs("statistics cleared.\n", call->out);
    return true;
}

static const struct command table[] = {
    {"module list", "", 0, 0, "shows the modules that are loaded", run_modules},
    {"pid", "", 0, 0, "shows the id of the process", run_pid},
    {"reopen logs", "", 0, 0, "closes the log files and opens them anew, after they were renamed",
     run_reopen_logs},
    {"shutdown", "", 0, 0, "ends the daemon as SIGTERM does: what is under way is finished", run_shutdown},
    {"summary", "", 0, 0, "shows connections, queues and messages since the start or the last reset",
     run_summary},
    {"summary reset", "", 0, 0, "makes the counters of summary begin anew", run_summary_reset},
    {"threads", "", 0, 0, "shows the pools of threads", run_threads},
    {"threads cpu queue", "", 0, 0, "shows the jobs that wait for the CPU pool", run_cpu_queue},
    {"threads io queue", "", 0, 0, "shows the jobs that wait for the IO pool", run_io_queue},
    {"threads stats", "", 0, 0, "shows the pools of threads", run_threads},
    {"version", "", 0, 0, "shows the version", run_version},
};

const struct command_family cmd_process = COMMAND_FAMILY(table);
