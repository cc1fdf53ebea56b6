/* source: see source.h. */
#include "confparse/source.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>
#include "confparse/memory.h"

/* ---- contents ------------------------------------------------------------------------------------------ */

static struct conf_content *resize_content(struct conf_content *content, size_t capacity)
{
    if (capacity > SIZE_MAX - sizeof *content - 1)
        conf_out_of_memory();
    return conf_resize(content, sizeof *content + capacity + 1, 1);
}

static struct conf_content *new_content(size_t capacity)
{
    struct conf_content *content = resize_content(NULL, capacity);
    atomic_init(&content->references, 1);
    content->size = 0;
    content->device = 0;
    content->inode = 0;
    content->text[0] = '\0';
    return content;
}

struct conf_content *conf_content_create(const char *text, size_t size)
{
    struct conf_content *content = new_content(size);
    if (size)
        memcpy(content->text, text, size);
    content->text[size] = '\0';
    content->size = size;
    return content;
}

/* Reads to the end, however large the file says it is: it may be a pipe, or grow meanwhile. */
static bool read_all(int fd, size_t expected, struct conf_content **read_into)
{
    struct conf_content *content = new_content(expected);
    size_t capacity = expected;
    for (;;) {
        ssize_t got = read(fd, content->text + content->size, capacity + 1 - content->size);
        if (got < 0 && errno == EINTR)
            continue;
        if (got > 0)
            content->size += (size_t)got;
        if (got > 0 && content->size > CONF_SOURCE_MAX) {
            errno = EFBIG;
            got = -1;
        }
        if (got < 0) {
            free(content);
            return false;
        }
        if (got == 0)
            break;
        if (content->size > capacity) { /* even the byte of the NUL was needed */
            capacity *= 2;
            content = resize_content(content, capacity);
        }
    }
    content->text[content->size] = '\0';
    *read_into = content;
    return true;
}

struct conf_content *conf_content_read(const char *path, enum conf_reading reading)
{
    bool streams = reading == CONF_READ_STREAMS;
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | (streams ? 0 : O_NONBLOCK));
    if (fd < 0)
        return NULL;
    struct conf_content *content = NULL;
    struct stat status;
    bool good = fstat(fd, &status) == 0;
    if (good && S_ISDIR(status.st_mode)) {
        errno = EISDIR;
        good = false;
    } else if (good && !streams && !S_ISREG(status.st_mode)) {
        errno = EINVAL;
        good = false;
    } else if (good && status.st_size > CONF_SOURCE_MAX) {
        errno = EFBIG;
        good = false;
    }
    if (good && read_all(fd, status.st_size > 0 ? (size_t)status.st_size : 4096, &content)) {
        content->device = status.st_dev;
        content->inode = status.st_ino;
    }
    int error = errno;
    close(fd);
    errno = error;
    return content;
}

struct conf_content *conf_content_ref(struct conf_content *content)
{
    atomic_fetch_add_explicit(&content->references, 1, memory_order_relaxed);
    return content;
}

void conf_content_unref(struct conf_content *content)
{
    if (content && atomic_fetch_sub_explicit(&content->references, 1, memory_order_acq_rel) == 1)
        free(content);
}

bool conf_content_same(const struct conf_content *a, const struct conf_content *b)
{
    return a == b || (a->size == b->size && memcmp(a->text, b->text, a->size) == 0);
}

/* ---- sources ------------------------------------------------------------------------------------------- */

struct conf_source *conf_source_create(const char *name, struct conf_content *content)
{
    size_t size = strlen(name) + 1;
    struct conf_source *source = conf_alloc(sizeof *source);
    source->name = conf_alloc(size);
    memcpy(source->name, name, size);
    source->content = content;
    source->text = content->text;
    source->size = content->size;
    return source;
}

void conf_source_free(struct conf_source *source)
{
    conf_content_unref(source->content);
    free(source->name);
    free(source->lines);
    free(source);
}

static void index_lines(struct conf_source *source)
{
    size_t count = 1;
    const char *end = source->text + source->size;
    for (const char *at = source->text; (at = memchr(at, '\n', (size_t)(end - at))); at++)
        count++;
    source->lines = conf_resize(NULL, count, sizeof *source->lines);
    source->lines[source->line_count++] = 0;
    for (const char *at = source->text; (at = memchr(at, '\n', (size_t)(end - at))); at++)
        source->lines[source->line_count++] = (size_t)(at + 1 - source->text);
}

struct conf_text conf_source_line(struct conf_source *source, unsigned line)
{
    if (!source->lines)
        index_lines(source);
    if (line == 0 || line > source->line_count)
        return (struct conf_text){"", 0};
    size_t begin = source->lines[line - 1];
    const char *newline = memchr(source->text + begin, '\n', source->size - begin);
    size_t end = newline ? (size_t)(newline - source->text) : source->size;
    if (end > begin && source->text[end - 1] == '\r')
        end--;
    return (struct conf_text){source->text + begin, end - begin};
}
