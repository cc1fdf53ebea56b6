/*
 * fuzz_content: any bytes after DATA, in any pieces, for libFuzzer (tests/fuzz/run).
 *
 * The first byte chooses the line-ending policy, the second how the rest is cut into pieces. What the reader
 * makes of the pieces must be what it makes of the whole.
 */
#include <stdlib.h>
#include <string.h>
#include "smtp/data_reader.h"

static size_t read_all(struct slice input, bool fix, size_t piece, struct buf *out, bool *end)
{
    struct data_reader reader;
    size_t used = 0;
    data_reader_init(&reader, fix);
    *end = false;
    while (used < input.size && !*end) {
        size_t size = input.size - used < piece ? input.size - used : piece;
        used += data_reader_feed(&reader, slice_of(input.data + used, size), out, end);
    }
    return used;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 2)
        return 0;
    struct slice input = slice_of((const char *)data + 2, size - 2);
    struct buf whole = {0}, pieces = {0};
    bool ended, ended_in_pieces;
    size_t used = read_all(input, data[0] & 1, input.size, &whole, &ended);
    size_t used_in_pieces = read_all(input, data[0] & 1, (size_t)data[1] % 16 + 1, &pieces, &ended_in_pieces);
    if (used != used_in_pieces || ended != ended_in_pieces || buf_size(&whole) != buf_size(&pieces) ||
        (buf_size(&whole) && memcmp(buf_slice(&whole).data, buf_slice(&pieces).data, buf_size(&whole)) != 0))
        abort();
    buf_release(&whole);
    buf_release(&pieces);
    return 0;
}
