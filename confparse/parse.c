/*
 * parse: building the tree from what the grammar recognises, and going on after a mistake.
 *
 * Recovery: when a token cannot stand where it does, the rest of that statement is skipped, up to a word that
 * begins a line, a '}' or the end of the file; the grammar is then told RESYNC and starts a fresh statement.
 * If a '{' comes first, the mistake was in the head of a stanza, and its content is parsed but thrown away.
 * Inside brackets the skip goes on past their end, unless a line begins with what can only be a new
 * statement.
 */
#include "confparse/parse.h"

#include <stdarg.h>
#include <stdio.h>

/* ---- tokens -------------------------------------------------------------------------------------------- */

bool conf_parse_in_list(const struct conf_parser *parser)
{
    return parser->brackets > 0 && parser->brackets <= CONF_BRACKETS_MAX &&
           parser->bracket[parser->brackets - 1].kind == '(';
}

bool conf_parse_at_name(const struct conf_parser *parser)
{
    return parser->last.kind == WORD && parser->before.kind != '=' && parser->brackets == 0;
}

static void follow_brackets(struct conf_parser *parser, const struct conf_token *token)
{
    if (token->kind == '(' || token->kind == '[') {
        if (parser->brackets < CONF_BRACKETS_MAX) {
            parser->bracket[parser->brackets].kind = (char)token->kind;
            parser->bracket[parser->brackets].span = token->span;
        } else if (parser->brackets == CONF_BRACKETS_MAX) {
            conf_parse_error(parser, token->span, "lists and dictionaries are nested deeper than %d",
                             CONF_BRACKETS_MAX);
        }
        parser->brackets++;
    } else if ((token->kind == ')' || token->kind == ']') && parser->brackets > 0) {
        parser->brackets--;
    }
}

static struct conf_token take_token(struct conf_parser *parser)
{
    struct conf_token token =
        parser->pushed_count ? parser->pushed[--parser->pushed_count] : conf_scanner_next(parser);
    follow_brackets(parser, &token);
    return token;
}

static void give_back(struct conf_parser *parser, struct conf_token token)
{
    parser->pushed[parser->pushed_count++] = token;
}

static bool begins_assignment(struct conf_parser *parser)
{
    struct conf_token next = conf_scanner_next(parser);
    give_back(parser, next);
    return next.kind == '=';
}

/* Can a fresh statement begin with this token (or a stanza end, or nothing follow)? */
static bool is_resync_point(struct conf_parser *parser, const struct conf_token *token)
{
    if (token->kind == END || token->kind == '}')
        return true;
    if (token->kind == INCLUDE || token->kind == READONLY_INCLUDE)
        return token->first_on_line && !parser->brackets;
    if (token->kind != WORD || !token->first_on_line)
        return false;
    if (!parser->brackets)
        return true;
    /* In a dictionary `name =` may be its next pair; in a list it cannot be an item. */
    return conf_parse_in_list(parser) && !parser->pushed_count && begins_assignment(parser);
}

/* Is the mistake only seen at the '=' of the statement on the next line? */
static bool next_statement_began(const struct conf_parser *parser)
{
    return parser->last.kind == '=' && parser->before.kind == WORD && parser->before.first_on_line;
}

static struct conf_token recover(struct conf_parser *parser)
{
    struct conf_token token = parser->last;
    parser->recovering = false;
    if (next_statement_began(parser)) {
        give_back(parser, token);
        token = parser->before;
    } else {
        while (token.kind != '{' && !is_resync_point(parser, &token))
            token = take_token(parser);
    }
    parser->brackets = 0;
    if (token.kind == '{')
        return token;
    give_back(parser, token);
    return (struct conf_token){.kind = RESYNC, .span = token.span};
}

/* Is this the '{' of `Name = value {`, of which the grammar has taken `Name = value` for an assignment? */
static bool reopens(const struct conf_parser *parser, const struct conf_token *token)
{
    bool named = parser->last.kind == WORD || parser->last.kind == STRING;
    return token->kind == '{' && named && parser->before.kind == '=' && parser->brackets == 0;
}

int conf_yylex(CONF_YYSTYPE *value, CONF_YYLTYPE *location, struct conf_parser *parser)
{
    struct conf_token token = parser->recovering ? recover(parser) : take_token(parser);
    if (reopens(parser, &token))
        token.kind = REOPEN;
    parser->before_that = parser->before;
    parser->before = parser->last;
    parser->last = token;
    value->token = token;
    *location = token.span;
    return token.kind;
}

/* ---- errors -------------------------------------------------------------------------------------------- */

void conf_parse_error(struct conf_parser *parser, struct conf_span span, const char *format, ...)
{
    char message[512];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(message, sizeof message, format, arguments);
    va_end(arguments);
    conf_report_at_span(parser->loader->report, CONF_ERROR, span, "%s", message);
}

