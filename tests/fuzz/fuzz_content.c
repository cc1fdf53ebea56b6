/*
 * fuzz_content: any content after DATA or in the chunks of BDAT, for libFuzzer (tests/fuzz/run).
 *
 * The first byte chooses the rules, the second how the rest is cut into pieces. What the reader makes of the
 * pieces must be what the reference makes of the whole. The content is then looked at as a header, and its
 * lines are folded, which must not lose a byte of it.
 */
#include <stdlib.h>
#include "../unit/content_reference.h"
#include "message/header.h"

static void require(bool condition)
{
    if (!condition)
        abort();
}

/* Without CRs, LFs: what folding may not change. */
static void take_line_ends_out(struct slice text, struct buf *out)
{
    for (size_t i = 0; i < text.size; i++)
        if (text.data[i] != '\r' && text.data[i] != '\n')
            buf_append(out, &text.data[i], 1);
}

static void look_at_header(struct slice content, size_t limit)
{
    struct header_facts facts = header_scan(content);
    struct buf folded = {0}, before = {0}, after = {0};
    require(facts.size <= content.size && (facts.fields > 0 || facts.size == 0));
    require(facts.received <= facts.fields && !(facts.closed && facts.invalid));
    header_fold(slice_of(content.data, facts.size), limit, &folded);
    struct header_facts again = header_scan(buf_slice(&folded));
    require(again.fields == facts.fields && again.size == buf_size(&folded));
    take_line_ends_out(slice_of(content.data, facts.size), &before);
    take_line_ends_out(buf_slice(&folded), &after);
    require(slice_equal(buf_slice(&before), buf_slice(&after)));
    buf_release(&folded);
    buf_release(&before);
    buf_release(&after);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 2)
        return 0;
    struct slice input = slice_of((const char *)data + 2, size - 2);
    struct data_rules rules = {
        .line_endings = {data[0] % 3, data[0] / 3 % 3},
        .dot_stuffed = data[0] / 9 % 3 == 0,
        .binary = data[0] / 9 % 3 == 1,
        .break_lines = data[0] / 27 % 2 ? data[1] / 16 + 1 : 0,
    };
    struct content_outcome expected = content_reference(input, &rules);
    struct content_outcome got = content_read(input, &rules, data[1] % 16 + 1);
    require(content_outcome_equal(&got, &expected, &rules));
    look_at_header(buf_slice(&got.content), data[1] / 16 + 1);
    buf_release(&expected.content);
    buf_release(&got.content);
    return 0;
}
