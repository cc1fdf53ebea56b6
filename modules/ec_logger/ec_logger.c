/*
 * ec_logger: mainlog, rejectlog and paniclog as Momentum writes them, so that what reads them keeps working.
 *
 * Each record is put together in one buffer on the stack and queued with one call; hooks run on many threads
 * at once and share nothing but the files. A record's fields are those of the tables in Momentum's manual:
 * "mainlog", "rejectlog", "paniclog", and "Log Formats" for how a field is escaped.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include "impulse/log.h"

enum log_name { MAINLOG, REJECTLOG, PANICLOG, ACCTLOG, LOGS };

struct logger {
    struct imp_log_file *files[LOGS]; /* NULL: not written */
    bool high_resolution;             /* log_hires_timestamp: microseconds instead of seconds */
};

/* ---- a record under construction ---------------------------------------------------------------------- */

struct record {
    char *data;
    size_t size, capacity;
    char usual[1024]; /* enough for all but long replies and contexts */
};

static void record_begin(struct record *record)
{
    record->data = record->usual;
    record->size = 0;
    record->capacity = sizeof record->usual;
}

/* Room for `size` more bytes, or NULL when there is no memory: the record is then cut here. */
static char *record_reserve(struct record *record, size_t size)
{
    if (record->capacity - record->size >= size)
        return record->data + record->size;
    size_t capacity = 2 * (record->size + size);
    char *grown = record->data == record->usual ? malloc(capacity) : realloc(record->data, capacity);
    if (!grown)
        return NULL;
    if (record->data == record->usual)
        memcpy(grown, record->usual, record->size);
    record->data = grown;
    record->capacity = capacity;
    return grown + record->size;
}

static void record_end(struct record *record, struct imp_log_file *file)
{
    imp_log_file_write(file, record->data, record->size);
    if (record->data != record->usual)
        free(record->data);
}

static void add_bytes(struct record *record, const char *bytes, size_t size)
{
    char *room = record_reserve(record, size);
    if (!room || size == 0)
        return;
    memcpy(room, bytes, size);
    record->size += size;
}

static void add_char(struct record *record, char c)
{
    add_bytes(record, &c, 1);
}

#define add_literal(record, text) add_bytes(record, text, sizeof(text) - 1)

static void add_number(struct record *record, uint64_t number)
{
    char digits[20];
    size_t at = sizeof digits;
    do
        digits[--at] = (char)('0' + number % 10);
    while ((number /= 10) > 0);
    add_bytes(record, digits + at, sizeof digits - at);
}

/* Seconds with three decimals. */
static void add_seconds(struct record *record, double seconds)
{
    uint64_t thousandths = seconds > 0 ? (uint64_t)(seconds * 1000 + 0.5) : 0;
    char decimals[3] = {(char)('0' + thousandths / 100 % 10), (char)('0' + thousandths / 10 % 10),
                        (char)('0' + thousandths % 10)};
    add_number(record, thousandths / 1000);
    add_char(record, '.');
    add_bytes(record, decimals, sizeof decimals);
}

static void add_time(struct record *record, const struct logger *logger, uint64_t time_us)
{
    add_number(record, logger->high_resolution ? time_us : time_us / 1000000);
}

static void add_id(struct record *record, uint64_t id)
{
    char text[IMP_ID_TEXT_SIZE];
    imp_id_format(id, text);
    add_bytes(record, text, sizeof text - 1);
}

static bool is_control(char c)
{
    return (unsigned char)c < ' ' || c == 127;
}

/* A control character as the two or four characters that C writes for it, so that a record stays one line. */
static void add_control(struct record *record, char c)
{
    static const char hex[] = "0123456789abcdef", codes[] = "\a\b\t\n\v\f\r", names[] = "abtnvfr";
    const char *code = c ? strchr(codes, c) : NULL;
    if (code) {
        add_bytes(record, (char[]){'\\', names[code - codes]}, 2);
        return;
    }
    add_bytes(record, (char[]){'\\', 'x', hex[(unsigned char)c >> 4], hex[c & 15]}, 4);
}

