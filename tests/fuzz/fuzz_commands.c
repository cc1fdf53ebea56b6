/*
 * fuzz_commands: any bytes as the command lines of a session, for libFuzzer (tests/fuzz/run).
 *
 * The first bytes choose the policy; the lines after them go through the table of commands as they would from
 * a socket. The commands, their parameters, the transaction and what becomes an envelope and a trace header
 * are the server's; the session around them, its socket, modules and spool are stubs below. DATA ends at
 * once.
 *
 * Whatever the lines, each is answered with whole lines of printable text and a code; a transaction has the
 * addresses and parameters that its commands were allowed to give it; an envelope is read back as it was
 * written; and nothing of a client breaks out of its place in the trace header.
 */
#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include "base/mem.h"
#include "base/utf8.h"
#include "base/xtext.h"
#include "metrics/budget.h"
#include "metrics/memory_guard.h"
#include "tls/tls.h"
#include "smtp/server/acceptance.h"
#include "smtp/server/auth.h"
#include "smtp/server/command.h"
#include "smtp/server/extension.h"
#include "smtp/server/session_throttle.h"
#include "smtp/server/smtps_call.h"
#include "smtp/server/smtps_verb.h"
#include "smtp/server/offers.h"
#include "smtp/server/protocol.h"
#include "smtp/server/transaction_private.h"

static void require(bool condition)
{
    if (!condition)
        abort();
}

/* ---- the session around the commands ----------------------------------------------------------------- */

static struct esmtp_policy policies[2]; /* of the client, and of whom it stands in for */
static struct smtp_server server;
static struct smtps_worker worker = {.server = &server};
static struct smtps_session *started_over; /* that a greeting was asked for */

void session_reply(struct smtps_session *session, const struct smtps_reply *reply)
{
    reply_format(reply, true, &session->stream.out);
}

void session_reply_again(struct smtps_session *session, const struct smtps_reply *reply)
{
    session_reply(session, reply);
}

void session_reply_hook(struct smtps_session *session)
{
    session_reply(session, &reply_policy_refused);
}

void session_replyf(struct smtps_session *session, int code, const char *enhanced, const char *format, ...)
{
    char text[512];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    session_reply(session, &(struct smtps_reply){code, enhanced, text});
}

void session_refuse(struct smtps_session *session, const struct smtps_reply *reply)
{
    session_reply(session, reply);
}

void session_refuse_as(struct smtps_session *session, const struct smtps_reply *reply, const char *module)
{
    (void)module;
    session_reply(session, reply);
}

void session_count_error(struct smtps_session *session)
{
    (void)session;
}

void session_ask(struct smtps_session *session, enum hook_point point, session_continue_fn *next)
{
    session->view.relay_permitted |= point == POINT_VALIDATE_RCPTTO;
    next(session, HOOK_PASS);
}

void session_close(struct smtps_session *session)
{
    session->state = SESSION_CLOSING;
}

void session_receive(struct smtps_session *session, session_content_fn *take)
{
    (void)take;
    session->state = SESSION_RECEIVING;
}

void session_resume(struct smtps_session *session)
{
    (void)session;
}

void session_lost(struct smtps_session *session)
{
    session->state = SESSION_CLOSING;
}

void session_set_time(struct smtps_session *session, uint64_t milliseconds, session_event_fn *run)
{
    (void)session, (void)milliseconds, (void)run;
}

void session_renew_deadline(struct smtps_session *session)
{
    (void)session;
}

ssize_t stream_peek(struct stream *stream, void *bytes, size_t size)
{
    (void)stream, (void)bytes, (void)size;
    return -EAGAIN;
}

uint64_t smtp_server_sessions(const struct smtp_server *held)
{
    (void)held;
    return 1;
}

uint64_t loop_now(const struct loop *loop)
{
    (void)loop;
    return 0;
}

void session_wait(struct smtps_session *session)
{
    (void)session;
}

void session_ask_about(struct smtps_session *session, struct message_recipient *recipient)
{
    session->view.message->in_question = recipient;
}

void session_reset_transaction(struct smtps_session *session)
{
    session->view.message = NULL;
    session->protocol->reset(session);
}

