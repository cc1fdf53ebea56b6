/*
 * tls_setup: creates one SSL_CTX.
 *
 * The defaults are: TLS 1.2 and 1.3, only ciphers with forward secrecy, the server's order of preference, no
 * compression, no renegotiation, no early data (which can be replayed: RFC 8446 section 8).
 */
#include "tls/tls_setup.h"

#include <openssl/decoder.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <stdio.h>
#include <string.h>
#include "base/mem.h"
#include "log/paniclog.h"
#include "tls/tls_private.h"
#include "tls/tls_protocols.h"
#include "tls/tls_tickets.h"

/*
 * Defaults of TLS_Ciphers and TLS_EC_Curve_Names. CBC ciphers remain, for clients that would otherwise send
 * in plain text.
 */
static const char default_ciphers[] = "ECDHE+AESGCM:ECDHE+CHACHA20:DHE+AESGCM:DHE+CHACHA20:ECDHE+AES:DHE+AES:"
                                      "!aNULL:!DSS:!PSK:!SRP:!AESCCM";
static const char default_curves[] = "X25519:P-256:X448:P-384:P-521";

struct setup {
    SSL_CTX *ssl;
    const struct tls_settings *settings;
    const struct tls_identity *identity;
    char *error;
    size_t error_size;
};

__attribute__((format(printf, 2, 3))) static bool refuse(const struct setup *setup, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(setup->error, setup->error_size, format, arguments);
    va_end(arguments);
    return false;
}

/* ---- protocols and ciphers ------------------------------------------------------------------- */

static bool set_protocols(const struct setup *setup)
{
    struct tls_protocols protocols;
    char reason[256];
    if (!tls_protocols_read(setup->settings->protocols, &protocols, reason, sizeof reason))
        return refuse(setup, "tls_protocols: %s", reason);
    SSL_CTX_set_options(setup->ssl, protocols.without);
    return SSL_CTX_set_min_proto_version(setup->ssl, protocols.least) == 1 ||
           refuse(setup, "tls_protocols: %s", tls_take_reason());
}