/* A field, with '\' before every '@' and '\'. */
static void add_field(struct record *record, struct imp_text text)
{
    size_t plain = 0;
    for (size_t i = 0; i < text.size; i++) {
        char c = text.data[i];
        if (c != '@' && c != '\\' && !is_control(c))
            continue;
        add_bytes(record, text.data + plain, i - plain);
        plain = i + 1;
        if (is_control(c))
            add_control(record, c);
        else
            add_bytes(record, (char[]){'\\', c}, 2);
    }
    add_bytes(record, text.data + plain, text.size - plain);
}

/* Text between other delimiters than '@': only what would end the line is escaped. */
static void add_text(struct record *record, struct imp_text text)
{
    size_t plain = 0;
    for (size_t i = 0; i < text.size; i++) {
        if (!is_control(text.data[i]))
            continue;
        add_bytes(record, text.data + plain, i - plain);
        plain = i + 1;
        add_control(record, text.data[i]);
    }
    add_bytes(record, text.data + plain, text.size - plain);
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
        add_char(record, '@');
        add_id(record, ids[i]);
    }
    add_char(record, '@');
    add_char(record, letter);
}

static void next_field(struct record *record, struct imp_text text)
{
    add_char(record, '@');
    add_field(record, text);
}

static void next_number(struct record *record, uint64_t number)
{
    add_char(record, '@');
    add_number(record, number);
}

static void log_reception(const struct imp_log_reception *event, struct imp_module *module)
{
    struct logger *logger = imp_module_data(module);
    struct record record;
    begin_mainlog(&record, logger, event->time_us,
                  (const uint64_t[]){event->message_id, event->batch_id, event->connection_id}, 'R');
    next_field(&record, event->recipient_local);
    next_field(&record, event->recipient_domain);
    next_field(&record, event->sender_local);
    next_field(&record, event->sender_domain);
    next_field(&record, event->peer);
    next_number(&record, event->size);
    next_field(&record, event->protocol);
    next_field(&record, event->binding_group);
    next_field(&record, event->binding);
    record_end(&record, logger->files[MAINLOG]);
}

static void begin_attempt(struct record *record, const struct logger *logger,
                          const struct imp_log_delivery *event, char letter)
{
    begin_mainlog(record, logger, event->time_us,
                  (const uint64_t[]){event->message_id, event->batch_id, event->connection_id}, letter);
    next_field(record, event->recipient_domain);
    next_number(record, event->size);
    next_field(record, event->binding_group);
    next_field(record, event->binding);
}

static void add_retries_and_peer(struct record *record, const struct imp_log_delivery *event)
{
    next_number(record, event->retries);
    add_char(record, '@');
    add_seconds(record, event->seconds);
    next_field(record, event->peer);
}

static void log_delivery(const struct imp_log_delivery *event, struct imp_module *module)
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
    next_number(&record, event->stage);
    add_retries_and_peer(&record, event);
    next_field(&record, event->response);
    record_end(&record, logger->files[MAINLOG]);
}

static void log_transient(const struct imp_log_delivery *event, struct imp_module *module)
{
    log_failure(event, imp_module_data(module), 'T');
}

static void log_permanent(const struct imp_log_delivery *event, struct imp_module *module)
{
    log_failure(event, imp_module_data(module), 'P');
}

/* ---- rejectlog ---------------------------------------------------------------------------------------- */

static void add_quoted(struct record *record, const char *name, size_t name_size, struct imp_text text)
{
    add_bytes(record, name, name_size);
    add_char(record, '"');
    add_text(record, text);
    add_char(record, '"');
}

static void add_context(struct record *record, const char *name, size_t name_size, struct imp_text text)
{
    add_bytes(record, name, name_size);
    add_char(record, '[');
    add_text(record, text);
    add_char(record, ']');
}

#define NAMED(name) name, sizeof(name) - 1

static void log_rejection(const struct imp_log_rejection *event, struct imp_module *module)
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
    add_literal(&record, " E=");
    add_number(&record, (uint64_t)event->code);
    add_literal(&record, " M=");
    add_text(&record, event->module);
    add_context(&record, NAMED(" CTXCONN="), event->connection_context);
    add_context(&record, NAMED(" CTXMESS="), event->message_context);
    add_char(&record, ' ');
    add_text(&record, event->text);
    record_end(&record, logger->files[REJECTLOG]);
}

