/*
 * tls_facts: collects the facts about a connection after its handshake in one block.
 *
 * Names in certificates are not trustworthy, but go into contexts and logs. They are written in the form of
 * RFC 2253, with special and unprintable bytes escaped. A common name that is not plain text is left out.
 */
#include <openssl/bio.h>
#include <openssl/x509.h>
#include "base/buf.h"
#include "base/mem.h"
#include "tls/tls_private.h"

enum { SUBJECT, SUBJECT_CN, ISSUER, ISSUER_CN, NAMES };
enum { NAME_MAX_SIZE = 1024 }; /* maximum bytes of a name; longer names are truncated */

static char *copy_name(const X509_NAME *name)
{
    char *text = NULL;
    BIO *memory = BIO_new(BIO_s_mem());
    const char *data;
    if (memory && X509_NAME_print_ex(memory, name, 0, XN_FLAG_RFC2253) >= 0) {
        long size = BIO_get_mem_data(memory, &data);
        if (size > 0)
            text = mem_copy_text(data, size < NAME_MAX_SIZE ? (size_t)size : NAME_MAX_SIZE);
    }
    BIO_free(memory);
    return text;
}

static bool is_plain(const unsigned char *text, int size)
{
    return size > 0 && size <= NAME_MAX_SIZE &&
           !slice_has_control(slice_of((const char *)text, (size_t)size));
}

/* Returns a copy of the last common name, which is the most specific one. */
static char *copy_common_name(const X509_NAME *name)
{
    char *text = NULL;
    unsigned char *utf8 = NULL;
    int at = -1, next;
    while ((next = X509_NAME_get_index_by_NID(name, NID_commonName, at)) >= 0)
        at = next;
    if (at < 0)
        return NULL;
    int size = ASN1_STRING_to_UTF8(&utf8, X509_NAME_ENTRY_get_data(X509_NAME_get_entry(name, at)));
    if (size > 0 && is_plain(utf8, size))
        text = mem_copy_text((const char *)utf8, (size_t)size);
    OPENSSL_free(utf8);
    return text;
}

struct tls_facts *tls_facts_create(SSL *ssl)
{
    const SSL_CIPHER *cipher = SSL_get_current_cipher(ssl);
    X509 *certificate = SSL_get0_peer_certificate(ssl);
    char *names[NAMES] = {NULL};
    int algorithm_bits = 0;
    size_t room = 0;
    if (certificate) {
        names[SUBJECT] = copy_name(X509_get_subject_name(certificate));
        names[SUBJECT_CN] = copy_common_name(X509_get_subject_name(certificate));
        names[ISSUER] = copy_name(X509_get_issuer_name(certificate));
        names[ISSUER_CN] = copy_common_name(X509_get_issuer_name(certificate));
    }
    for (size_t i = 0; i < NAMES; i++)
        room += slice_text(names[i]).size + 1;
    struct tls_facts *facts = mem_zalloc(sizeof *facts + room);
    const char **targets[NAMES] = {&facts->client_subject, &facts->client_subject_cn, &facts->client_issuer,
                                   &facts->client_issuer_cn};
    char *text = (char *)(facts + 1);
    for (size_t i = 0; i < NAMES; i++) {
        size_t size = slice_text(names[i]).size;
        *targets[i] = text;
        if (size)
            memcpy(text, names[i], size);
        text += size + 1;
        free(names[i]);
    }
    facts->protocol = SSL_get_version(ssl);
    facts->cipher = SSL_CIPHER_get_name(cipher);
    facts->used_bits = (unsigned)SSL_CIPHER_get_bits(cipher, &algorithm_bits);
    facts->algorithm_bits = (unsigned)algorithm_bits;
    facts->client_certificate = certificate != NULL;
    facts->client_verified =
        certificate && SSL_get_verify_result(ssl) == X509_V_OK && SSL_get_verify_mode(ssl) != SSL_VERIFY_NONE;
    facts->unverified = "";
    if (certificate && SSL_get_verify_result(ssl) != X509_V_OK)
        facts->unverified = X509_verify_cert_error_string(SSL_get_verify_result(ssl));
    facts->resumed = SSL_session_reused(ssl);
    return facts;
}
