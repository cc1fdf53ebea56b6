/*
 * ctl_session: one connection to the console, from accept to close.
 */
#include "control/ctl_session.h"

#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>
#include "base/mem.h"
#include "control/account.h"
#include "control/ctl_call_private.h"
#include "control/line.h"
#include "control/output.h"

enum {
    READ_SIZE = 16 * 1024,
    LOGIN_LINE_MAX = 8 * 1024,        /* maximum bytes of a line before the login */
    SKIP_MAX = 16 * CONTROL_LINE_MAX, /* maximum bytes of an overlong line that are discarded before the
                                         session is closed */
    LOGIN_FAILURES = 3,               /* failed logins before the session is closed */
    FAILURE_MS = 1000,                /* delay of the reply to a failed login, times their number */
    LEAVE_MS = 1000,                  /* time for the client to read the last answer */
    ROOM_MIN = 1024 * 1024,           /* minimum memory left for output; below it no command begins */
    PART_MAX = 256 * 1024,            /* maximum bytes written at once of an answer in parts */
    AHEAD_MAX = 64 * 1024,            /* bytes read ahead while a command runs */
    ALIVE_MS = 1000, /* interval of checks whether a client that has closed its side still listens */
};

enum state {
    READING,   /* waits for the next line */
    ANSWERING, /* processes a line, or sends the answer */
    WORKING,   /* a command runs and has no output at the moment */
    DELAYING,  /* delays the reply to a failed login */
    CLOSED,
};

struct ctl_session {
    struct list_node link; /* in control->sessions */
    struct control *control;
    struct visitor who;
    union {
        uv_handle_t handle;
        uv_stream_t stream;
        uv_tcp_t tcp;
        uv_pipe_t pipe;
    };
    uv_timer_t timer;
    unsigned open_handles;
    enum state state;
    bool ended;    /* the client has closed its sending side */
    bool leaving;  /* closes when its answer is sent */
    bool skipping; /* discards the rest of an overlong line */
    size_t skipped;
    struct buf in;
    struct buf out; /* the answer being written */
    size_t unsent;  /* bytes of it unsent at the last timer */
    uv_write_t write;
    bool by_password;      /* who.user is known from a password */
    struct ctl_call *call; /* the command that is answered later or in parts; otherwise NULL */
    struct login *login;
    unsigned failures;
    uint64_t login_deadline; /* uv_now, in ms */
};

static void proceed(struct ctl_session *session);
static void take_part(struct ctl_session *session);
static void give_room(uv_handle_t *handle, size_t suggested, uv_buf_t *room);
static void on_read(uv_stream_t *stream, ssize_t size, const uv_buf_t *room);

static void on_timer(uv_timer_t *timer);

