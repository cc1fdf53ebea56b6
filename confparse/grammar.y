/*
 * The language of ecelerity.conf (Momentum 4 manual, "Configuration Overview").
 *
 * A statement has no end mark: a value is one word, one string, one ( ) or one [ ], and what follows it begins the
 * next statement. After a syntax error the token source skips to a likely beginning of a statement and says
 * RESYNC there (parse.c), so that every mistake of a file is found in one go. `Name = value {` opens a stanza, too;
 * since an assignment is complete with its value, the token source says REOPEN for such a '{'.
 */
%code requires {
#include "confparse/ast.h"
#include "confparse/token.h"
struct conf_parser;
}

%code {
#include "confparse/parse.h"
}

%define api.pure full
%define api.prefix {conf_yy}
%define api.location.type {struct conf_span}
%define api.header.include {"confparse/grammar.h"}
%define parse.error custom
%define lr.type canonical-lr
%define lr.default-reduction consistent
%locations
%param {struct conf_parser *parser}
%expect 0

%union {
    struct conf_token token;
    struct ast_value *value;
}

%token END 0 "the end of the file"
%token <token> WORD "a word" STRING "a quoted string"
%token <token> INCLUDE "include" READONLY_INCLUDE "readonly_include"
%token RESYNC REOPEN
%token '=' "'='" '{' "'{'" '}' "'}'" '(' "'('" ')' "')'" '[' "'['" ']' "']'" ',' "','"

%type <token> text key include
%type <value> value bracketed item list items dictionary pairs

%%

file
    : statements
    | file '}' { conf_parse_error(parser, @2, "'}' closes nothing: no stanza is open here"); } statements
    ;

statements
    : %empty
    | statements statement
    ;

statement
    : WORD '=' value { $3->equals = true; conf_parse_assign(parser, &$1, $3); }
    | WORD bracketed { conf_parse_assign(parser, &$1, $2); }
    | opening statements '}' { conf_parse_close(parser, @3); }
    | include text { conf_parse_include(parser, &$1, &$2); }
    | error RESYNC { yyerrok; }
    | error '{' { conf_parse_open_discarded(parser, @2); yyerrok; } statements '}' { conf_parse_close(parser, @5); }
    ;

opening
    : WORD '{' { conf_parse_open(parser, &$1, NULL); }
    | WORD '=' '{' { conf_parse_open(parser, &$1, NULL); }
    | WORD text '{' { conf_parse_open(parser, &$1, &$2); }
    | REOPEN { conf_parse_reopen(parser); }
    ;

include: INCLUDE | READONLY_INCLUDE ;

text: WORD | STRING | INCLUDE | READONLY_INCLUDE ;

value
    : text { $$ = conf_parse_scalar(parser, &$1); }
    | bracketed
    ;

bracketed: list | dictionary ;

list: '(' items ')' { $$ = $2; $$->span = @1; $$->end = @3.offset + 1; } ;

items
    : %empty { $$ = conf_parse_container(parser, AST_LIST); }
    | items value { $$ = $1; conf_parse_append($1, $2); }
    | items ','
    ;

dictionary: '[' pairs ']' { $$ = $2; $$->span = @1; $$->end = @3.offset + 1; } ;

pairs
    : %empty { $$ = conf_parse_container(parser, AST_DICT); }
    | pairs item { $$ = $1; conf_parse_append($1, $2); }
    | pairs ','
    ;

item
    : key '=' value { $$ = $3; $$->key = $1.text; }
    | key bracketed { $$ = $2; $$->key = $1.text; }
    ;

key: WORD | STRING | INCLUDE | READONLY_INCLUDE ;

%%

static int yyreport_syntax_error(const yypcontext_t *context, struct conf_parser *parser)
{
    yysymbol_kind_t symbols[YYNTOKENS];
    const char *names[YYNTOKENS];
    int count = yypcontext_expected_tokens(context, symbols, YYNTOKENS);
    for (int i = 0; i < count; i++)
        names[i] = yysymbol_name(symbols[i]);
    conf_parse_unexpected(parser, names, count > 0 ? (size_t)count : 0);
    return 0;
}
