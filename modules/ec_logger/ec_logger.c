/*
 * ec_logger: mainlog, rejectlog, paniclog and acctlog as Momentum writes them, so that what reads them keeps
 * working.
 *
 * Hooks run on many threads at once and share nothing but the files. A record's fields are those of the
 * tables in Momentum's manual: "mainlog", "rejectlog", "paniclog", and "Log Formats" for the acctlog and for
 * how a field is escaped.
 */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include "record.h"

enum log_name { MAINLOG, REJECTLOG, PANICLOG, ACCTLOG, LOGS };

struct logger {
    struct imp_log_file *files[LOGS]; /* NULL: not written */
    bool high_resolution;             /* log_hires_timestamp: microseconds instead of seconds */
};

static void add_time(struct record *record, const struct logger *logger, uint64_t time_us)
{
    record_number(record, logger->high_resolution ? time_us : time_us / 1000000);
}

/* ---- mainlog ------------------------------------------------------------------------------------------ */

/* Time, message id, batch id, connection id and the record's letter: what every record of mainlog begins
 * with. */
static void begin_mainlog(struct record *record, const struct logger *logger, uint64_t time_us,
                          const uint64_t ids[3], char letter)
{
    record_begin(record);
    add_time(record, logger, time_us);
    for (int i = 0; i < 3; i++) {
        record_char(record, '@');
        record_id(record, ids[i]);
    }
    record_char(record, '@');
    record_char(record, letter);
}

static void log_reception(const struct imp_log_reception *event, void *module)
{
    struct logger *logger = imp_module_data(module);
    struct record record;
    begin_mainlog(&record, logger, event->time_us,
                  (const uint64_t[]){event->message_id, event->batch_id, event->connection_id}, 'R');
    record_next_field(&record, event->recipient_local);
    record_next_field(&record, event->recipient_domain);
    record_next_field(&record, event->sender_local);
    record_next_field(&record, event->sender_domain);
    record_next_field(&record, event->peer);
    record_next_number(&record, event->bytes);
    record_next_field(&record, event->protocol);
    record_next_field(&record, event->binding_group);
    record_next_field(&record, event->binding);
    record_end(&record, logger->files[MAINLOG]);
}

static void begin_attempt(struct record *record, const struct logger *logger,
                          const struct imp_log_delivery *event, char letter)
{
    begin_mainlog(record, logger, event->time_us,
                  (const uint64_t[]){event->message_id, event->batch_id, event->connection_id}, letter);
    record_next_field(record, event->recipient_domain);
    record_next_number(record, event->bytes);
    record_next_field(record, event->binding_group);
    record_next_field(record, event->binding);
}

static void add_retries_and_peer(struct record *record, const struct imp_log_delivery *event)
{
    record_next_number(record, event->retries);
    record_char(record, '@');
    record_seconds(record, event->seconds);
    record_next_field(record, event->peer);
}

static void log_delivery(const struct imp_log_delivery *event, void *module)
{
    struct logger *logger = imp_module_data(module);
    struct record record;
    begin_attempt(&record, logger, event, 'D');
    add_retries_and_peer(&record, event);
    record_end(&record, logger->files[MAINLOG]);
}

static void log_failure(const struct imp_log_delivery *event, const struct logger *logger, char letter)
{
    struct record record;
    begin_attempt(&record, logger, event, letter);
    record_next_number(&record, event->stage);
    add_retries_and_peer(&record, event);
    record_next_field(&record, event->response);
    record_end(&record, logger->files[MAINLOG]);
}

static void log_transient(const struct imp_log_delivery *event, void *module)
{
    log_failure(event, imp_module_data(module), 'T');
}

static void log_permanent(const struct imp_log_delivery *event, void *module)
{
    log_failure(event, imp_module_data(module), 'P');
}

/* ---- rejectlog ---------------------------------------------------------------------------------------- */

static void add_quoted(struct record *record, const char *name, size_t name_size, struct imp_text text)
{
    record_bytes(record, name, name_size);
    record_char(record, '"');
    record_text(record, text);
    record_char(record, '"');
}

static void add_context(struct record *record, const char *name, size_t name_size, struct imp_text text)
{
    record_bytes(record, name, name_size);
    record_char(record, '[');
    record_text(record, text);
    record_char(record, ']');
}

#define NAMED(name) name, sizeof(name) - 1

