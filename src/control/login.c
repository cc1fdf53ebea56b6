/*
 * login: SASL for the console.
 */
#include "control/login.h"

#include <errno.h>
#include <gsasl.h>
#include <string.h>
#include <strings.h>
#include <sys/random.h>
#include "base/mem.h"
#include "control/records.h"
#include "log/paniclog.h"

/* What ec_md5passwd writes unless told otherwise (Momentum 4 manual, "ec_md5passwd"). */
#define DEFAULT_REALM "Momentum Console"

struct login_service {
    Gsasl *sasl;
};

struct login {
    Gsasl_session *session;
    char *path; /* the file with the passwords; NULL: nobody can log in */
    bool log;
    bool verified; /* only the client's word that it has read the last challenge is missing */
};

static const struct mechanism {
    const char *name;
    size_t method; /* its struct access_method in struct access */
} mechanisms[] = {
    {"DIGEST-MD5", offsetof(struct access, digest)},
    {"LOGIN", offsetof(struct access, login)},
    {"PLAIN", offsetof(struct access, login)},
};

static const struct access_method *method_of(const struct access *access, const struct mechanism *mechanism)
{
    return (const struct access_method *)(const void *)((const char *)access + mechanism->method);
}

/* ---- what libgsasl asks ---------------------------------------------------------------------- */

static struct slice property(Gsasl_session *session, Gsasl_property name)
{
    return slice_text(gsasl_property_fast(session, name));
}

/* Empty when it cannot be read, which is for the operator, not for the client. */
static struct buf read_file(const struct login *login)
{
    struct buf text = {0};
    int error = login->path ? records_read(&text, login->path) : -ENOENT;
    if (error < 0) {
        paniclog(PANIC_ERROR, "console: cannot read passwords from %s: %s",
                 login->path ? login->path : "anywhere: no uri is set", strerror(-error));
        buf_clear(&text);
    }
    return text;
}

/* To act as somebody else is nobody's right. */
static bool acts_as_itself(Gsasl_session *session)
{
    struct slice other = property(session, GSASL_AUTHZID);
    return other.size == 0 || slice_equal(other, property(session, GSASL_AUTHID));
}

/* Nobody's password: as good as any for who has none. */
static void random_digest(char digest[RECORDS_DIGEST_SIZE + 1])
{
    unsigned char bytes[RECORDS_DIGEST_SIZE / 2];
    if (getrandom(bytes, sizeof bytes, 0) != sizeof bytes)
        abort();
    for (size_t i = 0; i < sizeof bytes; i++)
        snprintf(digest + 2 * i, 3, "%02x", bytes[i]);
}

static int give_digest(Gsasl_session *session, struct login *login)
{
    char digest[RECORDS_DIGEST_SIZE + 1];
    struct buf text = read_file(login);
    if (!records_find_digest(buf_slice(&text), property(session, GSASL_AUTHID),
                             property(session, GSASL_REALM), digest) ||
        !acts_as_itself(session))
        random_digest(digest);
    buf_release(&text);
    return gsasl_property_set(session, GSASL_DIGEST_MD5_HASHED_PASSWORD, digest);
}

static int check_password(Gsasl_session *session, struct login *login)
{
    struct buf text = read_file(login);
    bool right = records_has_password(buf_slice(&text), property(session, GSASL_AUTHID),
                                      property(session, GSASL_PASSWORD)) &&
                 acts_as_itself(session);
    buf_release(&text);
    return right ? GSASL_OK : GSASL_AUTHENTICATION_ERROR;
}

static int answer_question(Gsasl *sasl, Gsasl_session *session, Gsasl_property name)
{
    struct login *login = gsasl_session_hook_get(session);
    (void)sasl;
    switch (name) {
    case GSASL_DIGEST_MD5_HASHED_PASSWORD:
        return give_digest(session, login);
    case GSASL_VALIDATE_SIMPLE:
        return check_password(session, login);
    case GSASL_QOPS: /* no layer of its own over the connection */
        return gsasl_property_set(session, GSASL_QOPS, "qop-auth");
    default:
        return GSASL_NO_CALLBACK;
    }
}

