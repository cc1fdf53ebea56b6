/* The leaves: slices, buffers, memory, lists, clocks, ids and threads. */
#include "unit.h"

#include <errno.h>
#include <signal.h>
#include <stdatomic.h>
#include <string.h>
#include <unistd.h>
#include "base/buf.h"
#include "base/clock.h"
#include "base/hostname.h"
#include "base/id.h"
#include "base/list.h"
#include "base/mem.h"
#include "base/reply_code.h"
#include "base/slice.h"
#include "base/thread.h"
#include "base/xtext.h"

#define S SLICE_LITERAL

/* ---- slice ----------------------------------------------------------------------------------- */

static void test_slice_compare(void)
{
    CU_ASSERT(slice_equal(S("abc"), S("abc")));
    CU_ASSERT_FALSE(slice_equal(S("abc"), S("abd")));
    CU_ASSERT(slice_equal(slice_text(NULL), S("")));
    CU_ASSERT(slice_equal_nocase(S("RCPT"), S("rcPt")));
    CU_ASSERT_FALSE(slice_equal_nocase(S("RCPT"), S("RCPT ")));
    CU_ASSERT_FALSE(slice_equal_nocase(S("["), S("{"))); /* only letters fold */
    CU_ASSERT(slice_starts_nocase(S("FROM:<>"), S("from:")));
    CU_ASSERT_FALSE(slice_starts_nocase(S("FRO"), S("from:")));
    CU_ASSERT(slice_ends_nocase(S("a.Example.COM"), S(".example.com")));
    CU_ASSERT_FALSE(slice_ends_nocase(S("com"), S("a.com")));
    CU_ASSERT_EQUAL(slice_compare_nocase(S("ABC"), S("abc")), 0);
    CU_ASSERT(slice_compare_nocase(S("abc"), S("ABCD")) < 0);
    CU_ASSERT(slice_compare_nocase(S("b"), S("ABCD")) > 0);
    CU_ASSERT(slice_compare_nocase(S("a\xff"), S("ab")) > 0); /* bytes are unsigned */
}

static void test_slice_cut(void)
{
    CU_ASSERT(slice_equal(slice_trim(S(" \t a b \t")), S("a b")));
    CU_ASSERT(slice_equal(slice_trim(S("  \t")), S("")));
    struct slice rest = S("a,,bc,"), part;
    CU_ASSERT(slice_next(&rest, ',', &part) && slice_equal(part, S("a")));
    CU_ASSERT(slice_next(&rest, ',', &part) && slice_equal(part, S("")));
    CU_ASSERT(slice_next(&rest, ',', &part) && slice_equal(part, S("bc")));
    CU_ASSERT_FALSE(slice_next(&rest, ',', &part));
}

static void test_slice_to_uint(void)
{
    uint64_t value = 7;
    CU_ASSERT(slice_to_uint(S("0"), &value) && value == 0);
    CU_ASSERT(slice_to_uint(S("9999999999999999999"), &value) && value == 9999999999999999999u);
    CU_ASSERT_FALSE(slice_to_uint(S("10000000000000000000"), &value));
    static const struct slice bad[] = {SLICE_LITERAL(""),   SLICE_LITERAL("-1"),  SLICE_LITERAL("+1"),
                                       SLICE_LITERAL("1 "), SLICE_LITERAL("0x1"), SLICE_LITERAL("1\0")};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        CU_ASSERT_FALSE(slice_to_uint(bad[i], &value));
}

static void test_slice_left_glob(void)
{
    CU_ASSERT(slice_match_left_glob(S("a.example.com"), S("*.example.com")));
    CU_ASSERT_FALSE(slice_match_left_glob(S("example.com"), S("*.example.com")));
    CU_ASSERT(slice_match_left_glob(S("example.com"), S("*Example.com")));
    CU_ASSERT(slice_match_left_glob(S("badexample.com"), S("*example.com")));
    CU_ASSERT(slice_match_left_glob(S("anything"), S("*")));
    CU_ASSERT(slice_match_left_glob(S("EXAMPLE.com"), S("example.COM")));
    CU_ASSERT_FALSE(slice_match_left_glob(S("example.com"), S("")));
}

