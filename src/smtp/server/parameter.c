/*
 * parameter: see parameter.h. Each parameter is a row: its keyword, its extension, and the function that
 * reads its value. What is not in the table of the command may be a module's.
 */
#include "smtp/server/parameter.h"

#include "base/xtext.h"
#include "message/envelope.h"
#include "smtp/server/extension.h"
#include "smtp/server/smtps_verb.h"

enum {
    ENVID_MAX = 100,     /* RFC 3461 section 4.4 */
    ORCPT_MAX = 500,     /* RFC 3461 section 4.2 */
    SIZE_DIGITS_MAX = 20 /* RFC 1870 section 4 */
};

/* Reads a value, which is empty if there is no "=". Returns NULL, or the reply that rejects it. */
typedef const struct smtps_reply *read_fn(struct slice value, unsigned offered,
                                          struct parameters *parameters);

struct row {
    const char *name; /* of the registry: the command, a space, the keyword */
    struct slice keyword;
    unsigned extension;
    read_fn *read;
    const char *help;
};

#define NAMES(command, word) command " " word, SLICE_LITERAL(word)

struct table { /* the server's own parameters of one command */
    struct slice command;
    const struct row *rows;
    size_t count;
};

struct choice { /* a word that is allowed as a value */
    struct slice word;
    uint32_t flag;
    unsigned extension; /* required for this word; 0: none */
};

static const struct choice bodies[] = {
    {{"7BIT", 4}, 0, 0},
    {{"8BITMIME", 8}, ENVELOPE_EIGHT_BIT, 0},
    {{"BINARYMIME", 10}, ENVELOPE_BINARY, EXTENSION_BINARYMIME},
};
static const struct choice returns[] = {
    {{"FULL", 4}, ENVELOPE_RET_FULL, 0},
    {{"HDRS", 4}, ENVELOPE_RET_HDRS, 0},
};
static const struct choice notifications[] = {
    {{"NEVER", 5}, ENVELOPE_NOTIFY_NEVER, 0},
    {{"SUCCESS", 7}, ENVELOPE_NOTIFY_SUCCESS, 0},
    {{"FAILURE", 7}, ENVELOPE_NOTIFY_FAILURE, 0},
    {{"DELAY", 5}, ENVELOPE_NOTIFY_DELAY, 0},
};

#define COUNT(array) (sizeof(array) / sizeof *(array))

static const struct smtps_reply *read_choice(struct slice value, const struct choice *choices, size_t count,
                                             unsigned offered, uint32_t *flags)
{
    for (size_t i = 0; i < count; i++) {
        if (!slice_equal_nocase(value, choices[i].word))
            continue;
        if (choices[i].extension & ~offered)
            return &reply_parameter_unknown;
        *flags |= choices[i].flag;
        return NULL;
    }
    return &reply_parameter_value;
}

/* ---- MAIL ---------------------------------------------------------------------------------------- */

/* Parses a size. A number that exceeds 64 bits counts as the largest size, which exceeds every limit. */
static const struct smtps_reply *read_size(struct slice value, unsigned offered,
                                           struct parameters *parameters)
{
    (void)offered;
    if (value.size == 0 || value.size > SIZE_DIGITS_MAX)
        return &reply_size_syntax;
    for (size_t i = 0; i < value.size; i++)
        if (value.data[i] < '0' || value.data[i] > '9')
            return &reply_size_syntax;
    if (!slice_to_uint(value, &parameters->size))
        parameters->size = INT64_MAX;
    return NULL;
}

static const struct smtps_reply *read_body(struct slice value, unsigned offered,
                                           struct parameters *parameters)
{
    return read_choice(value, bodies, COUNT(bodies), offered, &parameters->flags);
}

static const struct smtps_reply *read_ret(struct slice value, unsigned offered, struct parameters *parameters)
{
    return read_choice(value, returns, COUNT(returns), offered, &parameters->flags);
}

static const struct smtps_reply *read_flag(struct slice value, uint32_t flag, struct parameters *parameters)
{
    parameters->flags |= flag;
    return value.size ? &reply_parameter_value : NULL;
}

static const struct smtps_reply *read_smtputf8(struct slice value, unsigned offered,
                                               struct parameters *parameters)
{
    (void)offered;
    return read_flag(value, ENVELOPE_SMTPUTF8, parameters);
}

static const struct smtps_reply *read_requiretls(struct slice value, unsigned offered,
                                                 struct parameters *parameters)
{
    (void)offered;
    return read_flag(value, ENVELOPE_REQUIRETLS, parameters);
}

