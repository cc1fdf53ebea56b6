/* manifest_reader: see manifest_reader.h. */
#include "module/manifest_reader.h"

#include <stdio.h>
#include "base/mem.h"

bool manifest_complain(struct manifest_reader *reader, const char *what, struct slice about)
{
    snprintf(reader->error, reader->error_size, "%s:%u: %s%s%.*s%s", reader->manifest->file, reader->line,
             what, about.size ? " \"" : "", (int)about.size, about.size ? about.data : "",
             about.size ? "\"" : "");
    return false;
}

char *manifest_lower(struct slice text)
{
    char *copy = mem_copy_text(text.data, text.size);
    for (size_t i = 0; i < text.size; i++)
        copy[i] = ascii_lower(copy[i]);
    return copy;
}

bool manifest_is_name(struct slice name)
{
    for (size_t i = 0; i < name.size; i++) {
        char c = ascii_lower(name.data[i]);
        if (!((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_' || c == '-'))
            return false;
    }
    return name.size > 0;
}

bool manifest_split_key(struct slice key, const char *prefix, struct slice *name)
{
    struct slice start = slice_text(prefix);
    if (!slice_starts_nocase(key, start))
        return false;
    *name = slice_of(key.data + start.size, key.size - start.size);
    return true;
}
