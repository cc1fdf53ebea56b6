/*
 * message_content: what the content of a message that arrives is made of, cursors over it, and edits of it.
 */
#include "message/message_content.h"

#include <errno.h>
#include "base/mem.h"
#include "message/header.h"
#include "metrics/budget.h"

static struct message_recipient *owner_of_edits(const struct message *message)
{
    struct message_recipient *recipient = message->in_question;
    return recipient && recipient->own_context ? recipient : NULL;
}

static uint64_t shared_size(const struct message *message)
{
    if (message->fixed && !message->edited)
        return message->fixed->size;
    return message->edited ? message->edits.size : message->stored + buf_size(&message->content);
}

uint64_t message_size(const struct message *message)
{
    const struct message_recipient *recipient = owner_of_edits(message);
    return recipient && recipient->edited ? recipient->edits.size : shared_size(message);
}

void message_source(struct message *message, struct content_source *source)
{
    const struct message_recipient *recipient = owner_of_edits(message);
    if (message->fixed) {
        *source = *message->fixed;
        source->attempted = message->edited;
        if (message->edited)
            source->attempt_edits = edits_view(&message->edits);
        source->size = shared_size(message);
        return;
    }
    *source = (struct content_source){
        .body = message->stored > 0 ? message->body : NULL,
        .stored = message->stored,
        .tail = buf_slice(&message->content),
        .edited = message->edited,
    };
    if (message->head)
        source->head = slice_of(message->head, BODY_CHUNK);
    if (message->edited)
        source->edits = edits_view(&message->edits);
    if (recipient && recipient->edited) {
        source->own = true;
        source->own_edits = edits_view(&recipient->edits);
    }
}

/* ---- cursors ----------------------------------------------------------------------------------------- */

static void close_cursors(struct message *message)
{
    list_each(&message->cursors, node, after) {
        struct content_cursor *cursor = container_of(node, struct content_cursor, node);
        list_remove(&cursor->node);
        cursor_close(&cursor->cursor);
    }
}

/* May this thread wait for the spool? A loop's thread may not. */
static bool may_block(const struct message *message)
{
    return message->keeper && !loop_current();
}

void message_read_here(struct message *message, struct message_cursor *cursor)
{
    struct content_source source;
    message_source(message, &source);
    cursor_open_source(cursor, &source, may_block(message) ? message->keeper->blocking(message) : NULL, NULL,
                       NULL);
}

int content_cursor_open(struct content_cursor *cursor, struct message *message, void (*arrived)(void *owner),
                        void *owner)
{
    struct content_source source;
    const struct message_keeper *keeper = message->keeper;
    struct content_reader *reader = NULL;
    if (!message->readable)
        return -EPERM;
    if (keeper)
        reader = loop_current() && arrived ? keeper->on_loop(message) : keeper->blocking(message);
    if (loop_current() && !arrived)
        reader = NULL; /* it must not block */
    message_source(message, &source);
    cursor_open_source(&cursor->cursor, &source, reader, arrived, owner);
    cursor->message = message_ref(message);
    cursor->changes = message->changes;
    list_append(&message->cursors, &cursor->node);
    message->close_cursors = close_cursors;
    return 0;
}

bool content_cursor_sync(struct content_cursor *cursor)
{
    struct message *message = cursor->message;
    struct content_source source;
    if (message->ended || !message->readable)
        return false;
    if (cursor->changes == message->changes)
        return true;
    message_source(message, &source);
    cursor_change_source(&cursor->cursor, &source);
    cursor->changes = message->changes;
    return true;
}

void content_cursor_close(struct content_cursor *cursor)
{
    if (!cursor->message)
        return;
    if (list_linked(&cursor->node))
        list_remove(&cursor->node);
    cursor_close(&cursor->cursor);
    message_unref(cursor->message);
    cursor->message = NULL;
}

/* ---- edits ------------------------------------------------------------------------------------------- */

bool message_is_editable(const struct message *message)
{
    return message->readable && (!message->fixed || message->leaving);
}

