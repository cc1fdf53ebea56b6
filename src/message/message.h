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
#include "base/list.h"
#include "message/attachment.h"
#include "message/context.h"
#include "message/edits.h"
#include "message/envelope.h"

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
    bool edited; /* `edits` are of this copy alone, upon the message's */
    struct edits edits;
    struct attachments attached;
    struct buf parameters; /* of RCPT that modules added: "RCPT NAME" NUL value NUL ... */
};

/* What the owner of a message that arrives does for its content. All but on_loop: any thread that has it. */
struct message_keeper {
    /* How content that is in the spool already is read: by cursors on a loop, on threads that may block. */
    struct content_reader *(*on_loop)(struct message *message);
    struct content_reader *(*blocking)(struct message *message);
    /* Bytes of content above which it goes to the spool while it comes. */
    uint64_t (*threshold)(const struct message *message);
    /* Stores BODY_CHUNK bytes (copied) as the next part of `body`, which stays the caller's. 0 or -EAGAIN. */
    int (*store)(struct message *message, struct body *body, const char *bytes);
    /* 0 when all that was stored is in the spool; -EAGAIN: on a loop, not yet; -EIO. */
    int (*settle)(struct message *message);
    /* The parts of `body`, which was never stored as a whole, are removed from the spool. */
    void (*discard)(struct message *message, struct body *body);
};

struct content_source;
struct replacement;

struct
    header_mark {  /* the field that was found last: a search for a later one of that name goes on from it */
    char name[64]; /* "": of any name */
    int index;
    size_t offset;    /* in the header */
    uint32_t changes; /* as of which message->changes; meaningful if `known` */
    bool known;
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
    struct buf parameters;                 /* of MAIL that modules added: "MAIL NAME" NUL value NUL ... */
    struct attachments attached;
    /* ---- the content; see message_content.h */
    uint32_t flags;        /* ENVELOPE_*, of MAIL */
    struct buf content;    /* what is not in the spool */
    uint64_t stored;       /* bytes before it, in the rows of `body` */
    struct body *body;     /* a reference; from the first part that was stored, or from commit */
    char *head;            /* owned: the first chunk, when it is stored */
    struct buf part_flags; /* a byte for each part that is stored: has it a byte above 127? */
    bool readable;         /* all content is there, and is the hooks' to read and edit */
    bool edited;           /* `edits` are upon the content that is stored in parts, or upon `fixed` */
    struct edits edits;
    bool rewritten;           /* content in memory was edited in place */
    bool replaced, eight_bit; /* the body is another one; the new content has 8-bit bytes */
    bool asked_each;          /* hooks are asked about single recipients, or were */
    uint32_t changes;         /* edits so far: what was remembered of the content is out of date */
    uint64_t original_size;   /* of content in memory, before its first edit */
    uint64_t own_text;        /* bytes that recipients' edits put in */
    uint64_t budgeted;        /* bytes of BUDGET_EDITS */
    uint64_t copied;          /* bytes that edits copied or moved: for tests */
    uint64_t scanned;         /* bytes of header that were looked at: for tests */
    struct buf header;        /* a copy of the header, when it is in pieces */
    size_t header_size;
    int header_error;        /* why it is not whole, a negative errno; 0 */
    bool header_copied;      /* it is in `header`, not at the beginning of one block of memory */
    uint32_t header_changes; /* as of which `changes` that is; meaningful if `header_known` */
    bool header_known;
    struct header_mark mark;
    struct list cursors;                              /* that are open */
    void (*close_cursors)(struct message *message);   /* NULL: there never was one */
    struct replacement *replacement;                  /* another body, on its way */
    void (*end_replacement)(struct message *message); /* NULL: there never was one */
    const struct message_keeper *keeper;              /* NULL: all content is in memory */
    void *owner;                                      /* the keeper's */
    const struct content_source
        *fixed;   /* a copy that was accepted: its content, which cannot be changed; NULL */
    bool leaving; /* an attempt to deliver that copy begins: `edits` are of the attempt, upon `fixed` */
    void (*release_fixed)(struct message *message);
    bool ended; /* the transaction is over: there is nothing to read or change any more */
};

/* With one reference; takes `sender`. */
struct message *message_create(uint64_t id, char *sender, const char *sender_domain);
struct message *message_ref(struct message *message); /* any thread */
void message_unref(struct message *message);          /* any thread */
/* Nothing can be read or edited from here on; what was made stays. */
void message_seal(struct message *message);
/*
 * Has the content a byte above 127, when that which arrived had one or not? True also where an edit removed a piece of
 * a part that is only in the spool, and it is not known whether the byte was in that piece. It decides whether the next
 * hop is told BODY=8BITMIME; a message is never refused for it.
 */
bool message_has_eight_bit(const struct message *message, bool arrived);
/*
 * Finds out the same for each recipient's copy that has edits of its own, and keeps the answer with those edits. To be
 * called while all content is there.
 */
void message_judge_copies(struct message *message);
/* Notes whether the part that is stored next has a byte above 127. */
void message_note_part(struct message *message, bool eight_bit);
/* Releases everything; references that are left find it empty. */
void message_end(struct message *message);

/* A recipient that is not in the message yet; takes `address`. */
struct message_recipient *recipient_create(struct message *message, char *address, const char *domain);
void recipient_free(struct message_recipient *recipient); /* NULL is fine */
/* Appends it to the message's recipients, whose property it becomes. */
void message_add_recipient(struct message *message, struct message_recipient *recipient);
/* Takes it out and frees it. False when it is none of them. */
bool message_remove_recipient(struct message *message, struct message_recipient *recipient);

/*
 * The value of the parameter NAME, letters of either case, in such pairs: "" if it was given without one, NULL if
 * it was not given. Valid as long as they are.
 */
const char *parameter_find(const struct buf *parameters, const char *name);

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
