/*
 * ctl_session_open: accepts a connection to the console; greets its client, asks it to log in, or turns it away.
 */
#include "control/ctl_session_private.h"

#include <pwd.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>
#include "base/mem.h"
#include "control/account.h"
#include "control/output.h"

enum { MECHANISMS_MAX = 16 * 1024 }; /* maximum bytes of the greeting's list of mechanisms */

/*
 * Returns the system's name of the user at the other end of a Unix connection, or the uid if it has no name.
 */
static char *system_user(const struct ctl_session *session)
{
    struct ucred peer;
    socklen_t size = sizeof peer;
    uv_os_fd_t fd;
    if (uv_fileno(&session->handle, &fd) < 0 || getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &size) < 0)
        return NULL;
    const struct passwd *account = getpwuid(peer.uid);
    return account ? mem_dup(account->pw_name) : mem_printf("%lu", (unsigned long)peer.uid);
}

static void learn_peer(struct ctl_session *session)
{
    struct sockaddr_storage address = {0};
    int size = sizeof address;
    if (session->who.endpoint[0] == '/')
        session->who.peer.family = AF_UNIX;
    else if (uv_tcp_getpeername(&session->tcp, (struct sockaddr *)&address, &size) == 0)
        net_addr_from_sockaddr(&session->who.peer, (struct sockaddr *)&address);
}

/*
 * Admits clients that need no login: Unix connections, and clients for which the configuration requires none.
 */
static bool admit(struct ctl_session *session)
{
    char *user = visitor_is_local(&session->who) ? system_user(session) : mem_dup("");
    if (!user)
        return false;
    if (visitor_is_local(&session->who))
        account_login(session->control, &session->who, user, true, false);
    ctl_session_log_in(session, user);
    free(user);
    buf_append_text(&session->out, "IMPULSE CONSOLE 1\n");
    ctl_session_send(session);
    return true;
}

static void ask_to_log_in(struct ctl_session *session, const struct access *access)
{
    struct output output;
    output_open(&output, MECHANISMS_MAX);
    login_mechanisms(access, output.stream);
    output_close(&output);
    buf_append_text(&session->out, "IMPULSE CONSOLE 1 AUTH");
    buf_append_slice(&session->out, buf_slice(&output.text));
    buf_append_text(&session->out, "\n");
    buf_release(&output.text);
    session->login_deadline = uv_now(session->control->loop) +
                              1000 * (uint64_t)(access->timeout ? access->timeout : CONTROL_DEFAULT_TIMEOUT);
    ctl_session_renew(session);
    ctl_session_send(session);
}

static bool is_crowded(const struct ctl_session *session)
{
    unsigned count = 0;
    list_each(&session->control->sessions, node, after)
        count += strcmp(control_session_endpoint(node), session->who.endpoint) == 0;
    return count > SESSIONS_MAX;
}

static void greet(struct ctl_session *session)
{
    struct access access;
    learn_peer(session);
    if (session->who.peer.family == AF_UNSPEC || !ctl_session_find_access(session, &access) || access.denied)
        ctl_session_turn_away(session, "This client may not use the console\n");
    else if (is_crowded(session))
        ctl_session_turn_away(session, "Too many connections to this Listen\n");
    else if (access.authenticate)
        ask_to_log_in(session, &access);
    else if (!admit(session))
        ctl_session_turn_away(session, "The system does not say who this client is\n");
}

void control_session_accept(struct control *control, uv_stream_t *server, const char *endpoint)
{
    struct ctl_session *session = mem_new(struct ctl_session);
    session->control = control;
    ctl_session_begin(session);
    session->who.endpoint = mem_dup(endpoint);
    session->open_handles = 2;
    if (endpoint[0] == '/')
        uv_pipe_init(control->loop, &session->pipe, 0);
    else
        uv_tcp_init(control->loop, &session->tcp);
    uv_timer_init(control->loop, &session->timer);
    session->handle.data = session->timer.data = session;
    list_append(&control->sessions, &session->link);
    if (uv_accept(server, &session->stream) < 0)
        ctl_session_hang_up(session);
    else
        greet(session);
}
