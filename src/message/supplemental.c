/*
 * supplemental: the supplemental trace header.
 */
#include "message/supplemental.h"

#include <jansson.h>
#include <openssl/evp.h>
#include <stdlib.h>

enum { LINE_BYTES = 54 }; /* of JSON in a line: 72 letters of base64 */

static bool is_wanted(const struct supplemental_rules *rules, struct slice name)
{
    for (size_t i = 0; i < rules->meta_count; i++)
        if (slice_equal(name, slice_text(rules->metas[i])))
            return true;
    return false;
}

static char *make_json(const struct supplemental_rules *rules, struct slice recipient, struct slice context)
{
    json_t *object = json_object();
    struct slice name, value;
    json_object_set_new(object, "_@_", json_string("\\_/"));
    json_object_set_new(object, "recipient", json_stringn(recipient.data, recipient.size));
    while (slice_next(&context, '\0', &name) && slice_next(&context, '\0', &value))
        if (is_wanted(rules, name))
            json_object_set_new(object, name.data, json_stringn(value.data, value.size));
    char *text = json_dumps(object, JSON_COMPACT);
    json_decref(object);
    return text;
}

void supplemental_append(const struct supplemental_rules *rules, struct slice recipient, struct slice context,
                         struct buf *out)
{
    char *json = make_json(rules, recipient, context);
    struct slice rest = slice_text(json);
    buf_append_text(out, rules->name);
    buf_append(out, ":", 1);
    do {
        size_t size = rest.size < LINE_BYTES ? rest.size : LINE_BYTES;
        unsigned char line[LINE_BYTES / 3 * 4 + 1];
        int written = EVP_EncodeBlock(line, (const unsigned char *)rest.data, (int)size);
        buf_append(out, " ", 1);
        buf_append(out, line, (size_t)written);
        buf_append(out, "\r\n", 2);
        rest = slice_of(rest.data + size, rest.size - size);
    } while (rest.size > 0);
    free(json);
}

void supplemental_free(struct supplemental_rules *rules)
{
    if (!rules)
        return;
    for (size_t i = 0; i < rules->meta_count; i++)
        free(rules->metas[i]);
    free(rules->metas);
    free(rules->name);
    free(rules);
}
