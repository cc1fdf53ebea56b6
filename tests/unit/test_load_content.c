/* What the load tools send, and how they know it again: content, stamps, distributions, patterns, rules. */
#include "unit.h"

#include <string.h>
#include "tools/load/content.h"
#include "tools/load/distribution.h"
#include "tools/load/pattern.h"
#include "tools/load/fault_plan.h"

static struct content_pool *pool;

/* ---- content and stamps ------------------------------------------------------------------------ */

/* The message as a receiver has it, read in pieces of at most `most` bytes. */
static void write_message(struct content *content, uint64_t number, uint64_t size, bool stuffed,
                          uint64_t most, struct buf *message)
{
    struct content_letter letter = {.run = 7,
                                    .number = number,
                                    .size = size,
                                    .date = "Sat, 21 Nov 2026 19:40:06 +0000",
                                    .host = "load.example",
                                    .from = SLICE_LITERAL("a@sender.example"),
                                    .to = SLICE_LITERAL("b@rcpt.example"),
                                    .stuffed = stuffed};
    bool line_begins = true, unstuffing = stuffed;
    content_begin(content, pool, &letter);
    buf_clear(message);
    for (struct slice piece; (piece = content_take(content, most)).size > 0;)
        for (size_t i = 0; i < piece.size; i++) {
            bool dropped = unstuffing && line_begins && piece.data[i] == '.';
            if (!dropped)
                buf_append(message, piece.data + i, 1);
            line_begins = piece.data[i] == '\n';
        }
    CU_ASSERT_EQUAL(content->left, 0);
    CU_ASSERT_EQUAL(content->size, buf_size(message));
}

static enum stamp_verdict read_message(struct slice message, size_t part, struct stamp_reader *reader)
{
    stamp_reader_begin(reader);
    for (size_t at = 0; at < message.size; at += part)
        stamp_reader_take(reader, message.data + at, part < message.size - at ? part : message.size - at);
    return stamp_reader_end(reader);
}

static void test_every_size(void)
{
    struct content content = {0};
    struct buf message = {0};
    struct stamp_reader reader;
    for (uint64_t size = 1; size < 900; size++) {
        write_message(&content, size, size, size % 2, 1000, &message);
        CU_ASSERT_EQUAL(read_message(buf_slice(&message), 1 + size % 70, &reader), STAMP_WHOLE);
        CU_ASSERT_EQUAL(reader.stamp.number, size);
        CU_ASSERT_EQUAL(reader.stamp.run, 7);
        if (size > 450)
            CU_ASSERT_TRUE(buf_size(&message) - size <= 1); /* one byte alone is no line */
    }
    buf_release(&message);
    content_release(&content);
}

/* A body that is longer than the text that it is taken from. */
static void test_large(void)
{
    struct content content = {0};
    struct buf message = {0};
    struct stamp_reader reader;
    for (unsigned stuffed = 0; stuffed < 2; stuffed++) {
        write_message(&content, 16383, 3000000, stuffed, 1 << 20, &message);
        CU_ASSERT_EQUAL(buf_size(&message), 3000000);
        CU_ASSERT_EQUAL(read_message(buf_slice(&message), 65536, &reader), STAMP_WHOLE);
    }
    buf_release(&message);
    content_release(&content);
}

static void test_alterations(void)
{
    struct content content = {0};
    struct buf message = {0}, copy = {0};
    struct stamp_reader reader;
    write_message(&content, 5, 2000, false, 1000, &message);
    struct slice whole = buf_slice(&message);
    size_t stamp = (size_t)((const char *)memchr(whole.data, '\n', whole.size) - whole.data) + 1;
    for (size_t i = stamp; i < whole.size; i += 7) { /* one bit */
        buf_clear(&copy);
        buf_append_slice(&copy, whole);
        *(char *)(buf_slice(&copy).data + i) ^= 1;
        CU_ASSERT_EQUAL(read_message(buf_slice(&copy), 100, &reader), STAMP_ALTERED);
    }
    CU_ASSERT_EQUAL(read_message(slice_of(whole.data, whole.size - 2), 100, &reader),
                    STAMP_ALTERED); /* cut */
    CU_ASSERT_EQUAL(read_message(slice_of(whole.data + stamp, whole.size - stamp), 100, &reader),
                    STAMP_MISSING);
    buf_clear(&copy);
    buf_append_text(&copy, "Received: by a relay\r\n\twith a long folded line\r\nReturn-Path: <a@x>\r\n");
    buf_append_slice(&copy, whole);
    CU_ASSERT_EQUAL(read_message(buf_slice(&copy), 3, &reader), STAMP_WHOLE);
    buf_append_text(&copy, "x");
    CU_ASSERT_EQUAL(read_message(buf_slice(&copy), 1000, &reader), STAMP_ALTERED);
    buf_release(&copy);
    buf_release(&message);
    content_release(&content);
}

