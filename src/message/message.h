/*
 * message: a message as hooks and modules see it: sender, recipients, contexts, what modules attached.
 *
 * The same handle from MAIL to the answer after the content; the transaction owns what it is made of. One
 * thread at a time: the session's loop, or a hook's pool thread while the session waits for it. A reference
 * keeps the struct alive, not the transaction: when that ends the handle is empty (`ended`).
 */
#ifndef IMPULSE_MESSAGE_MESSAGE_H
#define IMPULSE_MESSAGE_MESSAGE_H

#include <stdatomic.h>
#include <stdint.h>
#include "message/attachment.h"
#include "message/context.h"

struct message_recipient {   /* of a message that arrives */
    struct message *message; /* whose it is */
    char *address;           /* owned */
    const char *domain;      /* inside address */
    char *given;             /* owned: as the client wrote it, when a domain was added; else NULL */
    char *orcpt;             /* owned; NULL: none */
    uint32_t flags;          /* ENVELOPE_NOTIFY_* */
    char *binding, *group;   /* owned; NULL: the default */
    char *refusal;           /* owned; the reply "550 5.7.1 [internal] ..." of a hook; NULL: accepted */
    /* What is set for this recipient alone. Once `own_context` is set it holds the message's pairs as well,
     * and is the message context as hooks see it while they are asked about this recipient. */
    struct context context;
    bool own_context;
    struct attachments attached;
};

struct message {
    _Atomic uint32_t references;
    uint64_t id;                           /* batch id */
    char *sender;                          /* owned; without <>, "" for the null reverse-path */
    const char *sender_domain;             /* inside sender */
    struct message_recipient **recipients; /* `recipient_count` accepted ones; each owned */
    size_t recipient_count, recipient_room;
    struct message_recipient *proposed;    /* what RCPT is about; not one of them yet; owned; NULL: none */
    struct message_recipient *in_question; /* whom hooks are asked about; NULL: no single one */
    struct context context;                /* the message context */
    struct attachments attached;
    bool ended; /* the transaction is over: there is nothing to read or change any more */
};

/* With one reference; takes `sender`. */
struct message *message_create(uint64_t id, char *sender, const char *sender_domain);
struct message *message_ref(struct message *message); /* any thread */
void message_unref(struct message *message);          /* any thread */
/* Releases everything; references that are left find it empty. */
void message_end(struct message *message);

/* A recipient that is not in the message yet; takes `address`. */
struct message_recipient *recipient_create(struct message *message, char *address, const char *domain);
void recipient_free(struct message_recipient *recipient); /* NULL is fine */
/* Appends it to the message's recipients, whose property it becomes. */
void message_add_recipient(struct message *message, struct message_recipient *recipient);

/*
 * The message context for whoever asks or sets now: that of the recipient in question once it has its own,
 * else the message's.
 */
struct context *message_context(struct message *message);
/*
 * Hooks after the content are asked about `recipient`, who gets a message context of its own: a copy of the
 * message's with what was set for the recipient. NULL: about none.
 */
void message_select(struct message *message, struct message_recipient *recipient);
/* The pairs that are stored with the recipient's copy. Appends to `out`. */
void recipient_context_pairs(const struct message_recipient *recipient, struct buf *out);

#endif
