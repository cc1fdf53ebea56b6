/*
 * AUTH: RFC 4954.
 *
 * Each step of an exchange runs on a thread of the CPU pool, because it may read a password file and may
 * compute for milliseconds (SCRAM). The session waits meanwhile. The number of threads in the pool limits the
 * CPU time that password guessing can use. When the exchange has a result, the hooks of validate_auth are
 * called, and then the client gets the reply.
 */
#include "base/clock.h"
#include "base/mem.h"
#include "event/pool.h"
#include "tls/tls.h"
#include "smtp/server/auth.h"
#include "smtp/server/smtps_verb.h"
#include "smtp/server/listen_policies.h"
#include "smtp/server/offers.h"
#include "smtp/server/policy_auth.h"
#include "smtp/server/worker.h"

enum { FAILURES_MAX = 3 }; /* failed attempts per connection; the last one closes it */

/* An exchange in progress. Its job may outlive the session; whichever ends last frees the dialogue. */
struct auth_dialogue {
    struct smtps_session *session; /* NULL after the session has ended or cancelled the exchange */
    struct sasl_exchange *exchange;
    enum sasl_mechanism mechanism;
    struct pool_job job;
    bool running;    /* the pool holds the job */
    char *answer;    /* input of the running step; NULL: the client sent no response */
    char *challenge; /* output of the last step; NULL: none */
    enum sasl_outcome outcome;
};

/* ---- the end of a dialogue ------------------------------------------------------------------- */

static void dialogue_free(struct auth_dialogue *dialogue)
{
    sasl_end(dialogue->exchange);
    free(dialogue->answer);
    free(dialogue->challenge);
    free(dialogue);
}

void auth_cancel(struct smtps_session *session)
{
    struct auth_dialogue *dialogue = session->dialogue;
    struct imp_session *view = &session->view;
    if (!dialogue)
        return;
    session->dialogue = NULL;
    session->read_line = NULL;
    view->auth = NULL;
    dialogue->session = NULL;
    if (!dialogue->running)
        dialogue_free(dialogue);
}

static const struct auth_method *method_of(const struct smtps_session *session)
{
    return &session->policy->auth->methods[session->dialogue->mechanism];
}

/*
 * Returns whether log_authentication asks for a log record. EXTERNAL has no parameters of its own, so it is
 * logged if any mechanism is.
 */
static bool is_logged(const struct smtps_session *session)
{
    const struct auth_policy *policy = session->policy->auth;
    bool any = false;
    for (size_t i = 0; i < SASL_MECHANISMS; i++)
        any = any || policy->methods[i].log;
    return session->dialogue->mechanism == SASL_EXTERNAL ? any : method_of(session)->log;
}

static void log_outcome(struct smtps_session *session, bool success, bool timeout)
{
    char peer[NET_ADDR_TEXT_SIZE], endpoint[NET_ADDR_TEXT_SIZE];
    const char *user = sasl_user(session->dialogue->exchange);
    if (!is_logged(session))
        return;
    if (session->view.peer.family == AF_UNIX)
        peer[0] = '\0';
    else
        net_addr_format_port(&session->view.peer, peer);
    listen_policies_endpoint(session->policies, endpoint);
    struct imp_log_authentication event = {
        .size = sizeof event,
        .time_us = clock_wall_us(),
        .endpoint = {endpoint, strlen(endpoint)},
        .peer = {peer, strlen(peer)},
        .user = {user, strlen(user)},
        .success = success,
        .timeout = timeout,
    };
    module_set_log_authentication(generation_modules(session->generation), &event);
}

/* Closes the connection after FAILURES_MAX failures, so that each few guesses cost a new connection. */
static void count_failure(struct smtps_session *session)
{
    if (++session->auth_failures < FAILURES_MAX)
        return;
    session_reply(session, &reply_auth_failures);
    session_close(session);
}

static void refuse(struct smtps_session *session, const struct smtps_reply *reply)
{
    auth_cancel(session);
    session_refuse(session, reply);
}

/* ---- the decision ---------------------------------------------------------------------------- */

