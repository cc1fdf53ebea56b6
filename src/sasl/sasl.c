/*
 * sasl: libgsasl's questions answered out of files of passwords.
 */
#include "sasl/sasl.h"

#include <gsasl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/random.h>
#include "base/mem.h"
#include "sasl/records.h"

/* What ec_md5passwd writes unless told otherwise (Momentum 4 manual, "ec_md5passwd"). */
#define DEFAULT_REALM "Momentum Console"

enum { USER_MAX = 1024 }; /* bytes of a name */

struct sasl_service {
    Gsasl *library;
};

struct sasl_exchange {
    Gsasl_session *session;
    enum sasl_mechanism mechanism;
    struct passwords *passwords; /* one reference; NULL: nobody's is right */
    char *realm, *identity;      /* NULL: not given */
    unsigned steps;              /* that were taken */
    bool unavailable;            /* the passwords could not be read */
    bool verified;               /* only the client's word that it has read the last challenge is missing */
};

static const struct {
    const char *name;
    bool plain_text, client_begins;
} mechanisms[SASL_MECHANISMS] = {
    [SASL_PLAIN] = {"PLAIN", true, true},
    [SASL_LOGIN] = {"LOGIN", true, true}, /* by its draft the server begins; many clients do */
    [SASL_CRAM_MD5] = {"CRAM-MD5", false, false},
    [SASL_DIGEST_MD5] = {"DIGEST-MD5", false, false},
    [SASL_SCRAM_SHA_1] = {"SCRAM-SHA-1", false, true},
    [SASL_SCRAM_SHA_256] = {"SCRAM-SHA-256", false, true},
    [SASL_EXTERNAL] = {"EXTERNAL", false, true},
};

const char *sasl_mechanism_name(enum sasl_mechanism mechanism)
{
    return mechanisms[mechanism].name;
}

bool sasl_mechanism_find(struct slice name, enum sasl_mechanism *mechanism)
{
    for (size_t i = 0; i < SASL_MECHANISMS; i++)
        if (slice_equal_nocase(name, slice_text(mechanisms[i].name))) {
            *mechanism = (enum sasl_mechanism)i;
            return true;
        }
    return false;
}

bool sasl_is_plain_text(enum sasl_mechanism mechanism)
{
    return mechanisms[mechanism].plain_text;
}

bool sasl_client_begins(enum sasl_mechanism mechanism)
{
    return mechanisms[mechanism].client_begins;
}

/* ---- what libgsasl asks ---------------------------------------------------------------------- */

static struct slice property(Gsasl_session *session, Gsasl_property name)
{
    return slice_text(gsasl_property_fast(session, name));
}

/* A name goes into logs and contexts: one that could pretend to be more than a name is nobody's. */
static bool is_name(struct slice user)
{
    return user.size > 0 && user.size <= USER_MAX && !slice_has_control(user);
}

/* To act as somebody else is nobody's right. */
static bool acts_as(Gsasl_session *session, struct slice user)
{
    struct slice other = property(session, GSASL_AUTHZID);
    return other.size == 0 || slice_equal(other, user);
}

/* Nobody's password: as good as any for who has none. */
static void append_random(struct buf *secret)
{
    unsigned char bytes[RECORDS_DIGEST_SIZE / 2];
    if (getrandom(bytes, sizeof bytes, 0) != sizeof bytes)
        abort();
    for (size_t i = 0; i < sizeof bytes; i++)
        buf_printf(secret, "%02x", bytes[i]);
}

/* Appends the user's secret, or one that nobody knows. False in that case. */
static bool append_secret(struct sasl_exchange *exchange, struct buf *secret)
{
    Gsasl_session *session = exchange->session;
    struct slice user = property(session, GSASL_AUTHID);
    struct buf nobodys = {0};
    int found = 0;
    append_random(&nobodys); /* whether it is needed or not: that would take longer for who has no account */
    if (exchange->passwords)
        found = passwords_find(exchange->passwords, user, property(session, GSASL_REALM), secret);
    if (found < 0)
        exchange->unavailable = true;
    bool known = found > 0 && is_name(user) && acts_as(session, user);
    if (!known) {
        buf_clear(secret);
        buf_append_slice(secret, buf_slice(&nobodys));
    }
    buf_release(&nobodys);
    return known;
}

