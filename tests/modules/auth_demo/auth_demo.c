/*
 * auth_demo: an authentication of a site's own, as auth_ds or a RADIUS client would be one.
 *
 *   uri = "demo://"   whoever gives the configured password is let in, whatever the name; a thread of the IO
 *                     pool decides, because asking elsewhere takes time
 *   user "blocked"    is refused, even with the right password
 *   user "trusted"    is let in, even with a wrong one
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <impulse/hooks.h>

struct question { /* what the thread needs: nothing of the session is to be touched there */
    struct imp_suspension *suspension;
    char password[128];
    char expected[128];
};

static void answer(void *argument)
{
    struct question *question = argument;
    int code = strcmp(question->password, question->expected) == 0 ? 0 : 535;
    imp_suspension_resume(question->suspension, IMP_DONE, code, "5.7.8", "not by demo://");
    free(question);
}

static enum imp_verdict ask_elsewhere(struct imp_call *call, struct imp_module *module)
{
    const char *password = imp_session_auth_password(imp_call_session(call));
    struct question *question = password ? calloc(1, sizeof *question) : NULL;
    if (!question)
        return IMP_CONT; /* the passwords' answer, which is that there are none */
    snprintf(question->password, sizeof question->password, "%s", password);
    snprintf(question->expected, sizeof question->expected, "%s", (const char *)imp_module_data(module));
    question->suspension = imp_call_suspend(call, NULL, NULL);
    if (imp_work_submit(module, NULL, answer, question) < 0)
        answer(question);
    return IMP_AGAIN;
}

static enum imp_verdict at_auth(struct imp_call *call, void *closure)
{
    struct imp_session *session = imp_call_session(call);
    struct imp_module *module = closure;
    const char *uri = imp_session_auth_uri(session), *user = imp_session_auth_user(session);
    if (uri && strncmp(uri, "demo://", 7) == 0)
        return ask_elsewhere(call, module);
    if (strcmp(user, "blocked") == 0 && imp_session_auth_status(session) == IMP_AUTH_PASS) {
        imp_call_reject(call, 535, "5.7.8", imp_session_auth_mechanism(session));
        return IMP_DONE;
    }
    return strcmp(user, "trusted") == 0 ? IMP_DONE : IMP_CONT;
}

static int setup(struct imp_module *module, const struct imp_config *config)
{
    imp_module_set_data(module, strdup(imp_config_text(config, "password")));
    return imp_hook_at(module, "validate_auth", at_auth, module);
}

static void teardown(struct imp_module *module)
{
    free(imp_module_data(module));
}

IMP_MODULE_DEFINE(.name = "auth_demo", .description = "Answers for passwords at demo://",
                  .kind = IMP_SINGLETON, .setup = setup, .teardown = teardown);
