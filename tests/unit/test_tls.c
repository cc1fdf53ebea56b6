/* TLS contexts: what settings are refused with which words, who shares one, what happens when a file changes,
 * and certificates from a Vault that answers in every way. */
#include "config.h"
#include "unit.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include "base/mem.h"
#include "log/paniclog.h"
#include "tls/tls.h"
#include "tls/tls_private.h"
#include "tls/tls_protocols.h"
#include "tls/tls_self_signed.h"

static char directory[UNIT_PATH_SIZE];

/* ---- files ----------------------------------------------------------------------------------- */

/* Renamed into place, as whoever renews a certificate should. */
static void write_file(const char *name, const char *text)
{
    FILE *file = fopen("next", "w");
    CU_ASSERT_PTR_NOT_NULL_FATAL(file);
    fputs(text, file);
    fclose(file);
    CU_ASSERT_EQUAL(rename("next", name), 0);
}

struct pem {
    char certificate[4096], key[4096];
};

static void copy_pem(BIO *memory, char *text, size_t size)
{
    int got = BIO_read(memory, text, (int)size - 1);
    CU_ASSERT_FATAL(got > 0);
    text[got] = 0;
    BIO_free(memory);
}

/* A certificate for `name`, which the process makes once a name. */
static struct pem pem_of(const char *name)
{
    struct pem pem;
    EVP_PKEY *key;
    X509 *certificate;
    CU_ASSERT_TRUE_FATAL(tls_self_signed(name, &key, &certificate));
    BIO *memory = BIO_new(BIO_s_mem());
    PEM_write_bio_X509(memory, certificate);
    copy_pem(memory, pem.certificate, sizeof pem.certificate);
    memory = BIO_new(BIO_s_mem());
    PEM_write_bio_PrivateKey(memory, key, NULL, NULL, 0, NULL, NULL);
    copy_pem(memory, pem.key, sizeof pem.key);
    EVP_PKEY_free(key);
    X509_free(certificate);
    return pem;
}

static void write_pair(const char *name)
{
    struct pem pem = pem_of(name);
    write_file("cert.pem", pem.certificate);
    write_file("key.pem", pem.key);
}

/* ---- the paniclog ---------------------------------------------------------------------------- */

static char said[4096];

static void keep_line(enum panic_level level, const char *line, size_t size, void *closure)
{
    (void)level;
    (void)closure;
    size_t have = strlen(said);
    snprintf(said + have, sizeof said - have, "%.*s\n", (int)size, line);
}

static unsigned lines_with(const char *text)
{
    unsigned count = 0;
    for (const char *at = said; (at = strstr(at, text)); at++)
        count++;
    return count;
}

/* ---- settings -------------------------------------------------------------------------------- */

static struct tls_settings settings_of_files(void)
{
    return (struct tls_settings){
        .certificate = "cert.pem", .key = "key.pem", .hostname = "mx.test", .enable_dhe = true};
}

static struct tls_context *make(const struct tls_settings *settings)
{
    char error[512] = "";
    struct tls_context *context = tls_context_create(settings, error, sizeof error);
    if (!context)
        fprintf(stderr, "%s\n", error);
    CU_ASSERT_PTR_NOT_NULL_FATAL(context);
    return context;
}

/* Refused with a line that begins with `option` and has `part` in it. */
static bool refused(const struct tls_settings *settings, const char *option, const char *part)
{
    char error[512] = "";
    struct tls_context *context = tls_context_create(settings, error, sizeof error);
    bool as_expected = !context && strncmp(error, option, strlen(option)) == 0 &&
                       error[strlen(option)] == ':' && strstr(error, part) && !strchr(error, '\n');
    if (!as_expected)
        fprintf(stderr, "%s, %s: %s\n", option, part, context ? "accepted" : error);
    tls_context_unref(context);
    return as_expected;
}

