/*
 * session_open: the steps from an accepted socket to the greeting:
 *
 *     admit      checks the budgets of the connecting address, which count every connection
 *     (header)   reads the PROXY header, if Proxy_Protocol requires one
 *     judge      applies the terms of the client's address: always_deny, and its budgets if the header
 *                changed the address
 *     (secure)   does the TLS handshake of Use_SSL
 *     welcome    sets `context`, calls validate_connect, sends the greeting
 *
 * A client that is rejected in the first step gets one line, if the kernel accepts it at once, and no session
 * is created.
 */
#include "smtp/server/session.h"

#include <errno.h>
#include <sys/socket.h>
#include <unistd.h>
#include "base/clock.h"
#include "base/descriptors.h"
#include "base/id.h"
#include "base/mem.h"
#include "log/paniclog.h"
#include "metrics/budget.h"
#include "net/proxy_header.h"
#include "smtp/server/auth.h"
#include "smtp/server/listen_policies.h"
#include "smtp/server/rejection.h"
#include "smtp/server/session_tls.h"
#include "smtp/server/smtps_metrics.h"
#include "smtp/server/worker.h"

/* ---- welcome --------------------------------------------------------------------------------- */

static void greet(struct smtps_session *session, enum hook_outcome outcome)
{
    const struct esmtp_policy *policy = session->policy;
    if (outcome == HOOK_REFUSED) {
        session_reply_hook(session);
        session_close(session);
    } else if (policy->static_banner) {
        buf_append_text(&session->stream.out, policy->static_banner);
        buf_append_text(&session->stream.out, "\r\n");
    } else {
        char date[40];
        clock_rfc5322(clock_wall_us(), date, sizeof date);
        session_replyf(session, 220, "", "%s ESMTP Impulse %s", policy->banner_hostname, date);
    }
}

void session_greet(struct smtps_session *session)
{
    session_ask(session, POINT_VALIDATE_CONNECT, greet);
}

/* Sets the pairs of the policy's `context` option. */
static void set_context(struct smtps_session *session)
{
    const struct conf_value *pairs = session->policy->context;
    for (size_t i = 0; pairs && i < pairs->count; i++)
        context_set(&session->view.connection_context, pairs->items[2 * i], pairs->items[2 * i + 1]);
}

static void welcome(struct smtps_session *session)
{
    session->opening = NULL;
    session->state = SESSION_READING;
    session_renew_deadline(session); /* replaces the deadline of the previous step */
    set_context(session);
    session_greet(session);
    session_process(session);
}

/* ---- secure ---------------------------------------------------------------------------------- */

static void secure(struct smtps_session *session)
{
    if (!session->policy->use_ssl)
        welcome(session);
    else if (!session_start_tls(session, welcome))
        session_abort(session);
}

/* ---- judge ----------------------------------------------------------------------------------- */

static void set_terms(struct smtps_session *session)
{
    session->terms = listen_policies_find(session->policies, &session->view.local, &session->view.peer);
    session->policy = session->terms->policy;
    session->view.policy = session->policy->modules;
    auth_meet(session);
}

void session_set_addresses(struct smtps_session *session, const struct net_addr *peer,
                           const struct net_addr *local)
{
    imp_session_set_addresses(&session->view, local ? local : &session->view.local, peer);
    set_terms(session);
    if (session->state != SESSION_OPENING)
        set_context(session);
}

static void log_refusal(struct smtp_generation *generation, const struct listen_terms *terms,
                        const struct smtps_reply *refusal, uint64_t id, const struct net_addr *local,
                        const struct net_addr *peer)
{
    struct rejection rejection = {.reply = refusal,
                                  .module = "core",
                                  .phase = refusal == &reply_denied ? "just connected" : "concurrency limit",
                                  .policy = terms->policy,
                                  .connection_id = id,
                                  .peer = peer,
                                  .local = local};
    rejection_log(generation_modules(generation), &rejection);
}

