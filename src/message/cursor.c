/*
 * cursor: from an offset in what is read, through the edits, to bytes in memory or a chunk of the spool.
 */
#include "message/cursor.h"

#include <errno.h>
#include "base/mem.h"

struct content_read {      /* lives until it is back on the loop; whoever asked may be gone by then */
    struct list_node node; /* in reader->reads */
    struct pool_job job;
    struct loop_task task;
    struct message_cursor *cursor; /* NULL: nobody waits */
    struct content_reader *reader;
    struct body *body; /* a reference */
    uint32_t chunk;
    char *data;
    size_t size;
    int error;
};

/* ---- readers ----------------------------------------------------------------------------------------- */

void content_reader_init(struct content_reader *reader,
                         int (*read)(void *spool, const struct body *body, uint32_t chunk, char **data,
                                     size_t *size),
                         void *spool)
{
    *reader = (struct content_reader){.read = read, .spool = spool};
    list_init(&reader->reads);
}

void content_reader_init_loop(struct content_reader *reader,
                              int (*read)(void *spool, const struct body *body, uint32_t chunk, char **data,
                                          size_t *size),
                              void *spool, struct loop *loop, struct pool *pool, struct pending *outside)
{
    content_reader_init(reader, read, spool);
    reader->loop = loop;
    reader->pool = pool;
    reader->outside = outside;
}

static void free_read(struct content_read *read)
{
    list_remove(&read->node);
    body_unref(read->body);
    free(read->data);
    free(read);
}

void content_reader_release(struct content_reader *reader)
{
    list_each(&reader->reads, node, after)
        free_read(container_of(node, struct content_read, node));
}

/* ---- chunks ------------------------------------------------------------------------------------------ */

static uint32_t chunk_of(const struct content_source *source, uint64_t offset)
{
    return source->stored > BODY_CHUNK && source->body->chunks > 1 ? (uint32_t)(offset / BODY_CHUNK) : 0;
}

static uint64_t chunk_start(uint32_t chunk)
{
    return (uint64_t)chunk * BODY_CHUNK;
}

/* What the chunk should have: a row that has something else is damaged. */
static uint64_t chunk_size(const struct content_source *source, uint32_t chunk)
{
    uint64_t left = source->stored - chunk_start(chunk);
    return source->body->chunks > 1 && left > BODY_CHUNK ? BODY_CHUNK : left;
}

/* Takes what was read; `data` is the cursor's then. */
static void take_chunk(struct message_cursor *cursor, uint32_t chunk, int error, char *data, size_t size)
{
    if (!error && size != chunk_size(&cursor->source, chunk))
        error = -EIO;
    free(cursor->chunk);
    cursor->chunk = NULL;
    cursor->error = error;
    if (error) {
        free(data);
        return;
    }
    cursor->chunk = data;
    cursor->chunk_size = size;
    cursor->chunk_number = chunk;
}

static void read_back(struct loop_task *task)
{
    struct content_read *read = container_of(task, struct content_read, task);
    struct message_cursor *cursor = read->cursor;
    if (cursor) {
        cursor->reading = NULL;
        take_chunk(cursor, read->chunk, read->error, read->data, read->size);
        read->data = NULL;
    }
    free_read(read);
    if (cursor)
        cursor->arrived(cursor->owner);
}

static int read_row(struct content_reader *reader, const struct body *body, uint32_t chunk, char **data,
                    size_t *size)
{
    int error = reader->read(reader->spool, body, chunk, data, size);
    if (error)
        *data = NULL;
    return error;
}

/* On a thread of the reader's pool. */
static void read_chunk(struct pool_job *job)
{
    struct content_read *read = container_of(job, struct content_read, job);
    struct content_reader *reader = read->reader;
    read->error = read_row(reader, read->body, read->chunk, &read->data, &read->size);
    struct pending *outside = reader->outside;
    loop_post(reader->loop, &read->task);
    pending_end(outside);
}

static void start_reading(struct message_cursor *cursor, uint32_t chunk)
{
    struct content_read *read = mem_new(struct content_read);
    read->cursor = cursor;
    read->reader = cursor->reader;
    read->body = body_ref(cursor->source.body);
    read->chunk = chunk;
    read->job.work = read_chunk;
    cursor->reading = read;
    read->task.run = read_back;
    list_append(&cursor->reader->reads, &read->node);
    pending_begin(read->reader->outside);
    if (pool_submit(read->reader->pool, &read->job))
        return;
    pending_end(read->reader->outside);
    read->error = -ENOMEM; /* no thread can be started */
    loop_post(read->reader->loop, &read->task);
}

