/*
 * session_open: from an accepted socket to the greeting.
 */
#include "smtp/session.h"

#include <unistd.h>
#include "base/clock.h"
#include "base/id.h"
#include "base/mem.h"
#include "smtp/auth.h"
#include "smtp/listen_policies.h"
#include "smtp/worker.h"

static void greet(struct session *session, enum hook_outcome outcome)
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

void session_set_addresses(struct session *session, const struct net_addr *peer, const struct net_addr *local)
{
    imp_session_set_addresses(&session->view, local ? local : &session->view.local, peer);
    session->policy = listen_policies_find(session->policies, peer);
    session->view.policy = session->policy->modules;
    auth_meet(session);
}

void session_start(struct worker *worker, const struct session_protocol *protocol,
                   struct smtp_generation *generation, const struct listen_policies *policies, int fd,
                   const struct net_addr *local, const struct net_addr *peer)
{
    struct session *session = mem_new(struct session);
    if (stream_open(&session->stream, worker->loop, fd, &session_stream_handler) < 0) {
        close(fd);
        free(session);
        return;
    }
    uv_timer_init(loop_uv(worker->loop), &session->timer);
    session->timer.data = session;
    session->open_handles = 2;
    session->worker = worker;
    session->protocol = protocol;
    session->generation = smtp_generation_ref(generation);
    session->policies = policies;
    session->policy = listen_policies_find(policies, peer);
    session->state = SESSION_READING;
    list_append(&worker->sessions, &session->link);
    server_hold(worker->server);
    atomic_fetch_add(&worker->server->sessions, 1);
    imp_session_init(&session->view, worker->loop, id_next(), local, peer);
    session->view.policy = session->policy->modules;
    session->view.resumed = session_hook_resumed;
    auth_meet(session);
    session_renew_deadline(session);
    session_ask(session, IMP_VALIDATE_CONNECT, greet);
    session_process(session);
}