/* Takes a slot of each budget. Returns NULL, or the reply for a budget that is full. */
static const struct smtps_reply *limits_take(const struct session_limits *limits,
                                             const struct session_limits *held)
{
    static const struct smtps_reply *const refusals[] = {
        [SESSION_LIMIT_NONE] = NULL,
        [SESSION_LIMIT_SESSIONS] = &reply_session_limit,
        [SESSION_LIMIT_CONNECTIONS] = &reply_connection_limit,
    };
    return refusals[session_limits_take(limits, held)];
}

/* Returns NULL if the client is admitted, otherwise the reply. */
static const struct smtps_reply *objection(const struct listen_terms *terms,
                                           const struct session_limits *held)
{
    return terms->policy->always_deny ? &reply_denied : limits_take(&terms->limits, held);
}

/* Rejects a client. The reply always has its enhanced code, whatever EHLO would have offered. */
static void turn_away(struct smtps_session *session, const struct smtps_reply *refusal)
{
    log_refusal(session->generation, session->terms, refusal, session->view.id, &session->view.local,
                &session->view.peer);
    if (session->policy->use_ssl) { /* the client expects a handshake, not a line */
        session_abort(session);
        return;
    }
    reply_format(refusal, true, &session->stream.out);
    session_close(session);
}

static void judge(struct smtps_session *session)
{
    const struct smtps_reply *refusal = objection(session->terms, session->slots);
    if (refusal) {
        turn_away(session, refusal);
        return;
    }
    session->slots = &session->terms->limits;
    secure(session);
}

/* ---- header ---------------------------------------------------------------------------------- */

/* Parses the peeked bytes and moves those that belong to the header to stream.in. */
static enum proxy_status take_header(struct stream *stream, const char *come, size_t size,
                                     struct proxy_header *header)
{
    struct buf whole = {0};
    size_t before = buf_size(&stream->in);
    buf_append_slice(&whole, buf_slice(&stream->in));
    buf_append(&whole, come, size);
    enum proxy_status status = proxy_header_parse(buf_slice(&whole).data, buf_size(&whole), header);
    buf_release(&whole);
    if (status == PROXY_DONE || status == PROXY_WITHOUT)
        size = header->size - before;
    return stream_fill(stream, size) == (ssize_t)size ? status : PROXY_MALFORMED;
}

/* Logs a connection without header. A proxy's health check, which sends nothing, is not logged. */
static void log_missing_header(const struct smtps_session *session, const char *why)
{
    static struct panic_rate rate;
    paniclog_rated(&rate, PANIC_NOTICE,
                   "%s was closed: Proxy_Protocol needs a PROXY header first, and the connection %s",
                   session->view.peer_text, why);
}

/*
 * Reads the PROXY header. The bytes after it stay in the socket, because they may begin a TLS handshake. A
 * connection without a header is closed without a reply (manual, "The header is required").
 */
static void read_header(struct smtps_session *session)
{
    char come[PROXY_HEADER_MAX];
    struct proxy_header header;
    struct stream *stream = &session->stream;
    ssize_t size = stream_peek(stream, come, sizeof come - buf_size(&stream->in));
    if (size == -EAGAIN)
        return;
    enum proxy_status status = size > 0 ? take_header(stream, come, (size_t)size, &header) : PROXY_MALFORMED;
    if (status == PROXY_MORE)
        return;
    if (status == PROXY_MALFORMED) {
        if (size > 0)
            log_missing_header(session, "begins with something else");
        session_abort(session);
        return;
    }
    buf_release(&stream->in);
    if (status == PROXY_DONE)
        session_set_addresses(session, &header.client, &header.server);
    judge(session);
}

static void header_is_late(struct smtps_session *session)
{
    log_missing_header(session, "had none within Proxy_Protocol_Timeout");
    session_abort(session);
}

