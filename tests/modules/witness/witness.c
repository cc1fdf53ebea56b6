/*
 * witness: reads a message behind whoever edited it, and says in X-Witness fields what it sees: how many fields the
 * header has, their names, the size, and the value of Subject.
 */
#include <stdio.h>
#include <string.h>
#include <impulse/hooks.h>
#include <impulse/message.h>
#include <impulse/module.h>

static enum imp_verdict look(struct imp_call *call, void *closure)
{
    struct imp_message *message = imp_call_message(call);
    unsigned count = imp_header_count(message, NULL);
    char text[2000] = "", name[100], subject[100] = "";
    (void)closure;
    for (unsigned i = 0; i < count; i++) {
        imp_header_name(message, (int)i, name, sizeof name);
        snprintf(text + strlen(text), sizeof text - strlen(text), "%s%s", i ? " " : "", name);
    }
    imp_header_add(message, IMP_HEADER_END, "X-Witness", text);
    imp_header_get(message, "subject", -1, subject, sizeof subject);
    snprintf(text, sizeof text, "%u fields, %llu bytes, subject %s", count,
             (unsigned long long)imp_message_size(message), subject);
    imp_header_add(message, IMP_HEADER_END, "X-Witness", text);
    return IMP_CONT;
}

static int setup(struct imp_module *module, const struct imp_config *config)
{
    (void)config;
    return imp_hook_at(module, "validate_data_spool", look, NULL);
}

IMP_MODULE_DEFINE(.name = "witness",
                  .description = "Says in header fields what it sees of a message that others edited",
                  .kind = IMP_SINGLETON, .setup = setup);