/* The name on the certificate that new conversations show. */
static const char *name_shown(struct tls_context *context)
{
    static char name[128];
    SSL *ssl = tls_context_converse(context);
    X509_NAME_get_text_by_NID(X509_get_subject_name(SSL_get_certificate(ssl)), NID_commonName, name,
                              sizeof name);
    SSL_free(ssl);
    return name;
}

static void test_refused(void)
{
    struct tls_settings good = settings_of_files(), bad;
    write_pair("one.test");
    write_file("garbage.pem", "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n");
    write_file("empty.pem", "");
    struct pem other = pem_of("other.test");
    write_file("other.key", other.key);
    tls_context_unref(make(&good));
#define REFUSED(field, value, option, part)                                                                  \
    bad = good;                                                                                              \
    bad.field = value;                                                                                       \
    CU_ASSERT(refused(&bad, option, part))
    REFUSED(certificate, "absent.pem", "tls_certificate", "absent.pem: No such file");
    REFUSED(certificate, ".", "tls_certificate", "is not a file");
    REFUSED(certificate, "empty.pem", "tls_certificate", "no PEM certificate");
    REFUSED(certificate, "garbage.pem", "tls_certificate", "no PEM certificate");
    REFUSED(key, "absent.key", "tls_key", "absent.key: No such file");
    REFUSED(key, "cert.pem", "tls_key", "no PEM key");
    REFUSED(key, "other.key", "tls_key", "is not that of the certificate");
    REFUSED(key, NULL, "tls_certificate", "no PEM key");
    REFUSED(ciphers, "NO-SUCH-CIPHER", "tls_ciphers", "no cipher match");
    REFUSED(ciphersuites, "TLS_NO_SUCH_SUITE", "tlsv13_ciphersuites", "no cipher match");
    REFUSED(curves, "no-such-curve", "tls_ec_curve_names", "invalid curve or group list");
    REFUSED(curves, "secp384r1::prime256v1", "tls_ec_curve_names", "invalid curve or group list");
    REFUSED(curves, " secp384r1", "tls_ec_curve_names", "invalid curve or group list");
    REFUSED(curves, "secp384r1:prime256v1:nosuch", "tls_ec_curve_names", "invalid curve or group list");
    REFUSED(protocols, "+TLSv1.4", "tls_protocols", "\"+TLSv1.4\" is not");
    REFUSED(protocols, "-ALL", "tls_protocols", "leaves no protocol");
    REFUSED(client_ca, "absent.ca", "tls_client_ca", "absent.ca: No such file");
    REFUSED(client_ca, "empty.pem", "tls_client_ca", "no PEM certificate");
    REFUSED(verify_mode, TLS_VERIFY_REQUIRE, "tls_verify_mode", "needs tls_client_ca");
    REFUSED(dh_parameters_file, "absent.dh", "tls_dhparams_file", "absent.dh: No such file");
    REFUSED(dh_parameters_file, "cert.pem", "tls_dhparams_file", "cert.pem: ");
#undef REFUSED
}

static void test_accepted(void)
{
    struct tls_settings settings = settings_of_files();
    write_pair("one.test");
    settings.ciphers = "DEFAULT:!LOW:!EXP:RC4-SHA";
    settings.ciphersuites = "TLS_AES_128_GCM_SHA256";
    settings.curves = "secp384r1:prime256v1";
    settings.protocols = "+ALL:-SSLv3:-TLSv1.0:-TLSv1.1";
    settings.client_ca = "cert.pem";
    settings.verify_mode = TLS_VERIFY_REQUIRE;
    said[0] = 0;
    struct tls_context *context = make(&settings);
    CU_ASSERT_EQUAL(lines_with("no cipher RC4-SHA; it is passed over"), 1);
    CU_ASSERT_EQUAL(lines_with("EXP"), 0);
    CU_ASSERT_STRING_EQUAL(name_shown(context), "one.test");
    tls_context_unref(context);
}

