/*
 * tls_client: an SSL_CTX for connections that we make.
 */
#include "tls/tls_client.h"

#include <arpa/inet.h>
#include <openssl/err.h>
#include <openssl/x509v3.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include "base/mem.h"
#include "tls/tls_private.h"
#include "tls/tls_protocols.h"

struct tls_client {
    _Atomic unsigned references;
    SSL_CTX *ssl;
};

struct building {
    SSL_CTX *ssl;
    const struct tls_client_settings *settings;
    char *error;
    size_t error_size;
};

__attribute__((format(printf, 2, 3))) static bool refuse(const struct building *building, const char *format,
                                                         ...)
{
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(building->error, building->error_size, format, arguments);
    va_end(arguments);
    return false;
}

/* A key that is encrypted is an error, not a question on the terminal. */
static int no_password(char *text, int size, int writing, void *closure)
{
    (void)text, (void)size, (void)writing, (void)closure;
    return -1;
}

/* The result stays as it is, and is told as a fact. */
static int go_on(int verified, X509_STORE_CTX *store)
{
    (void)verified, (void)store;
    return 1;
}

static bool set_protocols(const struct building *building)
{
    struct tls_protocols protocols;
    char reason[256];
    if (!tls_protocols_read(building->settings->protocols, &protocols, reason, sizeof reason))
        return refuse(building, "protocols: %s", reason);
    SSL_CTX_set_options(building->ssl, protocols.without | SSL_OP_NO_COMPRESSION | SSL_OP_NO_RENEGOTIATION);
    SSL_CTX_set_mode(building->ssl, SSL_MODE_RELEASE_BUFFERS | SSL_MODE_ENABLE_PARTIAL_WRITE |
                                        SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
    SSL_CTX_set_read_ahead(building->ssl, 1);
    SSL_CTX_set_session_cache_mode(building->ssl, SSL_SESS_CACHE_OFF);
    return SSL_CTX_set_min_proto_version(building->ssl, protocols.least) == 1 ||
           refuse(building, "protocols: %s", tls_take_reason());
}

static bool set_ciphers(const struct building *building)
{
    const struct tls_client_settings *settings = building->settings;
    if (settings->ciphers && SSL_CTX_set_cipher_list(building->ssl, settings->ciphers) != 1)
        return refuse(building, "ciphers \"%s\": %s", settings->ciphers, tls_take_reason());
    if (settings->ciphersuites && SSL_CTX_set_ciphersuites(building->ssl, settings->ciphersuites) != 1)
        return refuse(building, "ciphersuites \"%s\": %s", settings->ciphersuites, tls_take_reason());
    return true;
}

static bool set_trust(const struct building *building)
{
    const struct tls_client_settings *settings = building->settings;
    SSL_CTX_set_verify(building->ssl, SSL_VERIFY_PEER, settings->verify == TLS_CLIENT_REQUIRE ? NULL : go_on);
    if (settings->ca_file && SSL_CTX_load_verify_file(building->ssl, settings->ca_file) != 1)
        return refuse(building, "CA file %s: %s", settings->ca_file, tls_take_reason());
    if (settings->ca_path && SSL_CTX_load_verify_dir(building->ssl, settings->ca_path) != 1)
        return refuse(building, "CA path %s: %s", settings->ca_path, tls_take_reason());
    if (!settings->ca_file && !settings->ca_path)
        SSL_CTX_set_default_verify_paths(building->ssl); /* a system without any: nothing verifies */
    return true;
}

static bool set_identity(const struct building *building)
{
    const char *certificate = building->settings->certificate;
    const char *key = building->settings->key ? building->settings->key : certificate;
    SSL_CTX_set_default_passwd_cb(building->ssl, no_password);
    if (!certificate)
        return true;
    if (SSL_CTX_use_certificate_chain_file(building->ssl, certificate) != 1)
        return refuse(building, "certificate %s: %s", certificate, tls_take_reason());
    if (SSL_CTX_use_PrivateKey_file(building->ssl, key, SSL_FILETYPE_PEM) != 1)
        return refuse(building, "key %s: %s", key, tls_take_reason());
    return true;
}

struct tls_client *tls_client_create(const struct tls_client_settings *settings, char *error,
                                     size_t error_size)
{
    struct building building = {SSL_CTX_new(TLS_client_method()), settings, error, error_size};
    ERR_clear_error();
    if (!building.ssl) {
        refuse(&building, "OpenSSL cannot be used");
        return NULL;
    }
    if (!set_protocols(&building) || !set_ciphers(&building) || !set_trust(&building) ||
        !set_identity(&building)) {
        SSL_CTX_free(building.ssl);
        ERR_clear_error();
        return NULL;
    }
    ERR_clear_error();
    struct tls_client *client = mem_new(struct tls_client);
    client->references = 1;
    client->ssl = building.ssl;
    return client;
}

struct tls_client *tls_client_ref(struct tls_client *client)
{
    atomic_fetch_add(&client->references, 1);
    return client;
}

void tls_client_unref(struct tls_client *client)
{
    if (!client || atomic_fetch_sub(&client->references, 1) != 1)
        return;
    SSL_CTX_free(client->ssl);
    free(client);
}

static bool is_address(const char *name)
{
    unsigned char ignored[16];
    return inet_pton(AF_INET, name, ignored) == 1 || inet_pton(AF_INET6, name, ignored) == 1;
}

static bool expect(SSL *ssl, const char *name)
{
    if (is_address(name))
        return X509_VERIFY_PARAM_set1_ip_asc(SSL_get0_param(ssl), name) == 1;
    SSL_set_hostflags(ssl, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS);
    return *name && SSL_set1_host(ssl, name) == 1 && SSL_set_tlsext_host_name(ssl, name) == 1;
}

SSL *tls_client_converse(const struct tls_client *client, const char *name)
{
    SSL *ssl = SSL_new(client->ssl); /* which has a reference of its own */
    if (ssl && (!name || expect(ssl, name))) {
        SSL_set_connect_state(ssl);
        return ssl;
    }
    SSL_free(ssl);
    return NULL;
}
