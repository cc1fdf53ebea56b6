/*
 * moments: hooks every point that is told, and writes a line of the paniclog for each: the point, and what is
 * known. Where the option moments_note of the recipient's domain is set, its text ends the line. On a thread that is no event loop: a line that says so.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <impulse/config.h>
#include <impulse/hooks.h>
#include <impulse/loop.h>

enum { POINTS = 10 };

static const char *const points[POINTS] = {
    "core_post_validate_set_binding",
    "core_inbound_smtp_tls_post_accept",
    "core_server_esmtp_session_abort",
    "core_dec_inbound_connections",
    "core_ec_message_enqueue",
    "message_sending",
    "message_attempted",
    "core_pre_mail_queue_message_requeue",
    "message_gone",
    "core_control_shutdown",
};

struct moments {
    struct imp_module *module;
    const char *point;
};

static void tell_moment(const struct moments *moments, const struct imp_moment *moment)
{
    static const char *const results[] = {"none", "delivered", "transient", "permanent"};
    const struct imp_log_delivery *record = moment->record;
    const char *note = imp_policy_get(moment->policy, moments->module);
    imp_paniclog(moments->module, IMP_ERROR, "%s: %.*s@%.*s %s retries=%u %.*s%s", moments->point,
                 (int)record->recipient_local.size, record->recipient_local.data,
                 (int)record->recipient_domain.size, record->recipient_domain.data, results[moment->result],
                 record->retries, (int)record->response.size,
                 record->response.data ? record->response.data : "", note ? note : "");
}

static int keep_note(struct imp_module *module, struct imp_policy *policy)
{
    const char *note = imp_policy_text(policy, "moments_note");
    if (note)
        imp_policy_set(policy, module, strdup(note), free);
    return 0;
}

static enum imp_verdict told(struct imp_call *call, void *closure)
{
    const struct moments *moments = closure;
    struct imp_session *session = imp_call_session(call);
    if (!imp_loop_current())
        imp_paniclog(moments->module, IMP_ERROR, "%s: on no event loop", moments->point);
    if (moments->point == points[0]) {
        const struct imp_binding_choice *choice = imp_call_argument(call);
        imp_paniclog(moments->module, IMP_ERROR, "%s: %s to %s", moments->point,
                     imp_session_recipient(session), choice->binding);
    } else if (imp_call_argument(call)) {
        tell_moment(moments, imp_call_argument(call));
    } else {
        imp_paniclog(moments->module, IMP_ERROR, "%s: %s", moments->point,
                     session ? imp_session_peer_text(session) : "-");
    }
    return IMP_CONT;
}

static int setup(struct imp_module *module, const struct imp_config *config)
{
    (void)config;
    struct moments *all = calloc(POINTS, sizeof *all); /* sessions of the instance before have its own */
    if (!all)
        return -1;
    imp_module_set_data(module, all);
    for (int i = 0; i < POINTS; i++) {
        all[i] = (struct moments){module, points[i]};
        if (imp_hook_at(module, points[i], told, &all[i]) != 0)
            return -1;
    }
    return 0;
}

static void teardown(struct imp_module *module)
{
    free(imp_module_data(module));
}

IMP_MODULE_DEFINE(.name = "moments", .description = "Writes a line for each moment", .kind = IMP_SINGLETON,
                  .setup = setup, .outbound_policy = keep_note, .teardown = teardown);
