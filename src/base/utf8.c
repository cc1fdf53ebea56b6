/* utf8: see utf8.h. */
#include "base/utf8.h"

#include "base/buf.h"
#include "base/mem.h"

static const char replacement[] = "\xef\xbf\xbd";

/* The first bytes of sequences, and what their second byte may be: RFC 3629, section 4. */
static const struct {
    unsigned char first, last, size, low, high;
} leads[] = {
    {0x01, 0x7f, 1, 0, 0},       {0xc2, 0xdf, 2, 0x80, 0xbf}, {0xe0, 0xe0, 3, 0xa0, 0xbf},
    {0xe1, 0xec, 3, 0x80, 0xbf}, {0xed, 0xed, 3, 0x80, 0x9f}, {0xee, 0xef, 3, 0x80, 0xbf},
    {0xf0, 0xf0, 4, 0x90, 0xbf}, {0xf1, 0xf3, 4, 0x80, 0xbf}, {0xf4, 0xf4, 4, 0x80, 0x8f},
};

size_t utf8_sequence(const char *text, size_t size)
{
    const unsigned char *at = (const unsigned char *)text;
    for (size_t i = 0; i < sizeof leads / sizeof *leads && size > 0; i++) {
        if (at[0] < leads[i].first || at[0] > leads[i].last)
            continue;
        if (size < leads[i].size || (leads[i].size > 1 && (at[1] < leads[i].low || at[1] > leads[i].high)))
            return 0;
        for (size_t rest = 2; rest < leads[i].size; rest++)
            if ((at[rest] & 0xc0) != 0x80)
                return 0;
        return leads[i].size;
    }
    return 0;
}

char *utf8_clean(const char *text)
{
    struct buf clean = {NULL, 0, 0, 0};
    const char *end = text + strlen(text);
    size_t size;
    while (text < end) {
        size = utf8_sequence(text, (size_t)(end - text));
        buf_append(&clean, size ? text : replacement, size ? size : sizeof replacement - 1);
        text += size ? size : 1;
    }
    buf_append(&clean, "", 1);
    return buf_take(&clean, &size);
}
