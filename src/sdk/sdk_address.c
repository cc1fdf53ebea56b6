/*
 * sdk_address: addresses that modules give for envelopes.
 */
#include "sdk/sdk_address.h"

#include "base/mem.h"
#include "smtp/wire/address.h"

bool sdk_address_is_valid(const char *address, bool may_be_null, bool *utf8)
{
    static const struct address_rules rules = {0};
    struct mail_path path;
    if (!address)
        return false;
    char *text = mem_printf("<%s>", address);
    struct slice rest = slice_text(text);
    bool fine = address_parse_path(&rest, &rules, &path) == ADDRESS_OK && rest.size == 0 &&
                path.mailbox.size == strlen(address) &&
                (path.mailbox.size ? path.domain.size > 0 : may_be_null);
    *utf8 = *utf8 || (fine && path.utf8);
    free(text);
    return fine;
}
