/*
 * cmd_authz: who one is, and which roles there are, in XML. Source: Momentum 4 manual, console commands
 * "authz id" and "authz roles list".
 */
#include "control/ctl_command.h"
#include "control/roles.h"

static void print_escaped(const char *text, FILE *out)
{
    for (; *text; text++) {
        unsigned char c = (unsigned char)*text;
        if (c == '&' || c == '<' || c == '>' || c == '"' || c < ' ')
            fprintf(out, "&#%u;", c);
        else
            putc(c, out);
    }
}

static void print_role(const char *indent, const char *name, FILE *out)
{
    fprintf(out, "%s<Role name=\"", indent);
    print_escaped(name, out);
    fputs("\"/>\n", out);
}

static bool run_id(struct command_call *call)
{
    struct roles roles;
    bool known = roles_read(&roles, &call->access->groups, call->user);
    if (!known)
        fputs("The file of groups cannot be read; the paniclog says why.\n", call->out);
    fputs("<AuthzInformation username=\"", call->out);
    print_escaped(call->user, call->out);
    fputs("\">\n  <Roles>\n", call->out);
    for (size_t i = 0; i < roles.count; i++)
        print_role("    ", roles.names[i], call->out);
    fputs("  </Roles>\n</AuthzInformation>\n", call->out);
    roles_release(&roles);
    return known;
}

static bool run_roles(struct command_call *call)
{
    const struct conf *conf = call->upper->running(call->upper->daemon);
    const struct conf_scope *stanza = conf_scope_next(conf_root(conf), "authorization", NULL), *role = NULL;
    fputs("<Roles>\n", call->out);
    while (stanza && (role = conf_scope_next(stanza, "role", role)))
        print_role(" ", conf_scope_name(role), call->out);
    fputs("</Roles>\n", call->out);
    return true;
}

static const struct ctl_command table[] = {
    {"authz id", "", 0, 0, "shows the name and the roles of who asks", .run = run_id},
    {"authz roles list", "", 0, 0, "shows the roles that Authorization defines", .run = run_roles},
};

void cmd_authz_register(void)
{
    ctl_commands_add("the console", table, sizeof table / sizeof *table);
}
