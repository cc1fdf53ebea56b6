/*
 * sdk_smtp_parameter: parameters of MAIL and RCPT that modules add (include/impulse/smtp.h).
 */
#include "base/mem.h"
#include "impulse/smtp.h"
#include "message/message.h"
#include "sdk/sdk_registry.h"
#include "sdk/sdk_smtp.h"
#include "smtp/server/extension.h"
#include "smtp/server/parameter.h"
#include "smtp/server/smtps_verb.h"

struct parameter_row {
    struct smtps_parameter parameter; /* comes first: the row that the server sees */
    char *name, *help;
    struct imp_module *module;
    imp_smtp_check_fn *check;
    void *closure;
};

_Static_assert((int)IMP_SMTP_VALUE_REQUIRED == (int)SMTPS_VALUE_REQUIRED &&
                   (int)IMP_SMTP_VALUE_OPTIONAL == (int)SMTPS_VALUE_OPTIONAL &&
                   (int)IMP_SMTP_VALUE_NONE == (int)SMTPS_VALUE_NONE,
               "the SDK's words are the server's");

/* ---- in a session ---------------------------------------------------------------------------- */

static bool check(struct imp_session *session, struct slice value, char *text, size_t text_size,
                  void *closure)
{
    const struct parameter_row *row = closure;
    struct runner runner = {row->module->label, "its SMTP parameter", row->name};
    char *given = value.size > 0 ? mem_copy_text(value.data, value.size) : NULL;
    const struct runner *outer = runner_enter(&runner);
    bool valid = row->check(session, given, text, text_size, row->closure);
    runner_leave(outer);
    free(given);
    return valid;
}

const char *imp_message_parameter(const struct imp_message *handle, const char *name)
{
    const struct message *message = (const struct message *)handle;
    return module_is_given(message, __func__) ? parameter_find(&message->parameters, name) : NULL;
}

const char *imp_recipient_parameter(const struct imp_recipient *handle, const char *name)
{
    const struct message_recipient *recipient = (const struct message_recipient *)handle;
    return module_is_given(recipient, __func__) ? parameter_find(&recipient->parameters, name) : NULL;
}

/* ---- registering ----------------------------------------------------------------------------- */

static void free_row(void *what)
{
    struct parameter_row *row = what;
    free(row->name);
    free(row->help);
    free(row);
}

/* The extension that this instance has registered under the keyword, or NULL. */
static const struct module_extension *own_extension(const struct imp_module *module, const char *keyword)
{
    const struct registry_row *row =
        keyword ? registry_find(&module->set->registries[MODULE_SMTP_EXTENSIONS], slice_text(keyword)) : NULL;
    return row && row->owner == module->owner ? row->what : NULL;
}

static const char *find_fault(const struct imp_module *module, const struct imp_smtp_parameter *asked)
{
    if (!sdk_is_smtp_keyword(asked->name))
        return "a name is letters, digits and '-'";
    if (asked->command != IMP_SMTP_MAIL && asked->command != IMP_SMTP_RCPT)
        return "the command is MAIL or RCPT";
    if ((unsigned)asked->value > IMP_SMTP_VALUE_NONE)
        return "a value is required, optional or refused";
    if (!own_extension(module, asked->keyword))
        return "its keyword is not one that this instance has registered before, with imp_smtp_add";
    if (module->set->registries[MODULE_SMTP_PARAMETERS].count == PARAMETERS_ADDED_MAX)
        return "there are too many parameters of modules";
    return NULL;
}

static char *make_name(const struct imp_smtp_parameter *asked)
{
    char *name = mem_printf("%s %s", asked->command == IMP_SMTP_MAIL ? "MAIL" : "RCPT", asked->name);
    for (char *c = name; *c; c++)
        if (*c >= 'a' && *c <= 'z')
            *c = (char)(*c - 'a' + 'A');
    return name;
}

int imp_smtp_add_parameter(struct imp_module *module, const struct imp_smtp_parameter *given)
{
    const struct registry form = {.kind = "SMTP parameter", .below = parameters_core(), .release = free_row};
    struct imp_smtp_parameter asked;
    if (!module_copy_struct(&asked, sizeof asked, given))
        return module_misregistered(module, "imp_smtp_add_parameter: the struct has no size");
    const char *fault = find_fault(module, &asked);
    if (fault)
        return module_misregistered(module, "imp_smtp_add_parameter: \"%s\": %s",
                                    asked.name ? asked.name : "", fault);
    struct parameter_row *row = mem_new(struct parameter_row);
    row->name = make_name(&asked);
    row->help = mem_dup(asked.help);
    row->module = module;
    row->check = asked.check;
    row->closure = asked.closure;
    row->parameter = (struct smtps_parameter){
        .value = (enum smtps_parameter_value)asked.value,
        .extension = own_extension(module, asked.keyword)->bit,
        .check = asked.check ? check : NULL,
        .closure = row,
        .module = module->definition->name,
    };
    struct registry_row entry = {.name = row->name, .help = row->help, .thread = SMTPS_THREAD, .what = row};
    if (sdk_register(module, MODULE_SMTP_PARAMETERS, &form, &entry) == 0)
        return 0;
    free_row(row);
    return -1;
}