static void set_timer(struct ctl_session *session, uint64_t milliseconds)
{
    if (milliseconds)
        uv_timer_start(&session->timer, on_timer, milliseconds, 0);
    else
        uv_timer_stop(&session->timer);
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

static void hang_up(struct ctl_session *session)
{
    if (session->state == CLOSED)
        return;
    session->state = CLOSED;
    if (session->call)
        ctl_call_leave(session->call);
    session->call = NULL;
    list_remove(&session->link);
    uv_close(&session->handle, on_closed);
    uv_close((uv_handle_t *)&session->timer, on_closed);
}

void control_session_leave(struct list_node *node)
{
    struct ctl_session *session = container_of(node, struct ctl_session, link);
    session->leaving = true;
    if (session->state == ANSWERING || session->state == WORKING)
        set_timer(session, LEAVE_MS);
    else
        hang_up(session);
}

void control_session_give_up(struct list_node *node)
{
    struct ctl_session *session = container_of(node, struct ctl_session, link);
    if (session->call && !ctl_call_is_finished(session->call))
        hang_up(session);
}

const char *control_session_endpoint(const struct list_node *node)
{
    return container_of(node, const struct ctl_session, link)->who.endpoint;
}

/* ---- applicable configuration ------------------------------------------------------------------ */

static struct conf *running(const struct ctl_session *session)
{
    return session->control->upper.running(session->control->upper.daemon);
}

/* Returns false if the configuration has no such Listen any more. */
static bool find_access(const struct ctl_session *session, struct access *access)
{
    const struct conf *conf = running(session);
    const struct conf_scope *listen = access_listen(conf, session->who.endpoint);
    if (listen)
        access_resolve(access, conf, conf_scope_parent(listen), listen, &session->who.peer);
    return listen != NULL;
}

/* ---- time --------------------------------------------------------------------------------- */

/* Restarts the idle time. Before the login, one idle time covers the whole login. */
static void renew_timeout(struct ctl_session *session)
{
    struct access access;
    unsigned seconds = find_access(session, &access) ? access.timeout : CONTROL_DEFAULT_TIMEOUT;
    uint64_t now = uv_now(session->control->loop);
    if (session->who.user)
        set_timer(session, (uint64_t)seconds * 1000);
    else
        set_timer(session, session->login_deadline > now ? session->login_deadline - now : 1);
}

/* ---- answers --------------------------------------------------------------------------------- */

static void on_written(uv_write_t *write, int error)
{
    struct ctl_session *session = write->data;
    if (session->state == CLOSED)
        return;
    session->control->unread -= buf_size(&session->out);
    buf_release(&session->out);
    session->state = READING;
    if (error < 0 || session->leaving) {
        hang_up(session);
        return;
    }
    if (session->call) {
        take_part(session);
        return;
    }
    renew_timeout(session);
    proceed(session);
}

/* Sends the content of `out`. */
static void send_answer(struct ctl_session *session)
{
    uv_buf_t part = uv_buf_init((char *)buf_slice(&session->out).data, (unsigned)buf_size(&session->out));
    session->state = ANSWERING;
    session->control->unread += buf_size(&session->out);
    session->unsent = buf_size(&session->out);
    session->write.data = session;
    if (session->leaving)
        set_timer(session, LEAVE_MS);
    else if (session->call)
        renew_timeout(session);
    uv_read_stop(&session->stream);
    if (uv_write(&session->write, &session->stream, &part, 1, on_written) < 0)
        hang_up(session);
}

static void append_output(struct ctl_session *session, struct slice text)
{
    if (text.size)
        buf_printf(&session->out, "= %zu\n", text.size);
    buf_append_slice(&session->out, text);
}

static void answer(struct ctl_session *session, bool done, struct slice text)
{
    append_output(session, text);
    buf_append_text(&session->out, done ? "OK\n" : "ERR\n");
    send_answer(session);
}

/* Sends the reason and closes. */
static void turn_away(struct ctl_session *session, const char *why)
{
    session->leaving = true;
    answer(session, false, slice_text(why));
}

static void give_up_login(struct ctl_session *session)
{
    /* a client that leaves earlier is not made to wait */
    session->leaving = session->failures >= LOGIN_FAILURES;
    answer(session, false, SLICE_LITERAL("Authentication failed\n"));
}

static void log_login_timeout(struct ctl_session *session)
{
    struct access access;
    bool wanted = visitor_is_local(&session->who) ||
                  (find_access(session, &access) && (access.digest.log || access.login.log));
    if (wanted)
        account_login(session->control, &session->who, session->login ? login_user(session->login) : "",
                      false, true);
}

static void on_timer(uv_timer_t *timer)
{
    struct ctl_session *session = timer->data;
    size_t waiting = uv_stream_get_write_queue_size(&session->stream);
    if (session->state == DELAYING) {
        give_up_login(session);
    } else if (session->state == WORKING && !session->leaving) {
        buf_append_text(&session->out, "= 0\n");
        send_answer(session);
    } else if (session->state == ANSWERING && !session->leaving && waiting < session->unsent) {
        session->unsent = waiting; /* the client is slow, but reads */
        renew_timeout(session);
    } else {
        if (!session->who.user && !session->leaving)
            log_login_timeout(session);
        hang_up(session);
    }
}

/* ---- logging in ------------------------------------------------------------------------------ */

static void log_in(struct ctl_session *session, const char *user)
{
    session->who.user = mem_dup(user);
    renew_timeout(session);
}

static void end_login(struct ctl_session *session, bool success)
{
    if (login_is_logged(session->login) || visitor_is_local(&session->who))
        account_login(session->control, &session->who, login_user(session->login), success, false);
    if (success)
        log_in(session, login_user(session->login));
    session->by_password = success;
    login_end(session->login);
    session->login = NULL;
}

static void fail_login(struct ctl_session *session)
{
    session->failures++;
    session->state = DELAYING;
    uv_read_stop(&session->stream);
    set_timer(session, (uint64_t)FAILURE_MS * session->failures);
}

static void step_login(struct ctl_session *session, const char *said)
{
    char *challenge;
    enum login_outcome outcome = login_step(session->login, said, &challenge);
    if (outcome == LOGIN_CONTINUES)
        buf_printf(&session->out, "+ %s\n", challenge ? challenge : "");
    free(challenge);
    if (outcome == LOGIN_CONTINUES) {
        send_answer(session);
        return;
    }
    end_login(session, outcome == LOGIN_SUCCEEDED);
    if (outcome == LOGIN_SUCCEEDED)
        answer(session, true, slice_of(NULL, 0));
    else
        fail_login(session);
}

/* Handles AUTH MECHANISM [INITIAL]. A client that sends anything else does not speak this protocol. */
static void begin_login(struct ctl_session *session, struct slice line)
{
    struct access access;
    struct slice verb, mechanism;
    if (!find_access(session, &access) || !slice_next(&line, ' ', &verb) ||
        !slice_equal(verb, SLICE_LITERAL("AUTH")) || !slice_next(&line, ' ', &mechanism)) {
        turn_away(session, "Authentication required\n");
        return;
    }
    char *name = mem_copy_text(mechanism.data, mechanism.size);
    char *initial = line.size ? mem_copy_text(line.data, line.size) : NULL;
    session->login = login_begin(session->control->logins, &access, name);
    if (session->login)
        step_login(session, initial);
    else
        fail_login(session);
    free(name);
    free(initial);
}

static void take_login_line(struct ctl_session *session, struct slice line)
{
    if (!session->login) {
        begin_login(session, line);
    } else if (slice_equal(line, SLICE_LITERAL("*"))) {
        end_login(session, false);
        fail_login(session);
    } else {
        char *text = mem_copy_text(line.data, line.size);
        step_login(session, text);
        free(text);
    }
}

/* ---- commands -------------------------------------------------------------------------------- */

/* Called when the command has no output. The client may leave or send more lines. */
static void work(struct ctl_session *session)
{
    session->state = WORKING;
    if (session->leaving)
        return;
    set_timer(session, session->ended ? ALIVE_MS : 0);
    if (!session->ended && buf_size(&session->in) < AHEAD_MAX)
        uv_read_start(&session->stream, give_room, on_read);
}

/* Sends the next part of the answer, or its end. */
static void take_part(struct ctl_session *session)
{
    struct buf text = {0};
    enum ctl_progress progress = ctl_call_take(session->call, &text, PART_MAX);
    append_output(session, buf_slice(&text));
    buf_release(&text);
    if (progress == CTL_GOES_ON && buf_size(&session->out) == 0) {
        work(session);
        return;
    }
    if (progress == CTL_OVERRUN)
        append_output(session, SLICE_LITERAL("The output is too long for this console.\n"));
    if (progress != CTL_GOES_ON) {
        buf_append_text(&session->out, progress == CTL_DONE ? "OK\n" : "ERR\n");
        ctl_call_leave(session->call);
        session->call = NULL;
    }
    send_answer(session);
}

static void look_at_call(void *closure)
{
    struct ctl_session *session = closure;
    if (session->state == WORKING)
        take_part(session);
}

static void run_line(struct ctl_session *session, const struct access *access, struct slice line)
{
    size_t unread = session->control->unread, room = unread < UNREAD_MAX ? UNREAD_MAX - unread : 0;
    struct output output;
    struct line_later later = {.look = look_at_call, .session = session};
    if (room < ROOM_MIN) {
        answer(session, false,
               SLICE_LITERAL("Other sessions have not read their answers; try again later.\n"));
        return;
    }
    output_open(&output, room < OUTPUT_MAX ? room : OUTPUT_MAX);
    bool done = line_run(session->control, &session->who, access, line, output.stream, &later);
    output_close(&output);
    session->call = later.call;
    if (later.call)
        work(session); /* output is taken in a later turn */
    else if (output.full)
        answer(session, false, SLICE_LITERAL("The output is too long for this console.\n"));
    else
        answer(session, done, buf_slice(&output.text));
    buf_release(&output.text);
}

static void take_line(struct ctl_session *session, struct slice line)
{
    struct access access;
    session->state = ANSWERING;
    if (line.size > 0 && line.data[line.size - 1] == '\r')
        line.size--;
    if (!find_access(session, &access))
        turn_away(session, "The configuration has no such Listen any more\n");
    else if (access.denied || (access.authenticate && session->who.user && !session->by_password))
        turn_away(session, "This client may not use the console any more\n");
    else if (session->who.user)
        run_line(session, &access, line);
    else
        take_login_line(session, line);
}

/* ---- reading --------------------------------------------------------------------------------- */

static size_t line_limit(const struct ctl_session *session)
{
    return session->who.user ? CONTROL_LINE_MAX : LOGIN_LINE_MAX;
}

/*
 * Discards `size` bytes of an overlong line, possibly including its end. Returns true if the line was
 * answered.
 */
static bool skip_line(struct ctl_session *session, size_t size, bool is_end)
{
    session->skipped += size;
    session->skipping = !is_end;
    buf_consume(&session->in, size);
    if (!is_end && session->who.user && session->skipped <= SKIP_MAX)
        return false;
    if (is_end)
        session->skipped = 0;
    else
        session->leaving = true;
    answer(session, false, SLICE_LITERAL("The line is too long\n"));
    return true;
}

/* Answers the next line, if it is complete. */
static bool next_line(struct ctl_session *session)
{
    struct slice in = buf_slice(&session->in);
    const char *end = in.size ? memchr(in.data, '\n', in.size) : NULL;
    size_t size = end ? (size_t)(end - in.data) : in.size;
    if (session->skipping || size > line_limit(session))
        return skip_line(session, end ? size + 1 : size, end != NULL);
    if (!end)
        return false;
    char *line = mem_copy_text(in.data, size);
    buf_consume(&session->in, size + 1);
    take_line(session, slice_of(line, size));
    free(line);
    return true;
}

static void give_room(uv_handle_t *handle, size_t suggested, uv_buf_t *room)
{
    struct ctl_session *session = handle->data;
    (void)suggested;
    *room = uv_buf_init(buf_reserve(&session->in, READ_SIZE), READ_SIZE);
}

static void on_read(uv_stream_t *stream, ssize_t size, const uv_buf_t *room)
{
    struct ctl_session *session = stream->data;
    (void)room;
    if (size < 0 && size != UV_EOF) {
        hang_up(session);
        return;
    }
    if (size > 0) {
        buf_commit(&session->in, (size_t)size);
        if (session->state != WORKING)
            renew_timeout(session);
        else if (buf_size(&session->in) >= AHEAD_MAX)
            uv_read_stop(stream);
    } else if (size == UV_EOF) {
        session->ended = true;
        if (session->state == WORKING && !session->leaving)
            set_timer(session, ALIVE_MS);
    }
    proceed(session);
}

static void proceed(struct ctl_session *session)
{
    if (session->state != READING || next_line(session))
        return;
    if (buf_size(&session->in) == 0)
        buf_release(&session->in);
    int error = session->ended ? UV_EOF : uv_read_start(&session->stream, give_room, on_read);
    if (error < 0 && error != UV_EALREADY)
        hang_up(session);
}

/* ---- the beginning --------------------------------------------------------------------------- */

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
    log_in(session, user);
    free(user);
    buf_append_text(&session->out, "IMPULSE CONSOLE 1\n");
    send_answer(session);
    return true;
}