void session_set_addresses(struct smtps_session *session, const struct net_addr *peer,
                           const struct net_addr *local)
{
    imp_session_set_addresses(&session->view, local ? local : &session->view.local, peer);
    session->policy = &policies[1];
}

void session_greet(struct smtps_session *session)
{
    started_over = session;
    session_replyf(session, 220, "", "%s", session->policy->banner_hostname);
}

/* ---- what the commands call below and above ---------------------------------------------------------- */

struct smtp_generation *smtp_generation_ref(struct smtp_generation *generation)
{
    return generation;
}

void smtp_generation_unref(struct smtp_generation *generation)
{
    (void)generation;
}

void server_hold(struct smtp_server *held)
{
    (void)held;
}

void server_release(struct smtp_server *held)
{
    (void)held;
}

bool spool_has_room(struct spool *spool, uint64_t size)
{
    (void)spool;
    return size < UINT32_MAX;
}

void spool_submit(struct spool *spool, struct spool_request *request)
{
    (void)spool;
    (void)request;
    abort(); /* nothing is so large */
}

void loop_post(struct loop *loop, struct loop_task *task)
{
    (void)loop;
    (void)task;
}

static const char *check_recipient(void *upper, struct slice binding, struct slice domain)
{
    (void)upper;
    (void)binding;
    return domain.size > 3 && domain.data[0] == 'z' ? "551 5.7.1 recipient blackholed" : NULL;
}

const char *sasl_mechanism_name(enum sasl_mechanism mechanism)
{
    (void)mechanism;
    return "PLAIN";
}

bool sasl_is_plain_text(enum sasl_mechanism mechanism)
{
    (void)mechanism;
    return true;
}

static void run_auth(struct smtps_session *session, struct slice arguments)
{
    (void)arguments;
    session_refuse(session, &reply_unrecognized);
}

void cmd_auth_register(void)
{
    static const struct smtps_verb rows[] = {{.verb = "AUTH", .run = run_auth, .takes_arguments = true}};
    smtps_verbs_add(rows, 1);
}

void auth_cancel(struct smtps_session *session)
{
    (void)session;
}

static void run_starttls(struct smtps_session *session, struct slice arguments)
{
    (void)arguments;
    session_refuse(session, &reply_starttls_not_offered);
}

void cmd_starttls_register(void)
{
    static const struct smtps_verb rows[] = {{.verb = "STARTTLS", .run = run_starttls}};
    smtps_verbs_add(rows, 1);
}

/* No module is loaded: none has a command or a keyword. */
struct module_set *generation_modules(const struct smtp_generation *generation)
{
    (void)generation;
    return NULL;
}

const struct registry *module_set_registry(const struct module_set *set, enum module_registry which)
{
    static const struct registry empty;
    (void)set;
    (void)which;
    return &empty;
}

void smtps_call_start(struct smtps_session *session, const struct smtps_verb *verb, struct slice arguments)
{
    (void)session;
    (void)verb;
    (void)arguments;
    abort(); /* only a module's command is called so */
}

void smtps_call_cancel(struct smtps_session *session)
{
    (void)session;
}

bool memory_guard_refuses(void)
{
    return false;
}

bool budget_take(enum budget_kind kind, uint64_t amount)
{
    (void)kind;
    (void)amount;
    return true;
}

void budget_force(enum budget_kind kind, uint64_t amount)
{
    (void)kind;
    (void)amount;
}

void budget_refuse(enum budget_kind kind)
{
    (void)kind;
}

uint64_t budget_used(enum budget_kind kind)
{
    (void)kind;
    return 0;
}

uint64_t budget_limit(enum budget_kind kind)
{
    (void)kind;
    return 1;
}

void budget_give(enum budget_kind kind, uint64_t amount)
{
    (void)kind;
    (void)amount;
}

void hook_call_release(struct imp_call *call)
{
    (void)call;
}

struct loop *loop_current(void)
{
    return NULL;
}

bool pool_submit(struct pool *pool, struct pool_job *job)
{
    (void)pool;
    (void)job;
    abort(); /* nothing is read back from the spool */
}

void session_throttle(struct smtps_session *session, session_continue_fn *next)
{
    next(session, HOOK_PASS);
}