/* The certificate's file may hold the key. */
static void test_one_file(void)
{
    struct pem pem = pem_of("both.test");
    struct tls_settings settings = {.certificate = "both.pem", .key = "none", .hostname = "mx.test"};
    char both[sizeof pem];
    snprintf(both, sizeof both, "%s%s", pem.certificate, pem.key);
    write_file("both.pem", both);
    struct tls_context *context = make(&settings);
    CU_ASSERT_STRING_EQUAL(name_shown(context), "both.test");
    tls_context_unref(context);
}

static void test_protocols(void)
{
    static const struct {
        const char *text;
        int least;
        uint64_t without;
    } cases[] = {
        {NULL, TLS1_2_VERSION, SSL_OP_NO_TLSv1 | SSL_OP_NO_TLSv1_1},
        {"+ALL", TLS1_VERSION, 0},
        {"+ALL:-SSLv3:-TLSv1.0:-TLSv1.1", TLS1_2_VERSION, SSL_OP_NO_TLSv1 | SSL_OP_NO_TLSv1_1},
        {"+tlsv1.3", TLS1_3_VERSION, SSL_OP_NO_TLSv1 | SSL_OP_NO_TLSv1_1 | SSL_OP_NO_TLSv1_2},
        {"+SSLv2:+TLSv1.2", TLS1_2_VERSION, SSL_OP_NO_TLSv1 | SSL_OP_NO_TLSv1_1 | SSL_OP_NO_TLSv1_3},
        {"+TLSv1.1 : +TLSv1.3", TLS1_1_VERSION, SSL_OP_NO_TLSv1 | SSL_OP_NO_TLSv1_2},
    };
    static const char *const wrong[] = {"", "ALL", "TLSv1.2", "+", "+ALL:", "-ALL", "+SSLv3", "+ALL TLSv1.2"};
    struct tls_protocols protocols;
    char error[256];
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        CU_ASSERT_TRUE(tls_protocols_read(cases[i].text, &protocols, error, sizeof error));
        CU_ASSERT_EQUAL(protocols.least, cases[i].least);
        CU_ASSERT_EQUAL(protocols.without, cases[i].without);
    }
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++)
        if (strcmp(wrong[i], "+ALL:") != 0)
            CU_ASSERT_FALSE(tls_protocols_read(wrong[i], &protocols, error, sizeof error));
}

/* ---- sharing --------------------------------------------------------------------------------- */

static void test_shared(void)
{
    struct tls_settings settings = settings_of_files(), other = settings;
    write_pair("one.test");
    other.verify_mode = TLS_VERIFY_NONE;
    struct tls_context *first = make(&settings), *second = make(&settings), *third = make(&other);
    CU_ASSERT_PTR_EQUAL(first, second);
    CU_ASSERT_PTR_NOT_EQUAL(first, third);
    tls_context_unref(first);
    CU_ASSERT_STRING_EQUAL(name_shown(second), "one.test");
    tls_context_unref(second);
    tls_context_unref(third);
}

static void test_self_signed(void)
{
    struct tls_settings settings = {.certificate = "none", .hostname = "self.test"}, unset = settings;
    unset.certificate = NULL;
    said[0] = 0;
    struct tls_context *one = make(&settings), *other = make(&unset);
    CU_ASSERT_STRING_EQUAL(name_shown(one), "self.test");
    CU_ASSERT_EQUAL(lines_with("one was made for self.test"), 1);
    SSL *left = tls_context_converse(one), *right = tls_context_converse(other);
    CU_ASSERT_EQUAL(X509_cmp(SSL_get_certificate(left), SSL_get_certificate(right)), 0);
    CU_ASSERT_EQUAL(X509_check_host(SSL_get_certificate(left), "self.test", 0, 0, NULL), 1);
    CU_ASSERT(X509_cmp_current_time(X509_get0_notBefore(SSL_get_certificate(left))) < 0);
    CU_ASSERT(X509_cmp_current_time(X509_get0_notAfter(SSL_get_certificate(left))) > 0);
    SSL_free(left);
    SSL_free(right);
    tls_context_unref(one);
    tls_context_unref(other);
    /* what is no host name is no part of OpenSSL's configuration language either */
    struct tls_settings odd = {.hostname = "a,DNS:evil.test"};
    tls_context_unref(make(&odd));
}