/* RFC 3461 section 4.4: xtext that encodes printable ASCII. */
static const struct smtps_reply *read_envid(struct slice value, unsigned offered,
                                            struct parameters *parameters)
{
    struct buf text = {0};
    (void)offered;
    bool valid = value.size > 0 && value.size <= ENVID_MAX && xtext_decode(value, &text);
    struct slice decoded = buf_slice(&text);
    for (size_t i = 0; i < decoded.size; i++)
        valid = valid && decoded.data[i] >= 32 && decoded.data[i] <= 126;
    buf_release(&text);
    parameters->envid = value;
    return valid ? NULL : &reply_parameter_value;
}

/* RFC 4954 section 5. */
static const struct smtps_reply *read_auth(struct slice value, unsigned offered,
                                           struct parameters *parameters)
{
    (void)offered;
    if (value.size == 0 || !xtext_valid(value, false))
        return &reply_parameter_value;
    parameters->auth = value;
    return NULL;
}

static const struct row mail_rows[] = {
    {NAMES("MAIL", "SIZE"), EXTENSION_SIZE, read_size, "the size of the message in bytes (RFC 1870)"},
    {NAMES("MAIL", "BODY"), EXTENSION_8BITMIME, read_body,
     "7BIT, 8BITMIME or BINARYMIME (RFC 6152, RFC 3030)"},
    {NAMES("MAIL", "SMTPUTF8"), EXTENSION_SMTPUTF8, read_smtputf8,
     "addresses and header fields may be UTF-8 (RFC 6531)"},
    {NAMES("MAIL", "RET"), EXTENSION_DSN, read_ret, "FULL or HDRS: what a notification returns (RFC 3461)"},
    {NAMES("MAIL", "ENVID"), EXTENSION_DSN, read_envid, "what notifications call the message (RFC 3461)"},
    {NAMES("MAIL", "AUTH"), EXTENSION_AUTH, read_auth, "who submitted the message (RFC 4954)"},
    {NAMES("MAIL", "REQUIRETLS"), EXTENSION_REQUIRETLS, read_requiretls,
     "the message requires TLS on its whole way (RFC 8689)"},
};

/* ---- RCPT ---------------------------------------------------------------------------------------- */

/* RFC 3461 section 4.1: either NEVER alone, or some of the other words. */
static const struct smtps_reply *read_notify(struct slice value, unsigned offered,
                                             struct parameters *parameters)
{
    struct slice rest = value, word;
    uint32_t flags = 0;
    if (value.size == 0 || value.data[value.size - 1] == ',')
        return &reply_parameter_value;
    while (slice_next(&rest, ',', &word)) {
        const struct smtps_reply *problem =
            read_choice(word, notifications, COUNT(notifications), offered, &flags);
        if (problem)
            return problem;
    }
    if ((flags & ENVELOPE_NOTIFY_NEVER) && flags != ENVELOPE_NOTIFY_NEVER)
        return &reply_parameter_value;
    parameters->flags |= flags;
    return NULL;
}

/* RFC 3461 section 4.2: an address type, which is an atom, and an xtext. */
static const struct smtps_reply *read_orcpt(struct slice value, unsigned offered,
                                            struct parameters *parameters)
{
    struct slice rest = value, type;
    if (value.size > ORCPT_MAX || !slice_next(&rest, ';', &type) || type.size == 0 || rest.size == 0 ||
        !xtext_valid(type, false) || !xtext_valid(rest, offered & EXTENSION_SMTPUTF8))
        return &reply_parameter_value;
    parameters->orcpt = value;
    return NULL;
}

static const struct row rcpt_rows[] = {
    {NAMES("RCPT", "NOTIFY"), EXTENSION_DSN, read_notify,
     "NEVER, or some of SUCCESS, FAILURE and DELAY (RFC 3461)"},
    {NAMES("RCPT", "ORCPT"), EXTENSION_DSN, read_orcpt, "the address that the sender gave (RFC 3461)"},
};

/* ---- both ---------------------------------------------------------------------------------------- */

static bool is_keyword_char(char c, bool first)
{
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (!first && c == '-');
}

/* Removes the next "KEYWORD[=VALUE]" (RFC 5321 4.1.2, esmtp-param) from `*rest`, which must not be empty. */
static bool next_parameter(struct slice *rest, struct slice *keyword, struct slice *value)
{
    size_t i = 0, begin;
    while (i < rest->size && rest->data[i] == ' ')
        i++;
    for (begin = i; i < rest->size && is_keyword_char(rest->data[i], i == begin);)
        i++;
    *keyword = slice_of(rest->data + begin, i - begin);
    *value = slice_of(NULL, 0);
    if (begin == 0 || i == begin)
        return false;
    if (i < rest->size && rest->data[i] == '=') {
        for (begin = ++i; i < rest->size && rest->data[i] != ' ' && rest->data[i] != '=';)
            i++;
        *value = slice_of(rest->data + begin, i - begin);
        if (value->size == 0)
            return false;
    }
    *rest = slice_of(rest->data + i, rest->size - i);
    return rest->size == 0 || rest->data[0] == ' ';
}