void *imp_policy_get(const struct imp_policy *policy, const struct imp_module *module)
{
    (void)policy;
    (void)module;
    return NULL;
}

void acceptance_begin(struct smtps_session *session)
{
    session->state = SESSION_RECEIVING; /* the content is complete: run_line looks at it */
}

/* ---- what is required -------------------------------------------------------------------------------- */

static void require_printable(struct slice text)
{
    for (size_t i = 0, step; i < text.size; i += step) {
        step = utf8_sequence(text.data + i, text.size - i);
        require(step > 0 && (unsigned char)text.data[i] >= 32 && text.data[i] != 127);
    }
}

/* Whole lines "250-text" and "250 text", at least one that ends an answer. What a context or a parameter
 * holds is the client's, and may be no UTF-8. */
static void require_answers(struct slice out)
{
    struct slice line;
    bool last = false;
    while (slice_next(&out, '\n', &line)) {
        require(line.size >= 5 && line.data[line.size - 1] == '\r');
        require(line.data[0] >= '2' && line.data[0] <= '5' && (line.data[3] == ' ' || line.data[3] == '-'));
        for (size_t i = 0; i + 1 < line.size; i++)
            require((unsigned char)line.data[i] >= 32 && line.data[i] != 127);
        last = line.data[3] == ' ';
    }
    require(last);
}

/* The header: fields that begin at the line's beginning are ours, all other lines are folded. */
static void require_header(struct slice header)
{
    struct slice line;
    while (slice_next(&header, '\n', &line)) {
        require(line.size > 1 && line.data[line.size - 1] == '\r');
        require(line.data[0] == '\t' || slice_starts_nocase(line, SLICE_LITERAL("Received: from ")) ||
                slice_starts_nocase(line, SLICE_LITERAL("Authentication-Results: ")));
        line.size--;
        if (line.data[0] == '\t')
            line = slice_of(line.data + 1, line.size - 1);
        require_printable(line);
    }
}

static void require_stored(struct envelope *envelope)
{
    struct buf record = {0}, again = {0};
    struct body_facts body;
    envelope_encode(envelope, &record);
    struct envelope *decoded = envelope_decode(buf_slice(&record), &body);
    require(decoded != NULL);
    envelope_attach(decoded, envelope->body);
    envelope_encode(decoded, &again);
    require(slice_equal(buf_slice(&record), buf_slice(&again)));
    envelope_free(decoded);
    buf_release(&record);
    buf_release(&again);
}

static void require_envelope(const struct smtps_session *session, struct envelope *envelope)
{
    bool utf8 = envelope->flags & ENVELOPE_SMTPUTF8;
    require_printable(envelope->reverse_path);
    require_printable(envelope->recipient);
    require(envelope->recipient_domain.size > 0);
    for (size_t i = 0; i < envelope->recipient.size && !utf8; i++)
        require(!(envelope->recipient.data[i] & 0x80));
    require(xtext_valid(envelope_parameter(envelope, "ENVID"), false));
    require(envelope_parameter(envelope, "ENVID").size <= 100);
    require(xtext_valid(envelope_parameter(envelope, "AUTH"), false));
    require(envelope_parameter(envelope, "ORCPT").size <= 500);
    require_printable(envelope_parameter(envelope, "ORCPT"));
    require(!(envelope->flags & ENVELOPE_NOTIFY_NEVER) ||
            (envelope->flags & ENVELOPE_NOTIFY) == ENVELOPE_NOTIFY_NEVER);
    require(session->tls || !(envelope->flags & ENVELOPE_REQUIRETLS));
    require_stored(envelope);
}

/* After 354: the header, and an envelope for each recipient. */
static void end_content(struct smtps_session *session)
{
    struct smtps_transaction *t = session->transaction;
    require_header(buf_slice(&t->message->content));
    require(t->message->recipient_count <= session->policy->max_recipients_per_message);
    t->message->body = body_create(1, NULL, 0);
    transaction_create_envelopes(t);
    for (size_t i = 0; i < t->envelope_count; i++) {
        require_envelope(session, t->envelopes[i]);
        envelope_free(t->envelopes[i]);
    }
    session->state = SESSION_READING;
    session_reset_transaction(session);
}

