/* documented: the modules of Momentum's manual, whether or not they are here. See confparse.h. */
#include <string.h>
#include "confparse/confparse.h"
#include "confparse/text.h"

static const struct conf_documented modules[] = {
#define MODULE(name, what, support, instead) {name, what, CONF_##support, instead},
#define NONE                                 NULL
#include "confparse/momentum_modules.def"
#undef NONE
#undef MODULE
};

enum { MODULE_COUNT = sizeof modules / sizeof *modules };

size_t conf_documented_count(void)
{
    return MODULE_COUNT;
}

const struct conf_documented *conf_documented_at(size_t index)
{
    return index < MODULE_COUNT ? &modules[index] : NULL;
}

const struct conf_documented *conf_documented_find(const char *name)
{
    size_t low = 0, high = MODULE_COUNT;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        int order = conf_text_compare_nocase(conf_text_of(name), conf_text_of(modules[middle].name));
        if (order == 0)
            return &modules[middle];
        if (order < 0)
            high = middle;
        else
            low = middle + 1;
    }
    return NULL;
}

const struct conf_option *conf_documented_options(const struct conf_documented *module, size_t *count)
{
    (void)module;
    *count = 0;
    return NULL;
}
