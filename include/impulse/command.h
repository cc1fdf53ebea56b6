/*
 * impulse/command.h: console commands of a module, which may answer later and in parts.
 *
 *     static void hello(struct imp_command_call *call, void *closure)
 *     {
 *         imp_command_printf(call, "Hello %s.\n", imp_command_word(call, 0));
 *         imp_command_finish(call, true);
 *     }
 *     ... in setup:
 *     return imp_command_add(module, &(struct imp_command){.size = sizeof(struct imp_command), .words = "hello",
 *                                                          .arguments = "NAME", .least = 1, .most = 1,
 *                                                          .help = "greets NAME", .run = hello});
 *
 * Who may give the command is decided by Authorization, as for every other command, and the acctlog is told; one
 * command of a console session runs at a time. A command that was begun keeps its module instance until it is
 * finished, also when a reload has replaced the instance meanwhile.
 */
#ifndef IMPULSE_COMMAND_H
#define IMPULSE_COMMAND_H

#include "impulse/module.h"

#ifdef __cplusplus
extern "C" {
#endif

struct imp_command_call; /* a command that is being answered; the daemon's, valid until imp_command_finish */

/*
 * Begins a command; it is to be finished with imp_command_finish once, now or later. Thread: the main one, which
 * serves the whole console and must not be kept; or one of `pool` with IMP_COMMAND_MAY_BLOCK.
 */
typedef void imp_command_fn(struct imp_command_call *call, void *closure);

enum imp_command_flags {
    IMP_COMMAND_MAY_BLOCK = 1, /* runs on a thread pool, where it may block */
};

struct imp_command {
    size_t size;           /* sizeof(struct imp_command) */
    const char *words;     /* "greylist show": lower case by convention, one space between words; copied */
    const char *arguments; /* for help: "NAME [COUNT]"; NULL: it takes none; copied */
    unsigned least, most;  /* how many words may follow; others are refused by the daemon with the usage */
    const char *help;      /* one line: what it does; copied */
    imp_command_fn *run;   /* required */
    void *closure;         /* for `run`; lives as long as the instance */
    unsigned flags;        /* enum imp_command_flags */
    const char *pool;      /* IMP_COMMAND_MAY_BLOCK: a ThreadPool's name, copied; NULL: "IO" */
};

/*
 * Registers a command of this instance; only from setup; the struct is copied. 0, or -1 with a line in
 * imp_module_error: a member is missing, the words are a command of the daemon or of another module, which the line
 * names, or there is no such ThreadPool.
 */
IMP_API int imp_command_add(struct imp_module *module, const struct imp_command *command);

/* ---- the question ---------------------------------------------------------------------------------------------- */

/* The words that followed the command's own: quotes are resolved, each is NUL-terminated and valid as long as the call.
 * NULL past the last. Any thread. */
IMP_API size_t imp_command_count(const struct imp_command_call *call);
IMP_API const char *imp_command_word(const struct imp_command_call *call, size_t index);
/* Who asks: the name of the login, or of the system's user on a Unix socket; "" where nobody logs in. Valid as long as
 * the call. Any thread. */
IMP_API const char *imp_command_user(const struct imp_command_call *call);

/* ---- the answer ------------------------------------------------------------------------------------------------ */

enum imp_command_room {
    IMP_COMMAND_TAKEN,  /* it will be sent */
    IMP_COMMAND_BEHIND, /* that too, but the client reads slowly: write no more until there is room */
    IMP_COMMAND_GONE,   /* not taken: the client has left, or the daemon ends; finish as soon as you can */
};

/*
 * Writes to the client, who sees it while the command goes on. Text of lines that end in '\n', by convention; any
 * bytes are carried. Does not block. 256 KiB that wait for the client are answered IMP_COMMAND_BEHIND; who writes on
 * until 8 MiB wait has the command refused. Any thread.
 */
IMP_API enum imp_command_room imp_command_write(struct imp_command_call *call, const char *data, size_t size);
IMP_API enum imp_command_room imp_command_printf(struct imp_command_call *call, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
/* Waits until there is room; only where blocking is allowed (a pool's thread, one of the module's own). TAKEN or
 * GONE. */
IMP_API enum imp_command_room imp_command_wait(struct imp_command_call *call);
/* Has `room` called once when there is room or the client has left; on the main thread, which must not be kept. */
IMP_API void imp_command_on_room(struct imp_command_call *call,
                                 void (*room)(struct imp_command_call *call, void *closure), void *closure);
/* Has the client left? Any thread. */
IMP_API bool imp_command_gone(struct imp_command_call *call);
/*
 * Has `cancelled` called once when the client leaves before the command is finished; on the main thread. It must not
 * block; it may finish the call. It may run while another thread finishes the call. Only from the command's function.
 */
IMP_API void imp_command_on_cancel(struct imp_command_call *call,
                                   void (*cancelled)(struct imp_command_call *call, void *closure),
                                   void *closure);
/*
 * Has `release` called when the call is over on all sides and no function of it will be called any more: the place to
 * free what they share. Usually on the main thread. Once per call, only from the command's function.
 */
IMP_API void imp_command_at_end(struct imp_command_call *call, void (*release)(void *closure), void *closure);
/* Ends the answer: true for OK, false for ERR (write the reason before). Once; the call is invalid afterwards. Any
 * thread. */
IMP_API void imp_command_finish(struct imp_command_call *call, bool ok);

/* ---- a question that every loop answers -------------------------------------------------------------------------- */

struct imp_command_part; /* what one event loop has to say */

/*
 * Does a slice of the work, a millisecond at most, on an event loop's thread; 1: there is more to do in a later turn;
 * 0: this loop has finished. Once imp_command_part_gone says so it must clean up and return 0.
 */
typedef int imp_command_step_fn(struct imp_command_part *part, void *closure);

/*
 * Runs `step` on every loop of an EventLoop (`loops` NULL: of the default one), slice after slice, sends what the loops
 * write in the order of the loops, and finishes the call. A loop goes no faster than the client reads. `end` (may be
 * NULL) is called once before the call is finished, on any thread: it may write last lines, and frees `closure`.
 */
IMP_API void imp_command_gather(struct imp_command_call *call, const char *loops, imp_command_step_fn *step,
                                void (*end)(struct imp_command_call *call, void *closure), void *closure);
/* These are called from within the step only. What is written is copied. */
IMP_API void imp_command_part_write(struct imp_command_part *part, const char *data, size_t size);
IMP_API void imp_command_part_printf(struct imp_command_part *part, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
IMP_API unsigned imp_command_part_index(const struct imp_command_part *part); /* the loop's number, from 0 */
/* A pointer of the step's own for this loop: where the next slice begins. NULL at first. */
IMP_API void **imp_command_part_place(struct imp_command_part *part);
/* Has the client left, or does the daemon end? */
IMP_API bool imp_command_part_gone(const struct imp_command_part *part);

#ifdef __cplusplus
}
#endif
#endif
