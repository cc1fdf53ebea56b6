/*
 * tls_protocols: applies signed words from left to right. SSLv2 and SSLv3 may be named but are never enabled:
 * OpenSSL does not have SSL 2, and SSL 3 must not be used (RFC 7568).
 */
#include "tls/tls_protocols.h"

#include <openssl/ssl.h>
#include <stdio.h>
#include "base/slice.h"

enum { TLS_1_0 = 1, TLS_1_1 = 2, TLS_1_2 = 4, TLS_1_3 = 8, ALL = 15 };

static const struct {
    struct slice word;
    unsigned bits;
} words[] = {
    {{"ALL", 3}, ALL},         {{"SSLv2", 5}, 0},         {{"SSLv3", 5}, 0},
    {{"TLSv1", 5}, TLS_1_0},   {{"TLSv1.0", 7}, TLS_1_0}, {{"TLSv1.1", 7}, TLS_1_1},
    {{"TLSv1.2", 7}, TLS_1_2}, {{"TLSv1.3", 7}, TLS_1_3},
};

static const struct {
    unsigned bit;
    int version;
    uint64_t off;
} versions[] = {
    {TLS_1_0, TLS1_VERSION, SSL_OP_NO_TLSv1},
    {TLS_1_1, TLS1_1_VERSION, SSL_OP_NO_TLSv1_1},
    {TLS_1_2, TLS1_2_VERSION, SSL_OP_NO_TLSv1_2},
    {TLS_1_3, TLS1_3_VERSION, SSL_OP_NO_TLSv1_3},
};

enum { WORDS = sizeof words / sizeof *words, VERSIONS = sizeof versions / sizeof *versions };

static bool apply(struct slice part, unsigned *bits)
{
    char sign = part.size ? part.data[0] : 0;
    if (sign != '+' && sign != '-')
        return false;
    for (size_t i = 0; i < WORDS; i++) {
        if (!slice_equal_nocase(slice_of(part.data + 1, part.size - 1), words[i].word))
            continue;
        *bits = sign == '+' ? *bits | words[i].bits : *bits & ~words[i].bits;
        return true;
    }
    return false;
}

bool tls_protocols_read(const char *text, struct tls_protocols *protocols, char *error, size_t error_size)
{
    unsigned bits = text ? 0 : TLS_1_2 | TLS_1_3;
    struct slice rest = slice_text(text), part;
    while (slice_next(&rest, ':', &part)) {
        part = slice_trim(part);
        if (!apply(part, &bits)) {
            snprintf(
                error, error_size,
                "\"%.*s\" is not + or - and one of ALL, SSLv2, SSLv3, TLSv1.0, TLSv1.1, TLSv1.2, TLSv1.3",
                (int)part.size, part.data);
            return false;
        }
    }
    if (!bits) {
        snprintf(error, error_size, "\"%s\" leaves no protocol that OpenSSL has", text);
        return false;
    }
    *protocols = (struct tls_protocols){0};
    for (size_t i = 0; i < VERSIONS; i++) {
        if (!(bits & versions[i].bit))
            protocols->without |= versions[i].off;
        else if (!protocols->least)
            protocols->least = versions[i].version;
    }
    return true;
}