static void test_slice_has_control(void)
{
    for (int c = 0; c < 256; c++) {
        char text[] = {'a', (char)c, 'z'};
        CU_ASSERT_EQUAL(slice_has_control(slice_of(text, 3)), c < 32 || c == 127);
        CU_ASSERT_EQUAL(ascii_is_control((char)c), c < 32 || c == 127);
    }
    CU_ASSERT_FALSE(slice_has_control(S("")));
    CU_ASSERT(slice_has_control(S("a\n")));
}

/* ---- buf ------------------------------------------------------------------------------------- */

static void test_buf_basics(void)
{
    struct buf b = {0};
    CU_ASSERT_EQUAL(buf_size(&b), 0);
    buf_append(&b, NULL, 0);
    CU_ASSERT_PTR_NULL(b.memory);
    buf_append_text(&b, "hello ");
    buf_append_slice(&b, S("world"));
    buf_printf(&b, " %d", 42);
    CU_ASSERT(slice_equal(buf_slice(&b), S("hello world 42")));
    buf_consume(&b, 6);
    CU_ASSERT(slice_equal(buf_slice(&b), S("world 42")));
    buf_consume(&b, 8);
    CU_ASSERT_EQUAL(b.tail, 0); /* empty begins at the front again */
    buf_append_text(&b, "x");
    buf_clear(&b);
    CU_ASSERT_EQUAL(buf_size(&b), 0);
    buf_release(&b);
    CU_ASSERT_PTR_NULL(b.memory);
    buf_release(&b);
}

static void test_buf_append_printable(void)
{
    struct buf b = {0};
    buf_append_printable(&b, S(""));
    CU_ASSERT_EQUAL(buf_size(&b), 0);
    buf_append_printable(&b, S("a\r\n b\t\0\x7f\xc3\xa9"));
    CU_ASSERT(slice_equal(buf_slice(&b), S("a?? b???\xc3\xa9")));
    buf_release(&b);
}

static void test_buf_printf_grows(void)
{
    struct buf b = {0};
    char long_text[5000];
    memset(long_text, 'x', sizeof long_text - 1);
    long_text[sizeof long_text - 1] = '\0';
    buf_append_text(&b, "<");
    buf_printf(&b, "%s|%s", long_text, "end");
    buf_append_text(&b, ">");
    CU_ASSERT_EQUAL(buf_size(&b), sizeof long_text - 1 + 6);
    CU_ASSERT(slice_ends_nocase(buf_slice(&b), S("x|end>")));
    buf_release(&b);
}

static void test_buf_take(void)
{
    struct buf b = {0};
    size_t size;
    buf_append_text(&b, "drop keep");
    buf_consume(&b, 5);
    char *memory = buf_take(&b, &size);
    CU_ASSERT(slice_equal(slice_of(memory, size), S("keep")));
    free(memory);
    memory = buf_take(&b, &size); /* of nothing: still a pointer to free */
    CU_ASSERT_PTR_NOT_NULL(memory);
    CU_ASSERT_EQUAL(size, 0);
    free(memory);
}

/* A stream of bytes through a buffer in steps of every size comes out as it went in, and memory stays
 * bounded. */
static void test_buf_stream(void)
{
    enum { TOTAL = 200000, MOST_WAITING = 3000 };
    struct buf b = {0};
    size_t in = 0, out = 0, wrong = 0, largest = 0;
    srandom(3);
    while (out < TOTAL) {
        size_t add = (size_t)random() % 700, remove = (size_t)random() % 700;
        if (buf_size(&b) < MOST_WAITING && in < TOTAL) {
            char *room = buf_reserve(&b, add);
            for (size_t i = 0; i < add; i++)
                room[i] = (char)((in + i) * 31 % 251);
            buf_commit(&b, add);
            in += add;
        }
        struct slice have = buf_slice(&b);
        remove = remove < have.size ? remove : have.size;
        for (size_t i = 0; i < remove; i++)
            wrong += have.data[i] != (char)((out + i) * 31 % 251);
        buf_consume(&b, remove);
        out += remove;
        largest = b.capacity > largest ? b.capacity : largest;
    }
    CU_ASSERT_EQUAL(wrong, 0);
    CU_ASSERT(largest <= 4 * (MOST_WAITING + 700));
    buf_release(&b);
}

