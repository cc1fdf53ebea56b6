/*
 * impulse/inject.h: a module makes a new message: a report, a notification, a copy for an archive.
 *
 *     static void stored(const struct imp_injected *result, void *closure)
 *     {
 *         if (result->status != IMP_INJECTED)
 *             imp_paniclog(closure, IMP_ERROR, "the report could not be stored: %s", result->reason);
 *     }
 *     ...
 *     const char *to[] = {"postmaster@example.com"};
 *     struct imp_injection report = {
 *         .size = sizeof report,
 *         .sender = "",
 *         .recipients = to,
 *         .recipient_count = 1,
 *         .content = text,
 *         .content_size = strlen(text),
 *         .flags = IMP_INJECT_RECEIVED,
 *         .done = stored,
 *         .closure = module,
 *     };
 *     if (imp_inject(module, &report) != 0)
 *         imp_paniclog(module, IMP_ERROR, "the report is refused: %s", strerror(errno));
 *
 * The message goes the way of one that was received, from the spool on: once `done` is told IMP_INJECTED it survives a
 * crash, the mainlog has a reception record for each recipient (protocol "internal"), and the queue delivers it. Hooks
 * that ask about sessions do not see it.
 */
#ifndef IMPULSE_INJECT_H
#define IMPULSE_INJECT_H

#include "impulse/module.h"

#ifdef __cplusplus
extern "C" {
#endif

enum imp_inject_flags {
    IMP_INJECT_SMTPUTF8 =
        1, /* the header has text beyond ASCII (RFC 6532): only to hops that offer SMTPUTF8. Set by
                                 itself when an address needs it. Content beyond ASCII is noticed by itself, too
                                 (8BITMIME) */
    IMP_INJECT_RECEIVED = 2,  /* a Received field goes on top of the header */
    IMP_INJECT_NO_NOTICE = 4, /* nobody is notified of a failure or delay (as NOTIFY=NEVER, RFC 3461) */
};

enum {
    IMP_INJECT_RECIPIENTS_MAX = 10000,         /* of one message */
    IMP_INJECT_CONTENT_MAX = 16 * 1024 * 1024, /* bytes that `content` may have; `read` has no such limit */
};

enum imp_inject_status {
    IMP_INJECTED,         /* the message is durable, and the queue's */
    IMP_INJECT_FULL,      /* there is no room on the disk; nothing was kept */
    IMP_INJECT_FAILED,    /* the disk failed; nothing was kept */
    IMP_INJECT_CANCELLED, /* `read` returned -1; nothing was kept */
};

struct imp_injected {
    size_t size; /* sizeof(struct imp_injected), as the daemon knows it */
    enum imp_inject_status status;
    const char *reason;          /* one line, for a log */
    uint64_t batch_id;           /* of the message; also in the Received field */
    const uint64_t *message_ids; /* IMP_INJECTED: one for each recipient, in their order */
    size_t message_count;
};

/* What is injected; borrowed for the call, except for what `read` needs. Members that are not set are 0. */
struct imp_injection {
    size_t size;        /* sizeof(struct imp_injection) */
    const char *sender; /* without <>; "": the null reverse-path, to which no notification is sent */
    const char *const *recipients; /* without <>, each with a domain; duplicates are kept */
    size_t recipient_count;        /* 1 to IMP_INJECT_RECIPIENTS_MAX */
    const char *binding;           /* NULL: "default" */
    const char *binding_group;     /* NULL: "default" */
    const char *const *context;    /* the message context: name, value, ..., NULL; NULL: empty */
    unsigned flags;                /* enum imp_inject_flags */
    /* The whole message: header, empty line, body. Lines end in CR LF; a bare CR or LF becomes CR LF. Copied. */
    const char *content;
    size_t content_size;
    /*
     * Or, instead of content, for what is large: the next part, *data valid until the next call. 1: a part; 0: the
     * end; -1: give it up. Called on a thread of the pool "IO", where it may block, until it returns 0 or -1 or the
     * disk refuses a part.
     */
    int (*read)(const char **data, size_t *size, void *closure);
    /*
     * What became of it; called once for each imp_inject that returned 0, never before that returned. On an
     * event-loop thread, the caller's own where the caller was on one; it must not block. NULL: nobody asks.
     */
    void (*done)(const struct imp_injected *result, void *closure);
    void *closure;
};

/*
 * Begins to store a message. Any thread; does not block. The instance is not torn down before `done` has returned.
 * 0, or -1 with errno, and then `done` is not called:
 *   EINVAL     an address, the context or another member is wrong; the paniclog says which
 *   EFBIG      `content` is larger than IMP_INJECT_CONTENT_MAX
 *   EAGAIN     too much is being injected at this moment (module_max_injections, module_injection_memory): again later
 *   ENOSPC     there is no room on the disk
 *   ESHUTDOWN  the daemon ends
 */
IMP_API int imp_inject(struct imp_module *module, const struct imp_injection *injection);

#ifdef __cplusplus
}
#endif
#endif