static void await_header(struct smtps_session *session)
{
    session->opening = read_header;
    if (session->policy->proxy_protocol_timeout)
        session_set_time(session, (uint64_t)session->policy->proxy_protocol_timeout * 1000, header_is_late);
    stream_read_start(&session->stream);
}

/* ---- admit ----------------------------------------------------------------------------------- */

/*
 * Sends one line, if the kernel takes it at once. Reads what the client has sent, so that closing does not
 * cause a reset.
 */
static void turn_away_at_once(int fd, const struct esmtp_policy *policy, const struct smtps_reply *refusal)
{
    char ignored[1024];
    struct buf line = {0};
    if (!policy->use_ssl) {
        reply_format(refusal, true, &line);
        (void)!send(fd, buf_slice(&line).data, buf_size(&line), MSG_DONTWAIT | MSG_NOSIGNAL);
        shutdown(fd, SHUT_WR);
        (void)!recv(fd, ignored, sizeof ignored, MSG_DONTWAIT);
        buf_release(&line);
    }
    close(fd);
}

/*
 * Returns NULL if a session can be created, which then holds one of BUDGET_CLIENTS; otherwise the reply. For a Listen
 * with Proxy_Protocol, always_deny is not applied to the proxy but to its clients.
 */
static const struct smtps_reply *first_objection(const struct listen_terms *terms, int fd)
{
    static struct panic_rate rate;
    if (descriptor_is_kept(fd)) {
        paniclog_rated(&rate, PANIC_ERROR,
                       "clients are turned away: there are too many open files; raise the process's limit "
                       "(LimitNOFILE, server_max_file_descriptors)");
        return &reply_connection_limit;
    }
    if (!budget_take(BUDGET_CLIENTS, 1))
        return &reply_connection_limit;
    const struct smtps_reply *refusal =
        terms->policy->proxy_protocol ? limits_take(&terms->limits, NULL) : objection(terms, NULL);
    if (refusal)
        budget_give(BUDGET_CLIENTS, 1);
    return refusal;
}

static struct smtps_session *make_session(struct smtps_worker *worker,
                                          const struct session_protocol *protocol, int fd)
{
    struct smtps_session *session = mem_new(struct smtps_session);
    if (stream_open(&session->stream, worker->loop, fd, &session_stream_handler) < 0) {
        free(session);
        return NULL;
    }
    uv_timer_init(loop_uv(worker->loop), &session->timer);
    session->timer.data = session;
    session->open_handles = 2;
    session->worker = worker;
    session->protocol = protocol;
    session->state = SESSION_OPENING;
    list_append(&worker->sessions, &session->link);
    server_hold(worker->server);
    atomic_fetch_add(&worker->server->sessions, 1);
    metric_add(smtps_metrics.sessions, 1);
    return session;
}

void session_start(struct smtps_worker *worker, const struct session_protocol *protocol,
                   struct smtp_generation *generation, const struct listen_policies *policies, int fd,
                   const struct net_addr *local, const struct net_addr *peer)
{
    const struct listen_terms *terms = listen_policies_find(policies, local, peer);
    uint64_t id = id_next();
    const struct smtps_reply *refusal = first_objection(terms, fd);
    if (refusal) {
        log_refusal(generation, terms, refusal, id, local, peer);
        turn_away_at_once(fd, terms->policy, refusal);
        return;
    }
    struct smtps_session *session = make_session(worker, protocol, fd);
    if (!session) {
        session_limits_give(&terms->limits);
        budget_give(BUDGET_CLIENTS, 1);
        close(fd);
        return;
    }
    session->generation = smtp_generation_ref(generation);
    session->policies = policies;
    session->slots = &terms->limits;
    imp_session_init(&session->view, worker->loop, id, local, peer);
    session->view.call.resumed = session_hook_resumed;
    set_terms(session);
    if (session->policy->proxy_protocol)
        await_header(session);
    else
        secure(session);
}
