/* form: see form.h. */
#include "form.h"

#include <string.h>

/* What Markdown would take for markup. An underscore within a word is none. */
static void put_markdown_text(const char *text, FILE *out)
{
    for (; *text; text++) {
        if (strchr("\\`*<[]|", *text))
            putc('\\', out);
        putc(*text, out);
    }
}

static void put_markdown_code(const char *text, FILE *out)
{
    fputs(text, out);
}

/* A full stop or an apostrophe would begin a request where it begins a line; a quote would end the name of an
 * entry. */
static void put_mdoc(const char *text, FILE *out)
{
    if (*text == '.' || *text == '\'')
        fputs("\\&", out);
    for (; *text; text++)
        if (*text == '\\')
            fputs("\\e", out);
        else if (*text == '-')
            fputs("\\-", out);
        else if (*text == '"')
            fputs("\\(dq", out);
        else
            putc(*text, out);
}

static void put_upper(const char *text, FILE *out)
{
    for (; *text; text++)
        putc(*text >= 'a' && *text <= 'z' ? *text - 'a' + 'A' : *text, out);
}

const struct form form_markdown = {
    .head = "# Options of ecelerity.conf\n"
            "\n"
            "Written by `make doc` from the tables that the daemon reads a configuration with. What "
            "Momentum's manual\n"
            "says and what is done here is set side by side in [compatibility.md](compatibility.md).\n",
    .section_begin = "\n## ",
    .section_end = "\n",
    .entries_begin = "",
    .entries_end = "",
    .entry_begin = "\n### ",
    .entry_end = "\n\n",
    .item_begin = "- ",
    .item_end = "\n",
    .code_begin = "`",
    .code_end = "`",
    .put_title = put_markdown_text,
    .put_text = put_markdown_text,
    .put_code = put_markdown_code,
};

const struct form form_mdoc = {
    .head = ".\\\" Written by make doc.\n"
            ".Dd November 21, 2026\n"
            ".Dt ECELERITY.CONF 5\n"
            ".Os Impulse\n"
            ".Sh NAME\n"
            ".Nm ecelerity.conf\n"
            ".Nd the options of impulsed\n"
            ".Sh DESCRIPTION\n"
            "The configuration of\n"
            ".Xr impulsed 8\n"
            "is that of Momentum.\n"
            "This page lists its options and stanzas, each with what it does here.\n"
            "Which value applies in a scope, and the line that it comes from, is what\n"
            ".Ql impulsectl explain\n"
            "says; see\n"
            ".Xr impulsectl 1 .\n",
    .section_begin = ".Sh ",
    .section_end = "\n",
    .entries_begin = ".Bl -tag -width Ds\n",
    .entries_end = ".El\n",
    .entry_begin = ".It Ic \"",
    .entry_end = "\"\n",
    .item_begin = "",
    .item_end = "\n.br\n",
    .code_begin = "\\fB",
    .code_end = "\\fR",
    .put_title = put_upper,
    .put_text = put_mdoc,
    .put_code = put_mdoc,
};
