/*
 * listen_kinds: see listen_kinds.h.
 */
#include "daemon/listen_kinds.h"

#include <stdio.h>
#include "base/mem.h"
#include "policy/listen_options.h"

struct listen_kind {
    const char *name;
    enum listen_owner owner;
};

static struct listen_kind smtp = {"esmtp_listener", LISTEN_SMTP},
                          console = {"control_listener", LISTEN_CONSOLE};
static struct registry kinds = {.kind = "listener"};

void listen_kinds_register(void)
{
    char error[256];
    struct registry_row mail = {.name = "ESMTP_Listener",
                                .owner = "the SMTP server",
                                .help = "receives mail over SMTP",
                                .thread = "the session's event loop",
                                .what = &smtp};
    struct registry_row commands = {.name = "Control_Listener",
                                    .owner = "the console",
                                    .help = "takes the console's commands",
                                    .thread = "main",
                                    .what = &console};
    registry_add(&kinds, &mail, error, sizeof error);
    registry_add(&kinds, &commands, error, sizeof error);
}

const struct registry *listen_kinds(void)
{
    return &kinds;
}

bool listen_kinds_declare(const char *module, char *error, size_t error_size)
{
    const struct registry_row *known = registry_find(&kinds, slice_text(module));
    const struct listen_kind *kind = known ? known->what : NULL;
    if (kind && kind->owner == LISTEN_MODULE)
        return true;
    struct listen_kind *fresh = mem_new(struct listen_kind);
    char *owner = mem_printf("module %s", module);
    *fresh = (struct listen_kind){mem_dup(module), LISTEN_MODULE};
    struct registry_row row = {.name = fresh->name,
                               .owner = owner,
                               .help = "serves a protocol of its own",
                               .thread = "the connection's event loop",
                               .what = fresh};
    if (registry_add(&kinds, &row, error, error_size))
        return true;
    free(owner);
    free((char *)fresh->name);
    free(fresh);
    return false;
}

enum listen_owner listen_owner_of(const struct conf_scope *listener)
{
    const struct registry_row *row = registry_find(&kinds, slice_text(conf_scope_kind(listener)));
    return row ? ((const struct listen_kind *)row->what)->owner : LISTEN_SMTP;
}

/* A module that is not set up takes no connections. */
static bool is_disabled(const struct conf *conf, const struct conf_scope *listener)
{
    if (listen_owner_of(listener) != LISTEN_MODULE)
        return false;
    const struct conf_value *enabled = conf_module_value(conf, listener, "enabled");
    return enabled && !enabled->number;
}

static bool visit_stanza(const struct conf *conf, const struct conf_scope *listener, bool all,
                         bool (*visit)(const struct conf_chain *chain, const struct conf_scope *listen,
                                       void *closure),
                         void *closure)
{
    const struct conf_scope *listen = NULL;
    while ((listen = conf_scope_next(listener, "listen", listen))) {
        struct conf_chain chain;
        conf_chain_inbound(&chain, conf, listener, listen, NULL);
        bool wanted = all || (listen_is_enabled(&chain) && !is_disabled(conf, listener));
        if (wanted && !visit(&chain, listen, closure))
            return false;
    }
    return true;
}

bool listen_kinds_each(const struct conf *conf, bool all,
                       bool (*visit)(const struct conf_chain *chain, const struct conf_scope *listen,
                                     void *closure),
                       void *closure)
{
    for (const struct registry_row *row = NULL; (row = registry_next(&kinds, row));) {
        const struct listen_kind *kind = row->what;
        const struct conf_scope *listener = NULL;
        while (kind->owner != LISTEN_CONSOLE &&
               (listener = conf_scope_next(conf_root(conf), kind->name, listener)))
            if (!visit_stanza(conf, listener, all, visit, closure))
                return false;
    }
    return true;
}
