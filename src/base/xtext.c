/*
 * xtext: see xtext.h.
 */
#include "base/xtext.h"

#include "base/utf8.h"

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

/* The byte that "+XX" at text[i] stands for; -1 if there is none. */
static int hex_byte(struct slice text, size_t i)
{
    if (text.data[i] != '+' || text.size - i < 3)
        return -1;
    int high = digit_of(text.data[i + 1]), low = digit_of(text.data[i + 2]);
    return high < 0 || low < 0 ? -1 : high * 16 + low;
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
        int byte = hex_byte(text, i);
        if (byte < 0)
            break;
        to[size++] = (char)byte;
        i += 2;
    }
    buf_commit(out, size);
    return i == text.size;
}

bool xtext_valid(struct slice text, bool utf8)
{
    size_t step;
    for (size_t i = 0; i < text.size; i += step) {
        if (text.data[i] & 0x80)
            step = utf8 ? utf8_sequence(text.data + i, text.size - i) : 0;
        else
            step = is_plain(text.data[i]) ? 1 : hex_byte(text, i) >= 0 ? 3 : 0;
        if (step == 0)
            return false;
    }
    return true;
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