static bool set_options(const struct setup *setup)
{
    uint64_t options = SSL_OP_NO_COMPRESSION | SSL_OP_CIPHER_SERVER_PREFERENCE | SSL_OP_PRIORITIZE_CHACHA |
                       SSL_OP_IGNORE_UNEXPECTED_EOF;
    options |=
        setup->settings->allow_renegotiation ? SSL_OP_ALLOW_CLIENT_RENEGOTIATION : SSL_OP_NO_RENEGOTIATION;
    SSL_CTX_set_options(setup->ssl, options);
    SSL_CTX_set_mode(setup->ssl, SSL_MODE_RELEASE_BUFFERS | SSL_MODE_ENABLE_PARTIAL_WRITE |
                                     SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
    SSL_CTX_set_read_ahead(setup->ssl, 1);
    return true;
}

static bool set_ciphers(const struct setup *setup)
{
    const struct tls_settings *settings = setup->settings;
    const char *list = settings->ciphers ? settings->ciphers : default_ciphers;
    char *all = settings->enable_dhe ? mem_dup(list) : mem_printf("%s:!kDHE", list);
    bool set = SSL_CTX_set_cipher_list(setup->ssl, all) == 1;
    free(all);
    if (!set)
        return refuse(setup, "tls_ciphers: \"%s\": %s", list, tls_take_reason());
    return !settings->ciphersuites || SSL_CTX_set_ciphersuites(setup->ssl, settings->ciphersuites) == 1 ||
           refuse(setup, "tlsv13_ciphersuites: \"%s\": %s", settings->ciphersuites, tls_take_reason());
}

/* ---- key exchange ---------------------------------------------------------------------------- */

/* Checks the form that the manual requires: no blanks, no empty names. */
static bool is_curve_list(const char *list)
{
    size_t size = strlen(list);
    return size > 0 && list[0] != ':' && list[size - 1] != ':' && !strstr(list, "::") &&
           !strpbrk(list, " \t");
}

static bool set_curves(const struct setup *setup)
{
    const char *list = setup->settings->curves;
    if (!list)
        return SSL_CTX_set1_groups_list(setup->ssl, default_curves) == 1 ||
               refuse(setup, "tls_ec_curve_names: %s", tls_take_reason());
    if (is_curve_list(list) && SSL_CTX_set1_groups_list(setup->ssl, list) == 1)
        return true;
    tls_take_reason();
    return refuse(setup, "tls_ec_curve_names: \"%s\": invalid curve or group list", list);
}

static bool set_dh_parameters(const struct setup *setup)
{
    const char *path = setup->settings->dh_parameters_file;
    if (!path)
        return SSL_CTX_set_dh_auto(setup->ssl, 1) == 1;
    char *text = tls_read_file("tls_dhparams_file", path, setup->error, setup->error_size);
    if (!text)
        return false;
    BIO *memory = BIO_new_mem_buf(text, -1);
    EVP_PKEY *parameters = memory ? PEM_read_bio_Parameters(memory, NULL) : NULL;
    bool set = parameters && SSL_CTX_set0_tmp_dh_pkey(setup->ssl, parameters) == 1;
    if (!set) {
        EVP_PKEY_free(parameters);
        refuse(setup, "tls_dhparams_file: %s: %s", path, tls_take_reason());
    }
    BIO_free(memory);
    free(text);
    return set;
}

/* ---- identity and trust ---------------------------------------------------------------------- */

static bool set_identity(const struct setup *setup)
{
    const struct tls_identity *identity = setup->identity;
    return SSL_CTX_use_cert_and_key(setup->ssl, identity->certificate, identity->key, identity->chain, 1) ==
               1 ||
           refuse(setup, "tls_certificate: %s: %s",
                  setup->settings->certificate ? setup->settings->certificate : "none", tls_take_reason());
}

static int verify_any(int verified, X509_STORE_CTX *store)
{
    (void)verified;
    (void)store;
    return 1; /* SSL_get_verify_result has the result */
}

static int add_authorities(const struct setup *setup, const char *text)
{
    BIO *memory = BIO_new_mem_buf(text, -1);
    X509 *authority;
    int count = 0;
    while (memory && (authority = PEM_read_bio_X509_AUX(memory, NULL, NULL, NULL))) {
        bool added = X509_STORE_add_cert(SSL_CTX_get_cert_store(setup->ssl), authority) == 1 &&
                     SSL_CTX_add_client_CA(setup->ssl, authority) == 1;
        X509_free(authority);
        count += added;
    }
    BIO_free(memory);
    return count;
}

/*
 * Binds tickets to the settings and to the content of client_ca, so that a session is resumed only where a
 * full handshake would accept the same clients.
 */
static bool bind_sessions(const struct setup *setup, const char *authorities)
{
    const struct tls_settings *s = setup->settings;
    char mode[] = {(char)('0' + s->verify_mode), 0};
    const char *parts[] = {authorities,     mode,         s->certificate, s->ciphers,
                           s->ciphersuites, s->protocols, s->curves,      s->hostname};
    unsigned char digest[EVP_MAX_MD_SIZE];
    unsigned size = 0;
    EVP_MD_CTX *context = EVP_MD_CTX_new();
    bool good = context && EVP_DigestInit_ex(context, EVP_sha256(), NULL) == 1;
    for (size_t i = 0; good && i < sizeof parts / sizeof *parts; i++) {
        const char *part = parts[i] ? parts[i] : "";
        good = EVP_DigestUpdate(context, part, strlen(part) + 1) == 1;
    }
    good = good && EVP_DigestFinal_ex(context, digest, &size) == 1 &&
           SSL_CTX_set_session_id_context(setup->ssl, digest, size) == 1;
    EVP_MD_CTX_free(context);
    return good || refuse(setup, "tls_certificate: %s", tls_take_reason());
}

static bool check_verify_mode(const struct setup *setup)
{
    if (setup->settings->verify_mode != TLS_VERIFY_REQUIRE || setup->settings->client_ca)
        return true;
    return refuse(setup, "tls_verify_mode: require needs tls_client_ca, whose authorities vouch for clients");
}

static bool set_trust(const struct setup *setup)
{
    const struct tls_settings *settings = setup->settings;
    bool verify = settings->verify_mode != TLS_VERIFY_NONE;
    char *text = NULL;
    if (settings->client_ca && verify) {
        text = tls_read_file("tls_client_ca", settings->client_ca, setup->error, setup->error_size);
        if (!text)
            return false;
        ERR_clear_error();
        if (add_authorities(setup, text) == 0) {
            free(text);
            return refuse(setup, "tls_client_ca: no PEM certificate can be read from %s: %s",
                          settings->client_ca, tls_take_reason());
        }
        ERR_clear_error();
        if (settings->verify_mode == TLS_VERIFY_REQUIRE)
            SSL_CTX_set_verify(setup->ssl, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, NULL);
        else
            SSL_CTX_set_verify(setup->ssl, SSL_VERIFY_PEER, verify_any);
    }
    bool bound = bind_sessions(setup, text);
    free(text);
    return bound;
}

static bool set_tickets(const struct setup *setup)
{
    return tls_tickets_enable(setup->ssl) || refuse(setup, "tls_certificate: %s", tls_take_reason());
}

/* ---- all steps ------------------------------------------------------------------------------- */

typedef bool step(const struct setup *setup);

/* `rules` depend on the settings alone, `parts` also on files and keys. */
static step *const rules[] = {set_options, set_protocols, set_ciphers, set_curves, check_verify_mode};
static step *const parts[] = {set_dh_parameters, set_identity, set_trust, set_tickets};

static bool take(const struct setup *setup, step *const *steps, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (!steps[i](setup))
            return false;
    return true;
}

/* Creates the context. Without identity, only applies the rules. */
static SSL_CTX *create(const struct tls_settings *settings, const struct tls_identity *identity, char *error,
                       size_t error_size)
{
    struct setup setup = {SSL_CTX_new(TLS_server_method()), settings, identity, error, error_size};
    ERR_clear_error();
    if (!setup.ssl) {
        snprintf(error, error_size, "tls_certificate: OpenSSL cannot be used: %s", tls_take_reason());
        return NULL;
    }
    if (take(&setup, rules, sizeof rules / sizeof *rules) &&
        (!identity || take(&setup, parts, sizeof parts / sizeof *parts)))
        return setup.ssl;
    SSL_CTX_free(setup.ssl);
    ERR_clear_error();
    return NULL;
}

SSL_CTX *tls_setup_create(const struct tls_settings *settings, const struct tls_identity *identity,
                          char *error, size_t error_size)
{
    return create(settings, identity, error, error_size);
}

bool tls_setup_check(const struct tls_settings *settings, char *error, size_t error_size)
{
    SSL_CTX *ssl = create(settings, NULL, error, error_size);
    SSL_CTX_free(ssl);
    return ssl != NULL;
}

/*
 * Warns about an unknown cipher. Words that remove ciphers are not checked: many lists remove ciphers that no
 * longer exist.
 */
static void warn_of_word(SSL_CTX *scratch, struct slice word)
{
    if (word.size == 0 || word.size >= 128 || strchr("!-+@", word.data[0]))
        return;
    char text[128];
    memcpy(text, word.data, word.size);
    text[word.size] = 0;
    if (SSL_CTX_set_cipher_list(scratch, text) != 1)
        paniclog(PANIC_WARNING, "tls_ciphers: OpenSSL has no cipher %s; it is passed over", text);
    ERR_clear_error();
}

void tls_setup_warn(const struct tls_settings *settings)
{
    SSL_CTX *scratch = settings->ciphers ? SSL_CTX_new(TLS_server_method()) : NULL;
    if (!scratch)
        return;
    const char *word = settings->ciphers;
    while (*word) {
        size_t size = strcspn(word, ":, ;");
        warn_of_word(scratch, slice_of(word, size));
        word += size;
        word += strspn(word, ":, ;");
    }
    SSL_CTX_free(scratch);
}