/* 1: the chunk is there; -EAGAIN: it is on its way; another negative errno. */
static int load(struct message_cursor *cursor, uint32_t chunk)
{
    struct content_reader *reader = cursor->reader;
    char *data;
    size_t size = 0;
    if (!reader)
        return -ENOENT;
    if (reader->pool) {
        if (!cursor->reading)
            start_reading(cursor, chunk);
        return -EAGAIN;
    }
    int error = read_row(reader, cursor->source.body, chunk, &data, &size);
    take_chunk(cursor, chunk, error, data, size);
    return cursor->error ? cursor->error : 1;
}

/* ---- opening and closing ----------------------------------------------------------------------------- */

static uint64_t whole_size(const struct content_source *source)
{
    if (source->attempted)
        return source->attempt_edits.size;
    if (source->own)
        return source->own_edits.size;
    return source->fields.size + (source->edited ? source->edits.size : source->stored + source->tail.size);
}

void cursor_open_source(struct message_cursor *cursor, const struct content_source *source,
                        struct content_reader *reader, void (*arrived)(void *owner), void *owner)
{
    *cursor = (struct message_cursor){
        .source = *source, .open = true, .reader = reader, .arrived = arrived, .owner = owner};
    cursor->source.size = whole_size(source);
    if (source->body)
        body_ref(source->body);
}

void cursor_change_source(struct message_cursor *cursor, const struct content_source *source)
{
    struct body *before = cursor->source.body;
    if (source->body)
        body_ref(source->body);
    cursor->source = *source;
    cursor->source.size = whole_size(source);
    if (before != source->body) {
        free(cursor->chunk);
        cursor->chunk = NULL;
        if (cursor->reading)
            cursor->reading->cursor = NULL;
        cursor->reading = NULL;
    }
    if (before)
        body_unref(before);
    cursor->place = cursor->own_place = cursor->attempt_place = (struct edits_place){0};
    cursor_seek(cursor, cursor->at);
}

/* Adds what the envelope has for itself, out of a copy. Returns the copy; NULL: there is nothing. */
static char *add_own(struct content_source *source, const struct envelope *envelope)
{
    struct slice own = envelope->header;
    if (own.size == 0)
        return NULL;
    char *copy = mem_copy_text(own.data, own.size);
    own.data = copy;
    if (envelope->flags & ENVELOPE_OWN_EDITS)
        source->own = edits_open(own, &source->own_edits);
    else
        source->fields = own;
    return copy;
}

char *content_source_of(struct content_source *source, const struct envelope *envelope, bool *pinned)
{
    struct body *body = envelope->body;
    struct slice edits = body_edits(body);
    const char *memory = body_pin(body);
    *source = (struct content_source){.body = body};
    *pinned = memory != NULL;
    if (memory)
        source->tail = slice_of(memory, body->size);
    else
        source->stored = body->size;
    source->edited = edits.size > 0 && edits_open(edits, &source->edits);
    return add_own(source, envelope);
}

void cursor_open(struct message_cursor *cursor, const struct envelope *envelope,
                 struct content_reader *reader, void (*arrived)(void *owner), void *owner)
{
    struct content_source source;
    bool pinned;
    char *own = content_source_of(&source, envelope, &pinned);
    cursor_open_source(cursor, &source, reader, arrived, owner);
    cursor->own = own;
    cursor->pinned = pinned;
}

char *cursor_take_first(struct message_cursor *cursor, size_t *size)
{
    char *chunk = cursor->chunk;
    if (!chunk || cursor->chunk_number != 0)
        return NULL;
    cursor->chunk = NULL;
    cursor->run = slice_of(NULL, 0); /* it may be in there */
    *size = cursor->chunk_size;
    return chunk;
}

void cursor_close(struct message_cursor *cursor)
{
    if (!cursor->open)
        return;
    if (cursor->reading)
        cursor->reading->cursor = NULL;
    if (cursor->pinned)
        body_unpin(cursor->source.body);
    free(cursor->chunk);
    free(cursor->own);
    buf_release(&cursor->line);
    if (cursor->source.body)
        body_unref(cursor->source.body);
    *cursor = (struct message_cursor){0};
}

/* ---- reading ----------------------------------------------------------------------------------------- */

/* Turns a run of an edited form into text, or into the run underneath; it may become shorter. */
static void descend(const struct edits_view *edits, struct edits_place *place, struct edits_run *run)
{
    uint64_t size = run->size;
    *run = edits_find(edits, run->offset, place);
    if (run->size > size)
        run->size = size;
}

/* The same for the fields of this copy, which are in front of what is underneath. */
static void pass_fields(struct slice fields, struct edits_run *run)
{
    if (run->offset >= fields.size) {
        run->offset -= fields.size;
        return;
    }
    run->text = fields.data + run->offset;
    if (run->size > fields.size - run->offset)
        run->size = fields.size - run->offset;
}

