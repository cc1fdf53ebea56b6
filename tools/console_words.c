/* console_words: see console_words.h. */
#include <string.h>
#include "base/buf.h"
#include "tools/console_words.h"

/* What ends a bare word of the configuration language, and what would be read as something else in it. */
#define SPECIAL " \t\v\f\r\n#\"'={}[](),\\"

static bool ends_with(struct slice word, char c)
{
    return word.size >= 2 && word.data[word.size - 1] == c;
}

/* Is it quoted from its first to its last byte, with no such quote between? */
static bool is_quoted(struct slice word)
{
    char quote = word.size > 0 ? word.data[0] : '\0';
    if ((quote != '"' && quote != '\'') || !ends_with(word, quote))
        return false;
    for (size_t i = 1; i < word.size - 1; i++) {
        if (word.data[i] == quote)
            return false;
        if (word.data[i] == '\\')
            i++;
        if (i == word.size - 1)
            return false; /* the last quote is escaped */
    }
    return true;
}

static bool is_bracketed(struct slice word)
{
    static const char pairs[][2] = {{'(', ')'}, {'[', ']'}, {'{', '}'}};
    for (size_t i = 0; i < sizeof pairs / sizeof pairs[0]; i++)
        if (word.size > 0 && word.data[0] == pairs[i][0] && ends_with(word, pairs[i][1]))
            return true;
    return false;
}

/* A mark of the language that stands alone: the shell's word for it is the mark itself. */
static bool is_mark(struct slice word)
{
    return word.size == 1 && strchr("={}[](),", word.data[0]);
}

static bool needs_quotes(struct slice word)
{
    if (word.size == 0 || strstr(word.data, "/*"))
        return true;
    if (is_mark(word) || is_quoted(word) || is_bracketed(word))
        return false;
    return strcspn(word.data, SPECIAL) < word.size;
}

static void append_quoted(struct buf *line, struct slice word)
{
    static const char codes[] = "\n\r\t\"\\", names[] = "nrt\"\\";
    buf_append_text(line, "\"");
    for (size_t i = 0; i < word.size; i++) {
        const char *code = strchr(codes, word.data[i]);
        if (code)
            buf_append(line, (char[]){'\\', names[code - codes]}, 2);
        else
            buf_append(line, &word.data[i], 1);
    }
    buf_append_text(line, "\"");
}

char *console_words_join(const char *const *words, size_t count, size_t *size)
{
    struct buf line = {0};
    buf_reserve(&line, 1);
    for (size_t i = 0; i < count; i++) {
        struct slice word = slice_text(words[i]);
        if (i > 0)
            buf_append_text(&line, " ");
        if (count > 1 && needs_quotes(word))
            append_quoted(&line, word);
        else
            buf_append_slice(&line, word);
    }
    return buf_take(&line, size);
}
