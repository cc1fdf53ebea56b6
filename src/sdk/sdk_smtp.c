/*
 * sdk_smtp: SMTP extensions and commands of modules (include/impulse/smtp.h). A call is the server's under
 * another name.
 */
#include "impulse/smtp.h"

#include "base/mem.h"
#include "sdk/sdk_registry.h"
#include "sdk/sdk_smtp.h"
#include "smtp/server/extension.h"
#include "smtp/server/smtps_call.h"
#include "smtp/server/smtps_verb.h"

struct verb_row {
    struct smtps_verb verb; /* comes first: the row that the server sees */
    char *name, *help;
    struct imp_module *module;
    imp_smtp_fn *run;
    void *closure;
};

struct extension_row {
    struct module_extension offer; /* comes first, likewise */
    char *keyword, *arguments, *help;
};

/* ---- a call ---------------------------------------------------------------------------------- */

static struct smtps_call *call_of(struct imp_smtp_call *call)
{
    return (struct smtps_call *)call;
}

static void start(struct smtps_call *call, struct slice arguments, void *closure)
{
    const struct verb_row *row = closure;
    struct runner runner = {row->module->label, "its SMTP command", row->name};
    const struct runner *outer = runner_enter(&runner);
    row->run((struct imp_smtp_call *)call, arguments.data, row->closure);
    runner_leave(outer);
}

struct imp_session *imp_smtp_session(struct imp_smtp_call *call)
{
    return smtps_call_session(call_of(call));
}

void imp_smtp_on_cancel(struct imp_smtp_call *call,
                        void (*cancelled)(struct imp_smtp_call *call, void *closure), void *closure)
{
    smtps_call_on_cancel(call_of(call), (void (*)(struct smtps_call *, void *))cancelled, closure);
}

void imp_smtp_at_end(struct imp_smtp_call *call, void (*release)(void *closure), void *closure)
{
    smtps_call_at_end(call_of(call), release, closure);
}

void imp_smtp_reply(struct imp_smtp_call *call, int code, const char *enhanced, const char *text)
{
    smtps_call_reply(call_of(call), code, enhanced, text);
}

/* ---- registering ----------------------------------------------------------------------------- */

static void free_verb(void *what)
{
    struct verb_row *row = what;
    free(row->name);
    free(row->help);
    free(row);
}

static void free_extension(void *what)
{
    struct extension_row *row = what;
    free(row->keyword);
    free(row->arguments);
    free(row->help);
    free(row);
}

bool sdk_is_smtp_keyword(const char *text)
{
    static const char inside[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-";
    return sdk_has_text(text) && *text != '-' && text[strspn(text, inside)] == '\0' && strlen(text) <= 64;
}

static bool is_sound(struct imp_module *module, const struct imp_smtp_extension *asked)
{
    const char *problem = NULL;
    if (!asked->keyword && !asked->verb)
        problem = "a keyword or a verb is required";
    else if ((asked->keyword && !sdk_is_smtp_keyword(asked->keyword)) ||
             (asked->verb && !sdk_is_smtp_keyword(asked->verb)))
        problem = "a keyword and a verb are letters, digits and '-'";
    else if (!asked->verb != !asked->run)
        problem = "a verb and its function belong together";
    else if (asked->arguments && slice_has_control(slice_text(asked->arguments)))
        problem = "the arguments of a keyword are one line";
    else if ((asked->flags & IMP_SMTP_WHEN_NAMED) && !asked->keyword)
        problem = "IMP_SMTP_WHEN_NAMED wants a keyword that SMTP_Extensions can name";
    if (problem)
        module_misregistered(module, "imp_smtp_add: %s", problem);
    return !problem;
}

static int add_extension(struct imp_module *module, const struct imp_smtp_extension *asked, unsigned bit)
{
    const struct registry form = {
        .kind = "SMTP extension", .below = extensions_core(), .release = free_extension};
    struct extension_row *row = mem_new(struct extension_row);
    row->keyword = mem_dup(asked->keyword);
    row->arguments = mem_dup(asked->arguments ? asked->arguments : "");
    row->offer = (struct module_extension){
        .keyword = row->keyword, .arguments = row->arguments, .bit = bit, .when_named = bit != 0};
    row->help = mem_dup(asked->help);
    struct registry_row entry = {
        .name = row->keyword, .help = row->help, .thread = SMTPS_THREAD, .what = row};
    if (sdk_register(module, MODULE_SMTP_EXTENSIONS, &form, &entry) == 0)
        return 0;
    free_extension(row);
    return -1;
}

static int add_verb(struct imp_module *module, const struct imp_smtp_extension *asked, unsigned bit)
{
    const struct registry form = {.kind = "SMTP command", .below = smtps_verbs(), .release = free_verb};
    struct verb_row *row = mem_new(struct verb_row);
    row->name = mem_dup(asked->verb);
    row->module = module;
    row->run = asked->run;
    row->closure = asked->closure;
    row->verb = (struct smtps_verb){
        .verb = row->name,
        .takes_arguments = !(asked->flags & IMP_SMTP_NO_ARGUMENTS),
        .extension = bit,
        .start = start,
        .closure = row,
        .module = module->definition->name,
        .deadline_ms = asked->deadline_ms ? asked->deadline_ms : SMTPS_CALL_DEADLINE_MS,
    };
    row->help = mem_dup(asked->help);
    struct registry_row entry = {.name = row->name, .help = row->help, .thread = SMTPS_THREAD, .what = row};
    if (sdk_register(module, MODULE_SMTP_COMMANDS, &form, &entry) == 0)
        return 0;
    free_verb(row);
    return -1;
}

int imp_smtp_add(struct imp_module *module, const struct imp_smtp_extension *given)
{
    struct imp_smtp_extension asked;
    unsigned bit = 0;
    if (!module_copy_struct(&asked, sizeof asked, given))
        return module_misregistered(module, "imp_smtp_add: the struct has no size");
    if (!is_sound(module, &asked))
        return -1;
    if (asked.flags & IMP_SMTP_WHEN_NAMED && !(bit = extension_declare(slice_text(asked.keyword))))
        return module_misregistered(
            module, "imp_smtp_add: there are too many extensions that SMTP_Extensions can name");
    if (asked.keyword && add_extension(module, &asked, bit))
        return -1;
    return asked.verb ? add_verb(module, &asked, bit) : 0;
}
