/* test_budget: limits of what there may be at once, and the edits of messages that arrive within theirs. */
#include <errno.h>
#include <string.h>
#include "base/mem.h"
#include "budget_limit.h"
#include "message/message_content.h"
#include "metrics/metric.h"
#include "unit.h"

static char last_line[500];
static unsigned lines;

static void keep_line(enum panic_level level, const char *line, size_t size, void *closure)
{
    (void)level, (void)closure;
    snprintf(last_line, sizeof last_line, "%.*s", (int)size, line);
    lines++;
}

static double shown(const char *sample)
{
    char *text = NULL;
    size_t size = 0;
    FILE *out = open_memstream(&text, &size);
    metric_print(out, "impulse_budget_");
    fclose(out);
    const char *found = strstr(text, sample);
    double value = found ? strtod(found + strlen(sample), NULL) : -1;
    free(text);
    return value;
}

static void test_taking(void)
{
    budget_limit_to(BUDGET_STREAMS, 3);
    CU_ASSERT(budget_take(BUDGET_STREAMS, 2));
    CU_ASSERT_FALSE(budget_take(BUDGET_STREAMS, 2));
    CU_ASSERT_FALSE(budget_take(BUDGET_STREAMS, UINT64_MAX));
    CU_ASSERT(budget_take(BUDGET_STREAMS, 1));
    CU_ASSERT_EQUAL(budget_used(BUDGET_STREAMS), 3);
    CU_ASSERT_EQUAL(shown("impulse_budget_used{budget=\"streams\"} "), 3);
    CU_ASSERT_EQUAL(shown("impulse_budget_limit{budget=\"streams\"} "), 3);
    CU_ASSERT_EQUAL(shown("impulse_budget_refused_total{budget=\"streams\"} "), 2);
    CU_ASSERT_EQUAL(lines, 1);
    CU_ASSERT_PTR_NOT_NULL(
        strstr(last_line, "no more than 3 streams of modules at a time (module_max_streams)"));
    budget_limit_to(BUDGET_STREAMS, 1); /* a reload: what is there stays */
    budget_give(BUDGET_STREAMS, 2);
    CU_ASSERT_FALSE(budget_take(BUDGET_STREAMS, 1));
    budget_give(BUDGET_STREAMS, 1);
    CU_ASSERT(budget_take(BUDGET_STREAMS, 1));
    budget_give(BUDGET_STREAMS, 1);
}

static struct message *make_message(void)
{
    struct message *message = message_create(1, mem_dup("a@b"), "b");
    buf_append_text(&message->content, "Subject: x\r\n\r\nbody\r\n");
    message->readable = true;
    return message;
}

static void end(struct message *message)
{
    message_end(message);
    message_unref(message);
}

/* One message's edits leave no room for another's until it is over. */
static void test_edits(void)
{
    struct message *one = make_message(), *other = make_message();
    char *text = mem_zalloc(1001);
    memset(text, 'x', 1000);
    budget_limit_to(BUDGET_EDITS, 1500);
    CU_ASSERT_EQUAL(message_splice(one, 14, 0, slice_of(text, 1000)), 0);
    CU_ASSERT_EQUAL(message_splice(other, 14, 0, slice_of(text, 1000)), -ENOBUFS);
    CU_ASSERT_EQUAL(message_size(other), 20);
    CU_ASSERT_EQUAL(message_splice(other, 14, 6, slice_of(NULL, 0)), 0);
    CU_ASSERT_EQUAL(message_splice(other, 500, 0, slice_of(text, 100)), -ERANGE);
    CU_ASSERT_EQUAL(budget_used(BUDGET_EDITS), 1000);
    end(one);
    CU_ASSERT_EQUAL(message_splice(other, 14, 0, slice_of(text, 1000)), 0);
    end(other);
    CU_ASSERT_EQUAL(budget_used(BUDGET_EDITS), 0);
    free(text);
}

int main(void)
{
    paniclog_add_sink(keep_line, NULL);
    paniclog_set_stderr(false);
    budgets_register();
    return unit_run("budgets",
                    (CU_TestInfo[]){{"taking", test_taking}, {"edits", test_edits}, CU_TEST_INFO_NULL});
}
