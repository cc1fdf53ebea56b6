/* console_print: see console_print.h. */
#include "tools/console_print.h"

#include <unistd.h>

enum { LEAD = 0xc2 }; /* first byte of U+0080 to U+00BF, of which the first half are control characters */

static bool is_control(unsigned char c)
{
    return (c < ' ' && c != '\n' && c != '\t') || c == 127;
}

void console_clean(struct console_cleaner *cleaner, const char *bytes, size_t size, struct buf *clean)
{
    for (size_t i = 0; i < size; i++) {
        unsigned char c = (unsigned char)bytes[i];
        bool hidden = is_control(c) || (cleaner->lead && c >= 0x80 && c < 0xa0);
        if (cleaner->lead && !hidden)
            buf_append(clean, "\xc2", 1);
        cleaner->lead = c == LEAD;
        if (!cleaner->lead)
            buf_append(clean, hidden ? "?" : &bytes[i], 1);
    }
}

void console_printer_init(struct console_printer *printer, FILE *out)
{
    *printer = (struct console_printer){.out = out, .to_terminal = isatty(fileno(out))};
}

void console_print(void *closure, const char *bytes, size_t size)
{
    struct console_printer *printer = closure;
    struct buf clean = {0};
    if (!printer->to_terminal) {
        fwrite(bytes, 1, size, printer->out);
        return;
    }
    console_clean(&printer->cleaner, bytes, size, &clean);
    fwrite(buf_slice(&clean).data, 1, buf_size(&clean), printer->out);
    buf_release(&clean);
}
