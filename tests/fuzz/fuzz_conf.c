/*
 * fuzz_conf: any bytes as ecelerity.conf and the files that it includes, for libFuzzer (tests/fuzz/run).
 *
 * The bytes are files one after another, separated by FILE_END: the main one, then those that an include
 * finds under the names "1", "2" and so on; the last three are also the directory "d". Nothing is read from
 * this machine's disk: while a load runs, stat, open and scandir find nothing (the linker's --wrap).
 *
 * Whatever the texts, the load ends, and either there is a generation or an error that has a place.
 * Everything that a generation holds is then looked at, so that the sanitizers see it; and what it prints of
 * itself (config showrecurse) loads again and prints the same.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include "confparse/confparse.h"
#include "confparse/file_set.h"
#include "confparse/query.h"

enum { FILE_END = 0x01, FILES_MAX = 8, DIRECTORY_FILES = 3 };

/* ---- the disk that is not there ------------------------------------------------------------------------ */

typedef int visible(const struct dirent *entry);
typedef int comparison(const struct dirent **a, const struct dirent **b);

int __real_stat(const char *path, struct stat *status);
int __wrap_stat(const char *path, struct stat *status);
int __real_open(const char *path, int flags, ...);
int __wrap_open(const char *path, int flags, ...);
int __real_scandir(const char *path, struct dirent ***entries, visible *select, comparison *compare);
int __wrap_scandir(const char *path, struct dirent ***entries, visible *select, comparison *compare);

static bool no_disk;

static int find_nothing(void)
{
    errno = ENOENT;
    return -1;
}

int __wrap_stat(const char *path, struct stat *status)
{
    return no_disk ? find_nothing() : __real_stat(path, status);
}

int __wrap_open(const char *path, int flags, ...)
{
    va_list arguments;
    va_start(arguments, flags);
    int mode = flags & O_CREAT ? va_arg(arguments, int) : 0;
    va_end(arguments);
    return no_disk ? find_nothing() : __real_open(path, flags, mode);
}

int __wrap_scandir(const char *path, struct dirent ***entries, visible *select, comparison *compare)
{
    return no_disk ? find_nothing() : __real_scandir(path, entries, select, compare);
}

/* ---- what is loaded ------------------------------------------------------------------------------------ */

static const struct conf_option options[] = {
    {.name = "mainlog", .type = CONF_STRING, .default_text = "\"/var/log/mainlog\"", .note = ""},
    {.name = "mode", .type = CONF_MODE, .default_text = "0640", .note = ""},
    {.name = "limit", .type = CONF_THROTTLE, .note = ""},
    {.name = "where", .type = CONF_CIDR, .note = ""},
};
static const struct conf_module_schema modules[] = {
    {.name = "ec_logger", .options = options, .option_count = 4},
    {.name = "relay", .singleton = true},
};

static void require(bool condition)
{
    if (!condition)
        abort();
}

static void add_file(struct conf_files *files, const char *name, const char *text, size_t size)
{
    char path[64];
    snprintf(path, sizeof path, "/nonexistent/fuzz/%s", name);
    conf_files_add_text(files, path, files->count ? CONF_FILE_INCLUDED : CONF_FILE_MAIN, text, size);
}

static struct conf_files *make_files(const char *data, size_t size)
{
    static char *const names[DIRECTORY_FILES] = {"1", "2", "3"};
    struct conf_files *files = conf_files_create("/nonexistent/search");
    const char *end = data + size;
    for (unsigned i = 0; i < FILES_MAX && (i == 0 || data < end); i++) {
        const char *stop = i + 1 < FILES_MAX ? memchr(data, FILE_END, (size_t)(end - data)) : NULL;
        size_t part = (size_t)((stop ? stop : end) - data);
        char name[16];
        snprintf(name, sizeof name, "%s%u", i >= FILES_MAX - DIRECTORY_FILES ? "d/" : "",
                 i >= FILES_MAX - DIRECTORY_FILES ? i - (FILES_MAX - DIRECTORY_FILES) + 1 : i);
        add_file(files, name, data, part);
        data += part + (stop != NULL);
    }
    if (files->count == FILES_MAX)
        conf_files_add_directory(files, "/nonexistent/fuzz/d", names, DIRECTORY_FILES);
    return files;
}

