/*
 * sdk_tls: modules' TLS contexts for connections that they make.
 */
#include "base/mem.h"
#include "impulse/stream.h"
#include "module/set.h"
#include "tls/tls_client.h"

struct imp_tls *imp_tls_create(struct imp_module *module, const struct imp_tls_settings *settings)
{
    struct imp_tls_settings read;
    char error[400] = "";
    if (!module_copy_struct(&read, sizeof read, settings)) {
        imp_module_error(module, "imp_tls_create: the struct has no size");
        return NULL;
    }
    struct tls_client_settings mine = {
        .verify = read.accept_unverified ? TLS_CLIENT_ASK : TLS_CLIENT_REQUIRE,
        .ca_file = read.ca_file,
        .ca_path = read.ca_path,
        .certificate = read.certificate,
        .key = read.key,
        .ciphers = read.ciphers,
        .ciphersuites = read.ciphersuites,
        .protocols = read.protocols,
    };
    struct tls_client *client = tls_client_create(&mine, error, sizeof error);
    if (!client)
        imp_module_error(module, "%s", error);
    return (struct imp_tls *)client;
}

void imp_tls_free(struct imp_tls *tls)
{
    tls_client_unref((struct tls_client *)tls);
}
