/*
 * extension_check: reports errors and risks in the items of SMTP_Extensions, at the place where each is set.
 */
#include <string.h>
#include "smtp/server/extension.h"
#include "smtp/server/policy_auth.h"
#include "smtp/server/server.h"

/* Returns what an extension allows every client that may use it to do; NULL if there is no risk. */
static const char *danger_of(unsigned bit)
{
    switch (bit) {
    case EXTENSION_XCLIENT:
    case EXTENSION_XREMOTEIP:
        return "speak for another client, and has the rights of its address";
    case EXTENSION_XSETCONTEXT:
        return "set the context that relaying and other decisions go by";
    default:
        return NULL;
    }
}

static void check_mechanisms(const char *item, const struct conf_value *value, struct conf_report *report)
{
    struct slice names, name;
    enum sasl_mechanism ignored;
    if (!auth_policy_item(item, &names))
        return;
    while (auth_policy_next_name(&names, &name))
        if (!sasl_mechanism_find(name, &ignored))
            conf_report_add(report, CONF_WARNING, value->place,
                            "smtp_extensions: AUTH %.*s is not offered: there is no such mechanism here",
                            (int)name.size, name.data);
}

static void check_item(const char *item, const struct conf_value *value, const char *scope,
                       struct conf_report *report)
{
    const struct extension *extension = extension_find(item);
    const char *danger = extension ? danger_of(extension->bit) : NULL;
    check_mechanisms(item, value, report);
    if (!extension)
        conf_report_add(report, CONF_WARNING, value->place,
                        "smtp_extensions: \"%s\" is not offered: there is no such extension here", item);
    else if (extension->needs & ~extensions_resolve(value->items, value->count))
        conf_report_add(report, CONF_WARNING, value->place,
                        "smtp_extensions: %s is not offered without CHUNKING", extension->keyword);
    else if (danger && strcmp(scope, "peer") != 0)
        conf_report_add(
            report, CONF_WARNING, value->place,
            "smtp_extensions: with %s every client may %s; name it in a Peer stanza, for those that "
            "are trusted",
            extension->keyword, danger);
}

static void check_scope(const struct conf_scope *scope, struct conf_report *report)
{
    const struct conf_value *value = conf_scope_value(scope, "smtp_extensions");
    for (size_t i = 0; value && i < value->count; i++)
        check_item(value->items[i], value, conf_scope_kind(scope), report);
    for (const struct conf_scope *child = NULL; (child = conf_scope_next(scope, NULL, child));)
        check_scope(child, report);
}

void smtp_extension_check(const struct conf *conf, struct conf_report *report)
{
    check_scope(conf_root(conf), report);
}

void smtp_extension_declare(const char *keyword)
{
    extension_declare(slice_text(keyword));
}
