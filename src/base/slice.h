/*
 * slice: a length and a pointer to bytes that somebody else owns.
 *
 * Nothing that comes from the network or a file is trusted to end in NUL, so lengths travel with pointers.
 * All functions are pure, never allocate and may be called from any thread.
 */
#ifndef IMPULSE_BASE_SLICE_H
#define IMPULSE_BASE_SLICE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

struct slice {
    const char *data; /* not NUL-terminated; NULL only when size is 0 */
    size_t size;      /* bytes */
};

#define SLICE_LITERAL(text) ((struct slice){(text), sizeof(text) - 1})

static inline struct slice slice_of(const char *data, size_t size)
{
    return (struct slice){data, size};
}

/* The bytes of a NUL-terminated string, without the NUL; an empty slice for NULL. */
static inline struct slice slice_text(const char *text)
{
    return (struct slice){text, text ? strlen(text) : 0};
}

static inline bool slice_equal(struct slice a, struct slice b)
{
    return a.size == b.size && (a.size == 0 || memcmp(a.data, b.data, a.size) == 0);
}

/* Equality that folds ASCII letters only: the rule for SMTP verbs, domains and option names. */
bool slice_equal_nocase(struct slice a, struct slice b);

/* Orders like strcmp after folding ASCII letters; a proper prefix sorts first. */
int slice_compare_nocase(struct slice a, struct slice b);

/* Does `s` begin (end) with `part`, ASCII letters folded? */
bool slice_starts_nocase(struct slice s, struct slice part);
bool slice_ends_nocase(struct slice s, struct slice part);

/* `s` without leading and trailing spaces and tabs. */
struct slice slice_trim(struct slice s);

/* Splits off the part of *rest before the first `separator` and moves *rest past it. False when *rest is
 * empty. */
bool slice_next(struct slice *rest, char separator, struct slice *part);

/* Parses a decimal number of at most 19 digits that fills the whole slice. False on anything else. */
bool slice_to_uint(struct slice s, uint64_t *value);

/*
 * Does `domain` match `pattern`, where a leading '*' stands for any text ("*.example.com" matches
 * "a.example.com", not "example.com"; "*example.com" matches both)? ASCII letters folded.
 * Source: Momentum 4 manual, relay_domains.
 */
bool slice_match_left_glob(struct slice domain, struct slice pattern);

/* White space within a line. */
static inline bool ascii_is_blank(char c)
{
    return c == ' ' || c == '\t';
}

/* A control character of ASCII: it would end a line, or hide in a terminal. */
static inline bool ascii_is_control(char c)
{
    return (unsigned char)c < ' ' || c == 127;
}

/* The character, or '?' for a control character: what it is printed into stays one line. */
static inline char ascii_printable(char c)
{
    return (char)(ascii_is_control(c) ? '?' : c);
}

/* Copies what fits of `text` into to[size], with '?' for each control character, and ends it with NUL.
 * Returns the length of the copy. */
size_t slice_copy_printable(char *to, size_t size, struct slice text);

/* Is there one among the bytes? */
bool slice_has_control(struct slice s);

/* No byte is above 127. All are looked at, which the compiler makes vector code of. */
static inline bool slice_is_ascii(struct slice s)
{
    unsigned char all = 0;
    for (size_t i = 0; i < s.size; i++)
        all |= (unsigned char)s.data[i];
    return all < 0x80;
}

static inline char ascii_lower(char c)
{
    return (char)(c >= 'A' && c <= 'Z' ? c + ('a' - 'A') : c);
}

#endif
