/*
 * tls_no_vault: in place of tls_vault.c, where configure left libcurl out.
 */
#include "tls/tls_vault.h"

#include <stdio.h>

char *tls_vault_fetch(const char *uri, char *error, size_t error_size)
{
    (void)uri;
    snprintf(error, error_size,
             "this impulsed was built without Vault (configure --with-vault needs libcurl); name a file");
    return NULL;
}