/* ---- exchanges ------------------------------------------------------------------------------- */

struct login_service *login_service_create(void)
{
    struct login_service *service = mem_new(struct login_service);
    if (gsasl_init(&service->sasl) != GSASL_OK)
        abort(); /* out of memory, as mem_* would have it */
    gsasl_callback_set(service->sasl, answer_question);
    return service;
}

void login_service_free(struct login_service *service)
{
    gsasl_done(service->sasl);
    free(service);
}

void login_mechanisms(const struct access *access, FILE *out)
{
    for (size_t i = 0; i < sizeof mechanisms / sizeof *mechanisms; i++)
        if (method_of(access, &mechanisms[i])->path)
            fprintf(out, " %s", mechanisms[i].name);
}

/* The realm that the challenge names: the one of the file's first user. */
static void set_realm(struct login *login)
{
    struct buf text = read_file(login);
    struct slice realm = records_realm(buf_slice(&text));
    char *name = realm.size ? mem_copy_text(realm.data, realm.size) : mem_dup(DEFAULT_REALM);
    if (gsasl_property_set(login->session, GSASL_REALM, name) != GSASL_OK)
        abort();
    free(name);
    buf_release(&text);
}

struct login *login_begin(struct login_service *service, const struct access *access, const char *mechanism)
{
    const struct mechanism *found = NULL;
    for (size_t i = 0; i < sizeof mechanisms / sizeof *mechanisms; i++)
        if (strcasecmp(mechanisms[i].name, mechanism) == 0 && method_of(access, &mechanisms[i])->path)
            found = &mechanisms[i];
    if (!found)
        return NULL;
    struct login *login = mem_new(struct login);
    if (gsasl_server_start(service->sasl, found->name, &login->session) != GSASL_OK) {
        free(login);
        return NULL;
    }
    gsasl_session_hook_set(login->session, login);
    login->path = mem_dup(method_of(access, found)->path);
    login->log = method_of(access, found)->log;
    if (found->method == offsetof(struct access, digest))
        set_realm(login);
    return login;
}

void login_end(struct login *login)
{
    if (!login)
        return;
    gsasl_finish(login->session);
    free(login->path);
    free(login);
}

/*
 * As gsasl_step64, which hands a mechanism bytes that no NUL follows, where LOGIN's reads on until there is
 * one. NULL for `answer` is nothing said.
 */
static int step(Gsasl_session *session, const char *answer, char **challenge)
{
    char *decoded = NULL, *text = NULL, *said = NULL;
    size_t size = 0, said_size = 0;
    int result = answer ? gsasl_base64_from(answer, strlen(answer), &decoded, &size) : GSASL_OK;
    if (result != GSASL_OK)
        return result;
    text = answer ? mem_copy_text(decoded, size) : NULL;
    result = gsasl_step(session, text, size, &said, &said_size);
    if ((result == GSASL_OK || result == GSASL_NEEDS_MORE) &&
        gsasl_base64_to(said, said_size, challenge, NULL) != GSASL_OK)
        abort(); /* out of memory, as mem_* would have it */
    gsasl_free(decoded);
    gsasl_free(said);
    free(text);
    return result;
}

enum login_outcome login_step(struct login *login, const char *answer, char **challenge)
{
    *challenge = NULL;
    if (login->verified)
        return LOGIN_SUCCEEDED;
    int result = step(login->session, answer, challenge);
    login->verified = result == GSASL_OK && *challenge && **challenge;
    if (result == GSASL_NEEDS_MORE || login->verified)
        return LOGIN_CONTINUES;
    return result == GSASL_OK ? LOGIN_SUCCEEDED : LOGIN_FAILED;
}

const char *login_user(const struct login *login)
{
    const char *user = gsasl_property_fast(login->session, GSASL_AUTHID);
    return user ? user : "";
}

bool login_is_logged(const struct login *login)
{
    return login->log;
}
