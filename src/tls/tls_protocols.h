/*
 * tls_protocols.h: TLS_Protocols (Momentum 4 manual): "+ALL:-TLSv1.0:-TLSv1.1"; private to src/net.
 */
#ifndef IMPULSE_TLS_TLS_PROTOCOLS_H
#define IMPULSE_TLS_TLS_PROTOCOLS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct tls_protocols {
    int least;        /* TLS1_2_VERSION, ... */
    uint64_t without; /* SSL_OP_NO_TLSv1_3, ...: those above it that are off */
};

/* NULL: TLS 1.2 and 1.3. False with what is wrong in error[]. */
bool tls_protocols_read(const char *text, struct tls_protocols *protocols, char *error, size_t error_size);

#endif
