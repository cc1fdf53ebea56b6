/* crash_guard: each fatal signal, in a child process, gives one line and status 1; no signal gives nothing.
 */
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include "base/thread.h"
#include "module/crash_guard.h"
#include "unit.h"

static const struct runner runner = {"bad:one", "its setup", ""};

enum { SIGNALS_OF_FAULTS = 5 };
static const int faults[SIGNALS_OF_FAULTS] = {SIGSEGV, SIGBUS, SIGABRT, SIGFPE, SIGILL};

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
        crash_guard_call(&runner, call, closure);
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
        snprintf(expected, sizeof expected, "impulse: module bad:one: its setup crashed: %s\n",
                 cases[i].name);
        CU_ASSERT_STRING_EQUAL(text, expected);
    }
}

static void test_bad_pointer(void)
{
    char text[512];
    crash(write_where_nobody_may, NULL, text, sizeof text);
    CU_ASSERT_STRING_EQUAL(text, "impulse: module bad:one: its setup crashed: SIGSEGV\n");
}

static void test_stack_overflow(void)
{
    char text[512];
    crash(overflow_the_stack, NULL, text, sizeof text);
    CU_ASSERT_STRING_EQUAL(text, "impulse: module bad:one: its setup crashed: SIGSEGV\n");
}

static void test_no_crash(void)
{
    struct sigaction before = {.sa_handler = SIG_IGN}, after;
    sigaction(SIGTERM, &before, NULL);
    CU_ASSERT_EQUAL(crash_guard_call(&runner, answer_7, NULL), 7);
    sigaction(SIGTERM, NULL, &after);
    CU_ASSERT_TRUE(after.sa_handler == SIG_IGN); /* what was set before is set again */
    CU_ASSERT_PTR_NULL(runner_now());
    signal(SIGTERM, SIG_DFL);
}

/* ---- what is no signal ------------------------------------------------------------------------- */

static int call_exit(void *closure)
{
    (void)closure;
    exit(0);
}

static void test_exit(void)
{
    char text[512];
    crash(call_exit, NULL, text, sizeof text);
    CU_ASSERT_STRING_EQUAL(text, "impulse: module bad:one: its setup called exit()\n");
}

static int wait_for_ever(void *closure)
{
    kill(getpid(), SIGTERM);
    while (closure || getpid() > 0) /* always */
        pause();
    return 0;
}

static void test_stop_during_setup(void)
{
    char text[512];
    crash(wait_for_ever, NULL, text, sizeof text);
    CU_ASSERT_STRING_EQUAL(text,
                           "impulse: module bad:one: its setup does not return, and the process was told to "
                           "stop: SIGTERM\n");
}

static volatile sig_atomic_t heard;

static void hear(int number)
{
    heard = number;
}

static int be_told_to_stop(void *closure)
{
    (void)closure;
    kill(getpid(), SIGTERM);
    return heard;
}

/* A setup that returns in time: the signal is heard afterwards by whoever hears it at other times. */
static void test_stop_is_passed_on(void)
{
    struct sigaction action = {.sa_handler = hear}, before;
    sigaction(SIGTERM, &action, &before);
    CU_ASSERT_EQUAL(crash_guard_call(&runner, be_told_to_stop, NULL), 0);
    CU_ASSERT_EQUAL(heard, SIGTERM);
    sigaction(SIGTERM, &before, NULL);
}

/* ---- outside setup ----------------------------------------------------------------------------- */

static void *crash_in_hook(void *what)
{
    static const struct runner hook = {"bad", "its hook at", "validate_ehlo"};
    runner_enter(&hook);
    if (strcmp(what, "overflow") == 0)
        overflow(0);
    abort();
}

/* On a thread of the daemon: named, and then the signal's own end, for the sake of the core. */
static void crash_on_thread(const char *what, int number, const char *expected)
{
    int ends[2], status = -1;
    char text[512];
    CU_ASSERT_EQUAL_FATAL(pipe(ends), 0);
    pid_t child = fork();
    if (child == 0) {
        pthread_t thread;
        struct rlimit no_core = {0, 0};
        setrlimit(RLIMIT_CORE, &no_core);
        dup2(ends[1], STDERR_FILENO);
        for (int i = 0; i < SIGNALS_OF_FAULTS; i++)
            signal(faults[i], SIG_DFL); /* no sanitizer's */
        crash_guard_install();
        thread_start(&thread, "crash", 0, crash_in_hook, (void *)what);
        pthread_join(thread, NULL);
        _exit(42);
    }
    close(ends[1]);
    ssize_t got = read(ends[0], text, sizeof text - 1);
    text[got > 0 ? got : 0] = '\0';
    close(ends[0]);
    CU_ASSERT_STRING_EQUAL(text, expected);
    CU_ASSERT_EQUAL(waitpid(child, &status, 0), child);
    CU_ASSERT_TRUE(WIFSIGNALED(status) && WTERMSIG(status) == number);
}

static void test_hooks(void)
{
    crash_on_thread("abort", SIGABRT, "impulse: module bad: its hook at validate_ehlo crashed: SIGABRT\n");
    crash_on_thread("overflow", SIGSEGV, "impulse: module bad: its hook at validate_ehlo crashed: SIGSEGV\n");
}

int main(void)
{
    CU_TestInfo tests[] = {
        {"hooks", test_hooks}, /* first: no handler is installed yet */
        {"signals", test_signals},
        {"bad pointer", test_bad_pointer},
        {"stack overflow", test_stack_overflow},
        {"exit()", test_exit},
        {"stop during setup", test_stop_during_setup},
        /* Last: they start a thread here, and a child that is forked after that can start none under
         * ThreadSanitizer. */
        {"no crash", test_no_crash},
        {"stop is passed on", test_stop_is_passed_on},
        CU_TEST_INFO_NULL,
    };
    return unit_run("crash guard", tests);
}
