/*
 * Console commands that answer later and in parts: who writes, who takes, who leaves.
 */
#include "control/ctl_call.h"

#include <string.h>
#include "base/buf.h"
#include "control/ctl_call_private.h"
#include "control/ctl_gather.h"
#include "unit.h"

enum { LINES = 100000, LOOPS = 3, SLICE_LINES = 50, PART_LINES = 20000 };

struct client { /* stands for a session: takes what there is, as long as it has not left */
    uv_loop_t loop;
    uv_timer_t patience;
    struct ctl_calls *calls;
    struct ctl_call *call;
    struct buf text;
    size_t leaves_after; /* bytes; 0: stays */
    size_t most_taken;
    enum ctl_progress ended;
};

static void take(void *closure)
{
    struct client *client = closure;
    size_t before = buf_size(&client->text);
    if (!client->call)
        return;
    client->ended = ctl_call_take(client->call, &client->text, 64 * 1024);
    bool leaves = client->leaves_after && buf_size(&client->text) >= client->leaves_after;
    if (client->ended == CTL_GOES_ON && !leaves) {
        if (buf_size(&client->text) > before)
            take(client);
        return;
    }
    ctl_call_leave(client->call);
    client->call = NULL;
    uv_stop(&client->loop);
}

static void open_client(struct client *client)
{
    static const char *const words[] = {"one", "two"};
    *client = (struct client){0};
    uv_loop_init(&client->loop);
    client->calls = ctl_calls_create(&client->loop);
    client->call = ctl_call_create(client->calls, words, 2, "ann", take, client);
    uv_timer_init(&client->loop, &client->patience); /* an unreferenced handle alone does not keep the loop */
}

static void no_patience(uv_timer_t *timer)
{
    (void)timer;
}

static void run_client(struct client *client)
{
    uv_timer_start(&client->patience, no_patience, UNIT_PATIENCE * 1000, 0);
    uv_run(&client->loop, UV_RUN_DEFAULT);
}

static void close_client(struct client *client)
{
    ctl_calls_close(client->calls);
    uv_close((uv_handle_t *)&client->patience, NULL);
    uv_run(&client->loop, UV_RUN_DEFAULT);
    CU_ASSERT_EQUAL(uv_loop_close(&client->loop), 0);
    buf_release(&client->text);
}

/* ---- a thread that writes -------------------------------------------------------------------- */

static void *write_lines(void *argument)
{
    struct ctl_call *call = argument;
    char line[32];
    enum ctl_room room = CTL_TAKEN;
    for (int i = 0; i < LINES && room != CTL_GONE; i++) {
        room = ctl_call_write(call, slice_of(line, (size_t)snprintf(line, sizeof line, "line %d\n", i)));
        if (room == CTL_BEHIND)
            room = ctl_call_wait(call);
    }
    ctl_call_finish(call, room != CTL_GONE);
    return NULL;
}

static void test_parts(void)
{
    struct client client;
    struct buf expected = {0};
    pthread_t thread;
    open_client(&client);
    CU_ASSERT_EQUAL(ctl_call_count(client.call), 2);
    CU_ASSERT_STRING_EQUAL(ctl_call_word(client.call, 1), "two");
    CU_ASSERT_PTR_NULL(ctl_call_word(client.call, 2));
    CU_ASSERT_STRING_EQUAL(ctl_call_user(client.call), "ann");
    pthread_create(&thread, NULL, write_lines, client.call);
    run_client(&client);
    pthread_join(thread, NULL);
    for (int i = 0; i < LINES; i++)
        buf_printf(&expected, "line %d\n", i);
    CU_ASSERT_EQUAL(client.ended, CTL_DONE);
    CU_ASSERT_TRUE(slice_equal(buf_slice(&client.text), buf_slice(&expected)));
    buf_release(&expected);
    close_client(&client);
}

static void test_client_leaves(void)
{
    struct client client;
    pthread_t thread;
    open_client(&client);
    client.leaves_after = 1000;
    pthread_create(&thread, NULL, write_lines, client.call);
    run_client(&client);
    pthread_join(thread, NULL); /* it was told, and has finished */
    CU_ASSERT_EQUAL(client.ended, CTL_GOES_ON);
    CU_ASSERT_TRUE(buf_size(&client.text) < LINES * 5);
    close_client(&client);
}

/* ---- bounds and ends ------------------------------------------------------------------------- */

