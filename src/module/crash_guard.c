/*
 * crash_guard: the handler writes its line with write(2) at once, then has a thread of its own tell the
 * paniclog.
 *
 * What the crash interrupted may hold the lock of malloc or of a file, so the thread may wait for ever: the
 * crashed thread waits for it for two seconds at most. The line on stderr is out by that time.
 */
#include "module/crash_guard.h"

#include <pthread.h>
#include <semaphore.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>
#include "base/clock.h"
#include "base/stderr.h"
#include "base/thread.h"
#include "log/paniclog.h"
#include "log/writer.h"
#include "module/set.h"

enum {
    SIGNALS = 5,
    STOP_SIGNALS = 2,
    ALTERNATE_STACK = 64 * 1024,
    WORDS_MS = 2000,   /* how long the end waits for the paniclog */
    SETUP_SECONDS = 3, /* what a setup gets after SIGTERM */
    LINE_SIZE = 512,
};

static const struct {
    int number;
    const char *name;
} fatal[SIGNALS] = {
    {SIGSEGV, "SIGSEGV"}, {SIGBUS, "SIGBUS"}, {SIGABRT, "SIGABRT"}, {SIGFPE, "SIGFPE"}, {SIGILL, "SIGILL"},
};
static const int stops[STOP_SIGNALS] = {SIGTERM, SIGINT};

static struct sigaction before[SIGNALS];
static pid_t installed;                  /* the process that has handlers and the thread; a child has none */
static volatile pid_t guarded_thread;    /* in crash_guard_call; 0: nobody is */
static volatile sig_atomic_t stop_heard; /* SIGTERM or SIGINT during crash_guard_call; 0: none */
static const struct runner *volatile guarded_runner;
static char alternate_stack[ALTERNATE_STACK];

/* ---- last words ------------------------------------------------------------------------------ */

static struct {
    _Atomic pid_t speaker; /* the thread that ends the process; 0: none yet */
    sem_t wanted;
    _Atomic bool told;
    char line[LINE_SIZE]; /* with its newline */
    size_t size;
} words;

/* Async-signal-safe. */
static void add(const char *text)
{
    while (*text && words.size < LINE_SIZE - 2)
        words.line[words.size++] = *text++;
}

static void *tell(void *unused)
{
    (void)unused;
    char line[LINE_SIZE + 32];
    while (sem_wait(&words.wanted) != 0)
        ;
    int size = snprintf(line, sizeof line, "%llu: %.*s", (unsigned long long)(clock_wall_us() / 1000000u),
                        (int)words.size - 1, words.line);
    if (log_hooks_tell_paniclog(IMP_CRITICAL, line, (size_t)size))
        log_files_flush();
    atomic_store(&words.told, true);
    return NULL;
}

/*
 * Says "impulse: module NAME: its hook at POINT WHAT DETAIL". False when another thread is speaking already.
 * Async-signal-safe.
 */
static bool speak(const struct runner *runner, const char *what, const char *detail)
{
    static const struct timespec pause = {0, 5000000};
    pid_t nobody = 0;
    if (!atomic_compare_exchange_strong(&words.speaker, &nobody, gettid()))
        return false;
    add("impulse: module ");
    add(runner->module);
    add(": ");
    add(runner->kind);
    add(*runner->what ? " " : "");
    add(runner->what);
    add(" ");
    add(what);
    add(detail);
    words.line[words.size++] = '\n';
    stderr_write(words.line, words.size);
    sem_post(&words.wanted);
    for (int waited = 0; waited < WORDS_MS && !atomic_load(&words.told); waited += 5)
        nanosleep(&pause, NULL);
    return true;
}

/* ---- signals --------------------------------------------------------------------------------- */

static int index_of(int number)
{
    for (int i = 0; i < SIGNALS - 1; i++)
        if (fatal[i].number == number)
            return i;
    return SIGNALS - 1;
}

static void on_crash(int number, siginfo_t *info, void *context)
{
    const struct runner *runner = runner_now();
    int i = index_of(number);
    (void)context;
    bool spoken = runner && speak(runner, "crashed: ", fatal[i].name);
    if (gettid() == guarded_thread && runner)
        _exit(1);
    while (runner && !spoken && atomic_load(&words.speaker) != gettid())
        pause(); /* another thread ends the process, in two seconds at most */
    sigaction(number, &before[i], NULL);
    if (info->si_code <= 0)
        raise(number); /* it was sent; a fault happens again by itself */
}

static void on_exit_called(void)
{
    const struct runner *runner = runner_now();
    if (!runner)
        return;
    speak(runner, "called exit()", "");
    _exit(1);
}

void crash_guard_install(void)
{
    pthread_t thread;
    struct sigaction action = {.sa_sigaction = on_crash, .sa_flags = SA_ONSTACK | SA_NODEFER | SA_SIGINFO};
    if (installed == getpid())
        return;
    sem_init(&words.wanted, 0, 0);
    if (thread_start(&thread, "last words", 0, tell, NULL) == 0)
        pthread_detach(thread);
    sigemptyset(&action.sa_mask);
    for (int i = 0; i < SIGNALS && installed == 0; i++)
        sigaction(fatal[i].number, &action, &before[i]);
    if (installed == 0)
        atexit(on_exit_called);
    installed = getpid();
}

/* ---- setup ----------------------------------------------------------------------------------- */

static void on_alarm(int number)
{
    const struct runner *runner = guarded_runner;
    (void)number;
    if (!runner)
        return;
    speak(runner,
          "does not return, and the process was told to stop: ", stop_heard == SIGINT ? "SIGINT" : "SIGTERM");
    _exit(1);
}

static void on_stop(int number)
{
    stop_heard = number;
    alarm(SETUP_SECONDS);
}

struct signals_before {
    struct sigaction stops[STOP_SIGNALS], alarm;
    sigset_t mask;
    stack_t stack;
};

static void listen_for_stop(struct signals_before *saved)
{
    struct sigaction stop = {.sa_handler = on_stop, .sa_flags = SA_RESTART}, late = {.sa_handler = on_alarm};
    sigset_t wanted;
    sigemptyset(&wanted);
    sigaddset(&wanted, SIGALRM);
    stop_heard = 0;
    sigaction(SIGALRM, &late, &saved->alarm);
    for (int i = 0; i < STOP_SIGNALS; i++) {
        sigaction(stops[i], &stop, &saved->stops[i]);
        sigaddset(&wanted, stops[i]);
    }
    pthread_sigmask(SIG_UNBLOCK, &wanted, &saved->mask);
}

static void stop_listening(const struct signals_before *saved)
{
    for (int i = 0; i < STOP_SIGNALS; i++)
        sigaction(stops[i], &saved->stops[i], NULL);
    alarm(0); /* nobody sets it any more */
    sigaction(SIGALRM, &saved->alarm, NULL);
    pthread_sigmask(SIG_SETMASK, &saved->mask, NULL);
    if (stop_heard)
        kill(getpid(), stop_heard);
}

int crash_guard_call(const struct runner *runner, int (*call)(void *closure), void *closure)
{
    stack_t stack = {.ss_sp = alternate_stack, .ss_size = sizeof alternate_stack};
    struct signals_before saved;
    crash_guard_install();
    sigaltstack(&stack, &saved.stack);
    listen_for_stop(&saved);
    guarded_runner = runner;
    guarded_thread = gettid();
    const struct runner *outer = runner_enter(runner);
    int answer = call(closure);
    runner_leave(outer);
    guarded_thread = 0;
    guarded_runner = NULL;
    stop_listening(&saved);
    sigaltstack(&saved.stack, NULL);
    return answer;
}
