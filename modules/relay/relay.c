/*
 * relay: who may relay through this server, and for whom.
 *
 * At connect, a client in relay_hosts, or one whose Listen or Peer is an open relay, gets can_relay = "true"
 * in the connection context. At RCPT, a session that can relay is permitted, and so is a recipient in
 * relay_domains or a sender in relay_for_sending_domains. The module only permits; it refuses nobody. Source:
 * Momentum 4 manual, relay_hosts, relay_domains, open_relay, relay_for_sending_domains, context variables.
 */
#include <stdlib.h>
#include <string.h>
#include "impulse/hooks.h"
#include "impulse/match.h"

struct relay_policy { /* what applies to one Listen and Peer; the sets are the instance's */
    bool open;
    const struct imp_cidr_set *hosts;     /* NULL: not set */
    const struct imp_domain_set *domains; /* NULL: not set */
    const struct imp_domain_set *senders; /* NULL: not set, or set without domains, which is `open` */
};

/* A list as compiled: many policies share one, because they fall back to the same scope. */
struct compiled {
    struct compiled *next;
    const void *source; /* imp_policy_source */
    void *set;
    void (*release)(void *set);
};

struct relay {
    struct compiled *lists;
};

static void release_hosts(void *set)
{
    imp_cidr_set_free(set);
}

static void release_domains(void *set)
{
    imp_domain_set_free(set);
}

static void *find_list(const struct relay *relay, const void *source)
{
    for (struct compiled *list = relay->lists; list; list = list->next)
        if (list->source == source)
            return list->set;
    return NULL;
}

/* Keeps `set` for the other policies with this source. False when memory has run out. */
static bool keep_list(struct relay *relay, const void *source, void *set, void (*release)(void *set))
{
    struct compiled *list = set ? malloc(sizeof *list) : NULL;
    if (!list)
        return false;
    *list = (struct compiled){relay->lists, source, set, release};
    relay->lists = list;
    return true;
}

/* 0 with *hosts, which stays NULL when the option is not set; or -1. */
static int compile_hosts(struct imp_module *module, const struct imp_policy *policy, const char *option,
                         const struct imp_cidr_set **hosts)
{
    struct relay *relay = imp_module_data(module);
    const void *source = imp_policy_source(policy, option);
    if (!source || (*hosts = find_list(relay, source)))
        return 0;
    struct imp_cidr_set *set = imp_cidr_set_create();
    const char *block;
    for (size_t i = 0; (block = imp_policy_item(policy, option, i)); i++)
        if (!imp_cidr_set_add(set, block)) {
            imp_module_error(module, "%s: \"%s\" is not an address block", option, block);
            imp_cidr_set_free(set);
            return -1;
        }
    *hosts = set;
    return keep_list(relay, source, set, release_hosts) ? 0 : -1;
}

static int compile_domains(struct imp_module *module, const struct imp_policy *policy, const char *option,
                           const struct imp_domain_set **domains)
{
    struct relay *relay = imp_module_data(module);
    const void *source = imp_policy_source(policy, option);
    if (!source || (*domains = find_list(relay, source)))
        return 0;
    struct imp_domain_set *set = imp_domain_set_create();
    const char *pattern;
    for (size_t i = 0; (pattern = imp_policy_item(policy, option, i)); i++)
        imp_domain_set_add(set, pattern);
    imp_domain_set_seal(set);
    *domains = set;
    return keep_list(relay, source, set, release_domains) ? 0 : -1;
}

static int relay_policy(struct imp_module *module, struct imp_policy *policy)
{
    static const char sending[] = "relay_for_sending_domains";
    struct relay_policy *compiled = calloc(1, sizeof *compiled);
    if (!compiled)
        return -1;
    imp_policy_set(policy, module, compiled, free);
    compiled->open = imp_policy_bool(policy, "open_relay") ||
                     (imp_policy_is_set(policy, sending) && !imp_policy_item(policy, sending, 0));
    if (compile_hosts(module, policy, "relay_hosts", &compiled->hosts) != 0 ||
        compile_domains(module, policy, "relay_domains", &compiled->domains) != 0)
        return -1;
    return compile_domains(module, policy, sending, &compiled->senders);
}

static enum imp_verdict at_connect(struct imp_call *call, void *module)
{
    struct imp_session *session = imp_call_session(call);
    const struct relay_policy *policy = imp_session_policy(session, module);
    uint8_t peer[16];
    if (policy && (policy->open || (policy->hosts && imp_session_peer_address(session, peer) &&
                                    imp_cidr_set_has(policy->hosts, peer))))
        imp_context_set(session, IMP_CONTEXT_CONNECTION, "can_relay", "true");
    return IMP_CONT;
}

static bool covers(const struct imp_domain_set *domains, const char *domain)
{
    return domains && domain && imp_domain_set_has(domains, domain);
}

static enum imp_verdict at_rcptto(struct imp_call *call, void *module)
{
    struct imp_session *session = imp_call_session(call);
    const struct relay_policy *policy = imp_session_policy(session, module);
    const char *can_relay = imp_context_get(session, IMP_CONTEXT_CONNECTION, "can_relay");
    if ((can_relay && strcmp(can_relay, "true") == 0) ||
        (policy && (covers(policy->domains, imp_session_recipient_domain(session)) ||
                    covers(policy->senders, imp_session_reverse_path_domain(session)))))
        imp_session_permit_relay(session);
    return IMP_CONT;
}

/* First, so that a module that accepts a recipient and ends the chain does not keep it from being permitted. */
static int hook_in(struct imp_module *module, const char *point, imp_hook_fn *run)
{
    return imp_hook_add(module, &(struct imp_hook){.size = sizeof(struct imp_hook),
                                                   .point = point,
                                                   .run = run,
                                                   .closure = module,
                                                   .priority = IMP_PRIORITY_FIRST});
}

static void relay_teardown(struct imp_module *module)
{
    struct relay *relay = imp_module_data(module);
    for (struct compiled *list = relay->lists, *next; list; list = next) {
        next = list->next;
        list->release(list->set);
        free(list);
    }
    free(relay);
}

static int relay_setup(struct imp_module *module, const struct imp_config *config)
{
    (void)config;
    struct relay *relay = calloc(1, sizeof *relay);
    if (!relay)
        return -1;
    imp_module_set_data(module, relay);
    if (hook_in(module, "validate_connect", at_connect) == 0 &&
        hook_in(module, "validate_rcptto", at_rcptto) == 0)
        return 0;
    relay_teardown(module);
    return -1;
}

IMP_MODULE_DEFINE(.name = "relay",
                  .description = "Permits relaying by client, recipient domain and sender domain",
                  .kind = IMP_SINGLETON, .setup = relay_setup, .policy = relay_policy,
                  .teardown = relay_teardown);