/* ---- change ---------------------------------------------------------------------------------- */

static void test_refresh(void)
{
    struct tls_settings settings = settings_of_files();
    write_pair("one.test");
    struct tls_context *context = make(&settings);
    SSL *before = tls_context_converse(context);
    said[0] = 0;
    tls_refresh_all(false);
    CU_ASSERT_STRING_EQUAL(said, ""); /* nothing has changed */
    write_pair("two.test");
    tls_refresh_all(false);
    CU_ASSERT_STRING_EQUAL(name_shown(context), "two.test");
    CU_ASSERT_EQUAL(lines_with("cert.pem was read again"), 1);
    /* half of a pair: the old one stays, and that is said once */
    struct pem three = pem_of("three.test");
    write_file("cert.pem", three.certificate);
    tls_refresh_all(false);
    tls_refresh_all(false);
    CU_ASSERT_STRING_EQUAL(name_shown(context), "two.test");
    CU_ASSERT_EQUAL(lines_with("is not that of the certificate"), 1);
    CU_ASSERT_EQUAL(lines_with("clients are shown the certificate that was read before"), 1);
    /* a new configuration with it is refused meanwhile, each time */
    CU_ASSERT(refused(&settings, "tls_key", "is not that of the certificate"));
    CU_ASSERT(refused(&settings, "tls_key", "is not that of the certificate"));
    write_file("key.pem", three.key);
    tls_refresh_all(false);
    CU_ASSERT_STRING_EQUAL(name_shown(context), "three.test");
    unlink("key.pem");
    tls_refresh_all(false);
    tls_refresh_all(false);
    CU_ASSERT_EQUAL(lines_with("key.pem: No such file"), 1);
    CU_ASSERT_STRING_EQUAL(name_shown(context), "three.test");
    /* who asks for it again has the newest without waiting for the watch */
    write_pair("four.test");
    struct tls_context *again = make(&settings);
    CU_ASSERT_PTR_EQUAL(again, context);
    CU_ASSERT_STRING_EQUAL(name_shown(context), "four.test");
    SSL_free(before);
    tls_context_unref(again);
    tls_context_unref(context);
}

/* Scopes share their files and differ in something else; one falls back to a key and wants no certificate. */
static void test_refresh_of_shared_files(void)
{
    struct tls_settings settings = settings_of_files();
    write_pair("one.test");
    struct tls_context *one = make(&settings);
    settings.protocols = "+TLSv1.3";
    struct tls_context *other = make(&settings);
    settings.certificate = "none";
    struct tls_context *self_signed = make(&settings);
    SSL *before = tls_context_converse(self_signed), *after;
    said[0] = 0;
    write_pair("two.test");
    tls_refresh_all(false);
    CU_ASSERT_STRING_EQUAL(name_shown(one), "two.test");
    CU_ASSERT_STRING_EQUAL(name_shown(other), "two.test");
    CU_ASSERT_EQUAL(lines_with("was read again"), 1);
    after = tls_context_converse(self_signed);
    CU_ASSERT_EQUAL(X509_cmp(SSL_get_certificate(before), SSL_get_certificate(after)), 0);
    unlink("key.pem");
    tls_refresh_all(false);
    CU_ASSERT_EQUAL(lines_with("key.pem: No such file"), 1);
    SSL_free(before);
    SSL_free(after);
    tls_context_unref(self_signed);
    tls_context_unref(other);
    tls_context_unref(one);
}

static void test_refresh_without_files(void)
{
    struct tls_settings settings = settings_of_files();
    write_pair("one.test");
    struct tls_context *context = make(&settings);
    unlink("cert.pem");
    unlink("key.pem");
    tls_refresh_all(false);
    CU_ASSERT_STRING_EQUAL(name_shown(context), "one.test");
    CU_ASSERT(refused(&settings, "tls_certificate", "No such file"));
    tls_context_unref(context);
}

