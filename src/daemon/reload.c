/*
 * reload: from one generation to the next.
 */
#include "daemon/reload.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>
#include "base/mem.h"
#include "confparse/compare.h"
#include "daemon/budget_limits.h"
#include "daemon/file_shares.h"
#include "daemon/process.h"
#include "log/paniclog.h"

/* ---- what the operator is told --------------------------------------------------------------- */

/* A line for the paniclog and, when somebody waits for it, for the console. */
__attribute__((format(printf, 3, 4))) static void say(enum panic_level level, FILE *out, const char *format,
                                                      ...)
{
    va_list arguments;
    va_start(arguments, format);
    char *line = mem_vprintf(NULL, format, arguments);
    va_end(arguments);
    paniclog(level, "%s", line);
    if (out)
        fprintf(out, "%s\n", line);
    free(line);
}

static void tell_errors(const struct conf_report *report, FILE *out)
{
    for (size_t i = 0; i < conf_report_count(report); i++) {
        const struct conf_diagnostic *found = conf_report_at(report, i);
        if (found->severity != CONF_ERROR)
            continue;
        char *line = load_describe(found);
        say(PANIC_ERROR, out, "%s", line);
        free(line);
    }
}

static void warn_of_static(const struct conf_option *option, const struct conf_scope *scope,
                           const struct conf_value *was, const struct conf_value *is, void *out)
{
    struct conf_place place = is ? is->place : was ? was->place : conf_scope_place(scope);
    say(PANIC_WARNING, out, "%s:%u: %s was changed; it takes effect when the daemon is started anew",
        place.file, place.line, option->name);
}

/* ---- swapping -------------------------------------------------------------------------------- */

/* All or none. */
static bool open_sockets(struct daemon *d, struct conf *conf, char *error, size_t error_size)
{
    if (!control_open(d->control, conf, geteuid(), getegid(), error, error_size))
        return false;
    if (d->arguments->skip_esmtp ||
        listens_open(d->listens, conf, threads_pools(d->threads), error, error_size))
        return true;
    control_start(d->control); /* closes what the running generation does not have */
    return false;
}

static bool swap(struct daemon *d, struct conf *conf, const struct manifest_set *manifests, char *error,
                 size_t error_size)
{
    struct module_set *modules =
        module_set_load(conf, manifests, threads_pools(d->threads), error, error_size);
    if (!modules)
        return false;
    struct smtp_generation *generation = smtp_generation_create(conf, modules, error, error_size);
    if (!generation || !listens_have_modules(conf, modules, error, error_size) ||
        !open_sockets(d, conf, error, error_size)) {
        smtp_generation_unref(generation);
        module_set_unref(modules);
        return false;
    }
    listens_attach(d->listens, d->server, d->threads);
    listens_retire(d->listens, conf);
    smtp_server_set_generation(d->server, generation);
    listens_use_modules(d->listens, conf, modules);
    listens_start(d->listens);
    listens_change(d->listens, conf, threads_pools(d->threads));
    file_limit_set(conf);
    file_shares_check(conf);
    file_shares_apply(conf, d->queues);
    queue_set_reconfigure(d->queues, conf, modules);
    smtp_generation_unref(generation);
    module_set_unref(d->modules);
    conf_unref(d->conf);
    d->modules = modules;
    d->conf = conf_ref(conf);
    budget_limits_apply(conf);
    control_start(d->control);
    module_set_tick(d->modules);
    return true;
}

/* Swaps to `conf` (NULL: it has errors, which were told) and says what became of it. */
static bool change(struct daemon *d, struct conf *conf, const struct manifest_set *manifests, char *error,
                   size_t error_size, FILE *out)
{
    struct conf *before = conf_ref(d->conf);
    bool done = conf && swap(d, conf, manifests, error, error_size);
    if (done) {
        conf_compare_static(before, conf, warn_of_static, out);
        paniclog(PANIC_NOTICE, "configuration reloaded (generation %u)", conf_generation(conf));
    } else {
        if (error[0])
            say(PANIC_ERROR, out, "%s", error);
        say(PANIC_ERROR, out, "Reconfigure failed.");
    }
    conf_unref(before);
    return done;
}

static bool is_ending(const struct daemon *d, FILE *out)
{
    if (d->phase != RUNNING && out)
        fputs("The daemon is being shut down.\n", out);
    return d->phase != RUNNING;
}

static bool read_and_change(struct daemon *d, const char *path, FILE *out)
{
    char error[512] = "";
    loop_doing("a reload");
    struct loading next;
    struct conf *conf = NULL;
    if (loading_begin(&next, d->arguments, error, sizeof error)) {
        struct conf_report *report;
        next.options.only_files = true; /* nobody on this thread waits for the writer of a pipe */
        conf = conf_load(path ? path : d->arguments->config, &next.options, &report);
        tell_errors(report, out);
        conf_report_free(report);
    }
    bool done = change(d, conf, next.manifests, error, sizeof error, out);
    if (done) {
        struct loading before = d->loading;
        d->loading = next;
        next = before;
    }
    loading_end(&next);
    conf_unref(conf);
    return done;
}

bool reload_file(struct daemon *d, const char *path, FILE *out)
{
    if (is_ending(d, out))
        return false;
    process_reloading();
    bool done = read_and_change(d, path, out);
    if (done && out)
        fprintf(out, "Configuration reloaded (generation %u).\n", conf_generation(d->conf));
    process_ready();
    return done;
}

bool reload_adopt(struct daemon *d, struct conf *conf, FILE *out)
{
    char error[512] = "";
    loop_doing("a reload");
    if (is_ending(d, out))
        return false;
    process_reloading();
    bool done = change(d, conf, d->loading.manifests, error, sizeof error, out);
    process_ready();
    return done;
}

void reload_on_signal(struct daemon *d)
{
    if (is_ending(d, NULL))
        return;
    process_reloading();
    read_and_change(d, NULL, NULL);
    module_set_reopen_logs(d->modules);
    process_ready();
}