/* ---- a session of the input's lines ------------------------------------------------------------------ */

static void choose(struct esmtp_policy *policy, const uint8_t choice[4])
{
    *policy = (struct esmtp_policy){
        .banner_hostname = "mx.example",
        .received_hostname = "mx.example",
        .reconfig_message = "4.3.2 reconfiguration",
        .pathway = "default",
        .recipient_domain = choice[0] & 1 ? "recipients.example" : NULL,
        .sender_domain = choice[0] & 2 ? "senders.example" : NULL,
        .max_message_size = choice[0] & 4 ? 1000 : 0,
        .max_recipients_per_message = choice[0] & 8 ? 2 : RECIPIENTS_MAX,
        .max_recipients_per_connection = choice[0] & 16 ? 5 : 0,
        .max_receptions_per_connection = choice[0] & 32 ? 3 : 0,
        .max_messages_per_connection = choice[0] & 64 ? 4 : 0,
        .require_ehlo = choice[0] & 128,
        .allow_ip_literal = choice[1] & 1,
        .allow_null_sender = choice[1] & 2,
        .allow_blanks_in_path = choice[1] & 4,
        .allow_blanks_at_end = choice[1] & 8,
        .pedantic_addresses = choice[1] & 16,
        .always_deny = (choice[1] & 224) == 224,
        .extensions = extensions_default() | choice[2] | (unsigned)choice[3] << 8,
    };
}

static void open_session(struct smtps_session *session, const uint8_t choice[4])
{
    static const struct net_addr peer = {AF_INET, 4711, 0, {192, 0, 2, 1}},
                                 local = {AF_INET, 25, 0, {192, 0, 2, 2}};
    static const struct tls_facts tls = {.protocol = "TLSv1.3", .cipher = "TLS_AES_256_GCM_SHA384"};
    *session =
        (struct smtps_session){.worker = &worker, .protocol = &smtp_protocol, .state = SESSION_READING};
    choose(&policies[0], choice);
    choose(&policies[1], choice);
    policies[1].extensions &= ~(unsigned)EXTENSION_XSETCONTEXT;
    session->policy = &policies[0];
    session->tls = choice[1] & 32 ? &tls : NULL;
    imp_session_init(&session->view, NULL, 1, &local, &peer);
}

static void close_session(struct smtps_session *session)
{
    session_reset_transaction(session);
    imp_session_release(&session->view);
    buf_release(&session->stream.out);
    free(session->hello_name);
    free(session->user);
}

/* In memory of exactly its size. */
static void run_line(struct smtps_session *session, struct slice line)
{
    unsigned trusted = session_offers(session) & EXTENSIONS_TRUSTED;
    char *exact = malloc(line.size ? line.size : 1);
    if (line.size)
        memcpy(exact, line.data, line.size);
    session->command = slice_of(exact, line.size);
    smtp_protocol.command(session, session->command);
    session->command = slice_of(NULL, 0);
    free(exact);
    require_answers(buf_slice(&session->stream.out));
    buf_clear(&session->stream.out);
    /* Whomever it stands in for, a client has the trust that it had. */
    require((session_offers(session) & EXTENSIONS_TRUSTED) == trusted);
    if (started_over == session)
        require(!session->transaction);
    started_over = NULL;
    if (session->state == SESSION_RECEIVING)
        end_content(session);
}

bool module_is_given(const void *handle, const char *function)
{
    (void)function;
    require(handle != NULL); /* hooks of this session have one */
    return true;
}

int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* The table of commands is filled as at the server's start. */
int LLVMFuzzerInitialize(int *argc, char ***argv)
{
    (void)argc;
    (void)argv;
    smtps_verbs_register();
    extensions_register();
    return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct smtps_session session;
    struct slice line;
    if (size < 4)
        return 0;
    server.upper.check_recipient = check_recipient;
    open_session(&session, data);
    struct slice rest = slice_of((const char *)data + 4, size - 4);
    while (session.state == SESSION_READING && slice_next(&rest, '\n', &line))
        if (line.size <= COMMAND_LINE_MAX)
            run_line(&session, line);
    close_session(&session);
    return 0;
}
