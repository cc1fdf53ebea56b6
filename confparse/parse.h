/*
 * parse: what the scanner (lexer.l), the grammar (grammar.y) and the code between them (parse.c) share.
 *
 * The grammar asks conf_yylex in parse.c for tokens, which takes them from the scanner and, after a syntax
 * error, skips to where parsing can go on.
 */
#ifndef IMPULSE_CONFPARSE_PARSE_H
#define IMPULSE_CONFPARSE_PARSE_H

/* A symbol of the grammar is placed where its first token is. */
#define YYLLOC_DEFAULT(current, symbols, count) ((current) = YYRHSLOC(symbols, (count) ? 1 : 0))

#include "confparse/loader.h"
#include "confparse/token.h"
#include "confparse/grammar.h"

struct conf_parser {
    struct conf_loader *loader;
    const struct conf_source *source;

    void *scanner; /* a yyscan_t */
    size_t offset; /* of the scanner, in bytes; with line and column from 1 */
    unsigned line, column;
    unsigned line_of_last; /* where the last token ended */
    unsigned unclosed;     /* strings that were not closed */

    struct conf_token last, before, before_that; /* given to the grammar */
    struct conf_token pushed[3];                 /* taken back; the last of them comes next */
    unsigned pushed_count;
    bool recovering;   /* a syntax error was reported: the next token is RESYNC or a '{' */
    unsigned brackets; /* ( and [ that are open; the outermost of them: */
    struct {
        char kind;
        struct conf_span span;
    } bracket[CONF_BRACKETS_MAX];

    struct {
        struct ast_stanza
            *stanza;           /* reachable from the loader's tree, or not if its content is thrown away */
        struct conf_span span; /* of the name that opened it */
    } open[CONF_NESTING_MAX + 1];
    struct ast_assignment **last_assignment; /* where the last one is linked */

    unsigned base;  /* stanzas around the file; open[base] is its own level */
    unsigned depth; /* stanzas open now; at most CONF_NESTING_MAX of them are in `open` */
};

/* ---- scanner (lexer.l) --------------------------------------------------------------------------------- */

void conf_scanner_open(struct conf_parser *parser);
void conf_scanner_close(struct conf_parser *parser);
/* The next token; its text is borrowed from the source or the loader's arena. */
struct conf_token conf_scanner_next(struct conf_parser *parser);
/* Is the scanner between ( and ), where a comma separates? */
bool conf_parse_in_list(const struct conf_parser *parser);
/* Can the scanner be at the name of a stanza? */
bool conf_parse_at_name(const struct conf_parser *parser);

/* ---- actions of the grammar (parse.c) ------------------------------------------------------------------ */

int conf_yylex(CONF_YYSTYPE *value, CONF_YYLTYPE *location, struct conf_parser *parser);
void conf_yyerror(const CONF_YYLTYPE *location, struct conf_parser *parser, const char *message);

void conf_parse_error(struct conf_parser *parser, struct conf_span span, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
/* The last token cannot stand where it does; `expected` names those that could. */
void conf_parse_unexpected(struct conf_parser *parser, const char *const *expected, size_t count);

void conf_parse_open(struct conf_parser *parser, const struct conf_token *kind,
                     const struct conf_token *name);
/* Opens the stanza of `Name = value {`: what was last assigned was its head. */
void conf_parse_reopen(struct conf_parser *parser);
/* Opens a stanza whose head was wrong: its content is parsed for more mistakes and then forgotten. */
void conf_parse_open_discarded(struct conf_parser *parser, struct conf_span span);
void conf_parse_close(struct conf_parser *parser, struct conf_span brace);
void conf_parse_assign(struct conf_parser *parser, const struct conf_token *name, struct ast_value *value);
/* `statement`: the word include or readonly_include. */
void conf_parse_include(struct conf_parser *parser, const struct conf_token *statement,
                        const struct conf_token *path);

struct ast_value *conf_parse_scalar(struct conf_parser *parser, const struct conf_token *token);
struct ast_value *conf_parse_container(struct conf_parser *parser, enum ast_shape shape);
void conf_parse_append(struct ast_value *container, struct ast_value *item);

#endif