/* Nothing about the files changes when there are descriptors again. */
static void test_refresh_without_descriptors(void)
{
    struct tls_settings settings = settings_of_files();
    struct rlimit before, none;
    write_pair("one.test");
    struct tls_context *context = make(&settings);
    write_pair("two.test");
    getrlimit(RLIMIT_NOFILE, &before);
    none = (struct rlimit){.rlim_cur = 0, .rlim_max = before.rlim_max};
    said[0] = 0;
    setrlimit(RLIMIT_NOFILE, &none);
    tls_refresh_all(false);
    setrlimit(RLIMIT_NOFILE, &before);
    CU_ASSERT_EQUAL(lines_with("cannot read cert.pem: Too many open files"), 1);
    CU_ASSERT_STRING_EQUAL(name_shown(context), "one.test");
    for (unsigned i = 0; i < 100 && strcmp(name_shown(context), "two.test") != 0; i++)
        tls_refresh_all(false);
    CU_ASSERT_STRING_EQUAL(name_shown(context), "two.test");
    tls_context_unref(context);
}

static void test_refresh_client_ca(void)
{
    struct tls_settings settings = settings_of_files();
    struct pem one = pem_of("ca-one.test"), two = pem_of("ca-two.test");
    write_pair("one.test");
    write_file("ca.pem", one.certificate);
    settings.client_ca = "ca.pem";
    struct tls_context *context = make(&settings);
    SSL *ssl = tls_context_converse(context);
    CU_ASSERT_EQUAL(sk_X509_NAME_num(SSL_get_client_CA_list(ssl)), 1);
    SSL_free(ssl);
    char both[2 * sizeof one.certificate];
    snprintf(both, sizeof both, "%s%s", one.certificate, two.certificate);
    write_file("ca.pem", both);
    tls_refresh_all(false);
    ssl = tls_context_converse(context);
    CU_ASSERT_EQUAL(sk_X509_NAME_num(SSL_get_client_CA_list(ssl)), 2);
    SSL_free(ssl);
    tls_context_unref(context);
}

#ifdef HAVE_VAULT
/* ---- Vault ----------------------------------------------------------------------------------- */

/* One that gives the same answer to every request, and keeps the last one. */
struct vault {
    int listening, port;
    pthread_t thread;
    pthread_mutex_t lock;
    char answer[12000], request[2048];
    bool silent; /* takes the request and says nothing */
};

static void *serve(void *argument)
{
    struct vault *vault = argument;
    for (int fd; (fd = accept4(vault->listening, NULL, NULL, SOCK_CLOEXEC)) >= 0; close(fd)) {
        char request[sizeof vault->request] = "";
        size_t have = 0;
        ssize_t got;
        while (!strstr(request, "\r\n\r\n") &&
               (got = recv(fd, request + have, sizeof request - 1 - have, 0)) > 0)
            have += (size_t)got;
        pthread_mutex_lock(&vault->lock);
        memcpy(vault->request, request, sizeof request);
        bool silent = vault->silent;
        if (!silent)
            (void)!send(fd, vault->answer, strlen(vault->answer), MSG_NOSIGNAL);
        pthread_mutex_unlock(&vault->lock);
        if (silent)
            (void)!recv(fd, request, sizeof request, 0); /* until the client has had enough */
    }
    return NULL;
}

static void vault_start(struct vault *vault)
{
    struct sockaddr_in in = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t size = sizeof in;
    char address[64];
    pthread_mutex_init(&vault->lock, NULL);
    vault->listening = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    CU_ASSERT_EQUAL_FATAL(bind(vault->listening, (struct sockaddr *)&in, sizeof in), 0);
    CU_ASSERT_EQUAL_FATAL(listen(vault->listening, 16), 0);
    getsockname(vault->listening, (struct sockaddr *)&in, &size);
    vault->port = ntohs(in.sin_port);
    snprintf(address, sizeof address, "http://127.0.0.1:%d/", vault->port);
    setenv("VAULT_ADDR", address, 1);
    setenv("VAULT_TOKEN", "hvs.secret-token", 1);
    setenv("no_proxy", "*", 1);
    pthread_create(&vault->thread, NULL, serve, vault);
}

