/*
 * access: the options of Control_Listener, Listen and Peer that decide who may do what.
 */
#include "control/access.h"

#include <stdio.h>
#include <strings.h>
#include "base/slice.h"
#include "control/control_options.h"
#include "net/listener.h"
#include "policy/listen_options.h"
#include "sasl/parameters.h"

/* ---- parameters ------------------------------------------------------------------------------ */

enum access_finding access_method_check(const struct conf_value *value, const char *scheme, char *problem,
                                        size_t size)
{
    const char *uri = parameters_find(value, "uri");
    for (size_t i = 0; i < value->count; i++) {
        const char *key = value->items[2 * i];
        if (strcasecmp(key, "uri") != 0 && strcasecmp(key, "log_authentication") != 0) {
            snprintf(problem, size, "\"%s\" has no meaning here; uri and log_authentication have", key);
            return ACCESS_WRONG;
        }
    }
    if (parameters_path(uri, scheme))
        return ACCESS_FINE;
    if (!uri) {
        snprintf(problem, size, "uri is missing; expected uri = \"%s:///PATH\"", scheme);
    } else if (!strstr(uri, "://")) {
        snprintf(problem, size, "\"%s\" is no URI; expected \"%s:///PATH\"", uri, scheme);
    } else if (strncasecmp(uri, scheme, strlen(scheme)) == 0 &&
               strncmp(uri + strlen(scheme), "://", 3) == 0) {
        snprintf(problem, size, "\"%s\" names no absolute path; expected \"%s:///PATH\"", uri, scheme);
    } else {
        snprintf(problem, size,
                 "scheme \"%.*s\" is not available for the console, so this lets nobody in: there are no "
                 "datasources here; instead: uri = \"%s:///PATH\"",
                 (int)(strstr(uri, "://") - uri), uri, scheme);
        return ACCESS_ELSEWHERE;
    }
    return ACCESS_WRONG;
}

static struct access_method read_method(const struct policy_setting *parameters, const char *scheme)
{
    struct access_method method = {.value = parameters->value};
    if (!method.value)
        return method;
    method.path = parameters_path(parameters_find(method.value, "uri"), scheme);
    method.log = parameters_is_true(parameters_find(method.value, "log_authentication"));
    return method;
}

/* ---- levels ---------------------------------------------------------------------------------- */

/*
 * The most specific level that says anything decides: with the switch or, if it sets only the parameters, by
 * having them.
 */
static bool is_enabled(const struct policy_setting *enable, const struct policy_setting *parameters)
{
    return enable->value->number || (parameters->value && parameters->level < enable->level);
}

void access_resolve(struct access *access, const struct conf *conf, const struct conf_scope *listener,
                    const struct conf_scope *listen, const struct net_addr *peer)
{
    static const struct net_addr loopback = {.family = AF_INET, .bytes = {127, 0, 0, 1}};
    struct control_options options;
    struct conf_chain chain;
    uint8_t address[16];
    if (peer)
        net_addr_mapped(peer->family == AF_UNIX ? &loopback : peer, address);
    conf_chain_inbound(&chain, conf, listener, listen, peer ? address : NULL);
    control_options_fill(&options, &chain);
    *access = (struct access){
        .denied = options.always_deny,
        .authenticate =
            !options.always_allow && (is_enabled(&options.enable_authentication, &options.digest) ||
                                      is_enabled(&options.enable_authentication, &options.login)),
        .authorize = is_enabled(&options.enable_authorization, &options.groups),
        .digest = read_method(&options.digest, "digest"),
        .login = read_method(&options.login, "file"),
        .groups = read_method(&options.groups, "groups"),
        .timeout = options.timeout,
    };
    /* A Unix connection whose Listen names no passwords is known by its system account. */
    if (conf_scope_name(listen)[0] == '/' && !access->digest.value && !access->login.value)
        access->authenticate = false;
}

const struct conf_scope *access_listen(const struct conf *conf, const char *endpoint)
{
    const struct conf_scope *listener = NULL, *listen = NULL;
    char wanted[LISTENER_KEY_SIZE], key[LISTENER_KEY_SIZE];
    listener_endpoint_key(endpoint, wanted);
    while ((listener = conf_scope_next(conf_root(conf), "control_listener", listener)))
        while ((listen = conf_scope_next(listener, "listen", listen))) {
            struct conf_chain chain;
            listener_endpoint_key(conf_scope_name(listen), key);
            if (strcmp(key, wanted) != 0)
                continue;
            conf_chain_inbound(&chain, conf, listener, listen, NULL);
            if (listen_is_enabled(&chain))
                return listen;
        }
    return NULL;
}
