/*
 * tls_vault.h: reads a text from HashiCorp Vault's key-value store, version 2; private to src/tls.
 *
 *     vault://MOUNT/PATH#FIELD      what "vault kv get -mount=MOUNT -field=FIELD PATH" prints;
 *                                   without #FIELD: "key"
 *
 * As for Vault's own command, environment variables give the server and the token: VAULT_ADDR
 * (https://HOST:8200), VAULT_TOKEN.
 */
#ifndef IMPULSE_TLS_TLS_VAULT_H
#define IMPULSE_TLS_TLS_VAULT_H

#include <stdbool.h>
#include <stddef.h>
#include "base/slice.h"

/* Returns whether `text` (may be NULL) is a vault: URI. */
static inline bool tls_vault_is(const char *text)
{
    return slice_starts_nocase(slice_text(text), SLICE_LITERAL("vault://"));
}

/*
 * Returns the text, which the caller frees with free(), or NULL with the reason, without the token, in
 * error[]. Blocks for five seconds at most. Any thread, but the first call must be on the main thread.
 */
char *tls_vault_fetch(const char *uri, char *error, size_t error_size);

#endif
