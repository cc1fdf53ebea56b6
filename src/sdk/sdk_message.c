/*
 * sdk_message: include/impulse/message.h: the handles are struct message and struct message_recipient.
 */
#include "impulse/message.h"

#include <errno.h>
#include "base/mem.h"
#include "message/header.h"
#include "message/message_content.h"
#include "module/set.h"
#include "module/runner.h"
#include "smtp/wire/address.h"

enum { RECIPIENTS_MAX = 10000 };

struct imp_cursor {
    struct content_cursor content;
    struct runner runner; /* of the module that opened it; its module is NULL when that is not known */
    void (*ready)(void *closure);
    void *closure;
};

static struct message *of(const struct imp_message *message)
{
    return (struct message *)(uintptr_t)message;
}

static struct message_recipient *recipient_of(const struct imp_recipient *recipient)
{
    return (struct message_recipient *)(uintptr_t)recipient;
}

/* A result of src/message as the SDK's: -1 with errno. */
static int result(int outcome)
{
    if (outcome >= 0)
        return outcome;
    errno = -outcome;
    return -1;
}

/*
 * What hooks are asked about may not have a message or a recipient, and a cursor may not open: a module that
 * takes one for granted is refused, and named.
 */
#define REQUIRE(handle, refusal)                                                                             \
    do {                                                                                                     \
        if (!module_is_given(handle, __func__)) {                                                            \
            errno = EINVAL;                                                                                  \
            return refusal;                                                                                  \
        }                                                                                                    \
    } while (0)

/* ---- the message ------------------------------------------------------------------------------------- */

uint64_t imp_message_id(const struct imp_message *message)
{
    REQUIRE(message, 0);
    return of(message)->id;
}

uint64_t imp_message_size(const struct imp_message *message)
{
    REQUIRE(message, 0);
    return of(message)->readable ? message_size(of(message)) : 0;
}

bool imp_message_is_binary(const struct imp_message *message)
{
    REQUIRE(message, false);
    return of(message)->flags & ENVELOPE_BINARY;
}

bool imp_message_is_utf8(const struct imp_message *message)
{
    return of(message)->flags & ENVELOPE_SMTPUTF8;
}

const char *imp_message_sender(const struct imp_message *message)
{
    REQUIRE(message, NULL);
    return of(message)->sender;
}

const char *imp_message_sender_domain(const struct imp_message *message)
{
    REQUIRE(message, NULL);
    return of(message)->sender_domain;
}

/* ---- addresses --------------------------------------------------------------------------------------- */

/* A copy of an address that is fit for a path, and where its domain begins; NULL with errno EINVAL. */
static char *check_address(const struct message *message, const char *address, const char **domain)
{
    static const struct address_rules rules = {0};
    struct mail_path path;
    size_t size = address ? strlen(address) : 0;
    char *text = mem_printf("<%s>", address ? address : "");
    struct slice rest = slice_text(text);
    bool fits = size > 0 && size <= ADDRESS_MAX && address[0] != '@' &&
                address_parse_path(&rest, &rules, &path) == ADDRESS_OK && rest.size == 0 &&
                path.mailbox.size == size && path.domain.size > 0 &&
                (!path.utf8 || (message->flags & ENVELOPE_SMTPUTF8));
    free(text);
    if (!fits) {
        errno = EINVAL;
        return NULL;
    }
    char *copy = mem_copy_text(address, size);
    *domain = copy + size - path.domain.size;
    return copy;
}

int imp_message_set_sender(struct imp_message *handle, const char *address)
{
    REQUIRE(handle, result(-EINVAL));
    struct message *message = of(handle);
    const char *domain;
    if (message->ended || message->fixed)
        return result(-EPERM);
    char *copy = address && !*address ? mem_dup("") : check_address(message, address, &domain);
    if (!copy)
        return -1;
    if (!*copy)
        domain = copy;
    free(message->sender);
    message->sender = copy;
    message->sender_domain = domain;
    return 0;
}

/* ---- recipients -------------------------------------------------------------------------------------- */

size_t imp_recipient_count(const struct imp_message *message)
{
    REQUIRE(message, 0);
    return of(message)->recipient_count;
}

struct imp_recipient *imp_recipient_at(struct imp_message *handle, size_t index)
{
    REQUIRE(handle, NULL);
    struct message *message = of(handle);
    return index < message->recipient_count ? (struct imp_recipient *)message->recipients[index] : NULL;
}

const char *imp_recipient_address(const struct imp_recipient *recipient)
{
    REQUIRE(recipient, NULL);
    return recipient_of(recipient)->address;
}

const char *imp_recipient_domain(const struct imp_recipient *recipient)
{
    REQUIRE(recipient, NULL);
    return recipient_of(recipient)->domain;
}

