/*
 * words: a command line taken apart.
 */
#include "control/words.h"

#include <stdlib.h>
#include <string.h>
#include "base/mem.h"

struct word_reader {
    const char *at, *end;
    char *out;       /* where the next byte of a word goes */
    unsigned parens; /* open ( */
    size_t room;     /* words that fit into items */
};

static bool is_space(char c)
{
    return c == ' ' || c == '\t' || c == '\r' || c == '\v' || c == '\f';
}

/* A comma stands for itself but in a list, where it separates. */
static bool is_separator(const struct word_reader *reader, char c)
{
    return is_space(c) || (c == ',' && reader->parens);
}

static bool is_mark(char c)
{
    return c && strchr("=(){}[]", c);
}

static char unescape(char c)
{
    static const char names[] = "nrt\"'\\", values[] = "\n\r\t\"'\\";
    const char *found = c ? strchr(names, c) : NULL;
    return found ? values[found - names] : '\0';
}

static const char *read_string(struct word_reader *reader)
{
    char quote = *reader->at++;
    for (; reader->at < reader->end; reader->at++) {
        char c = *reader->at;
        if (c == quote) {
            reader->at++;
            return NULL;
        }
        char escaped = c == '\\' && reader->at + 1 < reader->end ? unescape(reader->at[1]) : '\0';
        if (escaped)
            reader->at++;
        *reader->out++ = escaped ? escaped : c;
    }
    return "a quoted string is not closed";
}

static void read_bare(struct word_reader *reader)
{
    while (reader->at < reader->end && !is_separator(reader, *reader->at) && !is_mark(*reader->at) &&
           !strchr("#\"'", *reader->at))
        *reader->out++ = *reader->at++;
}

static const char *read_word(struct word_reader *reader)
{
    const char *problem = NULL;
    char c = *reader->at;
    if (c == '#')
        return "a # must stand in quotes";
    if (c == '"' || c == '\'') {
        problem = read_string(reader);
    } else if (is_mark(c)) {
        reader->parens += c == '(';
        reader->parens -= c == ')' && reader->parens;
        *reader->out++ = *reader->at++;
    } else {
        read_bare(reader);
    }
    *reader->out++ = '\0';
    return problem;
}

static void add(struct words *words, struct word_reader *reader, const char *word)
{
    if (words->count == reader->room) {
        reader->room = reader->room ? 2 * reader->room : 16;
        words->items = mem_resize(words->items, reader->room * sizeof *words->items);
        words->places = mem_resize(words->places, reader->room * sizeof *words->places);
    }
    words->places[words->count] = reader->at;
    words->items[words->count++] = word;
}

bool words_split(struct words *words, const char *line, size_t size, const char **problem)
{
    /* No word is longer than what it was made of, and each has a NUL. */
    *words = (struct words){.memory = mem_array(2, size + 1)};
    struct word_reader reader = {.at = line, .end = line + size, .out = words->memory};
    *problem = memchr(line, '\0', size) ? "a NUL byte cannot stand in a command" : NULL;
    while (!*problem) {
        while (reader.at < reader.end && is_separator(&reader, *reader.at))
            reader.at++;
        if (reader.at == reader.end)
            break;
        add(words, &reader, reader.out);
        *problem = read_word(&reader);
    }
    return !*problem;
}

void words_release(struct words *words)
{
    free(words->items);
    free(words->places);
    free(words->memory);
    *words = (struct words){0};
}