static void forget_secret(struct buf *secret)
{
    explicit_bzero(secret->memory, secret->capacity);
    buf_release(secret);
}

/* The secret as what libgsasl goes on to compute with. */
static int give_secret(struct sasl_exchange *exchange, Gsasl_property name)
{
    struct buf secret = {0};
    append_secret(exchange, &secret);
    int result = gsasl_property_set_raw(exchange->session, name, buf_slice(&secret).data, buf_size(&secret));
    forget_secret(&secret);
    return result;
}

static int check_password(struct sasl_exchange *exchange)
{
    struct buf secret = {0};
    bool known = append_secret(exchange, &secret);
    bool right = records_same_secret(property(exchange->session, GSASL_PASSWORD), buf_slice(&secret));
    forget_secret(&secret);
    return known && right ? GSASL_OK : GSASL_AUTHENTICATION_ERROR;
}

static int check_identity(struct sasl_exchange *exchange)
{
    struct slice identity = slice_text(exchange->identity);
    return is_name(identity) && acts_as(exchange->session, identity) ? GSASL_OK : GSASL_AUTHENTICATION_ERROR;
}

static bool has_digests(const struct sasl_exchange *exchange)
{
    return !exchange->passwords || passwords_form(exchange->passwords).hashed;
}

static int answer_question(Gsasl *library, Gsasl_session *session, Gsasl_property name)
{
    struct sasl_exchange *exchange = gsasl_session_hook_get(session);
    (void)library;
    switch (name) {
    case GSASL_DIGEST_MD5_HASHED_PASSWORD:
        return has_digests(exchange) ? give_secret(exchange, name) : GSASL_NO_CALLBACK;
    case GSASL_PASSWORD:
        return give_secret(exchange, name);
    case GSASL_VALIDATE_SIMPLE:
        return check_password(exchange);
    case GSASL_VALIDATE_EXTERNAL:
        return check_identity(exchange);
    case GSASL_QOPS: /* no layer of its own over the connection */
        return gsasl_property_set(session, GSASL_QOPS, "qop-auth");
    default:
        return GSASL_NO_CALLBACK;
    }
}

/* ---- exchanges ------------------------------------------------------------------------------- */

struct sasl_service *sasl_service_create(void)
{
    struct sasl_service *service = mem_new(struct sasl_service);
    if (gsasl_init(&service->library) != GSASL_OK)
        abort(); /* out of memory, as mem_* would have it */
    gsasl_callback_set(service->library, answer_question);
    return service;
}

void sasl_service_free(struct sasl_service *service)
{
    gsasl_done(service->library);
    free(service);
}

struct sasl_exchange *sasl_begin(struct sasl_service *service, const struct sasl_account *account)
{
    struct sasl_exchange *exchange = mem_new(struct sasl_exchange);
    exchange->mechanism = account->mechanism;
    if (gsasl_server_start(service->library, mechanisms[account->mechanism].name, &exchange->session) !=
        GSASL_OK)
        abort(); /* out of memory: libgsasl has all mechanisms of the table */
    gsasl_session_hook_set(exchange->session, exchange);
    exchange->passwords = account->passwords ? passwords_ref(account->passwords) : NULL;
    exchange->realm = mem_dup(account->realm);
    exchange->identity = mem_dup(account->identity);
    return exchange;
}

void sasl_end(struct sasl_exchange *exchange)
{
    if (!exchange)
        return;
    gsasl_finish(exchange->session);
    passwords_close(exchange->passwords);
    free(exchange->realm);
    free(exchange->identity);
    free(exchange);
}

