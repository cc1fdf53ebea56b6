/*
 * impulse/delivery.h: a way to deliver that a module adds, chosen by the delivery_method option.
 *
 *     static enum imp_delivery_result deliver(struct imp_delivery *delivery, char *response, size_t response_size,
 *                                             void *closure)
 *     {
 *         const char *data;
 *         size_t size;
 *         int got;
 *         while ((got = imp_delivery_read(delivery, &data, &size)) == 1)
 *             ... store data[size] ...
 *         if (got == 0)
 *             return IMP_DELIVERED;
 *         snprintf(response, response_size, "451 4.3.0 the content cannot be read");
 *         return IMP_TRANSIENT;
 *     }
 *     ... in setup:
 *     return imp_delivery_method(module, &(struct imp_delivery_method){.size = sizeof(struct imp_delivery_method),
 *                                                                      .name = "archive", .deliver = deliver});
 *
 * The manifest announces the name, so that configurations can be checked: `provides = delivery_method.archive`. Then
 * `delivery_method = archive` in the global scope, a Binding or a Domain sends the mail of those queues to the module;
 * options of its own by binding and domain are in imp_delivery_policy.
 *
 * A queue delivers over at most max_outbound_connections (and its like) at once, each of which stands for one call of
 * the function, and never more than the pool has threads. What a method answers is settled as the reply of a next hop
 * is: delivered, tried again after retry_interval, or given up with a notification. The mainlog has its D, T or P
 * record. There is no time limit: a function that does not return keeps its thread, and holds up the end of the
 * daemon.
 *
 * Thread: all functions here but imp_delivery_method are for the deliver function, on its thread, before it returns. A
 * method, of one queue too, runs on several threads at once.
 */
#ifndef IMPULSE_DELIVERY_H
#define IMPULSE_DELIVERY_H

#include "impulse/module.h"

#ifdef __cplusplus
extern "C" {
#endif

struct imp_delivery; /* one envelope being delivered; the daemon's, until the deliver function returns */

/* Texts are NUL-terminated and valid until the deliver function returns. */

/* The id of this recipient's copy, as in the mainlog; imp_message_id of imp_delivery_message is the batch id. */
IMP_API uint64_t imp_delivery_message_id(const struct imp_delivery *delivery);
/* Without <>; "" for the null reverse-path. */
IMP_API const char *imp_delivery_reverse_path(const struct imp_delivery *delivery);
/* Without <>, as given; never "". */
IMP_API const char *imp_delivery_recipient(const struct imp_delivery *delivery);
/* The part after its last '@', lower case. */
IMP_API const char *imp_delivery_recipient_domain(const struct imp_delivery *delivery);
/* How many bytes imp_delivery_read will give in all. May be 0: without a Received field
 * (rfc2822_trace_headers) a client can send nothing at all. */
IMP_API uint64_t imp_delivery_size(const struct imp_delivery *delivery);
/* The content is binary (RFC 3030): a CR LF in it need not be a line end, and is to be kept. */
IMP_API bool imp_delivery_is_binary(const struct imp_delivery *delivery);
/*
 * The same message as in hooks (impulse/message.h), as it was accepted, with the edits of hooks of message_sending, and
 * with this recipient alone: header fields by name, cursors that block, the message context, parameters. It can be
 * read, not changed (EPERM); cursors and imp_delivery_read do not disturb each other. Valid until the deliver function
 * returns. Never NULL.
 */
IMP_API struct imp_message *imp_delivery_message(struct imp_delivery *delivery);
/*
 * What this module instance kept with the outbound policy of the queue that the envelope is in (imp_policy_set in
 * config.h), or NULL. Valid until the deliver function returns.
 */
IMP_API void *imp_delivery_policy(const struct imp_delivery *delivery, const struct imp_module *module);
/*
 * The next part of the content (CR LF line ends unless it is binary; trace headers, fields of this recipient alone, and
 * what hooks of message_sending made of it, included): *data, *size bytes of at least 1, not NUL-terminated, valid
 * until the next call. May block on the spool. 1: a part; 0: the end, also when called again; -1: the spool could not
 * be read (report a transient failure).
 */
IMP_API int imp_delivery_read(struct imp_delivery *delivery, const char **data, size_t *size);

enum imp_delivery_result {
    IMP_DELIVERED, /* the module has taken the responsibility: the copy leaves the spool */
    IMP_TRANSIENT, /* to be tried again */
    IMP_PERMANENT, /* given up: the sender is notified */
};

/*
 * Delivers one envelope, on a thread of the method's pool, where it may block. For a failure write the reason as an
 * SMTP reply of one line ("451 4.3.0 cannot write to ...") into response[response_size], NUL-terminated; response_size
 * is at least 512. It goes to the mainlog and into notifications, whose Status is its enhanced code; control bytes
 * become spaces. "" stands for "451 4.3.0 delivery failed" or "550 5.3.0 delivery failed"; for IMP_DELIVERED it may be
 * left alone. A value that is none of the three counts as IMP_TRANSIENT and is named in the paniclog. A crash may come
 * between IMP_DELIVERED and the spool's knowing it: then the envelope is delivered once more.
 */
typedef enum imp_delivery_result imp_deliver_fn(struct imp_delivery *delivery, char *response,
                                                size_t response_size, void *closure);

struct imp_delivery_method {
    size_t size;      /* sizeof(struct imp_delivery_method) */
    const char *name; /* of delivery_method, without regard to case; copied */
    imp_deliver_fn *deliver;
    void *closure;    /* for `deliver`; lives as long as the instance */
    const char *pool; /* a ThreadPool's name, copied; NULL: "IO" */
    const char *help; /* one line for `module delivery methods`; copied; NULL: the module's description */
};

/*
 * Registers delivery_method = `name`; only from setup; the struct is copied. 0, or -1 with a line in imp_module_error:
 * a member is missing, the name is the daemon's or another module's, or there is no such ThreadPool. Then the start (or
 * the reload) stops, whatever setup returns. The instance is not torn down while a delivery is under way.
 */
IMP_API int imp_delivery_method(struct imp_module *module, const struct imp_delivery_method *method);

#ifdef __cplusplus
}
#endif
#endif
