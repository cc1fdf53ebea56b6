/*
 * sdk_smtp.h: what the files for include/impulse/smtp.h share.
 */
#ifndef IMPULSE_SDK_SDK_SMTP_H
#define IMPULSE_SDK_SDK_SMTP_H

#include <stdbool.h>

/* Is the text a keyword, a verb or the name of a parameter: letters, digits and '-' (RFC 5321 4.1.1.1)? */
bool sdk_is_smtp_keyword(const char *text);

#endif