static enum auth_status status_of(enum sasl_outcome outcome)
{
    if (outcome == SASL_SUCCEEDED)
        return AUTH_PASS;
    return outcome == SASL_UNAVAILABLE ? AUTH_ERROR : AUTH_FAIL;
}

/*
 * A decision of a module overrides the result of the exchange. A client without a user name is never
 * accepted.
 */
static enum auth_status final_status(const struct smtps_session *session, enum hook_outcome outcome)
{
    if (outcome == HOOK_REFUSED)
        return AUTH_FAIL;
    if (session->view.call.decided && *sasl_user(session->dialogue->exchange))
        return AUTH_PASS;
    return status_of(session->dialogue->outcome);
}

static void auth_validated(struct smtps_session *session, enum hook_outcome outcome)
{
    static const struct smtps_reply *const replies[] = {
        [AUTH_PASS] = &reply_auth_ok, [AUTH_FAIL] = &reply_auth_failed, [AUTH_ERROR] = &reply_auth_error};
    struct auth_dialogue *dialogue = session->dialogue;
    const char *user = sasl_user(dialogue->exchange);
    enum auth_status status = final_status(session, outcome);
    auth_record(session, sasl_mechanism_name(dialogue->mechanism), status, user);
    log_outcome(session, status == AUTH_PASS, false);
    if (status == AUTH_PASS)
        auth_accept(session, user);
    auth_cancel(session);
    if (outcome == HOOK_REFUSED)
        session_reply_hook(session);
    else
        session_reply(session, replies[status]);
    if (status == AUTH_FAIL)
        count_failure(session);
}

static void ask_modules(struct smtps_session *session)
{
    struct auth_dialogue *dialogue = session->dialogue;
    struct imp_session *view = &session->view;
    const char *name = sasl_mechanism_name(dialogue->mechanism);
    auth_record(session, name, status_of(dialogue->outcome), sasl_user(dialogue->exchange));
    view->auth = &session->auth_facts;
    session->auth_facts = (struct imp_auth_facts){
        .mechanism = name,
        .user = sasl_user(dialogue->exchange),
        .password = sasl_password(dialogue->exchange),
        .uri = method_of(session)->uri,
        .status = (enum imp_auth_status)(status_of(dialogue->outcome) - AUTH_PASS),
    };
    session_ask(session, POINT_VALIDATE_AUTH, auth_validated);
}

/* ---- steps ----------------------------------------------------------------------------------- */

static void take_step(struct smtps_session *session, const char *answer);

static void time_is_up(struct smtps_session *session)
{
    log_outcome(session, false, true);
    session_reply(session, &reply_idle);
    session_close(session);
}

/*
 * Handles a line of the dialogue: base64, or "*" to cancel it. `line` has no data if it was too long (RFC
 * 4954 section 4).
 */
static void take_line(struct smtps_session *session, struct slice line)
{
    if (!line.data) {
        refuse(session, &reply_auth_line_too_long);
    } else if (slice_equal(line, SLICE_LITERAL("*"))) {
        log_outcome(session, false, false);
        refuse(session, &reply_auth_cancelled);
    } else if (memchr(line.data, '\0', line.size)) {
        refuse(session, &reply_auth_base64);
    } else {
        char *answer = mem_copy_text(line.data, line.size);
        take_step(session, answer);
        free(answer);
    }
}

static void challenge(struct smtps_session *session)
{
    const char *text = session->dialogue->challenge;
    buf_printf(&session->stream.out, "334 %s\r\n", text ? text : "");
    session_read_line(session, take_line);
    if (session->policy->idle_time)
        session_set_time(session, (uint64_t)session->policy->idle_time * 1000, time_is_up);
}

/* Runs on a thread of the pool. */
static void run_step(struct pool_job *job)
{
    struct auth_dialogue *dialogue = container_of(job, struct auth_dialogue, job);
    dialogue->outcome = sasl_step(dialogue->exchange, dialogue->answer, &dialogue->challenge);
}

