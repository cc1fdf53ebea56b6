/*
 * impulse/message.h: one message: its sender and recipients, its header and body, its contexts.
 *
 * A hook gets the handle from imp_call_message (impulse/hooks.h). It is the same from MAIL to the answer after the
 * content. What is changed here is what later hooks see, what is stored, and what is delivered:
 *
 *     static enum imp_verdict sign(struct imp_call *call, void *closure)
 *     {
 *         struct imp_message *message = imp_call_message(call);
 *         imp_header_remove_all(message, "X-Spam-Score");
 *         imp_header_add(message, IMP_HEADER_FRONT, "X-Checked-By", "example");
 *         return IMP_CONT;
 *     }
 *
 * A copy that leaves: a hook of message_sending gets a handle of one attempt to deliver. What it edits there goes out
 * with this attempt and nothing else: what is stored stays as it is, and a further attempt begins with that again. This
 * is the place for what concerns the message as it leaves, such as a signature:
 *
 *     static enum imp_verdict sign(struct imp_call *call, void *closure)    (IMP_HOOK_MAY_BLOCK: cursors block)
 *     {
 *         struct imp_message *message = imp_call_message(call);
 *         struct imp_cursor *cursor = imp_cursor_open(message, NULL, NULL);
 *         const char *data;
 *         size_t size;
 *         int got;
 *         imp_cursor_seek(cursor, imp_body_offset(message));
 *         while ((got = imp_cursor_read(cursor, &data, &size)) == 1)
 *             digest_update(closure, data, size);
 *         imp_cursor_close(cursor);
 *         if (got == 0 && imp_header_add(message, IMP_HEADER_FRONT, "X-Digest", digest_text(closure)) == 0)
 *             return IMP_CONT;
 *         imp_call_reject(call, 451, "4.7.5", "it cannot be signed");
 *         return IMP_DONE;
 *     }
 *
 * SIZE=, BODY=8BITMIME and SMTPUTF8 to the next hop follow the edited form. Text beyond ASCII that is put into the
 * header makes it a message that needs SMTPUTF8.
 *
 * When what can be done: sender and recipients from validate_mailfrom on; header and body once the content is there,
 * from validate_data on. At message_sending: header and body, but not another body in the place of the whole one;
 * sender and recipients are those of the attempt, and cannot be changed. A hook of validate_data_spool_each_rcpt or
 * validate_set_binding is asked about one recipient: edits of header and body that it makes are in that recipient's
 * copy alone, and what it sets in the message context as well.
 *
 * Threads: one hook at a time has the message. All functions are called from within a hook, or on its behalf while its
 * call is suspended and neither resumed nor cancelled; never from two threads at once. In a hook with
 * IMP_HOOK_MAY_BLOCK, and on other threads than an event loop's, functions that need the spool block; on an event loop
 * they answer EAGAIN as described with each.
 *
 * Errors: unless said otherwise functions return 0, or -1 with errno set:
 *   EPERM   too early (the content is not there), too late (the message has been answered, the attempt is being made),
 *           or not at this point
 *   EINVAL  a name, value, address or text that cannot stand there
 *   ENOENT  there is no such field
 *   ERANGE  the offset is not within the content
 *   E2BIG   the edits of a message (of an attempt) would hold more than 256 KiB of text, or 4,096 pieces; more than
 *           10,000 recipients
 *   ENOBUFS the edits of all messages that are arriving would hold more than module_edit_memory
 *   EAGAIN  on an event loop: it would have to wait for the spool
 *   EIO     the spool cannot be read, or does not keep what it is given
 * A handle that is NULL, because there is no message or recipient, is refused with EINVAL and named in the paniclog.
 *
 * Cost: a large message is in the spool while hooks are asked. An edit copies the text that is put in, and at most the
 * header; never the body.
 */
#ifndef IMPULSE_MESSAGE_H
#define IMPULSE_MESSAGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "impulse/module.h"

