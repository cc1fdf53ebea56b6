/*
 * attachment: a list of pointers with their release functions.
 */
#include "message/attachment.h"

#include "base/mem.h"

struct attachment {
    struct attachment *next;
    const void *key;
    void *data;
    void (*release)(void *data);
    attachment_call_fn *call;
};

static void release(struct attachment *attachment)
{
    if (attachment->release)
        attachment->call(attachment->key, attachment->release, attachment->data);
    free(attachment);
}

void attachment_set(struct attachments *attachments, const void *key, void *data,
                    void (*release_data)(void *data), attachment_call_fn *call)
{
    struct attachment **place = &attachments->first;
    while (*place && (*place)->key != key)
        place = &(*place)->next;
    struct attachment *old = *place;
    if (old) {
        *place = old->next;
        release(old);
    }
    if (!data)
        return;
    struct attachment *attachment = mem_new(struct attachment);
    *attachment = (struct attachment){attachments->first, key, data, release_data, call};
    attachments->first = attachment;
}

void *attachment_get(const struct attachments *attachments, const void *key)
{
    for (const struct attachment *each = attachments->first; each; each = each->next)
        if (each->key == key)
            return each->data;
    return NULL;
}

void attachments_clear(struct attachments *attachments)
{
    while (attachments->first) {
        struct attachment *first = attachments->first;
        attachments->first = first->next;
        release(first);
    }
}