/* Returns whether edits go to a piece table, because the content underneath does not change. */
static bool has_base(const struct message *message)
{
    return message->stored > 0 || message->fixed;
}

static int outcome_error(enum edits_outcome outcome)
{
    return outcome == EDITS_OK ? 0 : outcome == EDITS_OUT_OF_RANGE ? -ERANGE : -E2BIG;
}

static struct edits *own_edits(struct message *message, struct message_recipient *recipient)
{
    if (!recipient->edited)
        edits_init(&recipient->edits, shared_size(message));
    recipient->edited = true;
    return &recipient->edits;
}

static struct edits *shared_edits(struct message *message)
{
    if (!message->edited)
        edits_init(&message->edits, shared_size(message));
    message->edited = true;
    return &message->edits;
}

static int splice_own(struct message *message, struct message_recipient *recipient, uint64_t at,
                      uint64_t removed, struct slice text)
{
    if (message->own_text + text.size > MESSAGE_OWN_EDITS)
        return -E2BIG;
    int error = outcome_error(edits_splice(own_edits(message, recipient), at, removed, text));
    if (!error)
        message->own_text += text.size;
    return error;
}

/* Content that is in memory as a whole: what is put in may make it longer by as much as edits may hold. */
static int splice_memory(struct message *message, uint64_t at, uint64_t removed, struct slice text)
{
    uint64_t size = buf_size(&message->content);
    if (at > size || removed > size - at)
        return -ERANGE;
    if (message->original_size == 0)
        message->original_size = size;
    if (size - removed + text.size > message->original_size + EDITS_TEXT)
        return -E2BIG;
    buf_replace(&message->content, at, removed, text);
    message->copied += size - at - removed;
    message->rewritten = true;
    return 0;
}

int message_splice(struct message *message, uint64_t at, uint64_t removed, struct slice text)
{
    struct message_recipient *recipient = owner_of_edits(message);
    if (!message_is_editable(message))
        return -EPERM;
    if (text.size > 0 && !budget_take(BUDGET_EDITS, text.size))
        return -ENOBUFS;
    message->header_known = false; /* also when the edit fails: there may be a table of edits now */
    int error = recipient           ? splice_own(message, recipient, at, removed, text)
                : has_base(message) ? outcome_error(edits_splice(shared_edits(message), at, removed, text))
                                    : splice_memory(message, at, removed, text);
    if (error) {
        budget_give(BUDGET_EDITS, text.size);
        return error;
    }
    message->budgeted += text.size;
    message->changes++;
    message->copied += text.size;
    return 0;
}

/* What is between the first range and the end of the last is replaced by what is kept of it. */
static int cut_memory(struct message *message, const struct edits_range *ranges, size_t count)
{
    struct buf kept = {0};
    uint64_t first = ranges[0].at, end = ranges[count - 1].at + ranges[count - 1].size;
    if (end > buf_size(&message->content))
        return -ERANGE;
    for (size_t i = 0; i + 1 < count; i++) {
        uint64_t from = ranges[i].at + ranges[i].size;
        buf_append(&kept, buf_slice(&message->content).data + from, ranges[i + 1].at - from);
    }
    message->copied += buf_size(&kept);
    int error = splice_memory(message, first, end - first, buf_slice(&kept));
    buf_release(&kept);
    return error;
}

int message_cut(struct message *message, const struct edits_range *ranges, size_t count)
{
    struct message_recipient *recipient = owner_of_edits(message);
    if (!message_is_editable(message))
        return -EPERM;
    if (count == 0)
        return 0;
    message->header_known = false; /* also when it fails, as in message_splice */
    int error = recipient           ? outcome_error(edits_cut(own_edits(message, recipient), ranges, count))
                : has_base(message) ? outcome_error(edits_cut(shared_edits(message), ranges, count))
                                    : cut_memory(message, ranges, count);
    if (!error)
        message->changes++;
    return error;
}

/* ---- the header -------------------------------------------------------------------------------------- */

