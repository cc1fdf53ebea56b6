/*
 * concierge: at RCPT, what it does is in the recipient's local part:
 *
 *   ask@...    asks a policy service over a stream; its line is the answer: "OK", or the text of a refusal
 *   dns@...    refuses with the mail exchanger, the text and the status of the recipient's domain
 *   name@...   refuses with the name of the client's address
 *   job@...    refuses with what a job on a thread pool has found
 *   later@...  accepts in 50 ms
 *   ticks@...  refuses with whether the timer of this loop has ticked
 *
 * It permits relaying to everybody.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <impulse/dns.h>
#include <impulse/hooks.h>
#include <impulse/loop.h>
#include <impulse/stream.h>
#include <impulse/timer.h>

struct concierge { /* an instance */
    struct imp_module *module;
    struct imp_stream_target target;
    char *host, *path, *name;
    struct imp_tls *tls;
    uint64_t patience;
    unsigned *ticks; /* of each loop; its thread only */
};

struct errand { /* a session that waits */
    struct concierge *concierge;
    struct imp_suspension *suspension;
    struct imp_loop *loop;
    struct imp_stream *stream;
    struct imp_dns_query *query;
    struct imp_timer *timer;
    char recipient[300], answer[400];
    pid_t thread;
};

/* Resumes: accepts "OK", else refuses with the answer. */
static void go_on(struct errand *errand)
{
    if (strcmp(errand->answer, "OK") == 0)
        imp_suspension_resume(errand->suspension, IMP_CONT, 0, NULL, NULL);
    else
        imp_suspension_resume(errand->suspension, IMP_DONE, 550, "5.7.1", errand->answer);
    free(errand);
}

/* ---- the policy service ------------------------------------------------------------------------------ */

static void connected(struct imp_stream *stream, void *closure)
{
    struct errand *errand = closure;
    char question[320];
    int size = snprintf(question, sizeof question, "%s\n", errand->recipient);
    imp_stream_write(stream, question, (size_t)size);
}

static void readable(struct imp_stream *stream, void *closure)
{
    struct errand *errand = closure;
    size_t size;
    const char *data = imp_stream_data(stream, &size), *end = memchr(data, '\n', size);
    struct imp_tls_facts facts = {.size = sizeof facts};
    if (end) {
        bool encrypted = imp_stream_tls(stream, &facts);
        snprintf(errand->answer, sizeof errand->answer, "%.*s%s%s", (int)(end - data), data,
                 encrypted && *data != 'O' ? " by " : "", encrypted && *data != 'O' ? facts.subject_cn : "");
    }
    if (end || imp_stream_at_end(stream))
        imp_stream_close(stream);
}

static void closed(struct imp_stream *stream, enum imp_stream_end why, const char *text, void *closure)
{
    struct errand *errand = closure;
    (void)stream;
    if (!errand->answer[0])
        snprintf(errand->answer, sizeof errand->answer, "no policy: %d %s", why, text);
    go_on(errand);
}

static const struct imp_stream_events events = {sizeof events, connected, readable, NULL, NULL, closed};

static void forget(void *closure) /* the client has left */
{
    struct errand *errand = closure;
    if (errand->stream)
        imp_stream_close(errand->stream);
}

/* ---- DNS --------------------------------------------------------------------------------------------- */

static void text_known(const struct imp_dns_answer *answer, void *closure)
{
    struct errand *errand = closure;
    char text[100] = "none";
    size_t used = strlen(errand->answer);
    if (answer->count)
        imp_dns_text(answer, 0, text, sizeof text);
    snprintf(errand->answer + used, sizeof errand->answer - used, " txt=%s ttl=%u", text, answer->ttl);
    go_on(errand);
}

static void exchanger_known(const struct imp_dns_answer *answer, void *closure)
{
    struct errand *errand = closure;
    char host[IMP_DNS_NAME_SIZE] = "none";
    unsigned preference = 0;
    if (answer->count)
        imp_dns_host(answer, 0, &preference, host);
    snprintf(errand->answer, sizeof errand->answer, "status=%d security=%d mx=%u:%.100s", answer->status,
             answer->security, preference, host);
    const char *domain = strchr(errand->recipient, '@') + 1;
    if (!imp_dns_ask(errand->concierge->module, domain, IMP_DNS_TXT, text_known, errand))
        go_on(errand);
}

static void name_known(const struct imp_dns_answer *answer, void *closure)
{
    struct errand *errand = closure;
    char host[IMP_DNS_NAME_SIZE] = "nobody";
    if (answer->count)
        imp_dns_host(answer, 0, NULL, host);
    snprintf(errand->answer, sizeof errand->answer, "you are %.100s", host);
    go_on(errand);
}

/* ---- a job, and the clock ---------------------------------------------------------------------------- */

static void work(void *closure)
{
    struct errand *errand = closure;
    errand->thread = gettid();
    usleep(20000);
    snprintf(errand->answer, sizeof errand->answer, "worked%s", imp_loop_current() ? " on a loop" : "");
}

static void worked(enum imp_job_result result, void *closure)
{
    struct errand *errand = closure;
    size_t used = strlen(errand->answer);
    snprintf(errand->answer + used, sizeof errand->answer - used, "%s%s",
             result == IMP_JOB_DONE ? "" : " not at all",
             imp_loop_current() == errand->loop ? ", and back" : ", and elsewhere");
    go_on(errand);
}

static void time_is_up(struct imp_timer *timer, void *closure)
{
    struct errand *errand = closure;
    snprintf(errand->answer, sizeof errand->answer, "OK");
    imp_timer_free(timer);
    go_on(errand);
}

