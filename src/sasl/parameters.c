/*
 * parameters: looking into dictionaries of authentication parameters.
 */
#include "sasl/parameters.h"

#include <string.h>
#include <strings.h>

const char *parameters_find(const struct conf_value *dictionary, const char *key)
{
    for (size_t i = 0; i < dictionary->count; i++)
        if (strcasecmp(dictionary->items[2 * i], key) == 0)
            return dictionary->items[2 * i + 1];
    return NULL;
}

const char *parameters_path(const char *uri, const char *scheme)
{
    size_t size = strlen(scheme);
    return uri && strncasecmp(uri, scheme, size) == 0 && strncmp(uri + size, ":///", 4) == 0
               ? uri + size + strlen("://")
               : NULL;
}

bool parameters_is_true(const char *text)
{
    bool value = false;
    return text && conf_parse_bool(text, &value) && value;
}