static void log_rejection(const struct imp_log_rejection *event, void *module)
{
    struct logger *logger = imp_module_data(module);
    struct record record;
    char id[IMP_ID_TEXT_SIZE];
    imp_id_format(event->connection_id, id);
    record_begin(&record);
    add_time(&record, logger, event->time_us);
    add_quoted(&record, NAMED(": R="), event->peer);
    add_quoted(&record, NAMED(" L="), event->local);
    add_quoted(&record, NAMED(" C="), (struct imp_text){id, sizeof id - 1});
    add_quoted(&record, NAMED(" PATH="), event->pathway);
    add_quoted(&record, NAMED(" PATH_GRP="), event->pathway_group);
    add_quoted(&record, NAMED(" P="), event->phase);
    record_literal(&record, " E=");
    record_number(&record, (uint64_t)event->code);
    record_literal(&record, " M=");
    record_text(&record, event->module);
    add_context(&record, NAMED(" CTXCONN="), event->connection_context);
    add_context(&record, NAMED(" CTXMESS="), event->message_context);
    record_char(&record, ' ');
    record_text(&record, event->text);
    record_end(&record, logger->files[REJECTLOG]);
}

/* ---- acctlog ------------------------------------------------------------------------------------------ */

/* What both kinds of record begin with: time, letter, listener endpoint, peer and user. */
static void begin_acctlog(struct record *record, const struct logger *logger, uint64_t time_us, char letter,
                          const struct imp_text fields[3])
{
    record_begin(record);
    add_time(record, logger, time_us);
    record_char(record, '@');
    record_char(record, letter);
    for (int i = 0; i < 3; i++)
        record_next_field(record, fields[i]);
}

static void log_authentication(const struct imp_log_authentication *event, void *module)
{
    struct logger *logger = imp_module_data(module);
    struct record record;
    begin_acctlog(&record, logger, event->time_us, event->timeout ? 'T' : 'N',
                  (const struct imp_text[]){event->endpoint, event->peer, event->user});
    record_next_number(&record, event->success && !event->timeout);
    record_end(&record, logger->files[ACCTLOG]);
}

/* The role is a field only of a command that was allowed, as in the manual's examples. */
static void log_authorization(const struct imp_log_authorization *event, void *module)
{
    struct logger *logger = imp_module_data(module);
    struct record record;
    begin_acctlog(&record, logger, event->time_us, 'Z',
                  (const struct imp_text[]){event->endpoint, event->peer, event->user});
    if (event->result == IMP_AUTHORIZATION_FAILED)
        record_literal(&record, "@-1");
    else
        record_next_number(&record, event->result == IMP_AUTHORIZED);
    record_next_field(&record, event->command);
    if (event->result == IMP_AUTHORIZED)
        record_next_field(&record, event->role);
    record_end(&record, logger->files[ACCTLOG]);
}

/* ---- paniclog and heartbeat --------------------------------------------------------------------------- */

static uint64_t wall_clock_us(void)
{
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    return (uint64_t)now.tv_sec * 1000000 + (uint64_t)now.tv_nsec / 1000;
}

/* The line comes as "1307461172: text", and is written so unless the time is wanted in microseconds. */
static void log_panic(enum imp_level level, const char *line, size_t size, void *module)
{
    struct logger *logger = imp_module_data(module);
    const char *colon = memchr(line, ':', size);
    (void)level;
    if (!logger->high_resolution || !colon) {
        imp_log_file_write(logger->files[PANICLOG], line, size);
        return;
    }
    struct record record;
    record_begin(&record);
    add_time(&record, logger, wall_clock_us());
    record_bytes(&record, colon, size - (size_t)(colon - line));
    record_end(&record, logger->files[PANICLOG]);
}

static void log_heartbeat(void *module)
{
    static const struct {
        enum log_name log;
        const char *text;
    } marks[] = {{MAINLOG, "@@@@M"}, {REJECTLOG, ": Marker 1"}};
    struct logger *logger = imp_module_data(module);
    uint64_t now = wall_clock_us();
    for (size_t i = 0; i < sizeof marks / sizeof marks[0]; i++) {
        struct record record;
        if (!logger->files[marks[i].log])
            continue;
        record_begin(&record);
        add_time(&record, logger, now);
        record_bytes(&record, marks[i].text, strlen(marks[i].text));
        record_end(&record, logger->files[marks[i].log]);
    }
}

/* ---- setup -------------------------------------------------------------------------------------------- */

static const struct {
    const char *file, *mode;
} options[LOGS] = {
    [MAINLOG] = {"mainlog", "mainlog_mode"},
    [REJECTLOG] = {"rejectlog", "rejectlog_mode"},
    [PANICLOG] = {"paniclog", "paniclog_mode"},
    [ACCTLOG] = {"acctlog", "acctlog_mode"},
};

/*
 * To the paniclog, unless the generation before had the same to say of this log: every change of the
 * configuration sets the module up anew. Main thread, as is all of setup.
 */
static void __attribute__((format(printf, 3, 4)))
say_once(struct imp_module *module, enum log_name log, const char *format, ...)
{
    static char said[LOGS][512];
    char line[sizeof said[0]];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(line, sizeof line, format, arguments);
    va_end(arguments);
    if (strcmp(line, said[log]) == 0)
        return;
    snprintf(said[log], sizeof said[log], "%s", line);
    imp_paniclog(module, IMP_ERROR, "%s", line);
}