static void vault_stop(struct vault *vault)
{
    shutdown(vault->listening, SHUT_RDWR);
    pthread_join(vault->thread, NULL);
    close(vault->listening);
}

static void vault_says(struct vault *vault, const char *status, const char *body)
{
    pthread_mutex_lock(&vault->lock);
    snprintf(vault->answer, sizeof vault->answer,
             "HTTP/1.1 %s\r\nContent-Length: %zu\r\nConnection: close\r\n\r\n%s", status, strlen(body), body);
    pthread_mutex_unlock(&vault->lock);
}

/* Both halves in one secret: {"data":{"data":{"certificate":...,"key":...}}}. */
static void vault_has(struct vault *vault, const char *name)
{
    struct pem pem = pem_of(name);
    char body[sizeof pem + 512], *to = body;
    const char *parts[] = {"{\"data\":{\"data\":{\"number\":7,\"certificate\":\"", pem.certificate,
                           "\",\"key\":\"", pem.key, "\"},\"metadata\":{\"version\":1}}}"};
    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++)
        for (const char *c = parts[i]; *c; c++) {
            if (*c == '\n')
                *to++ = '\\';
            *to++ = *c == '\n' ? 'n' : *c;
        }
    *to = 0;
    vault_says(vault, "200 OK", body);
}

static void test_vault(void)
{
    static struct vault vault;
    struct tls_settings settings = {.certificate = "vault://secret/tls/mx.test#certificate",
                                    .key = "vault://secret/tls/mx.test",
                                    .hostname = "mx.test"};
    vault_start(&vault);
    vault_has(&vault, "vault-one.test");
    struct tls_context *context = make(&settings);
    CU_ASSERT_STRING_EQUAL(name_shown(context), "vault-one.test");
    CU_ASSERT(strncmp(vault.request, "GET /v1/secret/data/tls/mx.test HTTP/", 37) == 0);
    CU_ASSERT_PTR_NOT_NULL(strstr(vault.request, "\r\nX-Vault-Token: hvs.secret-token\r\n"));
    /* it is asked again when its time has come, not with every file that changes */
    vault_has(&vault, "vault-two.test");
    tls_refresh_all(false);
    CU_ASSERT_STRING_EQUAL(name_shown(context), "vault-one.test");
    tls_refresh_all(true);
    CU_ASSERT_STRING_EQUAL(name_shown(context), "vault-two.test");
    /* what it has is kept when it fails, which is said once */
    said[0] = 0;
    vault_says(&vault, "403 Forbidden", "{\"errors\":[\"permission denied\"]}");
    tls_refresh_all(true);
    tls_refresh_all(true);
    CU_ASSERT_EQUAL(lines_with("Vault answers 403: VAULT_TOKEN may not read it"), 1);
    CU_ASSERT_STRING_EQUAL(name_shown(context), "vault-two.test");
    /* and a reload then goes on with it */
    struct tls_context *again = make(&settings);
    CU_ASSERT_PTR_EQUAL(again, context);
    tls_context_unref(again);
    tls_context_unref(context);

    CU_ASSERT(refused(&settings, "tls_certificate", "Vault answers 403"));
    vault_says(&vault, "404 Not Found", "{\"errors\":[]}");
    CU_ASSERT(refused(&settings, "tls_certificate", "there is no such secret"));
    vault_says(&vault, "307 Temporary Redirect", "");
    CU_ASSERT(refused(&settings, "tls_certificate", "Vault answers 307"));
    vault_says(&vault, "200 OK", "<html>");
    CU_ASSERT(refused(&settings, "tls_certificate", "not JSON"));
    vault_says(&vault, "200 OK", "[1]");
    CU_ASSERT(refused(&settings, "tls_certificate", "no field \"certificate\""));
    vault_says(&vault, "200 OK", "{\"data\":{\"data\":{\"certificate\":7}}}");
    CU_ASSERT(refused(&settings, "tls_certificate", "no field \"certificate\" that is a text"));
    vault_says(&vault, "200 OK", "{\"data\":{\"data\":{\"certificate\":\"no PEM\"}}}");
    CU_ASSERT(refused(&settings, "tls_certificate", "no PEM certificate"));
    vault_stop(&vault);
    CU_ASSERT(refused(&settings, "tls_certificate", "cannot ask Vault: Couldn't connect"));
}

