/*
 * imp_config: a module's own stanza and the stanzas in it, and options of the global scope, while its setup
 * runs.
 */
#include "module/imp_config.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include "base/mem.h"
#include "impulse/config.h"

void config_reading_begin(struct config_reading *reading, const char *label)
{
    *reading = (struct config_reading){.fault.module = label};
}

void config_reading_end(struct config_reading *reading)
{
    for (size_t i = 0; i < reading->count; i++) {
        free((char *)reading->stanzas[i]->path);
        free(reading->stanzas[i]);
    }
    free(reading->stanzas);
    reading->stanzas = NULL;
    reading->count = 0;
}

/* ---- its own options -------------------------------------------------------------------------------------
 */

/* Where the stanza begins; without a column, so that it is told from the place of an option. */
static struct conf_place place_of(const struct imp_config *config)
{
    struct conf_place place = {0};
    if (config->scope)
        place = conf_scope_place(config->scope);
    place.column = 0;
    return place;
}

static const struct conf_option *find_row(const struct imp_config *config, const char *name, bool stanza)
{
    for (size_t i = 0; i < config->manifest->option_count; i++) {
        const struct conf_option *row = &config->manifest->options[i];
        if ((row->type == CONF_SCOPE) == stanza && strcasecmp(row->name, name) == 0 &&
            strcmp(row->scopes, config->path) == 0)
            return row;
    }
    return NULL;
}

/* Is it declared, but for scopes of the core? */
static bool is_added(const struct imp_config *config, const char *option)
{
    for (size_t i = 0; i < config->manifest->added_count; i++)
        if (strcasecmp(config->manifest->added[i].name, option) == 0)
            return true;
    return false;
}

static bool may_ask(const struct imp_config *config, const char *option, enum asked_type asked)
{
    const struct conf_option *row = find_row(config, option, false);
    struct option_fault *fault = &config->reading->fault;
    if (!row && is_added(config, option)) {
        option_fault_note(fault, place_of(config),
                          "it asks its stanza for option \"%s\", but it is declared for scopes of the core: "
                          "imp_policy_* and imp_config_global_* know it",
                          option);
        return false;
    }
    char *unknown = mem_printf("the manifest %s does not declare it%s%s", config->manifest->file,
                               *config->path ? " for the stanza " : "", config->path);
    bool may = option_question_check(fault, place_of(config), option, row, asked, unknown);
    free(unknown);
    return may;
}

/* The value, or NULL: there is none, or it may not be asked for like that, which is noted. */
static const struct conf_value *ask(const struct imp_config *config, const char *option,
                                    enum asked_type asked)
{
    if (!may_ask(config, option, asked))
        return NULL;
    if (config->scope)
        return conf_module_value(config->conf, config->scope, option);
    return conf_module_default(config->conf, config->manifest->name, option);
}

const char *imp_config_text(const struct imp_config *config, const char *option)
{
    const struct conf_value *value = ask(config, option, ASKED_TEXT);
    return value ? value->text : NULL;
}

bool imp_config_bool(const struct imp_config *config, const char *option)
{
    const struct conf_value *value = ask(config, option, ASKED_BOOL);
    return value && value->number != 0;
}

int64_t imp_config_int(const struct imp_config *config, const char *option)
{
    const struct conf_value *value = ask(config, option, ASKED_INT);
    return value ? value->number : 0;
}

double imp_config_seconds(const struct imp_config *config, const char *option)
{
    const struct conf_value *value = ask(config, option, ASKED_SECONDS);
    return value ? value->seconds : 0;
}

int imp_config_choice(const struct imp_config *config, const char *option)
{
    const struct conf_value *value = ask(config, option, ASKED_CHOICE);
    return value ? (int)value->number - 1 : -1;
}

size_t imp_config_count(const struct imp_config *config, const char *option)
{
    const struct conf_value *value = ask(config, option, ASKED_ITEMS);
    return value ? value->count : 0;
}

const char *imp_config_item(const struct imp_config *config, const char *option, size_t index)
{
    return option_answer_item(ask(config, option, ASKED_ITEMS), index);
}

const char *imp_config_key(const struct imp_config *config, const char *option, size_t index)
{
    return option_answer_key(ask(config, option, ASKED_PAIRS), index);
}

const char *imp_config_lookup(const struct imp_config *config, const char *option, const char *key)
{
    return option_answer_lookup(ask(config, option, ASKED_PAIRS), key);
}

bool imp_config_is_set(const struct imp_config *config, const char *option)
{
    return may_ask(config, option, ASKED_ANY) && config->scope && conf_scope_value(config->scope, option);
}

int imp_config_error(const struct imp_config *config, const char *option, const char *format, ...)
{
    const struct conf_value *value = option && config->scope ? conf_scope_value(config->scope, option) : NULL;
    va_list arguments;
    va_start(arguments, format);
    option_fault_note_list(&config->reading->fault, value ? value->place : place_of(config), option, format,
                           arguments);
    va_end(arguments);
    return -1;
}

/* ---- stanzas in it ---------------------------------------------------------------------------------------
 */

static const struct imp_config *add_stanza(const struct imp_config *config, const struct conf_scope *scope)
{
    struct config_reading *reading = config->reading;
    struct imp_config *stanza = mem_new(struct imp_config);
    *stanza = *config;
    stanza->scope = scope;
    stanza->path = mem_printf("%s%s%s", config->path, *config->path ? "/" : "", conf_scope_kind(scope));
    reading->stanzas = mem_resize(reading->stanzas, (reading->count + 1) * sizeof *reading->stanzas);
    reading->stanzas[reading->count++] = stanza;
    return stanza;
}

const struct imp_config *imp_config_stanza(const struct imp_config *config, const char *kind,
                                           const struct imp_config *after)
{
    if (!find_row(config, kind, true)) {
        option_fault_note(&config->reading->fault, place_of(config),
                          "it asks for stanzas \"%s\", but the manifest %s does not declare them", kind,
                          config->manifest->file);
        return NULL;
    }
    const struct conf_scope *scope =
        config->scope ? conf_scope_next(config->scope, kind, after ? after->scope : NULL) : NULL;
    return scope ? add_stanza(config, scope) : NULL;
}

const char *imp_config_name(const struct imp_config *config)
{
    return config->scope ? conf_scope_name(config->scope) : "";
}

/* ---- the global scope ------------------------------------------------------------------------------------
 */

static const struct conf_value *ask_global(const struct imp_config *config, const char *option,
                                           enum asked_type asked)
{
    struct conf_chain chain;
    if (!option_question_check(&config->reading->fault, place_of(config), option,
                               conf_option_row(config->conf, option), asked, "there is none"))
        return NULL;
    conf_chain_global(&chain, config->conf);
    return conf_chain_value(&chain, option);
}

const char *imp_config_global_text(const struct imp_config *config, const char *option)
{
    const struct conf_value *value = ask_global(config, option, ASKED_TEXT);
    return value ? value->text : NULL;
}

bool imp_config_global_bool(const struct imp_config *config, const char *option)
{
    const struct conf_value *value = ask_global(config, option, ASKED_BOOL);
    return value && value->number != 0;
}

int64_t imp_config_global_int(const struct imp_config *config, const char *option)
{
    const struct conf_value *value = ask_global(config, option, ASKED_INT);
    return value ? value->number : 0;
}