/*
 * Momentum's clustered form "cluster:///path=>subscriber" (jlog:// is the same) names a journal that an
 * aggregator reads. There is no cluster here: a plain file of that path is written. The result is malloc'd.
 */
static char *plain_path(struct imp_module *module, enum log_name log, const char *target)
{
    static const char *const schemes[] = {"cluster://", "jlog://"};
    for (size_t i = 0; i < sizeof schemes / sizeof schemes[0]; i++) {
        size_t size = strlen(schemes[i]);
        if (strncmp(target, schemes[i], size) != 0)
            continue;
        const char *path = target + size, *arrow = strstr(path, "=>");
        say_once(module, log, "%s = \"%s\": there is no clustered log here; a plain file is written",
                 options[log].file, target);
        return strndup(path, arrow ? (size_t)(arrow - path) : strlen(path));
    }
    return strdup(target);
}

static unsigned mode_of(const struct imp_config *config, enum log_name log)
{
    if (log == ACCTLOG && imp_config_is_set(config, "acctlog_log_mode")) /* the manual's other spelling */
        return (unsigned)imp_config_int(config, "acctlog_log_mode");
    return (unsigned)imp_config_int(config, options[log].mode);
}

/*
 * A log that the configuration names must open. One that is only a default need not: the directory of the
 * manual's installation is missing on many machines.
 */
static int open_log(struct imp_module *module, const struct imp_config *config, enum log_name log)
{
    struct logger *logger = imp_module_data(module);
    const char *target = imp_config_text(config, options[log].file);
    if (!target || !*target)
        return 0;
    char *path = plain_path(module, log, target);
    if (path)
        logger->files[log] = imp_log_file_open(path, mode_of(config, log));
    bool needed = imp_config_is_set(config, options[log].file);
    if (!logger->files[log] && needed)
        imp_module_error(module, "%s: cannot open %s: %s", options[log].file, path ? path : target,
                         strerror(errno));
    else if (!logger->files[log])
        say_once(module, log, "%s is not written: cannot open its default %s: %s", options[log].file, target,
                 strerror(errno));
    free(path);
    return logger->files[log] || !needed ? 0 : -1;
}

static void ec_logger_teardown(struct imp_module *module)
{
    struct logger *logger = imp_module_data(module);
    for (int i = 0; i < LOGS; i++)
        if (logger->files[i])
            imp_log_file_close(logger->files[i]);
    free(logger);
}

static int hook_in(struct imp_module *module, const struct imp_config *config)
{
    struct logger *logger = imp_module_data(module);
    struct imp_log_hooks hooks = {.size = sizeof hooks, .closure = module};
    if (logger->files[MAINLOG]) {
        hooks.reception = imp_config_bool(config, "log_receptions") ? log_reception : NULL;
        hooks.delivery = imp_config_bool(config, "log_deliveries") ? log_delivery : NULL;
        hooks.transient = imp_config_bool(config, "log_transient_failures") ? log_transient : NULL;
        hooks.permanent = imp_config_bool(config, "log_permanent_failures") ? log_permanent : NULL;
    }
    if (logger->files[REJECTLOG] && imp_config_bool(config, "log_rejections"))
        hooks.rejection = log_rejection;
    if (logger->files[PANICLOG] && imp_config_bool(config, "log_errors"))
        hooks.paniclog = log_panic;
    if (logger->files[ACCTLOG]) {
        hooks.authentication = log_authentication;
        hooks.authorization = log_authorization;
    }
    int64_t heartbeat = imp_config_int(config, "heartbeat");
    if (heartbeat > 0 && imp_module_every(module, (unsigned)heartbeat, log_heartbeat, module) != 0)
        return -1;
    return imp_hook_log(module, &hooks);
}

static int ec_logger_setup(struct imp_module *module, const struct imp_config *config)
{
    struct logger *logger = calloc(1, sizeof *logger);
    if (!logger)
        return -1;
    imp_module_set_data(module, logger);
    logger->high_resolution = imp_config_global_bool(config, "log_hires_timestamp");
    bool open = true;
    for (int i = 0; open && i < LOGS; i++)
        open = open_log(module, config, (enum log_name)i) == 0;
    if (open && hook_in(module, config) == 0)
        return 0;
    ec_logger_teardown(module);
    return -1;
}

IMP_MODULE_DEFINE(.name = "ec_logger",
                  .description = "Writes mainlog, rejectlog, paniclog and acctlog in Momentum's formats",
                  .kind = IMP_GENERIC, .setup = ec_logger_setup, .teardown = ec_logger_teardown);