int imp_recipient_set_address(struct imp_recipient *handle, const char *address)
{
    REQUIRE(handle, result(-EINVAL));
    struct message_recipient *recipient = recipient_of(handle);
    const char *domain;
    if (recipient->message->fixed)
        return result(-EPERM);
    char *copy = check_address(recipient->message, address, &domain);
    if (!copy)
        return -1;
    free(recipient->address);
    recipient->address = copy;
    recipient->domain = domain;
    return 0;
}

struct imp_recipient *imp_recipient_add(struct imp_message *handle, const char *address)
{
    REQUIRE(handle, NULL);
    struct message *message = of(handle);
    const char *domain;
    int error = message->ended || message->fixed || message->asked_each ? -EPERM
                : message->recipient_count >= RECIPIENTS_MAX            ? -E2BIG
                                                                        : 0;
    char *copy = error ? NULL : check_address(message, address, &domain);
    if (error)
        errno = -error;
    if (!copy)
        return NULL;
    struct message_recipient *recipient = recipient_create(message, copy, domain);
    message_add_recipient(message, recipient);
    return (struct imp_recipient *)recipient;
}

int imp_recipient_remove(struct imp_recipient *handle)
{
    REQUIRE(handle, result(-EINVAL));
    struct message_recipient *recipient = recipient_of(handle);
    struct message *message = recipient->message;
    if (message->ended || message->fixed || message->asked_each || recipient == message->proposed)
        return result(-EPERM);
    return message_remove_recipient(message, recipient) ? 0 : result(-ENOENT);
}

/* ---- header fields ----------------------------------------------------------------------------------- */

unsigned imp_header_count(struct imp_message *message, const char *name)
{
    REQUIRE(message, 0);
    return header_count(of(message), name);
}

/* Copies what fits, with a NUL; the size of all. */
static int64_t give(struct slice text, char *to, size_t size)
{
    if (size > 0) {
        size_t copied = text.size < size - 1 ? text.size : size - 1;
        if (copied)
            memcpy(to, text.data, copied);
        to[copied] = '\0';
    }
    return (int64_t)text.size;
}

int64_t imp_header_get(struct imp_message *message, const char *name, int index, char *value, size_t size)
{
    REQUIRE(message, result(-EINVAL));
    struct header_place place;
    struct buf text = {0};
    int error = header_find(of(message), name, index, &place);
    if (error)
        return result(error);
    header_unfold(place.value, &text);
    int64_t whole = give(buf_slice(&text), value, size);
    buf_release(&text);
    return whole;
}

int64_t imp_header_name(struct imp_message *message, int index, char *name, size_t size)
{
    REQUIRE(message, result(-EINVAL));
    struct header_place place;
    int error = header_find(of(message), NULL, index, &place);
    return error ? result(error) : give(place.name, name, size);
}

int imp_header_raw(struct imp_message *message, const char *name, int index, const char **data, size_t *size)
{
    REQUIRE(message, result(-EINVAL));
    struct header_place place;
    int error = header_find(of(message), name, index, &place);
    if (error)
        return result(error);
    *data = message_header(of(message)).data + place.offset;
    *size = place.size;
    return 0;
}

static int add(struct imp_message *message, enum header_position position, const char *beside, int index,
               const char *name, const char *value)
{
    if (!name || !value)
        return result(-EINVAL);
    return result(header_add(of(message), position, beside, index, name, slice_text(value)));
}

int imp_header_add(struct imp_message *message, enum imp_header_position position, const char *name,
                   const char *value)
{
    REQUIRE(message, result(-EINVAL));
    return add(message, position == IMP_HEADER_FRONT ? HEADER_FRONT : HEADER_END, NULL, 0, name, value);
}

int imp_header_add_before(struct imp_message *message, const char *beside, int index, const char *name,
                          const char *value)
{
    REQUIRE(message, result(-EINVAL));
    return add(message, HEADER_BEFORE, beside, index, name, value);
}

int imp_header_add_behind(struct imp_message *message, const char *beside, int index, const char *name,
                          const char *value)
{
    REQUIRE(message, result(-EINVAL));
    return add(message, HEADER_BEHIND, beside, index, name, value);
}

int imp_header_replace(struct imp_message *message, const char *name, int index, const char *value)
{
    REQUIRE(message, result(-EINVAL));
    return value ? result(header_replace(of(message), name, index, slice_text(value))) : result(-EINVAL);
}

int imp_header_remove(struct imp_message *message, const char *name, int index)
{
    REQUIRE(message, result(-EINVAL));
    return result(header_remove(of(message), name, index));
}

int imp_header_remove_all(struct imp_message *message, const char *name)
{
    REQUIRE(message, result(-EINVAL));
    return result(header_remove_all(of(message), name));
}

/* ---- the body ---------------------------------------------------------------------------------------- */

uint64_t imp_body_offset(struct imp_message *message)
{
    REQUIRE(message, 0);
    return message_body_offset(of(message));
}

int imp_body_splice(struct imp_message *message, uint64_t offset, uint64_t removed, const char *text,
                    size_t size)
{
    REQUIRE(message, result(-EINVAL));
    return result(body_splice(of(message), offset, removed, slice_of(text, size)));
}