static void test_what_is_no_stamp(void)
{
    static const char *const wrong[] = {
        "X-Impulse-Load: run=1 number=2 size=3",
        "X-Impulse-Load: run=1 number=2 size=3 sum=4 more",
        "X-Impulse-Load: run=1 number=2 size=-3 sum=4",
        "X-Impulse-Load: run=1 number=x size=3 sum=4",
        "X-Impulse-Load: run=11111111111111111 number=2 size=3 sum=4",
        "X-Impulse-Load: run=1 number=2 size=3 sum=111111111",
        "X-Impulse-Load: number=2 run=1 size=3 sum=4",
        "X-Impulse-Loud: run=1 number=2 size=3 sum=4",
    };
    struct stamp stamp;
    CU_ASSERT_TRUE(stamp_parse("X-Impulse-Load: run=1f number=2 size=3 sum=4a", &stamp));
    CU_ASSERT_TRUE(stamp.run == 31 && stamp.number == 2 && stamp.size == 3 && stamp.sum == 0x4a);
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++)
        CU_ASSERT_FALSE(stamp_parse(wrong[i], &stamp));
}

/* ---- distributions and patterns ---------------------------------------------------------------- */

static void test_distributions(void)
{
    struct distribution distribution;
    unsigned drawn[3] = {0};
    CU_ASSERT_PTR_NULL(distribution_read(&distribution, "10:1,2k:3,100-200:6"));
    CU_ASSERT_EQUAL(distribution_most(&distribution), 2000);
    for (uint64_t i = 0; i < 10000; i++) {
        uint64_t number = distribution_pick(&distribution, i);
        drawn[number == 10 ? 0 : number == 2000 ? 1 : 2]++;
        CU_ASSERT_TRUE(number == 10 || number == 2000 || (number >= 100 && number <= 200));
    }
    CU_ASSERT_EQUAL(drawn[0], 1000);
    CU_ASSERT_EQUAL(drawn[1], 3000);
    static const char *const wrong[] = {"",   "x",   "0",    "5-",  "9-5",
                                        "-5", "5:x", "5,,x", "5k5", "99999999999999999999"};
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++)
        CU_ASSERT_PTR_NOT_NULL(distribution_read(&distribution, wrong[i]));
}

static void check_pattern(const char *text, uint64_t index, const char *expected)
{
    struct pattern pattern;
    struct buf address = {0};
    CU_ASSERT_PTR_NULL_FATAL(pattern_read(&pattern, text));
    pattern_write(&pattern, index, &address);
    CU_ASSERT_TRUE(slice_equal(buf_slice(&address), slice_text(expected)));
    buf_release(&address);
}

static void test_patterns(void)
{
    check_pattern("user[10]@d[3].example", 0, "user0@d0.example");
    check_pattern("user[10]@d[3].example", 1, "user0@d1.example");
    check_pattern("user[10]@d[3].example", 4, "user1@d1.example");
    check_pattern("user[10]@d[3].example", 30, "user0@d0.example");
    check_pattern("a@[127.0.0.1]", 5, "a@[127.0.0.1]");
    check_pattern("a@b.example", 5, "a@b.example");
    struct pattern pattern;
    CU_ASSERT_PTR_NOT_NULL(pattern_read(&pattern, "a[0]@b"));
    CU_ASSERT_PTR_NOT_NULL(pattern_read(&pattern, "a b@c"));
    CU_ASSERT_PTR_NOT_NULL(pattern_read(&pattern, "[2][2][2][2][2][2][2][2][2]"));
    CU_ASSERT_PTR_NOT_NULL(pattern_read(&pattern, "[1000000000][1000000000][1000000000]@x"));
}

/* ---- rules ------------------------------------------------------------------------------------- */

static const struct fault_rule *strike(struct fault_plan *plan, enum sink_point point, uint64_t messages)
{
    return fault_plan_strike(plan, point, messages, 0, 0, 0);
}