/* ---- what came of it ----------------------------------------------------------------------------------- */

static void look_at_value(const struct conf_value *value)
{
    size_t texts = value->type == CONF_DICT ? 2 * value->count : value->count;
    require(value->text && value->place.file);
    for (size_t i = 0; i < texts; i++)
        require(strlen(value->items[i]) + 1 > 0);
}

static void look_at_chain(const struct conf_chain *chain)
{
    require(chain->count > 0 && chain->count <= CONF_CHAIN_MAX);
    for (size_t i = 0; i < conf_option_count(); i += 7) {
        const struct conf_value *value = conf_chain_value(chain, conf_option_at(i)->name);
        if (value)
            look_at_value(value);
    }
}

static void look_at_scope(const struct conf *conf, const struct conf_scope *scope)
{
    static const uint8_t peer[16] = {[10] = 0xff, [11] = 0xff, [12] = 10, [15] = 1};
    const struct conf_scope *child = NULL;
    struct conf_chain chain;
    for (size_t i = 0; i < conf_option_count(); i++) {
        const struct conf_value *value = conf_scope_value(scope, conf_option_at(i)->name);
        if (value)
            look_at_value(value);
    }
    conf_module_value(conf, scope, "mainlog");
    while ((child = conf_scope_next(scope, NULL, child))) {
        require(conf_scope_parent(child) == scope);
        require(conf_scope_find(scope, conf_scope_kind(child), conf_scope_name(child)) == child);
        if (strcmp(conf_scope_kind(child), "listen") == 0) {
            conf_chain_inbound(&chain, conf, scope, child, peer);
            look_at_chain(&chain);
        } else if (strcmp(conf_scope_kind(child), "domain") == 0) {
            conf_chain_outbound(&chain, conf, conf_scope_name(scope), conf_scope_name(child));
            look_at_chain(&chain);
        }
        look_at_scope(conf, child);
    }
}

static void look_at_report(const struct conf_report *report)
{
    static FILE *nowhere;
    for (size_t i = 0; i < conf_report_count(report); i++) {
        const struct conf_diagnostic *found = conf_report_at(report, i);
        require(found->width > 0 && *found->message && !strchr(found->message, '\n'));
        require(found->place.line == 0 || found->place.column > 0);
    }
    if (!nowhere)
        nowhere = fopen("/dev/null", "w");
    if (nowhere)
        conf_report_print(report, CONF_NOTE, nowhere);
}

static char *print(const struct conf *conf, size_t *size)
{
    char *text = NULL;
    FILE *out = open_memstream(&text, size);
    require(out && conf_query_show(conf, NULL, 0, true, out));
    fclose(out);
    return text;
}

static void load_again(const struct conf *conf, const struct conf_load_options *options)
{
    size_t size, size_again;
    char *text = print(conf, &size), *text_again;
    struct conf_report *report;
    struct conf *again = conf_load_text("/nonexistent/again", text, size, options, &report);
    if (!again) {
        fputs(text, stderr);
        conf_report_print(report, CONF_NOTE, stderr);
        abort();
    }
    text_again = print(again, &size_again);
    if (size != size_again || memcmp(text, text_again, size) != 0) {
        fprintf(stderr, "printed:\n%s\nprinted again:\n%s\n", text, text_again);
        abort();
    }
    conf_report_free(report);
    conf_unref(again);
    free(text);
    free(text_again);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const struct conf_load_options load = {.modules = modules, .module_count = 2, .lenient = size & 1};
    struct conf_report *report;
    struct conf_files *files = make_files((const char *)data, size);
    no_disk = true;
    struct conf *conf = conf_load_files(files, &load, &report);
    require((conf == NULL) == (conf_report_errors(report) > 0));
    if (conf) {
        look_at_scope(conf, conf_root(conf));
        load_again(conf, &load);
    }
    no_disk = false;
    look_at_report(report);
    conf_report_free(report);
    conf_unref(conf);
    conf_files_unref(files);
    return 0;
}
