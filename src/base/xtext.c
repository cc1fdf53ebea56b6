/*
 * xtext: see xtext.h.
 */
#include "base/xtext.h"

static bool is_plain(char c)
{
    return c >= '!' && c <= '~' && c != '+' && c != '=';
}

/* The value of a digit; -1 if it is none. RFC 3461 allows capitals only. */
static int digit_of(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

bool xtext_decode(struct slice text, struct buf *out)
{
    char *to = buf_reserve(out, text.size);
    size_t size = 0, i;
    for (i = 0; i < text.size; i++) {
        if (is_plain(text.data[i])) {
            to[size++] = text.data[i];
            continue;
        }
        int high = text.data[i] == '+' && text.size - i > 2 ? digit_of(text.data[i + 1]) : -1;
        int low = high < 0 ? -1 : digit_of(text.data[i + 2]);
        if (low < 0)
            break;
        to[size++] = (char)(high * 16 + low);
        i += 2;
    }
    buf_commit(out, size);
    return i == text.size;
}

void xtext_encode(struct slice bytes, struct buf *out)
{
    static const char digits[] = "0123456789ABCDEF";
    for (size_t i = 0; i < bytes.size; i++) {
        unsigned char c = (unsigned char)bytes.data[i];
        char *to = buf_reserve(out, 3);
        if (is_plain(bytes.data[i])) {
            to[0] = (char)c;
            buf_commit(out, 1);
        } else {
            to[0] = '+';
            to[1] = digits[c >> 4];
            to[2] = digits[c & 15];
            buf_commit(out, 3);
        }
    }
}
