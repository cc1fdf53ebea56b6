/*
 * console_spool: the console's commands about the spool.
 */
#include "daemon/console_spool.h"

#include <stdlib.h>
#include "base/mem.h"
#include "control/ctl_command.h"
#include "event/pool.h"

struct backup {
    struct pool_job job;
    struct spool *spool;
    struct ctl_call *call;
};

static void write_line(struct ctl_call *call, const char *text, const char *more)
{
    char *line = mem_printf("%s%s\n", text, more);
    ctl_call_write(call, slice_text(line));
    free(line);
}

static void make_backup(struct pool_job *job)
{
    struct backup *backup = container_of(job, struct backup, job);
    const char *target = ctl_call_word(backup->call, 0);
    char error[600];
    bool good = spool_backup(backup->spool, target, error, sizeof error);
    write_line(backup->call, good ? "The spool is copied to " : "No backup: ", good ? target : error);
    ctl_call_finish(backup->call, good);
    free(backup);
}

struct spool_console {
    struct spool *spool;
    struct pool *pool;
};

static struct spool_console console; /* of the process: main thread */

static void start_backup(struct ctl_call *call, void *closure)
{
    const char *target = ctl_call_word(call, 0);
    (void)closure;
    if (target[0] != '/') {
        write_line(call, "No backup: the directory must begin with /: ", target);
        ctl_call_finish(call, false);
        return;
    }
    struct backup *backup = mem_new(struct backup);
    backup->spool = console.spool;
    backup->call = call;
    backup->job.work = make_backup;
    if (pool_submit(console.pool, &backup->job))
        return;
    free(backup);
    write_line(call, "No backup: ", "no thread can be started");
    ctl_call_finish(call, false);
}

static const struct ctl_command table[] = {
    {"spool backup", "DIRECTORY", 1, 1,
     "copies the spool, as it is at one moment, to a directory that is created", .start = start_backup,
     .thread = "pool IO", .may_block = true},
};

void console_spool_use(struct spool *spool, struct pool_set *pools)
{
    console = (struct spool_console){.spool = spool, .pool = pool_set_find(pools, "IO")};
}

void console_spool_register(void)
{
    ctl_commands_add("the daemon", table, sizeof table / sizeof *table);
}
