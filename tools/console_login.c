/* console_login: see console_login.h. */
#include <gsasl.h>
#include <stdio.h>
#include <string.h>
#include "base/slice.h"
#include "tools/console_login.h"

/* The strongest first. */
static const struct mechanism {
    const char *name;
    bool sends_password;
} mechanisms[] = {{"DIGEST-MD5", false}, {"LOGIN", true}};

static bool is_offered(const char *offered, const char *name)
{
    struct slice rest = slice_text(offered), word;
    while (slice_next(&rest, ' ', &word))
        if (slice_equal_nocase(word, slice_text(name)))
            return true;
    return false;
}

static const struct mechanism *strongest(const char *offered)
{
    for (size_t i = 0; i < sizeof mechanisms / sizeof mechanisms[0]; i++)
        if (is_offered(offered, mechanisms[i].name))
            return &mechanisms[i];
    return NULL;
}

static enum login_status fail(struct console_stream *stream, const char *what, const char *why)
{
    snprintf(stream->problem, sizeof stream->problem, "%s%s%s", what, *why ? ": " : "", why);
    return LOGIN_FAILED;
}

static enum login_status of_stream(enum stream_status status)
{
    return status == STREAM_INTERRUPTED ? LOGIN_INTERRUPTED : LOGIN_FAILED;
}

static enum stream_status write_line(struct console_stream *stream, const char *line)
{
    enum stream_status status = console_stream_write(stream, line, strlen(line));
    return status == STREAM_OK ? console_stream_write(stream, "\n", 1) : status;
}

/* As gsasl_step64, which hands a mechanism bytes that no NUL follows, where DIGEST-MD5's may look for one. */
static int step(Gsasl_session *session, const char *challenge, char **response)
{
    char *decoded = NULL, *said = NULL;
    size_t size = 0, said_size = 0;
    int result = gsasl_base64_from(challenge, strlen(challenge), &decoded, &size);
    if (result != GSASL_OK)
        return result;
    result = gsasl_step(session, size ? decoded : "", size, &said, &said_size);
    if (result == GSASL_OK || result == GSASL_NEEDS_MORE) {
        int encoded = gsasl_base64_to(said, said_size, response, NULL);
        result = encoded == GSASL_OK ? result : encoded;
    }
    gsasl_free(decoded);
    gsasl_free(said);
    return result;
}

/* Answers one challenge. *finished: the mechanism is satisfied on our side. */
static enum login_status answer(struct console_stream *stream, Gsasl_session *session, const char *challenge,
                                bool *finished)
{
    char *response = NULL;
    if (*finished)
        return fail(stream, "the server asks on after the login was finished", "");
    int result = step(session, challenge, &response);
    *finished = result == GSASL_OK;
    if (result != GSASL_OK && result != GSASL_NEEDS_MORE) {
        write_line(stream, "*"); /* for the server's log; its answer would tell nothing */
        return fail(stream, "the server could not be authenticated", gsasl_strerror(result));
    }
    enum stream_status status = write_line(stream, response ? response : "");
    gsasl_free(response);
    return status == STREAM_OK ? LOGIN_DONE : of_stream(status);
}

static enum login_status converse(struct console_stream *stream, Gsasl_session *session,
                                  const char *mechanism)
{
    char line[64], reason[200] = "";
    bool finished = false;
    snprintf(line, sizeof line, "AUTH %s", mechanism);
    enum stream_status status = write_line(stream, line);
    while (status == STREAM_OK) {
        struct console_reply reply;
        enum login_status answered;
        status = console_stream_reply(stream, &reply);
        if (status != STREAM_OK)
            break;
        switch (reply.kind) {
        case REPLY_OK:
            return finished ? LOGIN_DONE
                            : fail(stream, "the server did not prove that it knows the password", "");
        case REPLY_REFUSED:
            fail(stream, "not authenticated", reason);
            return LOGIN_DENIED;
        case REPLY_OUTPUT:
            status = console_stream_reason(stream, reply.size, reason, sizeof reason);
            break;
        case REPLY_CHALLENGE:
            answered = answer(stream, session, reply.text, &finished);
            if (answered != LOGIN_DONE)
                return answered;
        }
    }
    return of_stream(status);
}

enum login_status console_login(struct console_stream *stream, const char *offered,
                                const struct console_login *login)
{
    Gsasl *sasl;
    Gsasl_session *session;
    const struct mechanism *mechanism = strongest(offered);
    if (!mechanism)
        return fail(stream, "the server offers no authentication that is known here", offered);
    if (mechanism->sends_password && login->in_the_clear)
        fprintf(stderr, "Warning: %s sends the password readable over the network.\n", mechanism->name);
    int result = gsasl_init(&sasl);
    if (result != GSASL_OK)
        return fail(stream, "SASL", gsasl_strerror(result));
    result = gsasl_client_start(sasl, mechanism->name, &session);
    if (result != GSASL_OK) {
        gsasl_done(sasl);
        return fail(stream, mechanism->name, gsasl_strerror(result));
    }
    gsasl_property_set(session, GSASL_AUTHID, login->user);
    gsasl_property_set(session, GSASL_PASSWORD, login->password);
    gsasl_property_set(session, GSASL_SERVICE, "console");
    gsasl_property_set(session, GSASL_HOSTNAME, login->host);
    enum login_status status = converse(stream, session, mechanism->name);
    gsasl_finish(session);
    gsasl_done(sasl);
    return status;
}