int imp_body_replace_begin(struct imp_message *message)
{
    REQUIRE(message, result(-EINVAL));
    return result(body_replace_begin(of(message)));
}

int imp_body_replace_append(struct imp_message *message, const char *data, size_t size)
{
    REQUIRE(message, result(-EINVAL));
    return result(body_replace_append(of(message), slice_of(data, size)));
}

int imp_body_replace_end(struct imp_message *message)
{
    REQUIRE(message, result(-EINVAL));
    return result(body_replace_end(of(message)));
}

void imp_body_replace_cancel(struct imp_message *message)
{
    REQUIRE(message, );
    body_replace_cancel(of(message));
}

/* ---- reading ----------------------------------------------------------------------------------------- */

static void arrived(void *owner)
{
    struct imp_cursor *cursor = owner;
    struct runner runner = cursor->runner; /* `ready` may close the cursor */
    const struct runner *outer = runner_enter(runner.module ? &runner : runner_now());
    cursor->ready(cursor->closure);
    runner_leave(outer);
}

struct imp_cursor *imp_cursor_open(struct imp_message *message, void (*ready)(void *closure), void *closure)
{
    REQUIRE(message, NULL);
    struct imp_cursor *cursor = mem_new(struct imp_cursor);
    const struct runner *opener = runner_now();
    cursor->runner = (struct runner){opener ? opener->module : NULL, "the ready function of its cursor", ""};
    cursor->ready = ready;
    cursor->closure = closure;
    int error = content_cursor_open(&cursor->content, of(message), ready ? arrived : NULL, cursor);
    if (!error)
        return cursor;
    free(cursor);
    errno = -error;
    return NULL;
}

/* What the last call gave is consumed with the next. */
int imp_cursor_read(struct imp_cursor *cursor, const char **data, size_t *size)
{
    REQUIRE(cursor, result(-EINVAL));
    struct message_cursor *content = &cursor->content.cursor;
    if (!content_cursor_sync(&cursor->content))
        return result(-EPERM);
    int got = cursor_fetch(content);
    if (got != 1)
        return result(got);
    *data = content->run.data;
    *size = content->run.size;
    cursor_consume(content, content->run.size);
    return 1;
}

int imp_cursor_line(struct imp_cursor *cursor, const char **data, size_t *size)
{
    REQUIRE(cursor, result(-EINVAL));
    struct slice line;
    if (!content_cursor_sync(&cursor->content))
        return result(-EPERM);
    int got = cursor_line(&cursor->content.cursor, &line);
    if (got != 1)
        return result(got);
    *data = line.data;
    *size = line.size;
    return 1;
}

uint64_t imp_cursor_offset(const struct imp_cursor *cursor)
{
    REQUIRE(cursor, 0);
    return cursor->content.cursor.at;
}

int imp_cursor_seek(struct imp_cursor *cursor, uint64_t offset)
{
    REQUIRE(cursor, result(-EINVAL));
    if (!content_cursor_sync(&cursor->content))
        return result(-EPERM);
    cursor_seek(&cursor->content.cursor, offset);
    return 0;
}

void imp_cursor_close(struct imp_cursor *cursor)
{
    if (!cursor)
        return;
    content_cursor_close(&cursor->content);
    free(cursor);
}

/* ---- contexts and data ------------------------------------------------------------------------------- */

bool imp_message_context_set(struct imp_message *message, const char *name, const char *value)
{
    REQUIRE(message, false);
    return !of(message)->ended && context_set(message_context(of(message)), name, value);
}

const char *imp_message_context_get(struct imp_message *message, const char *name)
{
    REQUIRE(message, NULL);
    return context_get(message_context(of(message)), name);
}

bool imp_recipient_context_set(struct imp_recipient *recipient, const char *name, const char *value)
{
    REQUIRE(recipient, false);
    return context_set(&recipient_of(recipient)->context, name, value);
}

const char *imp_recipient_context_get(const struct imp_recipient *recipient, const char *name)
{
    REQUIRE(recipient, NULL);
    return context_get(&recipient_of(recipient)->context, name);
}

void imp_message_attach(struct imp_message *message, struct imp_module *module, void *data,
                        void (*release)(void *data))
{
    REQUIRE(message, );
    attachment_set(&of(message)->attached, module, data, release, runner_release);
}

void *imp_message_attached(const struct imp_message *message, const struct imp_module *module)
{
    REQUIRE(message, NULL);
    return attachment_get(&of(message)->attached, module);
}

void imp_recipient_attach(struct imp_recipient *recipient, struct imp_module *module, void *data,
                          void (*release)(void *data))
{
    REQUIRE(recipient, );
    attachment_set(&recipient_of(recipient)->attached, module, data, release, runner_release);
}

void *imp_recipient_attached(const struct imp_recipient *recipient, const struct imp_module *module)
{
    REQUIRE(recipient, NULL);
    return attachment_get(&recipient_of(recipient)->attached, module);
}