/* The parser gives up when its stack is full; it says nothing else in this way. */
void conf_yyerror(const CONF_YYLTYPE *location, struct conf_parser *parser, const char *message)
{
    (void)message;
    conf_parse_error(parser, *location, "nested too deeply to read on");
}

static bool expects(const char *const *expected, size_t count, const char *name)
{
    for (size_t i = 0; i < count; i++)
        if (strcmp(expected[i], name) == 0)
            return true;
    return false;
}

static void describe(const struct conf_token *token, char *text, size_t size)
{
    int shown = token->text.size > 60 ? 60 : (int)token->text.size;
    if (token->kind == END)
        snprintf(text, size, "the end of the file");
    else if (token->kind == STRING)
        snprintf(text, size, "\"%.*s\"", shown, token->text.data);
    else if (token->text.size)
        snprintf(text, size, "'%.*s'", shown, token->text.data);
    else
        snprintf(text, size, "'%c'", token->kind);
}

/* In a list or dictionary: was its end forgotten, or is the token wrong there? */
static void explain_bracket(struct conf_parser *parser, bool list, const char *what)
{
    const struct conf_token *found = &parser->last;
    unsigned innermost = parser->brackets < CONF_BRACKETS_MAX ? parser->brackets : CONF_BRACKETS_MAX;
    bool outside = found->kind == '{' || found->kind == '}' || found->kind == END;
    if ((outside || (list && next_statement_began(parser))) && innermost > 0)
        conf_parse_error(parser, parser->bracket[innermost - 1].span,
                         "this %s is not closed: '%c' is missing", list ? "list" : "dictionary",
                         list ? ')' : ']');
    else if (list)
        conf_parse_error(parser, found->span, "expected a value or the ')' of this list, not %s", what);
    else
        conf_parse_error(parser, found->span, "expected 'name = value' or the ']' of this dictionary, not %s",
                         what);
}

/* A word alone on its line: the one before the next statement. */
static void explain_word(struct conf_parser *parser)
{
    char word[96];
    describe(&parser->before_that, word, sizeof word);
    conf_parse_error(parser, parser->before_that.span, "expected '= value' or '{' after %s", word);
}

static void explain_statement(struct conf_parser *parser, const char *what)
{
    const struct conf_token *found = &parser->last, *before = &parser->before;
    unsigned innermost = parser->depth < CONF_NESTING_MAX ? parser->depth : CONF_NESTING_MAX;
    if (before->kind == INCLUDE || before->kind == READONLY_INCLUDE)
        conf_parse_error(parser, found->span, "expected the name of a file to include, not %s", what);
    else if (found->kind == END && parser->depth > parser->base)
        conf_parse_error(parser, parser->open[innermost].span,
                         "the stanza that begins here is not closed: '}' is missing");
    else
        conf_parse_error(parser, found->span, "expected an option, a stanza or an include, not %s", what);
}

void conf_parse_unexpected(struct conf_parser *parser, const char *const *expected, size_t count)
{
    const struct conf_token *found = &parser->last, *before = &parser->before;
    bool assign = expects(expected, count, "'='"), open = expects(expected, count, "'{'");
    char what[96], previous[96];
    describe(found, what, sizeof what);
    describe(before, previous, sizeof previous);
    parser->recovering = found->kind != '{'; /* which the grammar takes as it is */

    if (expects(expected, count, "')'") || expects(expected, count, "']'"))
        explain_bracket(parser, expects(expected, count, "')'"), what);
    else if (next_statement_began(parser) && parser->before_that.kind == WORD)
        explain_word(parser);
    else if (before->kind == '=')
        conf_parse_error(parser, found->span, "expected a value after '=', not %s", what);
    else if (assign && open)
        conf_parse_error(parser, before->span, "expected '= value' or '{' after %s, not %s", previous, what);
    else if (open && !found->first_on_line)
        conf_parse_error(parser, found->span, "expected '{' after %s, not %s", previous, what);
    else if (open)
        conf_parse_error(parser, before->span,
                         "expected '=' before %s to set an option, or '{' after it to open a stanza",
                         previous);
    else if (assign)
        conf_parse_error(parser, before->span, "expected '= value' after %s, not %s", previous, what);
    else
        explain_statement(parser, what);
}

/* ---- the tree ------------------------------------------------------------------------------------------ */

struct ast_stanza *conf_ast_stanza(struct conf_loader *loader)
{
    struct ast_stanza *stanza = conf_arena_alloc(&loader->arena, sizeof *stanza);
    stanza->last_assignment = &stanza->assignments;
    stanza->last_stanza = &stanza->stanzas;
    return stanza;
}

struct ast_inclusion *conf_ast_inclusion(struct conf_loader *loader, struct ast_stanza *stanza,
                                         struct conf_span span)
{
    struct ast_inclusion *inclusion = conf_arena_alloc(&loader->arena, sizeof *inclusion);
    inclusion->stanza = stanza;
    inclusion->span = span;
    struct ast_inclusion **last = loader->last_inclusion;
    *(last ? last : &loader->inclusions) = inclusion;
    loader->last_inclusion = &inclusion->next;
    return inclusion;
}

