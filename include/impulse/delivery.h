/*
 * impulse/delivery.h: a way to deliver that a module adds, chosen by the delivery_method option.
 */
#ifndef IMPULSE_DELIVERY_H
#define IMPULSE_DELIVERY_H

#include "impulse/module.h"

#ifdef __cplusplus
extern "C" {
#endif

struct
    imp_delivery; /* one envelope being delivered; the daemon's, valid until the deliver function returns */

IMP_API uint64_t imp_delivery_message_id(const struct imp_delivery *delivery);
IMP_API const char *imp_delivery_reverse_path(const struct imp_delivery *delivery);     /* "" for null */
IMP_API const char *imp_delivery_recipient(const struct imp_delivery *delivery);        /* as given */
IMP_API const char *imp_delivery_recipient_domain(const struct imp_delivery *delivery); /* lower case */
/* Bytes of content, as imp_delivery_read gives it. */
IMP_API uint64_t imp_delivery_size(const struct imp_delivery *delivery);
/* The content is binary (RFC 3030): a CR LF in it need not be a line end, and is to be kept. */
IMP_API bool imp_delivery_is_binary(const struct imp_delivery *delivery);
/*
 * The same message as in hooks (impulse/message.h), as it was accepted, with the edits of hooks of message_sending:
 * header fields by name, cursors that block, the message context. It can be read, not changed (EPERM). Valid until the
 * deliver function returns.
 */
IMP_API struct imp_message *imp_delivery_message(struct imp_delivery *delivery);
/*
 * What this module instance kept with the outbound policy of the queue that the envelope is in (imp_policy_set in
 * config.h), or NULL. Valid until the deliver function returns.
 */
IMP_API void *imp_delivery_policy(const struct imp_delivery *delivery, const struct imp_module *module);
/*
 * The next part of the content (CR LF line ends; trace headers, those of this recipient alone, and what hooks of
 * message_sending made of it, included): *data is valid until the next call. 1: a part; 0: the end; -1: the spool could
 * not be read (report a transient failure).
 */
IMP_API int imp_delivery_read(struct imp_delivery *delivery, const char **data, size_t *size);

enum imp_delivery_result { IMP_DELIVERED, IMP_TRANSIENT, IMP_PERMANENT };

/*
 * Delivers one envelope, on a thread of the method's pool, where it may block. For a failure write the reason as an
 * SMTP reply ("451 4.3.0 cannot write to ...") into response[response_size]. A value that is none of the three counts
 * as IMP_TRANSIENT and is named in the paniclog.
 */
typedef enum imp_delivery_result imp_deliver_fn(struct imp_delivery *delivery, char *response,
                                                size_t response_size, void *closure);

struct imp_delivery_method {
    size_t size;      /* sizeof(struct imp_delivery_method) */
    const char *name; /* of delivery_method; copied */
    imp_deliver_fn *deliver;
    void *closure;
    const char *pool; /* a ThreadPool's name, copied; NULL: "IO" */
    const char *help; /* one line for `module delivery methods`; copied; NULL: the module's description */
};

/*
 * Registers delivery_method = `name`; only from setup; the struct is copied. 0, or -1 with a line in imp_module_error
 * when the name is taken.
 */
IMP_API int imp_delivery_method(struct imp_module *module, const struct imp_delivery_method *method);

#ifdef __cplusplus
}
#endif
#endif
