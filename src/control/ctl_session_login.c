/*
 * ctl_session_login: logs the client of a console session in: AUTH, the steps of its mechanism, the delay after
 * a failure.
 */
#include "control/ctl_session_private.h"

#include <stdlib.h>
#include "base/mem.h"
#include "control/account.h"

enum {
    LOGIN_FAILURES = 3, /* failed logins before the session is closed */
    FAILURE_MS = 1000,  /* delay of the reply to a failed login, times their number */
};

void ctl_session_log_in(struct ctl_session *session, const char *user)
{
    session->who.user = mem_dup(user);
    ctl_session_renew(session);
}

static void end_login(struct ctl_session *session, bool success)
{
    if (login_is_logged(session->login) || visitor_is_local(&session->who))
        account_login(session->control, &session->who, login_user(session->login), success, false);
    if (success)
        ctl_session_log_in(session, login_user(session->login));
    session->by_password = success;
    login_end(session->login);
    session->login = NULL;
}

static void fail_login(struct ctl_session *session)
{
    session->failures++;
    session->state = CTL_DELAYING;
    uv_read_stop(&session->stream);
    ctl_session_set_timer(session, (uint64_t)FAILURE_MS * session->failures);
}

static void step_login(struct ctl_session *session, const char *said)
{
    char *challenge;
    enum login_outcome outcome = login_step(session->login, said, &challenge);
    if (outcome == LOGIN_CONTINUES)
        buf_printf(&session->out, "+ %s\n", challenge ? challenge : "");
    free(challenge);
    if (outcome == LOGIN_CONTINUES) {
        ctl_session_send(session);
        return;
    }
    end_login(session, outcome == LOGIN_SUCCEEDED);
    if (outcome == LOGIN_SUCCEEDED)
        ctl_session_answer(session, true, slice_of(NULL, 0));
    else
        fail_login(session);
}

/* Handles AUTH MECHANISM [INITIAL]. A client that sends anything else does not speak this protocol. */
static void begin_login(struct ctl_session *session, struct slice line)
{
    struct access access;
    struct slice verb, mechanism;
    if (!ctl_session_find_access(session, &access) || !slice_next(&line, ' ', &verb) ||
        !slice_equal(verb, SLICE_LITERAL("AUTH")) || !slice_next(&line, ' ', &mechanism)) {
        ctl_session_turn_away(session, "Authentication required\n");
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

void ctl_session_login_line(struct ctl_session *session, struct slice line)
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

void ctl_session_give_up_login(struct ctl_session *session)
{
    /* a client that leaves earlier is not made to wait */
    session->leaving = session->failures >= LOGIN_FAILURES;
    ctl_session_answer(session, false, SLICE_LITERAL("Authentication failed\n"));
}

void ctl_session_log_timeout(struct ctl_session *session)
{
    struct access access;
    bool wanted = visitor_is_local(&session->who) ||
                  (ctl_session_find_access(session, &access) && (access.digest.log || access.login.log));
    if (wanted)
        account_login(session->control, &session->who, session->login ? login_user(session->login) : "",
                      false, true);
}
