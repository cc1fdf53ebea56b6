/* fields: see fields.h. */
#include "policy/fields.h"

#include <limits.h>

static int64_t clamp(int64_t number, int64_t least, int64_t most)
{
    return number < least ? least : number > most ? most : number;
}

static uint64_t no_limit_if_negative(int64_t number, uint64_t most)
{
    return number < 0 || (uint64_t)number > most ? most : (uint64_t)number;
}

/* What a chain without levels answers. */
static const struct conf_value *default_of(const struct conf *conf, const char *option)
{
    struct conf_chain no_levels;
    no_levels.conf = conf;
    no_levels.count = 0;
    return conf_chain_value(&no_levels, option);
}

static struct policy_setting find(const struct conf_chain *chain, const char *option)
{
    for (size_t i = 0; i < chain->count; i++) {
        const struct conf_value *value = conf_scope_value(chain->levels[i], option);
        if (value)
            return (struct policy_setting){value, i};
    }
    return (struct policy_setting){default_of(chain->conf, option), chain->count};
}

/* A text that is set to "" is not set: then what its row says. */
static const char *text_of(const struct conf_value *value, const char *option, const struct conf *conf)
{
    if (value && *value->text)
        return value->text;
    value = default_of(conf, option);
    return value && *value->text ? value->text : NULL;
}

static void store(void *holder, const struct policy_field *row, const struct policy_setting *setting,
                  const struct conf *conf)
{
    const struct conf_value *value = setting->value;
    void *field = (char *)holder + row->offset;
    int64_t number = value ? value->number : 0;
    switch (row->store) {
    case STORE_BOOL:
        *(bool *)field = number != 0;
        break;
    case STORE_U16:
        *(uint16_t *)field = (uint16_t)clamp(number, 0, UINT16_MAX);
        break;
    case STORE_INT:
        *(int *)field = (int)clamp(number, INT_MIN, INT_MAX);
        break;
    case STORE_UNSIGNED:
        *(unsigned *)field = (unsigned)no_limit_if_negative(number, UINT_MAX);
        break;
    case STORE_I64:
        *(int64_t *)field = number;
        break;
    case STORE_U64:
        *(uint64_t *)field = no_limit_if_negative(number, UINT64_MAX);
        break;
    case STORE_CHOICE:
        *(unsigned *)field = (unsigned)number;
        break;
    case STORE_TEXT:
        *(const char **)field = text_of(value, row->option, conf);
        break;
    case STORE_VALUE:
        *(const struct conf_value **)field = value;
        break;
    case STORE_SETTING:
        *(struct policy_setting *)field = *setting;
        break;
    }
}

void policy_fields_fill(void *holder, const struct policy_field *fields, size_t count,
                        const struct conf_chain *chain)
{
    for (size_t i = 0; i < count; i++) {
        struct policy_setting setting = find(chain, fields[i].option);
        store(holder, &fields[i], &setting, chain->conf);
    }
}

void policy_fields_overlay(void *holder, const struct policy_field *fields, size_t count,
                           const struct conf *conf, const struct conf_scope *scope)
{
    for (size_t i = 0; scope && i < count; i++) {
        struct policy_setting setting = {conf_scope_value(scope, fields[i].option), 0};
        if (setting.value)
            store(holder, &fields[i], &setting, conf);
    }
}