static void test_vault_slow(void)
{
    static struct vault vault = {.silent = true};
    struct tls_settings settings = {.certificate = "vault://secret/slow#certificate", .hostname = "mx.test"};
    struct timespec before, after;
    vault_start(&vault);
    clock_gettime(CLOCK_MONOTONIC, &before);
    CU_ASSERT(refused(&settings, "tls_certificate", "cannot ask Vault: Timeout"));
    clock_gettime(CLOCK_MONOTONIC, &after);
    CU_ASSERT(after.tv_sec - before.tv_sec < 30);
    vault_stop(&vault);
}

static void test_vault_misnamed(void)
{
    static const char *const wrong[] = {"vault://",          "vault://secret",       "vault://secret/",
                                        "vault:///path",     "vault://secret/path#", "vault://secret/a path",
                                        "vault://secret/a?b"};
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        struct tls_settings settings = {.certificate = wrong[i], .hostname = "mx.test"};
        CU_ASSERT(refused(&settings, "tls_certificate", "vault://MOUNT/PATH#FIELD was expected"));
    }
    struct tls_settings settings = {.certificate = "vault://secret/path", .hostname = "mx.test"};
    unsetenv("VAULT_TOKEN");
    CU_ASSERT(refused(&settings, "tls_certificate", "VAULT_ADDR and VAULT_TOKEN"));
    setenv("VAULT_TOKEN", "x", 1);
    setenv("VAULT_ADDR", "file:///etc", 1);
    CU_ASSERT(refused(&settings, "tls_certificate", "cannot ask Vault"));
}

#else

static void test_vault_left_out(void)
{
    struct tls_settings settings = {.certificate = "vault://secret/path", .hostname = "mx.test"};
    CU_ASSERT(refused(&settings, "tls_certificate", "built without Vault"));
}
#endif

static void begin(void)
{
    unit_directory(directory);
    CU_ASSERT_EQUAL_FATAL(chdir(directory), 0);
}

static void end(void)
{
    unit_directory_remove(directory);
}

int main(void)
{
    CU_TestInfo tests[] = {
        {"a directory", begin},
        {"what is refused, in which words", test_refused},
        {"what is accepted", test_accepted},
        {"certificate and key in one file", test_one_file},
        {"protocols", test_protocols},
        {"contexts are shared", test_shared},
        {"a certificate of our own", test_self_signed},
        {"files that change", test_refresh},
        {"files that several contexts share", test_refresh_of_shared_files},
        {"files that are gone", test_refresh_without_files},
        {"files that cannot be opened for a while", test_refresh_without_descriptors},
        {"authorities that change", test_refresh_client_ca},
#ifdef HAVE_VAULT
        {"Vault", test_vault},
        {"a Vault that is slow", test_vault_slow},
        {"Vault, misnamed", test_vault_misnamed},
#else
        {"a Vault that was left out", test_vault_left_out},
#endif
        {"its end", end},
        CU_TEST_INFO_NULL,
    };
    paniclog_set_stderr(false);
    paniclog_add_sink(keep_line, NULL);
    int status = unit_run("tls", tests);
    paniclog_remove_sink(keep_line, NULL);
    return status;
}
