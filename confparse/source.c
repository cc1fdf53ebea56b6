/* source: see source.h. */
#include "confparse/source.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>
#include "confparse/memory.h"

static char *copy_text(const char *data, size_t size)
{
    char *copy = conf_alloc(size + 1);
    if (size)
        memcpy(copy, data, size);
    return copy;
}

struct conf_source *conf_source_from_text(const char *name, const char *text, size_t size)
{
    struct conf_source *source = conf_alloc(sizeof *source);
    source->name = copy_text(name, strlen(name));
    source->text = copy_text(text, size);
    source->size = size;
    return source;
}

/* Reads to the end, however large the file says it is: it may be a pipe, or grow meanwhile. */
static bool read_all(int fd, size_t expected, struct conf_source *source)
{
    size_t capacity = expected + 2;
    source->text = conf_resize(NULL, capacity, 1);
    for (;;) {
        ssize_t got = read(fd, source->text + source->size, capacity - source->size - 1);
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            return false;
        if (got == 0)
            break;
        source->size += (size_t)got;
        if (source->size > CONF_SOURCE_MAX) {
            errno = EFBIG;
            return false;
        }
        if (capacity - source->size < 2) {
            capacity *= 2;
            source->text = conf_resize(source->text, capacity, 1);
        }
    }
    source->text[source->size] = '\0';
    return true;
}

struct conf_source *conf_source_read(const char *path)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return NULL;
    struct conf_source *source = conf_alloc(sizeof *source);
    source->name = copy_text(path, strlen(path));
    struct stat status;
    bool good = fstat(fd, &status) == 0;
    if (good && S_ISDIR(status.st_mode)) {
        errno = EISDIR;
        good = false;
    } else if (good && status.st_size > CONF_SOURCE_MAX) {
        errno = EFBIG;
        good = false;
    }
    good = good && read_all(fd, status.st_size > 0 ? (size_t)status.st_size : 4096, source);
    if (good) {
        source->device = status.st_dev;
        source->inode = status.st_ino;
    }
    int error = errno;
    close(fd);
    if (!good) {
        conf_source_free(source);
        errno = error;
        return NULL;
    }
    return source;
}

void conf_source_free(struct conf_source *source)
{
    free(source->name);
    free(source->text);
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
