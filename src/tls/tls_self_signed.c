/*
 * tls_self_signed: generates an EC key (P-256) and a self-signed certificate, one pair per host name. Pairs
 * are kept, so that clients see the same certificate after a reload.
 */
#include "tls/tls_self_signed.h"

#include <openssl/err.h>
#include <openssl/x509v3.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include "base/id.h"
#include "base/mem.h"
#include "log/paniclog.h"

enum { VALID_DAYS = 3650, COMMON_NAME_MAX = 64 /* bytes: RFC 5280 appendix A */ };

struct key_pair {
    struct key_pair *next;
    EVP_PKEY *key;
    X509 *certificate;
    char hostname[];
};

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct key_pair *pairs;

static bool add_extension(X509 *certificate, int nid, const char *value)
{
    X509V3_CTX context;
    X509V3_set_ctx(&context, certificate, certificate, NULL, NULL, 0);
    X509_EXTENSION *extension = X509V3_EXT_conf_nid(NULL, &context, nid, value);
    bool added = extension && X509_add_ext(certificate, extension, -1) == 1;
    X509_EXTENSION_free(extension);
    return added;
}

/*
 * Accepts only the characters of host names, because the text becomes part of OpenSSL's configuration
 * language.
 */
static bool is_host_name(const char *hostname)
{
    return *hostname &&
           strspn(hostname, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-._") ==
               strlen(hostname) &&
           strlen(hostname) <= 253;
}

static bool set_name(X509 *certificate, const char *hostname)
{
    X509_NAME *name = X509_get_subject_name(certificate);
    const char *common = strlen(hostname) <= COMMON_NAME_MAX ? hostname : "Impulse";
    char alternative[300];
    bool named = X509_NAME_add_entry_by_NID(name, NID_commonName, MBSTRING_UTF8,
                                            (const unsigned char *)common, -1, -1, 0) == 1 &&
                 X509_set_issuer_name(certificate, name) == 1;
    if (!is_host_name(hostname))
        return named;
    snprintf(alternative, sizeof alternative, "DNS:%s", hostname);
    return named && add_extension(certificate, NID_subject_alt_name, alternative);
}

static X509 *make_certificate(const char *hostname, EVP_PKEY *key)
{
    X509 *certificate = X509_new();
    if (certificate && X509_set_version(certificate, X509_VERSION_3) == 1 &&
        ASN1_INTEGER_set_uint64(X509_get_serialNumber(certificate), id_next()) == 1 &&
        X509_gmtime_adj(X509_getm_notBefore(certificate), -24L * 3600) && /* allow for clocks that differ */
        X509_time_adj_ex(X509_getm_notAfter(certificate), VALID_DAYS, 0, NULL) &&
        X509_set_pubkey(certificate, key) == 1 && set_name(certificate, hostname) &&
        add_extension(certificate, NID_basic_constraints, "critical,CA:FALSE") &&
        add_extension(certificate, NID_key_usage, "critical,digitalSignature") &&
        add_extension(certificate, NID_ext_key_usage, "serverAuth") &&
        X509_sign(certificate, key, EVP_sha256()) > 0)
        return certificate;
    X509_free(certificate);
    return NULL;
}

static struct key_pair *make_pair(const char *hostname)
{
    EVP_PKEY *key = EVP_EC_gen("P-256");
    X509 *certificate = key ? make_certificate(hostname, key) : NULL;
    if (!certificate) {
        EVP_PKEY_free(key);
        return NULL;
    }
    size_t size = strlen(hostname) + 1;
    struct key_pair *pair = mem_zalloc(sizeof *pair + size);
    pair->key = key;
    pair->certificate = certificate;
    memcpy(pair->hostname, hostname, size);
    pair->next = pairs;
    pairs = pair;
    return pair;
}

bool tls_self_signed(const char *hostname, EVP_PKEY **key, X509 **certificate)
{
    pthread_mutex_lock(&lock);
    struct key_pair *pair = pairs;
    while (pair && strcmp(pair->hostname, hostname) != 0)
        pair = pair->next;
    bool fresh = !pair;
    if (!pair)
        pair = make_pair(hostname);
    if (pair) {
        EVP_PKEY_up_ref(*key = pair->key);
        X509_up_ref(*certificate = pair->certificate);
    }
    pthread_mutex_unlock(&lock);
    if (pair && fresh)
        paniclog(
            PANIC_NOTICE,
            "TLS is offered and no certificate is configured: one was made for %s, signed by itself; set "
            "TLS_Certificate and TLS_Key",
            hostname);
    return pair != NULL;
}