/* ---- of modules ---------------------------------------------------------------------------------- */

/* Returns the row of a module's parameter of that command, or NULL if none is offered. There are few rows. */
static const struct registry_row *find_added(const struct parameter_source *source, struct slice command,
                                             struct slice keyword, unsigned offered)
{
    for (size_t i = 0; source->rows && i < source->rows->count; i++) {
        const struct registry_row *row = &source->rows->rows[i];
        const struct smtps_parameter *parameter = row->what;
        struct slice name = slice_text(row->name), verb;
        if (slice_next(&name, ' ', &verb) && slice_equal(verb, command) &&
            slice_equal_nocase(name, keyword) && !(parameter->extension & ~offered))
            return row;
    }
    return NULL;
}

static const struct smtps_reply *read_added(const struct parameter_source *source,
                                            const struct registry_row *row, struct slice value,
                                            struct parameters *parameters)
{
    const struct smtps_parameter *parameter = row->what;
    for (size_t i = 0; i < parameters->added_count; i++)
        if (parameters->added[i].name == row->name)
            return &reply_parameter_twice;
    if (parameter->value != SMTPS_VALUE_OPTIONAL &&
        (value.size > 0) != (parameter->value == SMTPS_VALUE_REQUIRED))
        return &reply_parameter_value;
    parameters->added[parameters->added_count++] = (struct parameter_added){row->name, value};
    if (!parameter->check || parameter->check(source->session, value, parameters->refusal_text,
                                              sizeof parameters->refusal_text, parameter->closure))
        return NULL;
    parameters->refused_by = parameter->module;
    parameters->refusal = reply_parameter_value;
    parameters->refusal_text[sizeof parameters->refusal_text - 1] = '\0'; /* in case the check did not */
    slice_copy_printable(parameters->refusal_text, sizeof parameters->refusal_text,
                         slice_text(parameters->refusal_text));
    if (parameters->refusal_text[0])
        parameters->refusal.text = parameters->refusal_text;
    return &parameters->refusal;
}

/* ---- the whole ----------------------------------------------------------------------------------- */

static const struct smtps_reply *parse(struct slice rest, unsigned offered,
                                       const struct parameter_source *source, const struct table *table,
                                       struct parameters *parameters)
{
    const struct row *rows = table->rows;
    struct slice keyword, value;
    unsigned seen = 0;
    *parameters = (struct parameters){.refused_by = "core"};
    while (rest.size > 0) {
        const struct smtps_reply *problem;
        size_t i = 0;
        if (!next_parameter(&rest, &keyword, &value))
            return &reply_parameter_syntax;
        while (i < table->count &&
               (!(rows[i].extension & offered) || !slice_equal_nocase(keyword, rows[i].keyword)))
            i++;
        if (i == table->count) {
            const struct registry_row *added = find_added(source, table->command, keyword, offered);
            problem = added ? read_added(source, added, value, parameters) : &reply_parameter_unknown;
        } else if (seen & 1u << i) {
            problem = &reply_parameter_twice;
        } else {
            seen |= 1u << i;
            problem = rows[i].read(value, offered, parameters);
        }
        if (problem)
            return problem;
    }
    return NULL;
}

static const struct table mail_table = {{"MAIL", 4}, mail_rows, COUNT(mail_rows)},
                          rcpt_table = {{"RCPT", 4}, rcpt_rows, COUNT(rcpt_rows)};

const struct smtps_reply *parameters_parse_mail(struct slice rest, unsigned offered,
                                                const struct parameter_source *source,
                                                struct parameters *parameters)
{
    return parse(rest, offered, source, &mail_table, parameters);
}

const struct smtps_reply *parameters_parse_rcpt(struct slice rest, unsigned offered,
                                                const struct parameter_source *source,
                                                struct parameters *parameters)
{
    return parse(rest, offered, source, &rcpt_table, parameters);
}

/* ---- registered ---------------------------------------------------------------------------------- */

static struct registry core = {.kind = "SMTP parameter"};

static void add_table(const struct table *table)
{
    char error[256];
    for (size_t i = 0; i < table->count; i++) {
        struct registry_row row = {.name = table->rows[i].name,
                                   .owner = "the SMTP server",
                                   .help = table->rows[i].help,
                                   .thread = SMTPS_THREAD,
                                   .what = &table->rows[i]};
        registry_add(&core, &row, error, sizeof error);
    }
}

void parameters_register(void)
{
    add_table(&mail_table);
    add_table(&rcpt_table);
}

const struct registry *parameters_core(void)
{
    return &core;
}
