/*
 * crash_guard: the handler writes its line with write(2) at once, then jumps out to tell the paniclog as
 * well.
 *
 * What the crash interrupted may hold the lock of malloc or of a file, so telling the paniclog may hang or
 * crash again: an alarm, or the second signal, then ends the process. The line on stderr is out by that time.
 */
#include "module/crash_guard.h"

#include <setjmp.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>
#include "log/writer.h"
#include "module/set.h"

enum { SIGNALS = 5, ALTERNATE_STACK = 64 * 1024, LAST_WORDS_SECONDS = 2 };

static const struct {
    int number;
    const char *name;
} fatal[SIGNALS] = {
    {SIGSEGV, "SIGSEGV"}, {SIGBUS, "SIGBUS"}, {SIGABRT, "SIGABRT"}, {SIGFPE, "SIGFPE"}, {SIGILL, "SIGILL"},
};

static struct sigaction before[SIGNALS];
static sigjmp_buf out;
static volatile pid_t guarded_thread;
static volatile sig_atomic_t crashed;
static char line[256]; /* what is written, but for the signal's name that the handler adds */
static char alternate_stack[ALTERNATE_STACK];

/* Async-signal-safe, and bounded by the size of `line`. */
static void line_add(const char *text)
{
    size_t size = strlen(line);
    while (*text && size < sizeof line - 1)
        line[size++] = *text++;
    line[size] = '\0';
}

static int index_of(int number)
{
    for (int i = 0; i < SIGNALS - 1; i++)
        if (fatal[i].number == number)
            return i;
    return SIGNALS - 1;
}

static void on_alarm(int number)
{
    (void)number;
    _exit(1);
}

static void on_crash(int number)
{
    int i = index_of(number);
    if (gettid() != guarded_thread) { /* not the module's setup: let it happen again, unguarded */
        sigaction(number, &before[i], NULL);
        if (number == SIGABRT)
            raise(number);
        return;
    }
    if (crashed)
        _exit(1);
    crashed = 1;
    line_add(fatal[i].name);
    line_add("\n");
    ssize_t ignored = write(STDERR_FILENO, line, strlen(line));
    (void)ignored;
    siglongjmp(out, 1);
}

static _Noreturn void last_words(void)
{
    struct sigaction action = {.sa_handler = on_alarm};
    sigset_t wanted;
    sigaction(SIGALRM, &action, NULL);
    sigemptyset(&wanted);
    sigaddset(&wanted, SIGALRM);
    pthread_sigmask(SIG_UNBLOCK, &wanted, NULL);
    alarm(LAST_WORDS_SECONDS);
    if (log_hooks_tell_paniclog(IMP_CRITICAL, line, strlen(line) - 1))
        log_files_flush();
    _exit(1);
}

int crash_guard_call(const char *label, int (*call)(void *closure), void *closure)
{
    struct sigaction action = {.sa_handler = on_crash, .sa_flags = SA_ONSTACK | SA_NODEFER};
    stack_t stack = {.ss_sp = alternate_stack, .ss_size = sizeof alternate_stack}, stack_before;
    snprintf(line, sizeof line - 16, "impulse: module %s crashed while it was set up: ", label);
    guarded_thread = gettid();
    if (sigsetjmp(out, 1))
        last_words();
    sigaltstack(&stack, &stack_before);
    sigemptyset(&action.sa_mask);
    for (int i = 0; i < SIGNALS; i++)
        sigaction(fatal[i].number, &action, &before[i]);
    int answer = call(closure);
    for (int i = 0; i < SIGNALS; i++)
        sigaction(fatal[i].number, &before[i], NULL);
    sigaltstack(&stack_before, NULL);
    return answer;
}
