/*
 * tls_identity: reads certificate and key as PEM, from files or from Vault.
 *
 * A key with a pass phrase is rejected, because there is nobody to enter it.
 */
#include "tls/tls_identity.h"

#include <errno.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include "base/file.h"
#include "tls/tls_private.h"
#include "tls/tls_self_signed.h"
#include "tls/tls_vault.h"

enum { FILE_MAX = 1024 * 1024 /* bytes */ };

/* ---- sources --------------------------------------------------------------------------------- */

char *tls_read_file(const char *option, const char *path, char *error, size_t error_size)
{
    struct buf text = {0};
    size_t size;
    int result = file_read(path, FILE_MAX, &text, NULL);
    if (result == 0) {
        buf_append(&text, "", 1);
        return buf_take(&text, &size);
    }
    if (result == -EISDIR || result == -EINVAL)
        snprintf(error, error_size, "%s: %s is not a file", option, path);
    else if (result == -EFBIG)
        snprintf(error, error_size, "%s: %s is larger than a MiB", option, path);
    else
        snprintf(error, error_size, "%s: cannot read %s: %s", option, path, strerror(-result));
    buf_release(&text);
    return NULL;
}

static char *read_source(const char *option, const char *source, char *error, size_t error_size)
{
    if (!tls_vault_is(source))
        return tls_read_file(option, source, error, error_size);
    char reason[256];
    char *text = tls_vault_fetch(source, reason, sizeof reason);
    if (!text)
        snprintf(error, error_size, "%s: %s: %s", option, source, reason);
    return text;
}

static bool is_set(const char *text)
{
    return text && *text && strcasecmp(text, "none") != 0;
}

bool tls_identity_is_configured(const struct tls_settings *settings)
{
    return is_set(settings->certificate);
}

bool tls_identity_is_in_vault(const struct tls_settings *settings)
{
    return is_set(settings->certificate) &&
           (tls_vault_is(settings->certificate) || tls_vault_is(settings->key));
}

/* ---- PEM ------------------------------------------------------------------------------------- */

static int no_pass_phrase(char *text, int size, int writing, void *argument)
{
    (void)text;
    (void)size;
    (void)writing;
    (void)argument;
    return -1;
}

static bool read_certificates(const char *text, struct tls_identity *identity)
{
    BIO *memory = BIO_new_mem_buf(text, -1);
    X509 *next = NULL;
    identity->certificate = memory ? PEM_read_bio_X509_AUX(memory, NULL, no_pass_phrase, NULL) : NULL;
    bool good = identity->certificate != NULL;
    while (good && (next = PEM_read_bio_X509(memory, NULL, no_pass_phrase, NULL))) {
        if (!identity->chain)
            identity->chain = sk_X509_new_null();
        good = identity->chain && sk_X509_push(identity->chain, next) > 0;
        if (!good)
            X509_free(next);
    }
    /* The loop ended at the end of the text or at an invalid certificate. */
    if (good && ERR_GET_REASON(ERR_peek_last_error()) == PEM_R_NO_START_LINE)
        ERR_clear_error();
    BIO_free(memory);
    return good && ERR_peek_error() == 0;
}

static EVP_PKEY *read_key(const char *text)
{
    BIO *memory = BIO_new_mem_buf(text, -1);
    EVP_PKEY *key = memory ? PEM_read_bio_PrivateKey(memory, NULL, no_pass_phrase, NULL) : NULL;
    BIO_free(memory);
    return key;
}

static void forget(char *text)
{
    if (text)
        OPENSSL_cleanse(text, strlen(text));
    free(text);
}

static bool load_configured(const struct tls_settings *settings, struct tls_identity *identity, char *error,
                            size_t error_size)
{
    bool separate = is_set(settings->key);
    const char *option = separate ? "tls_key" : "tls_certificate";
    const char *source = separate ? settings->key : settings->certificate;
    char *key = NULL;
    char *certificate = read_source("tls_certificate", settings->certificate, error, error_size);
    bool done = false;
    if (!certificate)
        return false;
    ERR_clear_error();
    if (!read_certificates(certificate, identity)) {
        snprintf(error, error_size, "tls_certificate: no PEM certificate can be read from %s: %s",
                 settings->certificate, tls_take_reason());
    } else if (!separate || (key = read_source("tls_key", settings->key, error, error_size))) {
        identity->key = read_key(separate ? key : certificate);
        if (!identity->key)
            snprintf(error, error_size, "%s: no PEM key without a pass phrase can be read from %s: %s",
                     option, source, tls_take_reason());
        else if (X509_check_private_key(identity->certificate, identity->key) != 1)
            snprintf(error, error_size, "%s: the key of %s is not that of the certificate %s", option, source,
                     settings->certificate);
        else
            done = true;
    }
    ERR_clear_error();
    forget(key);
    forget(certificate);
    return done;
}

bool tls_identity_load(const struct tls_settings *settings, struct tls_identity *identity, char *error,
                       size_t error_size)
{
    *identity = (struct tls_identity){0};
    if (!tls_identity_is_configured(settings)) {
        bool made = tls_self_signed(settings->hostname, &identity->key, &identity->certificate);
        if (!made)
            snprintf(error, error_size, "tls_certificate: none is set, and OpenSSL cannot make one: %s",
                     tls_take_reason());
        return made;
    }
    if (load_configured(settings, identity, error, error_size))
        return true;
    tls_identity_release(identity);
    return false;
}

void tls_identity_release(struct tls_identity *identity)
{
    EVP_PKEY_free(identity->key);
    X509_free(identity->certificate);
    sk_X509_pop_free(identity->chain, X509_free);
    *identity = (struct tls_identity){0};
}

bool tls_identity_equal(const struct tls_identity *one, const struct tls_identity *other)
{
    if (X509_cmp(one->certificate, other->certificate) != 0 || EVP_PKEY_eq(one->key, other->key) != 1 ||
        sk_X509_num(one->chain) != sk_X509_num(other->chain))
        return false;
    for (int i = 0; i < sk_X509_num(one->chain); i++)
        if (X509_cmp(sk_X509_value(one->chain, i), sk_X509_value(other->chain, i)) != 0)
            return false;
    return true;
}
