/*
 * tls_reason: returns OpenSSL's reason for a failure.
 */
#include "tls/tls_private.h"

#include <openssl/err.h>
#include <string.h>

const char *tls_take_reason(void)
{
    unsigned long code = ERR_peek_error();
    const char *reason = ERR_reason_error_string(code);
    if (!reason && ERR_SYSTEM_ERROR(code))
        reason = strerror(ERR_GET_REASON(code));
    ERR_clear_error();
    return reason ? reason : "unknown reason";
}
