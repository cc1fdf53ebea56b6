/*
 * id: unique 64-bit ids and their text form.
 *
 * Layout, high to low: 52 bits of microseconds since 1970, 12 bits of a counter shared by all threads. The
 * text form spreads the fast-changing bits over its first two fields, as Momentum's does for its spool
 * directories: AA/BB are bits 0-15, DDDDD is bits 16-31 in decimal, XXXXXXXX bits 32-63.
 */
#include "base/id.h"

#include <stdatomic.h>
#include <stdio.h>
#include "base/clock.h"

static _Atomic uint64_t last_id;

uint64_t id_next(void)
{
    uint64_t now = clock_wall_us() << 12;
    uint64_t last = atomic_load_explicit(&last_id, memory_order_relaxed);
    for (;;) {
        uint64_t id = now > last ? now : last + 1;
        if (atomic_compare_exchange_weak_explicit(&last_id, &last, id, memory_order_relaxed,
                                                  memory_order_relaxed))
            return id;
    }
}

void id_set_floor(uint64_t id)
{
    uint64_t last = atomic_load(&last_id);
    while (last < id && !atomic_compare_exchange_weak(&last_id, &last, id))
        ;
}

void id_format(uint64_t id, char text[static ID_TEXT_SIZE])
{
    static const char hex[] = "0123456789ABCDEF";
    text[0] = hex[id >> 4 & 15];
    text[1] = hex[id & 15];
    text[2] = '/';
    text[3] = hex[id >> 12 & 15];
    text[4] = hex[id >> 8 & 15];
    text[5] = '-';
    unsigned middle = (unsigned)(id >> 16 & 0xffff);
    for (int i = 10; i > 5; i--, middle /= 10)
        text[i] = (char)('0' + middle % 10);
    text[11] = '-';
    for (int i = 0; i < 8; i++)
        text[12 + i] = hex[id >> (60 - 4 * i) & 15];
    text[20] = '\0';
}

static int hex_digit(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

bool id_parse(struct slice text, uint64_t *id)
{
    static const signed char shift[20] = {4,  0,  -1, 12, 8,  -1, -2, -2, -2, -2,
                                          -2, -1, 60, 56, 52, 48, 44, 40, 36, 32};
    if (text.size != 20 || text.data[2] != '/' || text.data[5] != '-' || text.data[11] != '-')
        return false;
    uint64_t value = 0, middle;
    for (int i = 0; i < 20; i++) {
        if (shift[i] < 0)
            continue;
        int digit = hex_digit(text.data[i]);
        if (digit < 0)
            return false;
        value |= (uint64_t)digit << shift[i];
    }
    if (!slice_to_uint(slice_of(text.data + 6, 5), &middle) || middle > 0xffff)
        return false;
    *id = value | middle << 16;
    return true;
}
