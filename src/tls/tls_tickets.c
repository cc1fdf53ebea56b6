/*
 * tls_tickets: keeps two keys. The newer one encrypts, both decrypt. The thread that finds the newer key
 * expired creates the next one. One lock, taken once or twice per handshake.
 */
#include "tls/tls_tickets.h"

#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/params.h>
#include <openssl/rand.h>
#include <pthread.h>
#include <string.h>
#include "base/clock.h"

enum { NAME_SIZE = 16, SECRET_SIZE = 32, IV_SIZE = 16 };

struct ticket_key {
    unsigned char name[NAME_SIZE]; /* identifies the key in a ticket */
    unsigned char cipher[SECRET_SIZE], mac[SECRET_SIZE];
    uint64_t born_ms; /* monotonic clock; 0: no key */
};

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct ticket_key keys[2]; /* the newer one first */

static bool make_key(struct ticket_key *key, uint64_t now)
{
    if (RAND_bytes(key->name, sizeof key->name) != 1 || RAND_priv_bytes(key->cipher, SECRET_SIZE) != 1 ||
        RAND_priv_bytes(key->mac, SECRET_SIZE) != 1)
        return false;
    key->born_ms = now;
    return true;
}

static bool has_ended(const struct ticket_key *key, uint64_t now, uint64_t seconds)
{
    return key->born_ms == 0 || now - key->born_ms > seconds * 1000;
}

/* Copies the key to encrypt with (name NULL), or the key of that name. Returns false if there is none. */
static bool take_key(const unsigned char *name, struct ticket_key *key, bool *newest)
{
    bool found = false;
    uint64_t now = clock_mono_ms();
    pthread_mutex_lock(&lock);
    if (has_ended(&keys[0], now, TLS_TICKET_LIFE)) {
        struct ticket_key next;
        if (make_key(&next, now)) {
            keys[1] = keys[0];
            keys[0] = next;
        }
        OPENSSL_cleanse(&next, sizeof next);
    }
    for (size_t i = 0; i < (name ? 2 : 1) && !found; i++) {
        found = !has_ended(&keys[i], now, (uint64_t)2 * TLS_TICKET_LIFE) &&
                (!name || CRYPTO_memcmp(keys[i].name, name, NAME_SIZE) == 0);
        if (found) {
            *key = keys[i];
            *newest = i == 0;
        }
    }
    pthread_mutex_unlock(&lock);
    return found;
}

/*
 * Implements SSL_CTX_set_tlsext_ticket_key_evp_cb. Returns 0: unknown key; 1: known; 2: known, and a new
 * ticket must be sent.
 */
static int on_ticket(SSL *ssl, unsigned char name[NAME_SIZE], unsigned char iv[IV_SIZE],
                     EVP_CIPHER_CTX *cipher, EVP_MAC_CTX *mac, int encrypt)
{
    struct ticket_key key;
    bool newest = true;
    if (!take_key(encrypt ? NULL : name, &key, &newest))
        return encrypt ? -1 : 0;
    /* A client uses a TLS 1.3 ticket only once (RFC 8446 appendix C.4), so it needs a new one each time. */
    int result = newest && SSL_version(ssl) < TLS1_3_VERSION ? 1 : 2;
    if (encrypt)
        result = 1;
    if (encrypt) {
        memcpy(name, key.name, NAME_SIZE);
        if (RAND_bytes(iv, IV_SIZE) != 1)
            result = -1;
    }
    OSSL_PARAM parameters[] = {
        OSSL_PARAM_construct_octet_string(OSSL_MAC_PARAM_KEY, key.mac, SECRET_SIZE),
        OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, (char *)"SHA256", 0),
        OSSL_PARAM_construct_end(),
    };
    if (!EVP_CipherInit_ex(cipher, EVP_aes_256_cbc(), NULL, key.cipher, iv, encrypt) ||
        !EVP_MAC_CTX_set_params(mac, parameters))
        result = -1;
    OPENSSL_cleanse(&key, sizeof key);
    return result;
}

static bool is_over(SSL_SESSION *session)
{
    const X509 *certificate = SSL_SESSION_get0_peer(session);
    return certificate && X509_cmp_current_time(X509_get0_notAfter(certificate)) <= 0;
}

/*
 * A resumed session does not verify the client's certificate again, and each resumption issues a ticket for
 * another hour. Without this check a client that keeps returning would be accepted long after its certificate
 * expired.
 */
static SSL_TICKET_RETURN on_decrypted(SSL *ssl, SSL_SESSION *session, const unsigned char *name, size_t size,
                                      SSL_TICKET_STATUS status, void *argument)
{
    (void)ssl;
    (void)name;
    (void)size;
    (void)argument;
    if (status != SSL_TICKET_SUCCESS && status != SSL_TICKET_SUCCESS_RENEW)
        return SSL_TICKET_RETURN_IGNORE_RENEW;
    if (is_over(session))
        return SSL_TICKET_RETURN_IGNORE_RENEW;
    return status == SSL_TICKET_SUCCESS ? SSL_TICKET_RETURN_USE : SSL_TICKET_RETURN_USE_RENEW;
}

bool tls_tickets_enable(SSL_CTX *context)
{
    SSL_CTX_set_timeout(context, TLS_TICKET_LIFE);
    SSL_CTX_set_num_tickets(context, 1);
    SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_OFF);
    return SSL_CTX_set_tlsext_ticket_key_evp_cb(context, on_ticket) == 1 &&
           SSL_CTX_set_session_ticket_cb(context, NULL, on_decrypted, NULL) == 1;
}
