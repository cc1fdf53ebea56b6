/*
 * dns_record: see dns_record.h.
 */
#include "dns/dns_record.h"

#include <stdio.h>
#include <string.h>

enum { LABEL_MAX = 63, NAME_MAX_TEXT = 253 };

bool dns_name_valid(const char *name)
{
    size_t size = strlen(name), label = 0;
    if (strcmp(name, ".") == 0)
        return true;
    if (size > 0 && name[size - 1] == '.')
        size--;
    if (size == 0 || size > NAME_MAX_TEXT)
        return false;
    for (size_t i = 0; i < size; i++) {
        if (name[i] <= ' ' || name[i] == 127 || name[i] == '\\') /* negative chars too */
            return false;
        label = name[i] == '.' ? 0 : label + 1;
        if (label > LABEL_MAX || (label == 0 && (i == 0 || i + 1 == size || name[i - 1] == '.')))
            return false;
    }
    return true;
}

bool dns_name_text(struct slice wire, char text[static DNS_NAME_SIZE])
{
    size_t at = 0, length = 0;
    while (at < wire.size && wire.data[at] != 0) {
        size_t label = (unsigned char)wire.data[at++];
        if (label > LABEL_MAX || at + label >= wire.size || length + label + 2 > DNS_NAME_SIZE)
            return false;
        if (length)
            text[length++] = '.';
        for (size_t i = 0; i < label; i++) {
            char c = wire.data[at + i];
            if (c <= ' ' || c == '.' || c == 127) /* negative chars too: not a host name */
                return false;
            text[length++] = c;
        }
        at += label;
    }
    text[length] = '\0';
    return at < wire.size;
}

long dns_text_join(struct slice rdata, char *text, size_t size)
{
    size_t total = 0;
    for (size_t at = 0; at < rdata.size;) {
        size_t part = (unsigned char)rdata.data[at++];
        if (part > rdata.size - at)
            return -1;
        if (total < size)
            memcpy(text + total, rdata.data + at, part < size - total ? part : size - total);
        total += part;
        at += part;
    }
    return (long)total;
}

void dns_reverse_name(const unsigned char address[static 16], char name[static DNS_REVERSE_SIZE])
{
    static const unsigned char mapped[12] = {[10] = 0xff, [11] = 0xff};
    if (memcmp(address, mapped, sizeof mapped) == 0) {
        snprintf(name, DNS_REVERSE_SIZE, "%u.%u.%u.%u.in-addr.arpa", address[15], address[14], address[13],
                 address[12]);
        return;
    }
    for (int i = 15; i >= 0; i--, name += 4)
        snprintf(name, 5, "%x.%x.", address[i] & 15u, address[i] >> 4u);
    memcpy(name, "ip6.arpa", sizeof "ip6.arpa");
}