static void count_up(void *closure)
{
    ++*(int *)closure;
}

static void count_call(struct ctl_call *call, void *closure)
{
    (void)call;
    ++*(int *)closure;
}

static void test_overrun(void)
{
    struct client client;
    char block[64 * 1024];
    int taken = 0, behind = 0, cancelled = 0, freed = 0;
    memset(block, 'x', sizeof block);
    open_client(&client);
    struct ctl_call *call = client.call;
    ctl_call_on_cancel(call, count_call, &cancelled);
    ctl_call_at_end(call, count_up, &freed);
    for (enum ctl_room room; (room = ctl_call_write(call, slice_of(block, sizeof block))) != CTL_GONE;
         taken++)
        behind += room == CTL_BEHIND;
    CU_ASSERT_EQUAL(taken, CTL_CALL_MOST / (int)sizeof block);
    CU_ASSERT_EQUAL(behind, taken - CTL_CALL_MUCH / (int)sizeof block);
    run_client(&client);
    CU_ASSERT_EQUAL(client.ended, CTL_OVERRUN);
    CU_ASSERT_EQUAL(cancelled, 1);
    CU_ASSERT_EQUAL(freed, 0);
    ctl_call_finish(call, true);
    ctl_calls_collect(client.calls);
    CU_ASSERT_EQUAL(freed, 1);
    close_client(&client);
}

static void test_finished_after_the_end(void)
{
    struct client client;
    int freed = 0;
    open_client(&client);
    struct ctl_call *call = client.call;
    ctl_call_at_end(call, count_up, &freed);
    ctl_call_leave(call);
    close_client(&client);
    CU_ASSERT_EQUAL(ctl_call_write(call, SLICE_LITERAL("x")), CTL_GONE);
    CU_ASSERT_EQUAL(ctl_call_wait(call), CTL_GONE);
    ctl_call_finish(call, true);
    CU_ASSERT_EQUAL(freed, 1);
}

/* ---- every loop ------------------------------------------------------------------------------ */

static bool step(struct ctl_part *part)
{
    uintptr_t at = (uintptr_t)part->place;
    CU_ASSERT_PTR_EQUAL(loop_current(), part->loop);
    for (int i = 0; i < SLICE_LINES && !part->gone; i++, at++)
        buf_printf(&part->text, "loop %u line %d of many\n", loop_index(part->loop), (int)at);
    part->place = (void *)at;
    return at < PART_LINES && !part->gone;
}

static void say_end(struct ctl_call *call, void *closure)
{
    ctl_call_write(call, SLICE_LITERAL("end\n"));
    unit_count(closure, 1);
}

static void test_gather(void)
{
    struct client client;
    struct buf expected = {0};
    struct unit_counter ended = UNIT_COUNTER;
    struct loop_group *group = loop_group_create("gather", LOOPS);
    loop_group_start(group);
    open_client(&client);
    ctl_gather(client.call, group, step, say_end, &ended);
    run_client(&client);
    for (unsigned loop = 0; loop < LOOPS; loop++)
        for (int i = 0; i < PART_LINES; i++)
            buf_printf(&expected, "loop %u line %d of many\n", loop, i);
    buf_append_text(&expected, "end\n");
    CU_ASSERT_EQUAL(client.ended, CTL_DONE);
    CU_ASSERT_TRUE(slice_equal(buf_slice(&client.text), buf_slice(&expected)));
    buf_release(&expected);
    close_client(&client);
    loop_group_stop(group);
    loop_group_free(group);
}

static void test_gather_left(void)
{
    struct client client;
    struct unit_counter ended = UNIT_COUNTER;
    struct loop_group *group = loop_group_create("gather", LOOPS);
    loop_group_start(group);
    open_client(&client);
    client.leaves_after = 1000;
    ctl_gather(client.call, group, step, say_end, &ended);
    run_client(&client);
    while (unit_wait(&ended, 1, 0) < 1)
        uv_run(&client.loop, UV_RUN_NOWAIT);
    loop_group_stop(group);
    close_client(&client);
    loop_group_free(group);
}

int main(void)
{
    CU_TestInfo tests[] = {
        {"parts", test_parts},     {"the client leaves", test_client_leaves},
        {"overrun", test_overrun}, {"finished after the end", test_finished_after_the_end},
        {"gather", test_gather},   {"gather, the client leaves", test_gather_left},
        CU_TEST_INFO_NULL,
    };
    return unit_run("console calls", tests);
}