/* How much of `content` is header; SIZE_MAX when it may go on behind it. */
static size_t header_size(struct slice content, bool all)
{
    struct header_facts facts = header_scan(content);
    const char *rest = content.data + facts.size;
    bool ends = facts.closed || all || (facts.invalid && memchr(rest, '\n', content.size - facts.size));
    return ends ? facts.size : SIZE_MAX;
}

/* Is the header at the beginning of one block of memory? */
static bool is_plain(const struct content_source *source)
{
    return !source->attempted && !source->own && !source->edited && source->fields.size == 0 &&
           (source->head.size > 0 || source->stored == 0);
}

/* header_size of what is gathered so far */
static size_t scan(struct message *message, bool all)
{
    message->scanned += buf_size(&message->header);
    return header_size(buf_slice(&message->header), all);
}

/*
 * Copies the header together from the runs that it is in. On a loop, what is not in memory is no part of it.
 * There may be thousands of runs: where the header ends is looked for each time that the copy has doubled.
 */
static void gather(struct message *message)
{
    struct message_cursor cursor;
    size_t size = SIZE_MAX, next_scan = 4096;
    message_read_here(message, &cursor);
    buf_clear(&message->header);
    int got = 0;
    while (size == SIZE_MAX && buf_size(&message->header) < BODY_CHUNK + EDITS_TEXT) {
        got = cursor_fetch(&cursor);
        bool more = got == 1;
        /* A run may be a whole chunk, and the header a small part of it. */
        struct slice run = more ? cursor.run : slice_of(NULL, 0);
        if (run.size > 4096)
            run.size = 4096;
        buf_append_slice(&message->header, run);
        if (more)
            cursor_consume(&cursor, run.size);
        if (more && buf_size(&message->header) < next_scan)
            continue;
        size = scan(message, false);
        next_scan = 2 * buf_size(&message->header);
        if (!more)
            break;
    }
    cursor_close(&cursor);
    message->copied += buf_size(&message->header);
    message->header_error = size != SIZE_MAX || got >= 0       ? 0
                            : got == -ENOENT && loop_current() ? -EAGAIN
                                                               : -EIO;
    message->header_size = size == SIZE_MAX ? scan(message, true) : size;
}

/* A header that could not be read is read again on a thread that may block. */
static bool is_header_known(const struct message *message)
{
    return message->header_known && message->header_changes == message->changes &&
           !(message->header_error && may_block(message));
}

/* Looks for the end of the header. */
static void find_header(struct message *message, const struct content_source *source)
{
    struct slice whole = source->head.size ? source->head : source->tail;
    size_t size = SIZE_MAX;
    if (is_plain(source)) {
        size = header_size(whole, source->stored == 0);
        message->scanned += size == SIZE_MAX ? whole.size : size;
    }
    message->header_copied = size == SIZE_MAX;
    message->header_size = size;
    message->header_error = 0;
    if (message->header_copied)
        gather(message);
    message->header_known = true;
    message->header_changes = message->changes;
}

struct slice message_header(struct message *message)
{
    struct content_source source;
    if (!message->readable)
        return slice_of(NULL, 0);
    message_source(message, &source);
    if (!is_header_known(message))
        find_header(message, &source);
    struct slice whole = message->header_copied ? buf_slice(&message->header)
                         : source.head.size     ? source.head
                                                : source.tail;
    return slice_of(whole.data, message->header_size);
}

uint64_t message_body_offset(struct message *message)
{
    struct slice header = message_header(message);
    struct message_cursor cursor;
    uint64_t offset = header.size;
    size_t matched = 0;
    message_read_here(message, &cursor);
    cursor_seek(&cursor, offset);
    while (matched < 2 && cursor_fetch(&cursor) == 1 && cursor.run.data[0] == "\r\n"[matched]) {
        matched++;
        cursor_consume(&cursor, 1);
    }
    cursor_close(&cursor);
    return matched == 2 ? offset + 2 : offset;
}

struct slice message_beginning(struct message *message)
{
    struct content_source source;
    if (!message->readable)
        return slice_of(NULL, 0);
    message_source(message, &source);
    if (is_plain(&source))
        return source.head.size ? source.head : source.tail;
    return message_header(message);
}
