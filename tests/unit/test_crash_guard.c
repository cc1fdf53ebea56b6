/* crash_guard: each fatal signal, in a child process, gives one line and status 1; no signal gives nothing.
 */
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include "module/crash_guard.h"
#include "unit.h"

static int answer_7(void *closure)
{
    (void)closure;
    return 7;
}

static int raise_signal(void *closure)
{
    return raise(*(int *)closure);
}

static int write_where_nobody_may(void *closure)
{
    (void)closure;
    volatile char *page = mmap(NULL, 4096, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    *page = 1;
    return 0;
}

static volatile int depth_wanted = 1 << 30;

static int overflow(int depth)
{
    volatile char block[4096];
    memset((char *)block, depth, sizeof block);
    return depth < depth_wanted ? overflow(depth + 1) + block[17] : block[1];
}

static int overflow_the_stack(void *closure)
{
    (void)closure;
    return overflow(0);
}

/* What the child wrote to stderr; its status is asserted to be 1. */
static void crash(int (*call)(void *closure), void *closure, char *text, size_t size)
{
    int ends[2];
    CU_ASSERT_EQUAL_FATAL(pipe(ends), 0);
    pid_t child = fork();
    if (child == 0) {
        struct rlimit no_core = {0, 0};
        setrlimit(RLIMIT_CORE, &no_core);
        dup2(ends[1], STDERR_FILENO);
        crash_guard_call("bad:one", call, closure);
        _exit(42);
    }
    close(ends[1]);
    size_t got = 0;
    for (ssize_t n; got < size - 1 && (n = read(ends[0], text + got, size - 1 - got)) > 0;)
        got += (size_t)n;
    text[got] = '\0';
    close(ends[0]);
    int status = -1;
    CU_ASSERT_EQUAL(waitpid(child, &status, 0), child);
    CU_ASSERT_TRUE(WIFEXITED(status) && WEXITSTATUS(status) == 1);
}

static void test_signals(void)
{
    static const struct {
        int number;
        const char *name;
    } cases[] = {{SIGSEGV, "SIGSEGV"},
                 {SIGBUS, "SIGBUS"},
                 {SIGABRT, "SIGABRT"},
                 {SIGFPE, "SIGFPE"},
                 {SIGILL, "SIGILL"}};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char text[512], expected[128];
        int number = cases[i].number;
        crash(raise_signal, &number, text, sizeof text);
        snprintf(expected, sizeof expected, "impulse: module bad:one crashed while it was set up: %s\n",
                 cases[i].name);
        CU_ASSERT_STRING_EQUAL(text, expected);
    }
}

static void test_bad_pointer(void)
{
    char text[512];
    crash(write_where_nobody_may, NULL, text, sizeof text);
    CU_ASSERT_STRING_EQUAL(text, "impulse: module bad:one crashed while it was set up: SIGSEGV\n");
}

static void test_stack_overflow(void)
{
    char text[512];
    crash(overflow_the_stack, NULL, text, sizeof text);
    CU_ASSERT_STRING_EQUAL(text, "impulse: module bad:one crashed while it was set up: SIGSEGV\n");
}

static void test_no_crash(void)
{
    struct sigaction before = {.sa_handler = SIG_IGN}, after;
    sigaction(SIGFPE, &before, NULL);
    CU_ASSERT_EQUAL(crash_guard_call("good", answer_7, NULL), 7);
    sigaction(SIGFPE, NULL, &after);
    CU_ASSERT_TRUE(after.sa_handler == SIG_IGN); /* what was set before is set again */
    signal(SIGFPE, SIG_DFL);
}

int main(void)
{
    CU_TestInfo tests[] = {
        {"no crash", test_no_crash},
        {"signals", test_signals},
        {"bad pointer", test_bad_pointer},
        {"stack overflow", test_stack_overflow},
        CU_TEST_INFO_NULL,
    };
    return unit_run("crash guard", tests);
}
