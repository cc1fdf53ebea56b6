/*
 * clock: wall and monotonic time, and the date form that mail headers carry.
 */
#include "base/clock.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

uint64_t clock_wall_us(void)
{
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    return (uint64_t)now.tv_sec * 1000000u + (uint64_t)now.tv_nsec / 1000u;
}

uint64_t clock_mono_us(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000 + (uint64_t)now.tv_nsec / 1000;
}

uint64_t clock_mono_ms(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000u + (uint64_t)now.tv_nsec / 1000000u;
}

/* Day and month names are spelled here because strftime would use the locale's. */
static size_t format_second(time_t seconds, char *text, size_t size)
{
    static const char days[7][4] = {"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};
    static const char months[12][4] = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                       "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
    struct tm t;
    localtime_r(&seconds, &t);
    long offset = t.tm_gmtoff / 60;
    char sign = offset < 0 ? '-' : '+';
    offset = labs(offset);
    int n = snprintf(text, size, "%s, %d %s %d %02d:%02d:%02d %c%02ld%02ld", days[t.tm_wday], t.tm_mday,
                     months[t.tm_mon], t.tm_year + 1900, t.tm_hour, t.tm_min, t.tm_sec, sign, offset / 60,
                     offset % 60);
    return n < 0 ? 0 : (size_t)n < size ? (size_t)n : size - 1;
}

/* Each thread keeps the text of the second that it wrote last: all messages of a second have the same. */
size_t clock_rfc5322(uint64_t wall_us, char *text, size_t size)
{
    static _Thread_local struct {
        time_t seconds;
        size_t size; /* of `text`; 0: none yet */
        char text[64];
    } last;
    time_t seconds = (time_t)(wall_us / 1000000u);
    if (last.size == 0 || last.seconds != seconds)
        last.size = format_second(seconds, last.text, sizeof last.text);
    last.seconds = seconds;
    if (size == 0)
        return 0;
    size_t taken = last.size < size ? last.size : size - 1;
    memcpy(text, last.text, taken);
    text[taken] = '\0';
    return taken;
}