/* The innermost open stanza; NULL beyond the depth that is kept. */
static struct ast_stanza *innermost(struct conf_parser *parser)
{
    return parser->depth <= CONF_NESTING_MAX ? parser->open[parser->depth].stanza : NULL;
}

static void push(struct conf_parser *parser, struct ast_stanza *stanza, struct conf_span span)
{
    parser->depth++;
    if (parser->depth <= CONF_NESTING_MAX) {
        parser->open[parser->depth].stanza = stanza;
        parser->open[parser->depth].span = span;
    } else if (parser->depth == CONF_NESTING_MAX + 1) {
        conf_parse_error(parser, span, "stanzas are nested deeper than %d", CONF_NESTING_MAX);
    }
}

void conf_parse_open(struct conf_parser *parser, const struct conf_token *kind, const struct conf_token *name)
{
    struct ast_stanza *parent = innermost(parser);
    struct ast_stanza *stanza = conf_ast_stanza(parser->loader);
    stanza->kind = kind->text;
    stanza->kind_span = kind->span;
    stanza->named = name != NULL;
    stanza->name = name ? name->text : (struct conf_text){"", 0};
    stanza->name_span = name ? name->span : kind->span;
    if (parent) {
        *parent->last_stanza = stanza;
        parent->last_stanza = &stanza->next;
        parent->stanza_count++;
    }
    push(parser, stanza, kind->span);
}

void conf_parse_reopen(struct conf_parser *parser)
{
    struct ast_stanza *parent = innermost(parser);
    if (!parent) {
        push(parser, NULL, parser->last.span);
        return;
    }
    const struct ast_assignment *head = *parser->last_assignment;
    struct conf_token kind = {.text = head->name, .span = head->span};
    struct conf_token name = {.text = head->value->text, .span = head->value->span};
    parent->last_assignment = parser->last_assignment;
    *parent->last_assignment = NULL;
    conf_parse_open(parser, &kind, &name);
}

void conf_parse_open_discarded(struct conf_parser *parser, struct conf_span span)
{
    push(parser, conf_ast_stanza(parser->loader), span);
}

void conf_parse_close(struct conf_parser *parser, struct conf_span brace)
{
    struct ast_stanza *stanza = innermost(parser);
    if (stanza)
        stanza->end = brace.offset;
    parser->depth--;
}

void conf_parse_assign(struct conf_parser *parser, const struct conf_token *name, struct ast_value *value)
{
    struct ast_stanza *stanza = innermost(parser);
    if (!stanza)
        return;
    struct ast_assignment *assignment = conf_arena_alloc(&parser->loader->arena, sizeof *assignment);
    assignment->name = name->text;
    assignment->span = name->span;
    assignment->value = value;
    parser->last_assignment = stanza->last_assignment;
    *stanza->last_assignment = assignment;
    stanza->last_assignment = &assignment->next;
}

void conf_parse_include(struct conf_parser *parser, const struct conf_token *statement,
                        const struct conf_token *path)
{
    struct ast_stanza *stanza = innermost(parser);
    if (!stanza)
        return;
    struct ast_inclusion *inclusion = conf_ast_inclusion(parser->loader, stanza, path->span);
    inclusion->name = path->text;
    inclusion->begin = statement->span.offset;
    inclusion->end = path->end;
    inclusion->read_only = statement->kind == READONLY_INCLUDE;
    parser->loader->include(parser->loader, inclusion, parser->depth);
}

static struct ast_value *new_value(struct conf_parser *parser, enum ast_shape shape, struct conf_span span)
{
    struct ast_value *value = conf_arena_alloc(&parser->loader->arena, sizeof *value);
    value->shape = shape;
    value->span = span;
    return value;
}

struct ast_value *conf_parse_scalar(struct conf_parser *parser, const struct conf_token *token)
{
    struct ast_value *value = new_value(parser, AST_SCALAR, token->span);
    value->text = token->text;
    value->end = token->end;
    return value;
}

struct ast_value *conf_parse_container(struct conf_parser *parser, enum ast_shape shape)
{
    return new_value(parser, shape, parser->last.span);
}

void conf_parse_append(struct ast_value *container, struct ast_value *item)
{
    if (container->last)
        container->last->next = item;
    else
        container->first = item;
    container->last = item;
    container->count++;
}

void conf_parse(struct conf_loader *loader, const struct conf_source *source, struct ast_stanza *stanza,
                unsigned depth)
{
    struct conf_parser parser = {
        .loader = loader, .source = source, .line = 1, .column = 1, .base = depth, .depth = depth};
    parser.open[depth].stanza = stanza;
    parser.open[depth].span = (struct conf_span){source, 1, 1, 1, 0};
    conf_scanner_open(&parser);
    conf_yyparse(&parser);
    conf_scanner_close(&parser);
}
