/* quote: see quote.h; lexer.l reads what is written here. */
#include "confparse/quote.h"

bool conf_is_bare(struct conf_text text)
{
    static const char marks[] = "._-:@+%*";
    for (size_t i = 0; i < text.size; i++) {
        char c = conf_lower(text.data[i]);
        if (!(c >= 'a' && c <= 'z') && !(c >= '0' && c <= '9') && (!c || !strchr(marks, c)))
            return false;
    }
    return text.size && !conf_text_is(text, "include") && !conf_text_is(text, "readonly_include");
}

/* The letter that stands for a byte after a backslash; 0: the byte stands for itself. */
static char escape_of(char c)
{
    switch (c) {
    case '\n':
        return 'n';
    case '\r':
        return 'r';
    case '"':
    case '\\':
        return c;
    default:
        return '\0';
    }
}

/* A backslash stands for itself before most bytes, as regular expressions are mostly written. */
static bool is_plain_backslash(struct conf_text text, size_t at)
{
    return text.data[at] == '\\' && at + 1 < text.size && !escape_of(text.data[at + 1]) &&
           !strchr("nrt'", text.data[at + 1]);
}

void conf_print_quoted(struct conf_text text, FILE *out)
{
    putc('"', out);
    for (size_t i = 0; i < text.size; i++) {
        char escape = escape_of(text.data[i]);
        if (escape && !is_plain_backslash(text, i)) {
            putc('\\', out);
            putc(escape, out);
        } else {
            putc(text.data[i], out);
        }
    }
    putc('"', out);
}

void conf_print_word(struct conf_text text, FILE *out)
{
    if (conf_is_bare(text))
        fwrite(text.data, 1, text.size, out);
    else
        conf_print_quoted(text, out);
}
