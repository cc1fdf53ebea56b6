/*
 * module_harness: see the header. MODULES_BUILT is the build tree's folder of modules.
 */
#include "module_harness.h"

#include <stdlib.h>
#include <string.h>
#include "unit.h"

bool modules_load(struct modules *modules, const char *configuration)
{
    struct conf_report *report;
    struct conf_load_options options = {0};
    *modules = (struct modules){0};
    modules->manifests = manifest_set_read(MODULES_BUILT, modules->error, sizeof modules->error);
    CU_ASSERT_PTR_NOT_NULL_FATAL(modules->manifests);
    options.modules = manifest_set_schemas(modules->manifests, &options.module_count);
    modules->conf = conf_load_text("test.conf", configuration, strlen(configuration), &options, &report);
    if (!modules->conf)
        conf_report_print(report, CONF_NOTE, stderr);
    conf_report_free(report);
    CU_ASSERT_PTR_NOT_NULL_FATAL(modules->conf);
    modules->set =
        module_set_load(modules->conf, modules->manifests, NULL, modules->error, sizeof modules->error);
    return modules->set != NULL;
}

void modules_unload(struct modules *modules)
{
    module_set_unref(modules->set);
    conf_unref(modules->conf);
    manifest_set_free(modules->manifests);
}

void modules_session(struct modules *modules, struct imp_session *session, const char *peer)
{
    struct net_addr local = {.family = AF_INET, .port = 25, .bytes = {10, 0, 0, 5}},
                    client = {.family = AF_UNIX};
    uint8_t address[16];
    struct conf_chain chain;
    const struct conf_scope *listener = conf_scope_next(conf_root(modules->conf), "esmtp_listener", NULL);
    CU_ASSERT_PTR_NOT_NULL_FATAL(listener);
    const struct conf_scope *listen = conf_scope_next(listener, "listen", NULL);
    CU_ASSERT_PTR_NOT_NULL_FATAL(listen);
    bool inet = net_addr_parse(&client, peer);
    if (!inet)
        client = (struct net_addr){.family = AF_UNIX};
    else
        net_addr_mapped(&client, address);
    imp_session_init(session, NULL, 1, &local, &client);
    conf_chain_inbound(&chain, modules->conf, listener, listen, inet ? address : NULL);
    session->policy = imp_policy_create(modules->set, &chain, modules->error, sizeof modules->error);
    if (!session->policy)
        fprintf(stderr, "%s\n", modules->error);
    CU_ASSERT_PTR_NOT_NULL_FATAL(session->policy);
}

void modules_session_end(struct imp_session *session)
{
    imp_policy_unref((struct imp_policy *)session->policy);
    imp_session_release(session);
}
