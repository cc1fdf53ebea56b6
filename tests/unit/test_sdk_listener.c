/*
 * test_sdk_listener: the end of the process and the end of a connection at the same time.
 */
#include <string.h>
#include <sys/socket.h>
#include "impulse/listener.h"
#include "sdk/sdk_listener.h"
#include "sdk_harness.h"

static struct {
    _Atomic bool armed; /* the next task that is posted is the connection's */
    struct unit_counter received, posted, ran, closed;
    void (*run)(struct loop_task *task);
} meeting = {.received = UNIT_COUNTER, .posted = UNIT_COUNTER, .ran = UNIT_COUNTER, .closed = UNIT_COUNTER};

/* ---- the task of the end ----------------------------------------------------------------------------- */

void __real_loop_post(struct loop *loop, struct loop_task *task);
void __wrap_loop_post(struct loop *loop, struct loop_task *task);

static void watch(struct loop_task *task)
{
    if (unit_wait(&meeting.closed, 1, 0) > 0) {
        fprintf(stderr, "the connection was closed and freed before its task ran\n");
        _exit(1);
    }
    meeting.run(task);
    unit_count(&meeting.ran, 1);
}

void __wrap_loop_post(struct loop *loop, struct loop_task *task)
{
    if (!meeting.armed) {
        __real_loop_post(loop, task);
        return;
    }
    meeting.armed = false;
    meeting.run = task->run;
    task->run = watch;
    __real_loop_post(loop, task);
    unit_count(&meeting.posted, 1);
}

/* ---- the connection ---------------------------------------------------------------------------------- */

/* The loop's turn does not end before the task is posted. */
static size_t receive(struct imp_connection *connection, const char *data, size_t size, void *closure)
{
    (void)data, (void)closure;
    unit_count(&meeting.received, 1);
    unit_wait(&meeting.posted, 1, 30);
    imp_connection_close(connection);
    return size;
}

static void note_closed(struct imp_connection *connection, void *closure)
{
    (void)connection, (void)closure;
    unit_count(&meeting.closed, 1);
}

static void accepted(struct imp_connection *connection, void *closure)
{
    struct imp_connection_handler handler = {
        .size = sizeof handler, .received = receive, .closed = note_closed};
    imp_connection_start(connection, &handler, closure);
    memset(&handler, 0, sizeof handler); /* it was copied */
}

static const struct imp_listener listener = {.size = sizeof listener, .accepted = accepted};

struct arrival {
    struct sdk_listen *listen;
    int fd;
};

static void arrive(void *closure)
{
    const struct arrival *arrival = closure;
    struct net_addr nobody;
    CU_ASSERT_TRUE(net_addr_parse(&nobody, "127.0.0.1"));
    sdk_listen_accept(loop_current(), arrival->fd, &nobody, &nobody, arrival->listen);
}

/* The module hangs up in the turn in which the end of the process posts the task that would do so. */
static void test_both_ends_at_once(void)
{
    struct sdk_house house;
    int fds[2];
    CU_ASSERT_EQUAL_FATAL(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, fds), 0);
    sdk_house_open(&house);
    house.module->in_setup = true;
    CU_ASSERT_EQUAL_FATAL(imp_listener_add(house.module, &listener), 0);
    house.module->in_setup = false;
    struct arrival arrival = {sdk_listen_create("there"), fds[0]};
    CU_ASSERT_TRUE_FATAL(sdk_listen_use(arrival.listen, house.set, house.module->label, 0));
    sdk_house_on(&house, imp_loop_at(1), arrive, &arrival);
    CU_ASSERT_EQUAL(write(fds[1], "x", 1), 1);
    CU_ASSERT_EQUAL_FATAL(unit_wait(&meeting.received, 1, 30), 1);
    meeting.armed = true;
    sdk_listen_free(arrival.listen);
    sdk_listener_end();
    CU_ASSERT_EQUAL(unit_wait(&meeting.ran, 1, 30), 1);
    CU_ASSERT_EQUAL(unit_wait(&meeting.closed, 1, 0), 1);
    close(fds[1]);
    sdk_house_close(&house);
}

int main(void)
{
    CU_TestInfo tests[] = {
        {"both ends at once", test_both_ends_at_once},
        CU_TEST_INFO_NULL,
    };
    return unit_run("sdk_listener", tests);
}