/* What is at cursor->at. */
static struct edits_run locate(struct message_cursor *cursor)
{
    const struct content_source *source = &cursor->source;
    struct edits_run run = {.offset = cursor->at, .size = source->size - cursor->at};
    if (source->attempted)
        descend(&source->attempt_edits, &cursor->attempt_place, &run);
    if (!run.text && source->own)
        descend(&source->own_edits, &cursor->own_place, &run);
    else if (!run.text)
        pass_fields(source->fields, &run);
    if (!run.text && source->edited)
        descend(&source->edits, &cursor->place, &run);
    return run;
}

static struct slice within(const char *bytes, uint64_t start, uint64_t size, const struct edits_run *run)
{
    uint64_t skipped = run->offset - start, left = size - skipped;
    return slice_of(bytes + skipped, left < run->size ? left : run->size);
}

/* The part of a run of the content that is in memory, from the run's beginning on. */
static struct slice resident(const struct message_cursor *cursor, const struct edits_run *run)
{
    const struct content_source *source = &cursor->source;
    if (run->offset >= source->stored)
        return within(source->tail.data, source->stored, source->tail.size, run);
    if (run->offset < source->head.size)
        return within(source->head.data, 0, source->head.size, run);
    uint32_t chunk = chunk_of(source, run->offset);
    if (!cursor->chunk || chunk != cursor->chunk_number)
        return slice_of(NULL, 0);
    return within(cursor->chunk, chunk_start(chunk), cursor->chunk_size, run);
}

/* Sets the run to what is in memory; false when nothing is, and *run says what. */
static bool find_run(struct message_cursor *cursor, struct edits_run *run)
{
    *run = locate(cursor);
    cursor->added = run->text != NULL;
    cursor->run = run->text ? slice_of(run->text, run->size) : resident(cursor, run);
    return cursor->run.size > 0;
}

int cursor_fetch(struct message_cursor *cursor)
{
    struct edits_run run;
    if (cursor->run.size > 0)
        return 1;
    if (cursor->error)
        return cursor->error;
    if (cursor->at >= cursor->source.size)
        return 0;
    if (find_run(cursor, &run))
        return 1;
    int got = load(cursor, chunk_of(&cursor->source, run.offset));
    if (got == 1)
        find_run(cursor, &run);
    return got;
}

void cursor_seek(struct message_cursor *cursor, uint64_t offset)
{
    cursor->at = offset < cursor->source.size ? offset : cursor->source.size;
    cursor->run = slice_of(NULL, 0);
    buf_clear(&cursor->line);
    cursor->line_taken = false;
}

int cursor_prepare(struct message_cursor *cursor)
{
    int got;
    cursor_seek(cursor, 0);
    while ((got = cursor_fetch(cursor)) == 1 && cursor->added)
        cursor_consume(cursor, cursor->run.size);
    cursor_seek(cursor, 0);
    return got;
}

int cursor_line(struct message_cursor *cursor, struct slice *line)
{
    int got;
    if (cursor->line_taken)
        buf_clear(&cursor->line);
    cursor->line_taken = false;
    while ((got = cursor_fetch(cursor)) == 1) {
        struct slice run = cursor->run;
        const char *feed = memchr(run.data, '\n', run.size);
        if (feed)
            run.size = (size_t)(feed + 1 - run.data);
        bool whole = feed && buf_size(&cursor->line) == 0;
        if (!whole && buf_size(&cursor->line) + run.size > CURSOR_LINE)
            return -EMSGSIZE;
        if (!whole)
            buf_append_slice(&cursor->line, run);
        cursor_consume(cursor, run.size);
        *line = whole ? run : buf_slice(&cursor->line);
        cursor->line_taken = true;
        if (feed)
            return 1;
        cursor->line_taken = false;
    }
    if (got != 0 || buf_size(&cursor->line) == 0)
        return got;
    *line = buf_slice(&cursor->line);
    cursor->line_taken = true;
    return 1;
}

int cursor_seek_body(struct message_cursor *cursor)
{
    struct slice line;
    int got;
    cursor_seek(cursor, 0);
    while ((got = cursor_line(cursor, &line)) == 1 && !slice_equal(line, SLICE_LITERAL("\r\n")))
        ;
    return got;
}

bool cursor_header_is_ascii(struct message_cursor *cursor, bool eight_bit)
{
    static const char end[] = "\r\n\r\n";
    struct edits_run run;
    size_t matched = 2; /* an empty line may come first */
    unsigned char all = 0;
    cursor_seek(cursor, 0);
    while (cursor->at < cursor->source.size && matched < 4 && find_run(cursor, &run)) {
        size_t at = 0;
        for (; at < cursor->run.size && matched < 4; at++) {
            char c = cursor->run.data[at];
            all |= (unsigned char)c;
            matched = c == end[matched] ? matched + 1 : c == '\r' ? 1 : 0;
        }
        cursor_consume(cursor, at);
    }
    bool known = matched == 4 || cursor->at >= cursor->source.size;
    cursor_seek(cursor, 0);
    return known ? all < 0x80 : !eight_bit;
}