static void step_done(struct pool_job *job)
{
    struct auth_dialogue *dialogue = container_of(job, struct auth_dialogue, job);
    struct smtps_session *session = dialogue->session;
    dialogue->running = false;
    if (!session) {
        dialogue_free(dialogue);
        return;
    }
    session_end_wait(session);
    if (dialogue->outcome == SASL_CONTINUES)
        challenge(session);
    else if (dialogue->outcome == SASL_MALFORMED)
        refuse(session, &reply_auth_base64);
    else
        ask_modules(session);
    session_process(session);
}

static void take_step(struct smtps_session *session, const char *answer)
{
    struct auth_dialogue *dialogue = session->dialogue;
    free(dialogue->answer);
    free(dialogue->challenge);
    dialogue->answer = mem_dup(answer);
    dialogue->challenge = NULL;
    dialogue->job = (struct pool_job){.work = run_step, .done = step_done, .home = session->worker->loop};
    dialogue->running = pool_try(session->worker->server->auth_pool, &dialogue->job);
    if (dialogue->running) {
        session_wait(session);
        return;
    }
    auth_cancel(session);
    session_reply(session, &reply_auth_busy);
}

/* ---- the command ----------------------------------------------------------------------------- */

static void begin(struct smtps_session *session, enum sasl_mechanism mechanism, struct slice initial)
{
    const struct auth_method *method = &session->policy->auth->methods[mechanism];
    struct auth_dialogue *dialogue = mem_new(struct auth_dialogue);
    struct sasl_account account = {
        .mechanism = mechanism,
        .passwords = method->passwords,
        .realm = method->realm,
        .identity = mechanism == SASL_EXTERNAL ? session->tls->client_subject_cn : NULL,
    };
    dialogue->session = session;
    dialogue->mechanism = mechanism;
    dialogue->exchange = sasl_begin(session->worker->server->sasl, &account);
    session->dialogue = dialogue;
    char *answer = initial.size ? mem_copy_text(initial.data, initial.size) : NULL;
    take_step(session, answer);
    free(answer);
}

/* Returns the reply if AUTH is not allowed at this point, otherwise NULL. */
static const struct smtps_reply *order_problem(const struct smtps_session *session)
{
    if (session->hello != HELLO_EHLO)
        return &reply_auth_before_ehlo;
    if (session->transaction)
        return &reply_auth_in_transaction;
    return session->user ? &reply_auth_twice : NULL;
}

static const struct smtps_reply *mechanism_problem(const struct smtps_session *session, struct slice name,
                                                   bool initial, enum sasl_mechanism *mechanism)
{
    if (!sasl_mechanism_find(name, mechanism) || !(session->policy->auth->mechanisms & 1u << *mechanism))
        return &reply_auth_mechanism;
    if (auth_needs_tls(session, *mechanism))
        return &reply_auth_needs_tls;
    if (!(auth_mechanisms(session) & 1u << *mechanism))
        return &reply_auth_mechanism;
    return initial && !sasl_client_begins(*mechanism) ? &reply_auth_initial : NULL;
}

static void cmd_auth(struct smtps_session *session, struct slice arguments)
{
    struct slice rest = arguments, name = {0};
    enum sasl_mechanism mechanism;
    const struct auth_policy *policy = session->policy->auth;
    const struct smtps_reply *problem;
    slice_next(&rest, ' ', &name);
    rest = slice_trim(rest);
    if (!policy || !policy->mechanisms)
        problem = &reply_unrecognized;
    else if ((problem = order_problem(session)))
        ;
    else if (name.size == 0 || (rest.size && memchr(rest.data, ' ', rest.size)))
        problem = &reply_auth_syntax;
    else
        problem = mechanism_problem(session, name, rest.size > 0, &mechanism);
    if (problem)
        session_refuse(session, problem);
    else
        begin(session, mechanism, rest);
}

/* ---- registered ------------------------------------------------------------------------------ */

static const struct smtps_verb verbs[] = {
    {.verb = "AUTH", .help = "logs the client in (RFC 4954)", .run = cmd_auth, .takes_arguments = true},
};

void cmd_auth_register(void)
{
    smtps_verbs_add(verbs, sizeof verbs / sizeof *verbs);
}