static void test_rules(void)
{
    struct fault_plan plan = {.seed = 1};
    CU_ASSERT_PTR_NULL(fault_plan_add(&plan, "mail,refuse=451,after=10,until=20"));
    CU_ASSERT_PTR_NULL(fault_plan_add(&plan, "end,reset,times=2"));
    CU_ASSERT_PTR_NULL(fault_plan_add(&plan, "rcpt,delay=50,fraction=0.25"));
    CU_ASSERT_PTR_NULL(fault_plan_add(&plan, "content+1000,close"));
    CU_ASSERT_PTR_NULL(strike(&plan, POINT_MAIL, 9));
    CU_ASSERT_EQUAL(strike(&plan, POINT_MAIL, 10)->code, 451);
    CU_ASSERT_PTR_NULL(strike(&plan, POINT_MAIL, 20));
    CU_ASSERT_PTR_NOT_NULL(strike(&plan, POINT_END, 0));
    CU_ASSERT_PTR_NOT_NULL(strike(&plan, POINT_END, 0));
    CU_ASSERT_PTR_NULL(strike(&plan, POINT_END, 0));
    unsigned struck = 0;
    for (unsigned i = 0; i < 4000; i++)
        struck += strike(&plan, POINT_RCPT, 0) != NULL;
    CU_ASSERT_TRUE(struck > 900 && struck < 1100);
    CU_ASSERT_EQUAL(fault_plan_next_offset(&plan, POINT_CONTENT, 0, 0), 1000);
    CU_ASSERT_EQUAL(fault_plan_next_offset(&plan, POINT_CONTENT, 0, 1000), UINT64_MAX);
    CU_ASSERT_PTR_NULL(fault_plan_strike(&plan, POINT_CONTENT, 0, 0, 0, 999));
    CU_ASSERT_PTR_NOT_NULL(fault_plan_strike(&plan, POINT_CONTENT, 0, 0, 999, 1000));
    CU_ASSERT_PTR_NULL(fault_plan_strike(&plan, POINT_CONTENT, 0, 0, 1000, 2000));
}

static void test_range_of_offsets(void)
{
    struct fault_plan plan = {.seed = 1};
    CU_ASSERT_PTR_NULL(fault_plan_add(&plan, "reply+5-7,rubbish"));
    for (uint64_t connection = 0; connection < 9; connection++) {
        uint64_t offset = 5 + connection % 3;
        CU_ASSERT_EQUAL(fault_plan_next_offset(&plan, POINT_REPLY, connection, 0), offset);
        CU_ASSERT_PTR_NULL(fault_plan_strike(&plan, POINT_REPLY, 0, connection, 0, offset - 1));
        CU_ASSERT_PTR_NOT_NULL(fault_plan_strike(&plan, POINT_REPLY, 0, connection, offset - 1, offset));
        CU_ASSERT_PTR_NULL(fault_plan_strike(&plan, POINT_REPLY, 0, connection, offset, 20));
    }
}

static void test_wrong_rules(void)
{
    static const char *const wrong[] = {"",
                                        "mail",
                                        "nowhere,close",
                                        "mail,refuse=250",
                                        "mail,soon",
                                        "mail,delay",
                                        "content,close",
                                        "mail+5,close",
                                        "mail,close,reset",
                                        "content+5,refuse=451",
                                        "mail,close,fraction=2",
                                        "mail,close,after=x",
                                        "mail,close,times=0",
                                        "byte+7-5,close",
                                        "byte+1-,close",
                                        "reply+5,delay=10",
                                        "reply+5,refuse=451",
                                        "byte+5,rubbish",
                                        "end,long"};
    struct fault_plan plan = {.seed = 1};
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++)
        CU_ASSERT_PTR_NOT_NULL(fault_plan_add(&plan, wrong[i]));
    CU_ASSERT_EQUAL(plan.count, 0);
}

int main(void)
{
    pool = content_pool_create();
    int status = unit_run("load_content", (CU_TestInfo[]){{"messages of every size", test_every_size},
                                                          {"large messages", test_large},
                                                          {"what alters a message is seen", test_alterations},
                                                          {"what is no stamp", test_what_is_no_stamp},
                                                          {"distributions", test_distributions},
                                                          {"patterns", test_patterns},
                                                          {"rules", test_rules},
                                                          {"a range of offsets", test_range_of_offsets},
                                                          {"wrong rules", test_wrong_rules},
                                                          CU_TEST_INFO_NULL});
    content_pool_free(pool);
    return status;
}
