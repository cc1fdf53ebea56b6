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

/* Calls release(data) on behalf of whoever `key` stands for. */
typedef void attachment_call_fn(const void *key, void (*release)(void *data), void *data);

/*
 * Attaches `data` under `key` (a module's instance, only compared); what was attached under it before is
 * released first. `release` may be NULL; `call` calls it with `data` when that is replaced, or the list cleared.
 * NULL `data` only takes away.
 */
void attachment_set(struct attachments *attachments, const void *key, void *data, void (*release)(void *data),
                    attachment_call_fn *call);
void *attachment_get(const struct attachments *attachments, const void *key); /* NULL: nothing is attached */
/* Releases everything. */
void attachments_clear(struct attachments *attachments);

#endif
