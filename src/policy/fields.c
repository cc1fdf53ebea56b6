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

/* A text that is set to "" is not set: then what its row says. */
static const char *text_of(const struct conf_value *value, const char *option, const struct conf *conf)
{
    struct conf_chain no_levels;
    if (value && *value->text)
        return value->text;
    no_levels.conf = conf;
    no_levels.count = 0;
    const char *text = conf_chain_text(&no_levels, option);
    return text && *text ? text : NULL;
}

static void store(void *holder, const struct policy_field *row, const struct conf_chain *chain)
{
    const struct conf_value *value = conf_chain_value(chain, row->option);
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
        *(const char **)field = text_of(value, row->option, chain->conf);
        break;
    case STORE_VALUE:
        *(const struct conf_value **)field = value;
        break;
    }
}

void policy_fields_fill(void *holder, const struct policy_field *fields, size_t count,
                        const struct conf_chain *chain)
{
    for (size_t i = 0; i < count; i++)
        store(holder, &fields[i], chain);
}
