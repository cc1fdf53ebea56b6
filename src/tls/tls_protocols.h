/*
 * tls_protocols.h: parses TLS_Protocols (Momentum 4 manual): "+ALL:-TLSv1.0:-TLSv1.1"; private to src/tls.
 */
#ifndef IMPULSE_TLS_TLS_PROTOCOLS_H
#define IMPULSE_TLS_TLS_PROTOCOLS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct tls_protocols {
    int least;        /* lowest version: TLS1_2_VERSION, ... */
    uint64_t without; /* versions above it that are disabled: SSL_OP_NO_TLSv1_3, ... */
};

/* Parses `text`; NULL: TLS 1.2 and 1.3. Returns false with the reason in error[]. */
bool tls_protocols_read(const char *text, struct tls_protocols *protocols, char *error, size_t error_size);

#endif
