/*
 * pathway_check: warns about names of Pathways that do not exist, at the place where each is set. It is not
 * an error: modules may use the name alone, which is in the message context (Momentum 4 manual, "pathway").
 */
#include <string.h>
#include "smtp/server/server.h"

static bool is_there(const struct conf *conf, const char *name)
{
    const struct conf_scope *root = conf_root(conf), *group = NULL;
    if (conf_scope_find(root, "pathway", name))
        return true;
    while ((group = conf_scope_next(root, "pathway_group", group)))
        if (conf_scope_find(group, "pathway", name))
            return true;
    return false;
}

static void check_scope(const struct conf *conf, const struct conf_scope *scope, struct conf_report *report)
{
    const struct conf_value *value = conf_scope_value(scope, "pathway");
    if (conf_value_is_set(value) && *value->text && !is_there(conf, value->text))
        conf_report_add(report, CONF_WARNING, value->place,
                        "pathway: there is no Pathway \"%s\": no option comes from it", value->text);
    for (const struct conf_scope *child = NULL; (child = conf_scope_next(scope, NULL, child));)
        check_scope(conf, child, report);
}

void smtp_pathway_check(const struct conf *conf, struct conf_report *report)
{
    check_scope(conf, conf_root(conf), report);
}
