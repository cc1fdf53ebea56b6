/*
 * ctl_session_answer: sends the answers of a console session, limits its time, and closes it.
 */
#include "control/ctl_session_private.h"

#include <stdlib.h>
#include "control/ctl_call_private.h"

/* ---- applicable configuration ------------------------------------------------------------------ */

static struct conf *running(const struct ctl_session *session)
{
    return session->control->upper.running(session->control->upper.daemon);
}

bool ctl_session_find_access(const struct ctl_session *session, struct access *access)
{
    const struct conf *conf = running(session);
    const struct conf_scope *listen = access_listen(conf, session->who.endpoint);
    if (listen)
        access_resolve(access, conf, conf_scope_parent(listen), listen, &session->who.peer);
    return listen != NULL;
}

/* ---- time ------------------------------------------------------------------------------------ */

static void on_timer(uv_timer_t *timer)
{
    struct ctl_session *session = timer->data;
    session->events->time_is_up(session);
}

void ctl_session_set_timer(struct ctl_session *session, uint64_t milliseconds)
{
    if (milliseconds)
        uv_timer_start(&session->timer, on_timer, milliseconds, 0);
    else
        uv_timer_stop(&session->timer);
}

void ctl_session_renew(struct ctl_session *session)
{
    struct access access;
    unsigned seconds = ctl_session_find_access(session, &access) ? access.timeout : CONTROL_DEFAULT_TIMEOUT;
    uint64_t now = uv_now(session->control->loop);
    if (session->who.user)
        ctl_session_set_timer(session, (uint64_t)seconds * 1000);
    else
        ctl_session_set_timer(session, session->login_deadline > now ? session->login_deadline - now : 1);
}

/* ---- the end --------------------------------------------------------------------------------- */

static void on_closed(uv_handle_t *handle)
{
    struct ctl_session *session = handle->data;
    if (--session->open_handles > 0)
        return;
    session->control->unread -= buf_size(&session->out);
    buf_release(&session->in);
    buf_release(&session->out);
    login_end(session->login);
    conf_transaction_free(session->who.transaction);
    free(session->who.user);
    free(session->who.endpoint);
    free(session);
}

void ctl_session_hang_up(struct ctl_session *session)
{
    if (session->state == CTL_CLOSED)
        return;
    session->state = CTL_CLOSED;
    if (session->call)
        ctl_call_leave(session->call);
    session->call = NULL;
    list_remove(&session->link);
    uv_close(&session->handle, on_closed);
    uv_close((uv_handle_t *)&session->timer, on_closed);
}

/* ---- answers --------------------------------------------------------------------------------- */

static void on_written(uv_write_t *write, int error)
{
    struct ctl_session *session = write->data;
    if (session->state == CTL_CLOSED)
        return;
    session->control->unread -= buf_size(&session->out);
    buf_release(&session->out);
    session->state = CTL_READING;
    if (error < 0 || session->leaving)
        ctl_session_hang_up(session);
    else
        session->events->sent(session);
}

void ctl_session_send(struct ctl_session *session)
{
    uv_buf_t part = uv_buf_init((char *)buf_slice(&session->out).data, (unsigned)buf_size(&session->out));
    session->state = CTL_ANSWERING;
    session->control->unread += buf_size(&session->out);
    session->unsent = buf_size(&session->out);
    session->write.data = session;
    if (session->leaving)
        ctl_session_set_timer(session, CTL_LEAVE_MS);
    else if (session->call)
        ctl_session_renew(session);
    uv_read_stop(&session->stream);
    if (uv_write(&session->write, &session->stream, &part, 1, on_written) < 0)
        ctl_session_hang_up(session);
}

void ctl_session_append(struct ctl_session *session, struct slice text)
{
    if (text.size)
        buf_printf(&session->out, "= %zu\n", text.size);
    buf_append_slice(&session->out, text);
}

void ctl_session_answer(struct ctl_session *session, bool done, struct slice text)
{
    ctl_session_append(session, text);
    buf_append_text(&session->out, done ? "OK\n" : "ERR\n");
    ctl_session_send(session);
}

void ctl_session_turn_away(struct ctl_session *session, const char *why)
{
    session->leaving = true;
    ctl_session_answer(session, false, slice_text(why));
}
