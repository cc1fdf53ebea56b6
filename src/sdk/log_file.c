/*
 * log_file: log files for modules, implemented by the log writer; and message ids as text.
 */
#include "base/id.h"
#include "impulse/log.h"
#include "log/writer.h"

_Static_assert((int)IMP_ID_TEXT_SIZE == (int)ID_TEXT_SIZE, "the SDK promises the size of an id's text");

void imp_id_format(uint64_t id, char text[IMP_ID_TEXT_SIZE])
{
    id_format(id, text);
}

struct imp_log_file *imp_log_file_open(const char *path, unsigned mode)
{
    return (struct imp_log_file *)log_file_open(path, (mode_t)mode);
}

void imp_log_file_write(struct imp_log_file *file, const char *line, size_t size)
{
    log_file_write((struct log_file *)file, line, size);
}

void imp_log_file_close(struct imp_log_file *file)
{
    log_file_close((struct log_file *)file);
}