/* ---- paniclog and heartbeat --------------------------------------------------------------------------- */

static uint64_t wall_clock_us(void)
{
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    return (uint64_t)now.tv_sec * 1000000 + (uint64_t)now.tv_nsec / 1000;
}

/* The line comes as "1307461172: text", and is written so unless the time is wanted in microseconds. */
static void log_panic(enum imp_level level, const char *line, size_t size, struct imp_module *module)
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
    add_bytes(&record, colon, size - (size_t)(colon - line));
    record_end(&record, logger->files[PANICLOG]);
}

static void log_heartbeat(struct imp_module *module)
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
        add_bytes(&record, marks[i].text, strlen(marks[i].text));
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
 * Momentum's clustered form "cluster:///path=>subscriber" (jlog:// is the same) names a journal that an
 * aggregator reads. There is no cluster here: a plain file of that path is written. The result is malloc'd.
 */
static char *plain_path(struct imp_module *module, const char *option, const char *target)
{
    static const char *const schemes[] = {"cluster://", "jlog://"};
    for (size_t i = 0; i < sizeof schemes / sizeof schemes[0]; i++) {
        size_t size = strlen(schemes[i]);
        if (strncmp(target, schemes[i], size) != 0)
            continue;
        const char *path = target + size, *arrow = strstr(path, "=>");
        imp_paniclog(module, IMP_ERROR,
                     "%s = \"%s\": there is no clustered log here; a plain file is written", option, target);
        return strndup(path, arrow ? (size_t)(arrow - path) : strlen(path));
    }
    return strdup(target);
}

static unsigned mode_of(const struct imp_config *config, enum log_name log)
{
    if (log == ACCTLOG && imp_config_text(config, "acctlog_log_mode")) /* the manual's other spelling */
        return (unsigned)imp_config_int(config, "acctlog_log_mode");
    return (unsigned)imp_config_int(config, options[log].mode);
}

/*
 * A log that the configuration names must open. One that is only a default need not: the directory of the
 * manual's installation is missing on many machines. Nothing would be written to the acctlog, so that is not
 * worth an error.
 */
static int open_log(struct imp_module *module, const struct imp_config *config, enum log_name log)
{
    struct logger *logger = imp_module_data(module);
    const char *target = imp_config_text(config, options[log].file);
    if (!target || !*target)
        return 0;
    char *path = plain_path(module, options[log].file, target);
    if (path)
        logger->files[log] = imp_log_file_open(path, mode_of(config, log));
    bool needed = imp_config_is_set(config, options[log].file);
    if (!logger->files[log] && needed)
        imp_module_error(module, "%s: cannot open %s: %s", options[log].file, path ? path : target,
                         strerror(errno));
    else if (!logger->files[log])
        imp_paniclog(module, log == ACCTLOG ? IMP_NOTICE : IMP_ERROR,
                     "%s is not written: cannot open its default %s: %s", options[log].file, target,
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

static void hook_in(struct imp_module *module, const struct imp_config *config)
{
    struct logger *logger = imp_module_data(module);
    struct imp_log_hooks hooks = {0};
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
    imp_hook_log(module, &hooks);
    int64_t heartbeat = imp_config_int(config, "heartbeat");
    if (heartbeat > 0)
        imp_module_every(module, (unsigned)heartbeat, log_heartbeat);
}

static int ec_logger_setup(struct imp_module *module, const struct imp_config *config)
{
    struct logger *logger = calloc(1, sizeof *logger);
    if (!logger)
        return -1;
    imp_module_set_data(module, logger);
    logger->high_resolution = imp_config_global_bool(config, "log_hires_timestamp");
    for (int i = 0; i < LOGS; i++)
        if (open_log(module, config, (enum log_name)i) != 0) {
            ec_logger_teardown(module);
            return -1;
        }
    hook_in(module, config);
    return 0;
}

IMP_MODULE_DEFINE(.name = "ec_logger",
                  .description = "Writes mainlog, rejectlog and paniclog in Momentum's formats",
                  .kind = IMP_GENERIC, .setup = ec_logger_setup, .teardown = ec_logger_teardown);
