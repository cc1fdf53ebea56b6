/*
 * readable: asks the system for each file; that counts the account's other groups, too.
 */
#include "daemon/readable.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>
#include "confparse/files.h"
#include "sasl/parameters.h"

static const char *const not_renewed =
    "when it changes, reloads are refused, and clients are shown the one before";
static const char *const no_way_in = "nobody gets in by it";

/* Options that name files, and what is lost when they cannot be read. */
static const struct {
    const char *option;
    const char *loss;
    const char *schemes[2]; /* of a dictionary's uri; else the value is the path */
} rules[] = {
    {"tls_certificate", not_renewed, {NULL}},
    {"tls_key", not_renewed, {NULL}},
    {"tls_client_ca", not_renewed, {NULL}},
    {"tls_dhparams_file", not_renewed, {NULL}},
    {"authplainparameters", no_way_in, {"file"}},
    {"authloginparameters", no_way_in, {"file"}},
    {"authcrammd5parameters", no_way_in, {"file"}},
    {"authscramparameters", no_way_in, {"file"}},
    {"authdigestmd5parameters", no_way_in, {"digest", "file"}},
    {"authorizationparameters", "nobody has a role by it", {"groups"}},
};

static void check_file(struct conf_place place, const char *path, const char *account, const char *loss)
{
    if (access(path, R_OK) == 0 || errno != EACCES)
        return;
    fprintf(stderr, "%s:", place.file);
    if (place.line)
        fprintf(stderr, "%u:%u:", place.line, place.column);
    fprintf(stderr, " warning: user %s cannot read %s: %s\n", account, path, loss);
}

static const char *path_of(const struct conf_value *value, const char *const schemes[2])
{
    const char *path = schemes[0] ? NULL : value->text;
    for (size_t i = 0; i < 2 && schemes[i] && !path; i++)
        path = parameters_path(parameters_find(value, "uri"), schemes[i]);
    return path;
}

static void check_values(const struct conf_scope *scope, const char *account)
{
    for (size_t i = 0; i < sizeof rules / sizeof *rules; i++) {
        const struct conf_value *value = conf_scope_value(scope, rules[i].option);
        const char *path = value ? path_of(value, rules[i].schemes) : NULL;
        if (path && *path == '/')
            check_file(value->place, path, account, rules[i].loss);
    }
}

static void check_scope(const struct conf_scope *scope, const char *account)
{
    check_values(scope, account);
    for (const struct conf_scope *child = NULL; (child = conf_scope_next(scope, NULL, child));)
        check_scope(child, account);
}

void readable_check(const struct conf *conf, const char *account)
{
    /* Bindings and domains name files of deliveries, which have no TLS. */
    static const char *const readers[] = {"esmtp_listener", "control_listener", "pathway", "pathway_group"};
    const struct conf_files *files = conf_get_files(conf);
    for (size_t i = 0; i < conf_files_count(files); i++) {
        const char *path = conf_files_at(files, i)->path;
        check_file((struct conf_place){path, 0, 0}, path, account, "a reload would fail");
    }
    check_values(conf_root(conf), account);
    for (size_t i = 0; i < sizeof readers / sizeof *readers; i++)
        for (const struct conf_scope *scope = NULL;
             (scope = conf_scope_next(conf_root(conf), readers[i], scope));)
            check_scope(scope, account);
}
