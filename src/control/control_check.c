/*
 * control_check: reports errors and risks in Control_Listener and Authorization stanzas.
 */
#include <stdio.h>
#include <string.h>
#include "base/mem.h"
#include "control/control.h"
#include "control/roles.h"
#include "net/cidr.h"
#include "net/listener.h"
#include "policy/listen_options.h"
#include "sasl/sasl_check.h"
#include "sasl/records.h"

struct control_check {
    const struct conf *conf;
    struct conf_report *report;
    struct seen_values seen;
};

/* ---- parameters ------------------------------------------------------------------------------ */

static void check_method(struct control_check *check, const struct access_method *method, const char *scheme,
                         const char *(*problem_of)(struct slice record))
{
    char problem[512];
    if (!method->value || !seen_values_add(&check->seen, method->value))
        return;
    enum access_finding finding = access_method_check(method->value, scheme, problem, sizeof problem);
    if (finding == ACCESS_FINE)
        records_check_file(check->report, method->value->place, method->path, problem_of);
    else
        conf_report_add(check->report, finding == ACCESS_WRONG ? CONF_ERROR : CONF_WARNING,
                        method->value->place, "%s", problem);
}

static void check_access(struct control_check *check, const struct access *access)
{
    if (access->authenticate) {
        check_method(check, &access->digest, "digest", records_check_digest);
        check_method(check, &access->login, "file", records_check_password);
    }
    if (access->authorize)
        check_method(check, &access->groups, "groups", records_check_group);
}

/* ---- Listens --------------------------------------------------------------------------------- */

/*
 * Checks the Peers in `scope` as clients of this Listen; the first address of each block stands for the
 * block.
 */
static void check_peers(struct control_check *check, const struct conf_scope *listener,
                        const struct conf_scope *listen, const struct conf_scope *scope)
{
    const struct conf_scope *peer = NULL;
    while ((peer = conf_scope_next(scope, "peer", peer))) {
        struct net_addr address = {.family = AF_INET6};
        struct access access;
        unsigned bits;
        if (!cidr_parse(conf_scope_name(peer), address.bytes, &bits))
            continue;
        access_resolve(&access, check->conf, listener, listen, &address);
        check_access(check, &access);
    }
}

static void warn_of_strangers(struct control_check *check, const struct conf_scope *listen,
                              const struct access *access)
{
    const char *endpoint = conf_scope_name(listen);
    bool is_local = strncmp(endpoint, "127.", 4) == 0 || strncmp(endpoint, "[::1]:", 6) == 0;
    if (endpoint[0] == '/' || access->denied)
        return;
    if (!access->authenticate)
        conf_report_add(check->report, CONF_WARNING, conf_scope_place(listen),
                        "no authentication: %s can run console commands; AuthDigestMD5Parameters asks for a "
                        "password",
                        is_local ? "whoever has an account on this machine" : "whoever can connect to it");
    else if (!access->digest.value && !access->login.value)
        conf_report_add(check->report, CONF_WARNING, conf_scope_place(listen),
                        "authentication without AuthDigestMD5Parameters or AuthLoginParameters: nobody can "
                        "log in");
    else if (access->login.value && !is_local)
        conf_report_add(check->report, CONF_WARNING, conf_scope_place(listen),
                        "AuthLoginParameters: passwords cross the network in clear text");
    if (access->authorize && !access->authenticate)
        conf_report_add(check->report, CONF_WARNING, conf_scope_place(listen),
                        "authorization without authentication: nobody has a name, so every command is "
                        "refused");
}

static void check_listen(struct control_check *check, const struct conf_scope *listener,
                         const struct conf_scope *listen)
{
    struct conf_chain chain;
    struct access access;
    char error[256];
    conf_chain_inbound(&chain, check->conf, listener, listen, NULL);
    if (!listener_endpoint_check(conf_scope_name(listen), error, sizeof error))
        conf_report_add(check->report, CONF_ERROR, conf_scope_place(listen), "%s", error);
    if (!listen_is_enabled(&chain))
        return;
    access_resolve(&access, check->conf, listener, listen, NULL);
    check_access(check, &access);
    check_peers(check, listener, listen, listen);
    check_peers(check, listener, listen, listener);
    warn_of_strangers(check, listen, &access);
    if (access_listen(check->conf, conf_scope_name(listen)) != listen)
        conf_report_add(check->report, CONF_ERROR, conf_scope_place(listen),
                        "another Control_Listener has this Listen already");
}

/* ---- Authorization --------------------------------------------------------------------------- */

static void check_role(struct control_check *check, const struct conf_scope *role)
{
    const struct conf_value *allow = roles_patterns(role);
    char problem[256];
    for (size_t i = 0; allow && i < allow->count; i++)
        if (!roles_pattern_check(allow->items[i], problem, sizeof problem))
            conf_report_add(check->report, CONF_ERROR, allow->place, "\"%s\" is not a regular expression: %s",
                            allow->items[i], problem);
}

void control_check(const struct conf *conf, struct conf_report *report)
{
    struct control_check check = {.conf = conf, .report = report};
    const struct conf_scope *listener = NULL, *listen = NULL, *stanza = NULL, *role = NULL;
    while ((listener = conf_scope_next(conf_root(conf), "control_listener", listener)))
        while ((listen = conf_scope_next(listener, "listen", listen)))
            check_listen(&check, listener, listen);
    while ((stanza = conf_scope_next(conf_root(conf), "authorization", stanza)))
        while ((role = conf_scope_next(stanza, "role", role)))
            check_role(&check, role);
    free(check.seen.values);
}
