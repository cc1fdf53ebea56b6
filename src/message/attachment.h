/*
 * attachment: data that modules attach to a message, a recipient or a connection, one piece a module.
 *
 * A list, because there are few. It belongs to whoever owns what it is attached to, and is used by one thread
 * at a time.
 */
#ifndef IMPULSE_MESSAGE_ATTACHMENT_H
#define IMPULSE_MESSAGE_ATTACHMENT_H

struct attachment;
struct attachments { /* zero-initialised: empty */
    struct attachment *first;
};

/*
 * Attaches `data` under `key` (a module's instance, only compared); what was attached under it before is
 * released first. `release` may be NULL; it is called with `data` when that is replaced, or the list cleared.
 * NULL `data` only takes away.
 */
void attachment_set(struct attachments *attachments, const void *key, void *data,
                    void (*release)(void *data));
void *attachment_get(const struct attachments *attachments, const void *key); /* NULL: nothing is attached */
/* Releases everything. */
void attachments_clear(struct attachments *attachments);

#endif
