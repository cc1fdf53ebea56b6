/*
 * reply_code: the classes of SMTP reply codes (RFC 5321 section 4.2.1). The first digit decides; a receiver
 * does not need to know the others.
 */
#ifndef IMPULSE_BASE_REPLY_CODE_H
#define IMPULSE_BASE_REPLY_CODE_H

#include <stdbool.h>

/* 2yz: done. */
static inline bool reply_code_is_positive(unsigned code)
{
    return code / 100 == 2;
}

/* 3yz: the server waits for more. */
static inline bool reply_code_is_intermediate(unsigned code)
{
    return code / 100 == 3;
}

/* 4yz: not now. */
static inline bool reply_code_is_transient(unsigned code)
{
    return code / 100 == 4;
}

/* 5yz: never. */
static inline bool reply_code_is_permanent(unsigned code)
{
    return code / 100 == 5;
}

/* 4yz or 5yz. */
static inline bool reply_code_is_refusal(unsigned code)
{
    return reply_code_is_transient(code) || reply_code_is_permanent(code);
}

#endif