/* The realm that the challenge names. */
static void set_realm(struct sasl_exchange *exchange)
{
    struct buf realm = {0};
    if (exchange->realm)
        buf_append_text(&realm, exchange->realm);
    else if (!exchange->passwords || passwords_first_realm(exchange->passwords, &realm) <= 0)
        buf_append_text(&realm, DEFAULT_REALM);
    if (gsasl_property_set_raw(exchange->session, GSASL_REALM, buf_slice(&realm).data, buf_size(&realm)) !=
        GSASL_OK)
        abort();
    buf_release(&realm);
}

static char *encode(const char *text, size_t size)
{
    char *base64 = NULL;
    if (gsasl_base64_to(text, size, &base64, NULL) != GSASL_OK)
        abort(); /* out of memory, as mem_* would have it */
    return base64;
}

/*
 * As gsasl_step64, which hands a mechanism bytes that no NUL follows, where LOGIN's reads on until there is
 * one. libgsasl's prompts of LOGIN are not those that clients look for.
 */
static int step(struct sasl_exchange *exchange, const char *text, size_t size, char **challenge)
{
    static const char *const prompts[] = {"Username:", "Password:"};
    char *said = NULL;
    size_t said_size = 0;
    int result = gsasl_step(exchange->session, text, size, &said, &said_size);
    bool is_prompt = exchange->mechanism == SASL_LOGIN && result == GSASL_NEEDS_MORE;
    if (is_prompt && exchange->steps < sizeof prompts / sizeof *prompts)
        *challenge = encode(prompts[exchange->steps], strlen(prompts[exchange->steps]));
    else if (result == GSASL_OK || result == GSASL_NEEDS_MORE)
        *challenge = encode(said, said_size);
    gsasl_free(said);
    exchange->steps++;
    return result;
}

/* An initial response of LOGIN is the answer to the prompt that was not sent. */
static int begin(struct sasl_exchange *exchange, const char *text, size_t size, char **challenge)
{
    if (exchange->mechanism == SASL_DIGEST_MD5)
        set_realm(exchange);
    if (exchange->mechanism == SASL_LOGIN && text) {
        int result = step(exchange, NULL, 0, challenge);
        if (result != GSASL_NEEDS_MORE)
            return result;
        free(*challenge);
        *challenge = NULL;
    }
    return step(exchange, text, size, challenge);
}

enum sasl_outcome sasl_step(struct sasl_exchange *exchange, const char *answer, char **challenge)
{
    char *decoded = NULL, *text = NULL;
    size_t size = 0;
    *challenge = NULL;
    if (exchange->verified)
        return SASL_SUCCEEDED;
    if (exchange->steps == 0 && answer && !sasl_client_begins(exchange->mechanism))
        return SASL_MALFORMED;
    if (exchange->steps == 0 && answer && strcmp(answer, "=") == 0)
        answer = "";
    /* Only EXTERNAL gives an empty response a meaning. libgsasl takes one for no response at all, and would
     * send the same challenge again, for ever. */
    if (answer && !*answer && exchange->mechanism != SASL_EXTERNAL)
        return SASL_FAILED;
    if (answer && *answer && gsasl_base64_from(answer, strlen(answer), &decoded, &size) != GSASL_OK)
        return SASL_MALFORMED;
    text = answer ? mem_copy_text(decoded, size) : NULL;
    int result =
        exchange->steps ? step(exchange, text, size, challenge) : begin(exchange, text, size, challenge);
    gsasl_free(decoded);
    free(text);
    exchange->verified = result == GSASL_OK && *challenge && **challenge;
    if (result == GSASL_NEEDS_MORE || exchange->verified)
        return SASL_CONTINUES;
    if (result == GSASL_OK)
        return SASL_SUCCEEDED;
    return exchange->unavailable ? SASL_UNAVAILABLE : SASL_FAILED;
}

const char *sasl_user(const struct sasl_exchange *exchange)
{
    const char *user = exchange->mechanism == SASL_EXTERNAL
                           ? exchange->identity
                           : gsasl_property_fast(exchange->session, GSASL_AUTHID);
    return user ? user : "";
}

const char *sasl_password(const struct sasl_exchange *exchange)
{
    return mechanisms[exchange->mechanism].plain_text ? gsasl_property_fast(exchange->session, GSASL_PASSWORD)
                                                      : NULL;
}
