/*
 * smtp_demo: an extension of SMTP with a command that answers at once, later from another thread, or never; one that is
 * offered only where SMTP_Extensions names it; a command without an extension; and parameters of MAIL and RCPT, which a
 * hook and a delivery method read.
 */
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <impulse/delivery.h>
#include <impulse/hooks.h>
#include <impulse/message.h>
#include <impulse/smtp.h>

static _Atomic int living; /* calls that have not ended */

static void ended(void *closure)
{
    (void)closure;
    atomic_fetch_sub(&living, 1);
}

static void cancelled(struct imp_smtp_call *call, void *closure)
{
    (void)call;
    imp_paniclog(closure, IMP_NOTICE, "cancelled");
}

/* Answers after its client has left, as who cannot know does. */
static void cancelled_and_answered(struct imp_smtp_call *call, void *closure)
{
    cancelled(call, closure);
    imp_smtp_reply(call, 250, NULL, "nobody hears this");
}

static void *answer_later(void *argument)
{
    struct timespec pause = {0, 50 * 1000 * 1000};
    nanosleep(&pause, NULL);
    imp_smtp_reply(argument, 250, "2.0.0", "from a thread");
    return NULL;
}

static void xdemo(struct imp_smtp_call *call, const char *arguments, void *closure)
{
    struct imp_session *session = imp_smtp_session(call);
    char text[256];
    pthread_t thread;
    atomic_fetch_add(&living, 1);
    imp_smtp_at_end(call, ended, NULL);
    if (strcmp(arguments, "later") == 0) {
        imp_smtp_on_cancel(call, cancelled, closure);
        if (pthread_create(&thread, NULL, answer_later, call) == 0)
            pthread_detach(thread);
    } else if (strcmp(arguments, "never") == 0) {
        imp_smtp_on_cancel(call, cancelled_and_answered, closure);
    } else if (strcmp(arguments, "lines") == 0) {
        imp_smtp_reply(call, 250, "2.0.0", "first\nsec\rond\nlast");
    } else if (strcmp(arguments, "refuse") == 0) {
        imp_smtp_reply(call, 550, "5.7.1", "no");
    } else if (strcmp(arguments, "leave") == 0) {
        imp_smtp_reply(call, 421, "4.3.2", "good bye");
    } else if (strcmp(arguments, "inject") == 0) {
        imp_smtp_reply(call, 250, "2\r\n250 5", "one reply");
    } else if (strcmp(arguments, "twice") == 0) {
        imp_smtp_reply(call, 250, "2.0.0", "once");
        imp_smtp_reply(call, 550, "5.7.1", "and again");
    } else if (strcmp(arguments, "nonsense") == 0) {
        imp_smtp_reply(call, 354, NULL, "go ahead");
    } else {
        snprintf(text, sizeof text, "%s said \"%s\" after EHLO %s", imp_session_peer_text(session), arguments,
                 imp_session_ehlo(session));
        imp_smtp_reply(call, 250, "2.0.0", text);
    }
}

static void xliving(struct imp_smtp_call *call, const char *arguments, void *closure)
{
    char text[64];
    (void)arguments;
    (void)closure;
    snprintf(text, sizeof text, "%d", atomic_load(&living));
    imp_smtp_reply(call, 250, NULL, text);
}

/* ---- parameters -------------------------------------------------------------------------------------- */

static bool is_class(struct imp_session *session, const char *value, char *text, size_t text_size,
                     void *closure)
{
    (void)closure;
    if (strcmp(value, "bulk") == 0 || strcmp(value, "urgent") == 0)
        return true;
    if (strcmp(value, "odd") != 0)
        snprintf(text, text_size, "%s is no\nclass for %s", value, imp_session_ehlo(session));
    return false;
}

static const char *say(const char *value)
{
    return value ? value : "none";
}

static enum imp_verdict at_rcptto(struct imp_call *call, void *closure)
{
    char text[256];
    (void)closure;
    if (strcmp(imp_session_recipient_domain(imp_call_session(call)), "tell.example") != 0)
        return IMP_CONT;
    snprintf(text, sizeof text, "class \"%s\" tag \"%s\"",
             say(imp_message_parameter(imp_call_message(call), "xclass")),
             say(imp_recipient_parameter(imp_call_recipient(call), "XTag")));
    imp_call_reject(call, 550, "5.7.1", text);
    return IMP_DONE;
}

static enum imp_delivery_result deliver(struct imp_delivery *delivery, char *response, size_t response_size,
                                        void *closure)
{
    struct imp_message *message = imp_delivery_message(delivery);
    (void)response, (void)response_size;
    imp_paniclog(closure, IMP_NOTICE, "delivered class \"%s\" tag \"%s\"",
                 say(imp_message_parameter(message, "XCLASS")),
                 say(imp_recipient_parameter(imp_recipient_at(message, 0), "XTAG")));
    return IMP_DELIVERED;
}

#define PARAMETER(...)                                                                                       \
    imp_smtp_add_parameter(                                                                                  \
        module, &(struct imp_smtp_parameter){.size = sizeof(struct imp_smtp_parameter), __VA_ARGS__})

static int add_parameters(struct imp_module *module, const struct imp_config *config)
{
    const struct imp_delivery_method method = {
        .size = sizeof method, .name = "smtp_demo", .deliver = deliver, .closure = module};
    return PARAMETER(.command = IMP_SMTP_MAIL, .name = imp_config_text(config, "parameter"),
                     .keyword = imp_config_text(config, "parameter_keyword"), .check = is_class,
                     .help = "what kind of message it is") ||
           PARAMETER(.command = IMP_SMTP_RCPT, .name = "XTAG", .keyword = "XDEMO",
                     .value = IMP_SMTP_VALUE_OPTIONAL) ||
           PARAMETER(.command = IMP_SMTP_MAIL, .name = "XFLAG", .keyword = "XTRUSTED",
                     .value = IMP_SMTP_VALUE_NONE) ||
           imp_hook_at(module, "validate_rcptto", at_rcptto, NULL) || imp_delivery_method(module, &method);
}

#define ADD(...)                                                                                             \
    imp_smtp_add(module, &(struct imp_smtp_extension){.size = sizeof(struct imp_smtp_extension), __VA_ARGS__})

static int smtp_demo_setup(struct imp_module *module, const struct imp_config *config)
{
    return ADD(.keyword = "XDEMO", .arguments = "ONE TWO", .verb = imp_config_text(config, "verb"),
               .run = xdemo, .closure = module, .deadline_ms = 2000) ||
                   ADD(.keyword = "XTRUSTED", .verb = "XTRUSTED", .run = xdemo, .closure = module,
                       .help = "is for those who are trusted", .flags = IMP_SMTP_WHEN_NAMED) ||
                   ADD(.verb = "XLIVING", .run = xliving, .flags = IMP_SMTP_NO_ARGUMENTS) ||
                   add_parameters(module, config)
               ? -1
               : 0;
}

IMP_MODULE_DEFINE(.name = "smtp_demo", .description = "Extensions and commands of SMTP",
                  .kind = IMP_SINGLETON, .setup = smtp_demo_setup);