/* ---- the hook ---------------------------------------------------------------------------------------- */

static bool begin(struct concierge *concierge, struct errand *errand, struct imp_session *session)
{
    const char *recipient = errand->recipient, *domain = strchr(recipient, '@');
    char reverse[IMP_DNS_REVERSE_SIZE];
    uint8_t address[16];
    if (!domain++)
        return false;
    if (strncmp(recipient, "ask@", 4) == 0) {
        errand->stream = imp_stream_connect(concierge->module, &concierge->target, &events, errand);
        if (errand->stream)
            imp_stream_set_deadline(errand->stream, concierge->patience);
        return errand->stream != NULL;
    }
    if (strncmp(recipient, "dns@", 4) == 0)
        return imp_dns_ask(concierge->module, domain, IMP_DNS_MX, exchanger_known, errand) != NULL;
    if (strncmp(recipient, "name@", 5) == 0 && imp_session_peer_address(session, address)) {
        imp_dns_reverse_name(address, reverse);
        return imp_dns_ask(concierge->module, reverse, IMP_DNS_PTR, name_known, errand) != NULL;
    }
    if (strncmp(recipient, "job@", 4) == 0) {
        struct imp_job job = {.size = sizeof job, .work = work, .done = worked, .closure = errand};
        return imp_job_start(concierge->module, &job, NULL) == 0;
    }
    errand->timer = imp_timer_create(concierge->module, time_is_up, errand);
    imp_timer_start(errand->timer, 50, 0);
    return errand->timer != NULL;
}

static bool starts_with_any(const char *recipient)
{
    static const char *const words[] = {"ask@", "dns@", "name@", "job@", "later@"};
    for (size_t i = 0; i < sizeof words / sizeof *words; i++)
        if (strncmp(recipient, words[i], strlen(words[i])) == 0)
            return true;
    return false;
}

static enum imp_verdict at_rcptto(struct imp_call *call, void *closure)
{
    struct concierge *concierge = closure;
    struct imp_session *session = imp_call_session(call);
    const char *recipient = imp_session_recipient(session);
    imp_session_permit_relay(session);
    if (strncmp(recipient, "ticks@", 6) == 0) {
        unsigned ticks = concierge->ticks[imp_loop_index(imp_session_loop(session))];
        imp_call_reject(call, 550, "5.7.1", ticks > 1 ? "ticks" : "silence");
        return IMP_DONE;
    }
    if (!starts_with_any(recipient))
        return IMP_CONT;
    struct errand *errand = calloc(1, sizeof *errand);
    errand->concierge = concierge;
    errand->loop = imp_session_loop(session);
    snprintf(errand->recipient, sizeof errand->recipient, "%s", recipient);
    errand->suspension = imp_call_suspend(call, forget, errand);
    if (!begin(concierge, errand, session)) {
        snprintf(errand->answer, sizeof errand->answer, "cannot begin");
        go_on(errand);
    }
    return IMP_AGAIN;
}

/* ---- the instance ------------------------------------------------------------------------------------ */

static void tick(struct imp_timer *timer, void *closure)
{
    struct concierge *concierge = closure;
    (void)timer;
    concierge->ticks[imp_loop_index(imp_loop_current())]++;
}

static void start_ticking(void *closure)
{
    struct concierge *concierge = closure;
    imp_timer_start(imp_timer_create(concierge->module, tick, concierge), 1, 10);
}

static char *copy(const char *text)
{
    return text && *text ? strdup(text) : NULL;
}

static void teardown(struct imp_module *module)
{
    struct concierge *concierge = imp_module_data(module);
    imp_tls_free(concierge->tls);
    free(concierge->host);
    free(concierge->path);
    free(concierge->name);
    free(concierge->ticks);
    free(concierge);
    imp_paniclog(module, IMP_NOTICE, "torn down");
}

static int setup(struct imp_module *module, const struct imp_config *config)
{
    struct concierge *concierge = calloc(1, sizeof *concierge);
    const char *ca_file = imp_config_text(config, "ca_file");
    concierge->module = module;
    concierge->host = copy(imp_config_text(config, "host"));
    concierge->path = copy(imp_config_text(config, "path"));
    concierge->name = copy(imp_config_text(config, "name"));
    concierge->patience = (uint64_t)imp_config_int(config, "patience_ms");
    concierge->ticks = calloc(imp_loop_count(), sizeof *concierge->ticks);
    if (ca_file && *ca_file) {
        struct imp_tls_settings settings = {.size = sizeof settings, .ca_file = ca_file};
        concierge->tls = imp_tls_create(module, &settings);
        if (!concierge->tls) {
            imp_module_set_data(module, concierge);
            teardown(module);
            return -1;
        }
    }
    concierge->target = (struct imp_stream_target){
        .size = sizeof concierge->target,
        .path = concierge->path,
        .host = concierge->host,
        .port = (uint16_t)imp_config_int(config, "port"),
        .tls = concierge->tls,
        .tls_name = concierge->name,
    };
    imp_module_set_data(module, concierge);
    for (unsigned i = 0; i < imp_loop_count(); i++)
        imp_loop_post(imp_loop_at(i), module, start_ticking, concierge);
    return imp_hook_at(module, "validate_rcptto", at_rcptto, concierge);
}

IMP_MODULE_DEFINE(.name = "concierge",
                  .description = "Asks a policy service, DNS, a thread pool and the clock",
                  .kind = IMP_SINGLETON, .setup = setup, .teardown = teardown);