static void ask_to_log_in(struct ctl_session *session, const struct access *access)
{
    struct output output;
    output_open(&output, READ_SIZE);
    login_mechanisms(access, output.stream);
    output_close(&output);
    buf_append_text(&session->out, "IMPULSE CONSOLE 1 AUTH");
    buf_append_slice(&session->out, buf_slice(&output.text));
    buf_append_text(&session->out, "\n");
    buf_release(&output.text);
    session->login_deadline = uv_now(session->control->loop) +
                              1000 * (uint64_t)(access->timeout ? access->timeout : CONTROL_DEFAULT_TIMEOUT);
    renew_timeout(session);
    send_answer(session);
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
    if (session->who.peer.family == AF_UNSPEC || !find_access(session, &access) || access.denied)
        turn_away(session, "This client may not use the console\n");
    else if (is_crowded(session))
        turn_away(session, "Too many connections to this Listen\n");
    else if (access.authenticate)
        ask_to_log_in(session, &access);
    else if (!admit(session))
        turn_away(session, "The system does not say who this client is\n");
}

void control_session_accept(struct control *control, uv_stream_t *server, const char *endpoint)
{
    struct ctl_session *session = mem_new(struct ctl_session);
    session->control = control;
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
        hang_up(session);
    else
        greet(session);
}