#ifdef __cplusplus
extern "C" {
#endif

struct imp_message;
struct imp_recipient;
struct imp_cursor;

/* ---- the message ------------------------------------------------------------------------------------------- */

/* The batch id: common to all copies, in every log record of the message. */
IMP_API uint64_t imp_message_id(const struct imp_message *message);
/* Bytes of the content with all edits so far, trace header included; 0 before validate_data. */
IMP_API uint64_t imp_message_size(const struct imp_message *message);
/* Was it declared BODY=BINARYMIME (RFC 3030): need lines not end with CR LF? */
IMP_API bool imp_message_is_binary(const struct imp_message *message);
/* Was it declared SMTPUTF8 (RFC 6531): may addresses hold UTF-8? */
IMP_API bool imp_message_is_utf8(const struct imp_message *message);

/*
 * The reverse-path without <>; "" for the null one. NUL-terminated, the message's, valid until it is changed. The
 * domain is the part after '@', "" without.
 */
IMP_API const char *imp_message_sender(const struct imp_message *message);
IMP_API const char *imp_message_sender_domain(const struct imp_message *message);
/*
 * Changes it: "" for the null reverse-path, else a mailbox (RFC 5321 section 4.1.2) with a domain, of at most 254
 * bytes, beyond ASCII only in a message with SMTPUTF8. EINVAL otherwise. Copied.
 */
IMP_API int imp_message_set_sender(struct imp_message *message, const char *address);

/* ---- recipients -------------------------------------------------------------------------------------------- */

/*
 * Those that were accepted. The handle of a recipient is valid until it is removed or the message is answered. Index
 * from 0; NULL behind the last.
 */
IMP_API size_t imp_recipient_count(const struct imp_message *message);
IMP_API struct imp_recipient *imp_recipient_at(struct imp_message *message, size_t index);
/* Without <>; NUL-terminated, valid until it is changed. */
IMP_API const char *imp_recipient_address(const struct imp_recipient *recipient);
IMP_API const char *imp_recipient_domain(const struct imp_recipient *recipient);
/* Changes the address that the copy goes to; rules as for the sender, but not "". */
IMP_API int imp_recipient_set_address(struct imp_recipient *recipient, const char *address);
/*
 * Adds one, behind the others; NULL with errno. Nobody is asked whether it may be relayed to. EPERM once hooks are
 * asked about single recipients.
 */
IMP_API struct imp_recipient *imp_recipient_add(struct imp_message *message, const char *address);
/*
 * Takes one out: it gets no copy, and nobody is told. EPERM once hooks are asked about single recipients. A message
 * whose recipients are all taken out is answered 250 and goes nowhere.
 */
IMP_API int imp_recipient_remove(struct imp_recipient *recipient);

/* ---- header fields ----------------------------------------------------------------------------------------- */

/*
 * Names are compared without regard to case; NULL means fields of any name. `index` counts the fields of a name from 0,
 * or from the last: -1, -2, ....
 *
 * On an event loop a header whose end is only in the spool (256 KiB and more) can be read as far as it is in memory:
 * what needs the rest answers EAGAIN, and works when it is called again on a thread that may block.
 */

/* How many there are, of those that can be read. 0 also when the content is not there yet. */
IMP_API unsigned imp_header_count(struct imp_message *message, const char *name);
/*
 * Writes the value of a field, unfolded (RFC 5322 section 2.2.3) and without white space around it, NUL-terminated,
 * into value[size]. Returns the bytes of the whole value, without the NUL: when that is not less than `size` it was
 * cut; -1 when there is no such field. `size` 0 asks for the length.
 */
IMP_API int64_t imp_header_get(struct imp_message *message, const char *name, int index, char *value,
                               size_t size);
/* Writes the name of field `index` of the header as it is written there, likewise. */
IMP_API int64_t imp_header_name(struct imp_message *message, int index, char *name, size_t size);
/*
 * The field as it is in the message: name, colon, value with its folds, CR LF. *data is valid until the next edit, and
 * not NUL-terminated.
 */
IMP_API int imp_header_raw(struct imp_message *message, const char *name, int index, const char **data,
                           size_t *size);

enum imp_header_position { IMP_HEADER_FRONT, IMP_HEADER_END };
/*
 * Adds a field "name: value". The name is printable ASCII without a colon. The value may be folded by CR LF before
 * white space; any other control character than TAB is refused (EINVAL), so that it cannot become another field or the
 * end of the header. At most 64 KiB. Lines of more than 998 bytes are folded; EINVAL where that is not possible.
 */
IMP_API int imp_header_add(struct imp_message *message, enum imp_header_position position, const char *name,
                           const char *value);
/* Adds one directly before or behind a field that is there. */
IMP_API int imp_header_add_before(struct imp_message *message, const char *beside, int index,
                                  const char *name, const char *value);
IMP_API int imp_header_add_behind(struct imp_message *message, const char *beside, int index,
                                  const char *name, const char *value);
/* Gives a field another value; its place and the writing of its name stay. */
IMP_API int imp_header_replace(struct imp_message *message, const char *name, int index, const char *value);
/* Takes a field out; all others keep their order. */
IMP_API int imp_header_remove(struct imp_message *message, const char *name, int index);
/*
 * Takes out all fields of that name in one pass over the header; returns how many, 0 if there is none. -1 with errno:
 * then all of them are still there. E2BIG: the rest of the header would be in more pieces than edits of a large
 * message, or of one recipient's copy, may have.
 */
IMP_API int imp_header_remove_all(struct imp_message *message, const char *name);

/* ---- the body ---------------------------------------------------------------------------------------------- */

/* The offset of the body's first byte: behind the empty line that ends the header, or what can be read of it. */
IMP_API uint64_t imp_body_offset(struct imp_message *message);
/*
 * `text` (copied) takes the place of `removed` bytes from `offset` on, which counts from the first byte of the message
 * as a cursor does and is not before imp_body_offset. Lines of the text end with CR LF: a CR or LF by itself is refused
 * (EINVAL) unless the message is binary, and so is a range that begins or ends between the CR and the LF of a line, where
 * that can be seen without waiting for the spool.
 */
IMP_API int imp_body_splice(struct imp_message *message, uint64_t offset, uint64_t removed, const char *text,
                            size_t size);
/*
 * Another body in the place of the whole one, in any number of parts, of any size in all: what does not fit into memory
 * goes to the spool while it comes. begin, append ..., end; nothing changes before end. The message can be read with
 * cursors meanwhile. EPERM from begin while another one is under way, in hooks that are asked about one recipient, and
 * at message_sending; EAGAIN from begin for a header that cannot be read here, as above. Parts may divide lines.
 * append: on an event loop, give parts of at most 64 KiB; EAGAIN: nothing of the part was taken. end: EAGAIN:
 * everything is kept, call it again.
 */
IMP_API int imp_body_replace_begin(struct imp_message *message);
IMP_API int imp_body_replace_append(struct imp_message *message, const char *data, size_t size);
IMP_API int imp_body_replace_end(struct imp_message *message);
IMP_API void imp_body_replace_cancel(struct imp_message *message);

/* ---- reading ----------------------------------------------------------------------------------------------- */

/*
 * Opens the content, edits included, from its first byte. Several may be open. An edit that is made meanwhile is seen:
 * the cursor goes on at the same offset.
 *
 * On an event loop `ready` is called, with `closure`, after a function answered EAGAIN: the bytes that it needs are
 * there then. It is called on the event loop of the hook, which means that the hook has suspended its call; never after
 * imp_cursor_close, nor after the message was answered. Elsewhere `ready` is not needed (NULL): functions block.
 * NULL with errno EPERM before validate_data.
 */
IMP_API struct imp_cursor *imp_cursor_open(struct imp_message *message, void (*ready)(void *closure),
                                           void *closure);
/*
 * The next run of bytes, as long as is at hand: *data is valid until the next call with this cursor, or the next edit.
 * 1: a run; 0: the end; -1 with errno.
 */
IMP_API int imp_cursor_read(struct imp_cursor *cursor, const char **data, size_t *size);
/*
 * The next line, CR LF included, which only the last may lack. As imp_cursor_read; EMSGSIZE for a line of more than
 * 1 MiB.
 */
IMP_API int imp_cursor_line(struct imp_cursor *cursor, const char **data, size_t *size);
/* The offset of what the next call gives. */
IMP_API uint64_t imp_cursor_offset(const struct imp_cursor *cursor);
/* Goes on at that offset; behind the last byte when it is more than there are. */
IMP_API int imp_cursor_seek(struct imp_cursor *cursor, uint64_t offset);
/* Releases it, also after the message was answered. NULL is harmless. The same thread as for everything else. */
IMP_API void imp_cursor_close(struct imp_cursor *cursor);

/* ---- contexts and data ------------------------------------------------------------------------------------- */

/*
 * Strings under names: of the message, and of one recipient. Both are stored with the recipient's copy, the recipient's
 * own where both have the name. Copied; NULL removes. 64 KiB of names and values each; false when it does not fit.
 * While hooks are asked about one recipient, the message's are that recipient's own. At message_sending a recipient's
 * are all that were stored with its copy, and the message's are those of the first recipient; what is set there is for
 * the hooks of the same attempt.
 * Source: Momentum 4 manual, "Policy", validation context.
 */
IMP_API bool imp_message_context_set(struct imp_message *message, const char *name, const char *value);
IMP_API const char *imp_message_context_get(struct imp_message *message, const char *name);
IMP_API bool imp_recipient_context_set(struct imp_recipient *recipient, const char *name, const char *value);
IMP_API const char *imp_recipient_context_get(const struct imp_recipient *recipient, const char *name);

/*
 * One pointer of this module instance, kept with the message or the recipient. `release` (may be NULL) is called with
 * it when it is replaced, or when what it is kept with ends (at message_sending: the attempt): on the event loop of the
 * hooks, where it must not block. NULL `data` takes it away.
 */
IMP_API void imp_message_attach(struct imp_message *message, struct imp_module *module, void *data,
                                void (*release)(void *data));
IMP_API void *imp_message_attached(const struct imp_message *message, const struct imp_module *module);
IMP_API void imp_recipient_attach(struct imp_recipient *recipient, struct imp_module *module, void *data,
                                  void (*release)(void *data));
IMP_API void *imp_recipient_attached(const struct imp_recipient *recipient, const struct imp_module *module);

#ifdef __cplusplus
}
#endif
#endif