/* ---- mem ------------------------------------------------------------------------------------- */

static void test_mem(void)
{
    char *text = mem_copy_text("abcdef", 3);
    CU_ASSERT_STRING_EQUAL(text, "abc");
    free(text);
    CU_ASSERT_PTR_NULL(mem_dup(NULL));
    text = mem_printf("%s-%d", "a", 5);
    CU_ASSERT_STRING_EQUAL(text, "a-5");
    free(text);
    int *numbers = mem_array(100, sizeof *numbers);
    CU_ASSERT_EQUAL(numbers[99], 0);
    numbers = mem_resize(numbers, 200 * sizeof *numbers);
    free(numbers);
    free(mem_zalloc(0));
    free(mem_array(0, 8));
}

/* ---- list ------------------------------------------------------------------------------------ */

struct item {
    int value;
    struct list_node link;
};

static int digits(const struct list *list)
{
    int sum = 0;
    list_each(list, node, after)
        sum = sum * 10 + container_of(node, struct item, link)->value;
    return sum;
}

static void test_list(void)
{
    struct list list;
    struct item items[4] = {{.value = 1}, {.value = 2}, {.value = 3}, {.value = 4}};
    list_init(&list);
    CU_ASSERT(list_empty(&list));
    CU_ASSERT_PTR_NULL(list_pop(&list));
    list_append(&list, &items[1].link);
    list_append(&list, &items[3].link);
    list_prepend(&list, &items[0].link);
    list_insert_before(&items[3].link, &items[2].link);
    CU_ASSERT_EQUAL(digits(&list), 1234);
    CU_ASSERT(list_linked(&items[2].link));
    list_remove(&items[2].link);
    list_remove(&items[2].link);
    CU_ASSERT_FALSE(list_linked(&items[2].link));
    CU_ASSERT_EQUAL(digits(&list), 124);
    list_each(&list, node, after)
        if (container_of(node, struct item, link)->value == 2)
            list_remove(node);
    CU_ASSERT_EQUAL(digits(&list), 14);
    CU_ASSERT_PTR_EQUAL(list_pop(&list), &items[0].link);
    CU_ASSERT_PTR_EQUAL(list_pop(&list), &items[3].link);
    CU_ASSERT(list_empty(&list));
}

/* ---- clock ----------------------------------------------------------------------------------- */

static void test_clock(void)
{
    uint64_t mono = clock_mono_ms(), wall = clock_wall_us();
    CU_ASSERT(clock_mono_ms() >= mono);
    CU_ASSERT(wall > UINT64_C(1600000000000000));
    char text[32];
    static const struct {
        const char *zone, *expected;
    } zones[] = {
        {"UTC0", "Sat, 21 Nov 2026 19:40:06 +0000"},
        {"XXX-5:30", "Sun, 22 Nov 2026 01:10:07 +0530"},
        {"XXX+3:30", "Sat, 21 Nov 2026 16:10:08 -0330"},
    };
    for (size_t i = 0; i < sizeof zones / sizeof *zones; i++) {
        setenv("TZ", zones[i].zone, 1);
        tzset();
        for (unsigned fraction = 0; fraction <= 999999; fraction += 333333) {
            size_t size =
                clock_rfc5322(UINT64_C(1795290006000000) + i * 1000000 + fraction, text, sizeof text);
            CU_ASSERT_STRING_EQUAL(text, zones[i].expected);
            CU_ASSERT_EQUAL(size, strlen(text));
        }
    }
    unsetenv("TZ");
    CU_ASSERT_EQUAL(clock_rfc5322(0, text, 8), 7);
}

/* ---- id -------------------------------------------------------------------------------------- */

enum { ID_THREADS = 4, IDS_EACH = 20000 };

static void *draw_ids(void *argument)
{
    uint64_t *ids = argument;
    for (size_t i = 0; i < IDS_EACH; i++)
        ids[i] = id_next();
    return NULL;
}

static int compare_ids(const void *a, const void *b)
{
    uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
    return x < y ? -1 : x > y;
}

