/*
 * sdk_address: addresses that modules give for envelopes. Any thread.
 */
#ifndef IMPULSE_SDK_SDK_ADDRESS_H
#define IMPULSE_SDK_SDK_ADDRESS_H

#include <stdbool.h>

/* Is it a mailbox with a domain, without <>, or "" where that may be? Sets *utf8 if it needs SMTPUTF8. NULL
 * is none. */
bool sdk_address_is_valid(const char *address, bool may_be_null, bool *utf8);

#endif
