/* builder: texts that live as long as the generation, and texts of diagnostics. */
#include "confparse/builder.h"

const char *conf_keep_lower(struct conf *conf, struct conf_text text)
{
    char *kept = conf_arena_text(&conf->arena, text.data, text.size);
    for (char *c = kept; *c; c++)
        *c = conf_lower(*c);
    return kept;
}

struct conf_place conf_keep_place(struct conf *conf, struct conf_span span)
{
    struct conf_source *source = (struct conf_source *)span.source;
    if (!source->kept_name)
        source->kept_name = conf_arena_text(&conf->arena, source->name, strlen(source->name));
    return (struct conf_place){source->kept_name, span.line, span.column};
}

const char *conf_list_scopes(const char *list, char text[CONF_SCOPES_MAX])
{
    size_t size = 0;
    for (; *list && size < CONF_SCOPES_MAX - 3; list++) {
        text[size++] = *list;
        if (*list == ',')
            text[size++] = ' ';
    }
    text[size] = '\0';
    return text;
}