static void test_id_unique(void)
{
    pthread_t threads[ID_THREADS];
    uint64_t *ids = mem_array((size_t)ID_THREADS * IDS_EACH, sizeof *ids);
    size_t wrong = 0;
    for (size_t i = 0; i < ID_THREADS; i++)
        pthread_create(&threads[i], NULL, draw_ids, ids + i * IDS_EACH);
    for (size_t i = 0; i < ID_THREADS; i++) {
        pthread_join(threads[i], NULL);
        for (size_t j = 1; j < IDS_EACH; j++)
            wrong += ids[i * IDS_EACH + j] <= ids[i * IDS_EACH + j - 1];
    }
    qsort(ids, (size_t)ID_THREADS * IDS_EACH, sizeof *ids, compare_ids);
    for (size_t i = 1; i < (size_t)ID_THREADS * IDS_EACH; i++)
        wrong += ids[i] == ids[i - 1];
    CU_ASSERT_EQUAL(wrong, 0);
    free(ids);
}

static void test_id_text(void)
{
    char text[ID_TEXT_SIZE];
    uint64_t back = 0;
    id_format(UINT64_C(0x31B987F361AC0000), text);
    CU_ASSERT_STRING_EQUAL(text, "00/00-25004-31B987F3");
    CU_ASSERT(id_parse(S("00/00-25004-31B987F3"), &back));
    CU_ASSERT_EQUAL(back, UINT64_C(0x31B987F361AC0000));
    size_t wrong = 0;
    for (int i = 0; i < 1000; i++) {
        uint64_t id = (uint64_t)random() << 33 ^ (uint64_t)random() << 11 ^ (uint64_t)random();
        id_format(id, text);
        wrong += !id_parse(slice_text(text), &back) || back != id;
    }
    CU_ASSERT_EQUAL(wrong, 0);
    static const char *const bad[] = {"",
                                      "00/00-25004-31B987F",
                                      "00/00-25004-31B987F33",
                                      "00/00-65536-31B987F3",
                                      "00/00-2500A-31B987F3",
                                      "00-00-25004-31B987F3",
                                      "00/00-25004-31B987fG",
                                      "0g/00-25004-31B987F3"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        CU_ASSERT_FALSE(id_parse(slice_text(bad[i]), &back));
}

static void test_id_floor(void)
{
    uint64_t floor = id_next() + (UINT64_C(1) << 40); /* as if the clock had gone back */
    id_set_floor(floor);
    CU_ASSERT(id_next() > floor);
    id_set_floor(1);
    CU_ASSERT(id_next() > floor);
}

/* ---- thread ---------------------------------------------------------------------------------- */

struct seen {
    sigset_t blocked;
    size_t stack_size;
};

static void *look_around(void *argument)
{
    struct seen *seen = argument;
    pthread_attr_t attributes;
    pthread_sigmask(SIG_SETMASK, NULL, &seen->blocked);
    pthread_getattr_np(pthread_self(), &attributes);
    pthread_attr_getstacksize(&attributes, &seen->stack_size);
    pthread_attr_destroy(&attributes);
    return argument;
}

static void test_thread(void)
{
    pthread_t thread;
    struct seen seen;
    void *result;
    CU_ASSERT_EQUAL_FATAL(thread_start(&thread, "t", 1 << 20, look_around, &seen), 0);
    pthread_join(thread, &result);
    CU_ASSERT_PTR_EQUAL(result, &seen);
    CU_ASSERT(seen.stack_size >= 1 << 20 && seen.stack_size < 2 << 20);
    CU_ASSERT(sigismember(&seen.blocked, SIGTERM) && sigismember(&seen.blocked, SIGHUP));
    CU_ASSERT_FALSE(sigismember(&seen.blocked, SIGSEGV));
    CU_ASSERT_EQUAL_FATAL(thread_start(&thread, "t", 1, look_around, &seen), 0); /* raised to the minimum */
    pthread_join(thread, NULL);
    sigset_t mine;
    pthread_sigmask(SIG_SETMASK, NULL, &mine);
    CU_ASSERT_FALSE(sigismember(&mine, SIGTERM));
}

static void *wait_for_zero(void *argument)
{
    while (atomic_load((atomic_int *)argument))
        sched_yield();
    return NULL;
}

static void test_thread_name(void)
{
    pthread_t thread;
    atomic_int hold = 1;
    char name[16];
    CU_ASSERT_EQUAL_FATAL(thread_start(&thread, "a-name-of-twenty-bytes", 0, wait_for_zero, &hold), 0);
    CU_ASSERT_EQUAL(pthread_getname_np(thread, name, sizeof name), 0);
    CU_ASSERT_STRING_EQUAL(name, "a-name-of-twent");
    atomic_store(&hold, 0);
    pthread_join(thread, NULL);
}

/* ---- xtext ------------------------------------------------------------------------------------ */

static void test_xtext(void)
{
    static const struct slice refused[] = {S("a b"), S("a+"),  S("a+4"), S("a+4g"),
                                           S("+4a"), S("a=b"), S("\x80")};
    struct buf out = {0};
    CU_ASSERT(xtext_decode(S("Bob+2B+20+C3+A4@x"), &out));
    CU_ASSERT(slice_equal(buf_slice(&out), S("Bob+ \xc3\xa4@x")));
    for (size_t i = 0; i < sizeof refused / sizeof *refused; i++)
        CU_ASSERT_FALSE(xtext_decode(refused[i], &out));
    buf_clear(&out);
    xtext_encode(S("a+b=\n\xff~"), &out);
    CU_ASSERT(slice_equal(buf_slice(&out), S("a+2Bb+3D+0A+FF~")));
    buf_release(&out);
}

static void test_copy_printable(void)
{
    char text[6];
    CU_ASSERT_EQUAL(slice_copy_printable(text, sizeof text, S("a\r\nb")), 4);
    CU_ASSERT_STRING_EQUAL(text, "a??b");
    CU_ASSERT_EQUAL(slice_copy_printable(text, sizeof text, S("12345\n")), 5);
    CU_ASSERT_STRING_EQUAL(text, "12345");
    CU_ASSERT_EQUAL(slice_copy_printable(text, sizeof text, slice_text(NULL)), 0);
    CU_ASSERT_STRING_EQUAL(text, "");
}

static void test_hostname(void)
{
    char name[256] = "";
    gethostname(name, sizeof name - 1);
    CU_ASSERT_STRING_EQUAL(hostname_or_system("mx.example"), "mx.example");
    CU_ASSERT_STRING_EQUAL(hostname_or_system(NULL), *name ? name : "localhost");
    CU_ASSERT_STRING_EQUAL(hostname_or_system(""), hostname_or_system(NULL));
}

static void test_reply_codes(void)
{
    CU_ASSERT(reply_code_is_positive(250) && !reply_code_is_positive(354) && !reply_code_is_positive(199));
    CU_ASSERT(reply_code_is_intermediate(354) && !reply_code_is_intermediate(400));
    CU_ASSERT(reply_code_is_transient(400) && reply_code_is_transient(499) && !reply_code_is_transient(500));
    CU_ASSERT(reply_code_is_permanent(500) && reply_code_is_permanent(599) && !reply_code_is_permanent(600));
    CU_ASSERT(reply_code_is_refusal(421) && reply_code_is_refusal(554) && !reply_code_is_refusal(0));
    CU_ASSERT_FALSE(reply_code_is_refusal((unsigned)-1));
}

int main(void)
{
    CU_TestInfo tests[] = {
        {"slice: compare", test_slice_compare},
        {"slice: cut", test_slice_cut},
        {"slice: numbers", test_slice_to_uint},
        {"slice: left glob", test_slice_left_glob},
        {"slice: control characters", test_slice_has_control},
        {"slice: printable", test_copy_printable},
        {"hostname", test_hostname},
        {"reply codes", test_reply_codes},
        {"buf: basics", test_buf_basics},
        {"buf: printable", test_buf_append_printable},
        {"buf: printf grows", test_buf_printf_grows},
        {"buf: take", test_buf_take},
        {"buf: stream", test_buf_stream},
        {"mem", test_mem},
        {"list", test_list},
        {"clock", test_clock},
        {"id: unique over threads", test_id_unique},
        {"id: text", test_id_text},
        {"id: floor", test_id_floor},
        {"thread: signals and stack", test_thread},
        {"thread: name", test_thread_name},
        {"xtext", test_xtext},
        CU_TEST_INFO_NULL,
    };
    return unit_run("base", tests);
}
