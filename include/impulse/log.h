/*
 * impulse/log.h: what happened to messages and on the console, and files to write it to.
 *
 * Log hooks are told, not asked. They are called on event-loop threads (several at once), pool threads or the main
 * thread and must not block. All pointers in an event are valid during the call. Texts are counted, not NUL-terminated.
 * Times in `time_us` are microseconds since 1970 (UTC); ids are those of the mainlog, and imp_id_format writes them so.
 * Source of fields: Momentum 4 manual, mainlog, rejectlog, acctlog.
 */
#ifndef IMPULSE_LOG_H
#define IMPULSE_LOG_H

#include "impulse/module.h"

#ifdef __cplusplus
extern "C" {
#endif

struct imp_text {
    const char *data;
    size_t size;
};

/* Writes the text form of an id, "00/00-25004-31B987F3": 20 characters and a NUL. Any thread. */
enum { IMP_ID_TEXT_SIZE = 21 };
IMP_API void imp_id_format(uint64_t id, char text[IMP_ID_TEXT_SIZE]);

struct imp_log_reception { /* R: one per recipient, after the message is durable */
    size_t size;           /* of the struct that the daemon has */
    uint64_t time_us, message_id, batch_id, connection_id;
    struct imp_text recipient_local, recipient_domain, sender_local, sender_domain;
    struct imp_text peer;     /* "10.0.1.1" */
    uint64_t bytes;           /* of content */
    struct imp_text protocol; /* "esmtp", "internal" */
    struct imp_text binding_group, binding;
};

struct imp_log_delivery { /* D, T and P */
    size_t size;          /* of the struct that the daemon has */
    uint64_t time_us, message_id, batch_id;
    uint64_t connection_id; /* the outbound connection; 0: none was made */
    struct imp_text recipient_local, recipient_domain, sender_local, sender_domain;
    uint64_t bytes; /* D: bytes delivered; T, P: bytes sent before the failure */
    struct imp_text binding_group, binding;
    unsigned stage;           /* T, P: Momentum's connection stage, 0 to 22 */
    unsigned retries;         /* 0 at the first attempt */
    double seconds;           /* since reception */
    struct imp_text peer;     /* the next hop's address, "" when none was reached */
    struct imp_text response; /* T, P: the server's reply or "... [internal] ..." */
};

struct imp_log_rejection { /* a refused command; rejectlog */
    size_t size;           /* of the struct that the daemon has */
    uint64_t time_us, connection_id;
    struct imp_text peer, local;            /* address:port */
    struct imp_text pathway, pathway_group; /* "default" when none */
    struct imp_text phase;                  /* "awaiting mailfrom", ... */
    int code;
    struct imp_text module;             /* the module that refused; "core" for the protocol itself */
    struct imp_text connection_context; /* "name=value,name=value" */
    struct imp_text message_context;
    struct imp_text text; /* the reply without its code */
};

struct imp_log_authentication { /* somebody logged in to a listener, or failed to; acctlog N and T */
    size_t size;                /* of the struct that the daemon has */
    uint64_t time_us;
    struct imp_text endpoint; /* the Listen: "/tmp/2025", "*:2025", "127.0.0.1:2025" */
    struct imp_text peer;     /* address:port; empty for a Unix connection */
    struct imp_text user;     /* as the client gave it, any bytes; empty when it gave none */
    bool success;
    bool timeout; /* the client took too long to say who it is: not successful */
};

enum imp_authorization { IMP_AUTHORIZATION_FAILED = -1, IMP_REFUSED = 0, IMP_AUTHORIZED = 1 };

struct imp_log_authorization { /* a console command was allowed or refused; acctlog Z */
    size_t size;               /* of the struct that the daemon has */
    uint64_t time_us;
    struct imp_text endpoint, peer, user; /* as above */
    enum imp_authorization result;        /* FAILED: it could not be decided, so the command did not run */
    struct imp_text command;              /* the whole line, any bytes */
    struct imp_text role;                 /* what allowed it; empty unless it was allowed by a role */
};

struct imp_log_hooks { /* NULL members are not called */
    size_t size;       /* sizeof(struct imp_log_hooks) */
    void *closure;     /* passed to each */
    void (*reception)(const struct imp_log_reception *event, void *closure);
    void (*delivery)(const struct imp_log_delivery *event, void *closure);
    void (*transient)(const struct imp_log_delivery *event, void *closure);
    void (*permanent)(const struct imp_log_delivery *event, void *closure);
    void (*rejection)(const struct imp_log_rejection *event, void *closure);
    void (*paniclog)(enum imp_level level, const char *line, size_t size, void *closure);
    void (*reopen)(void *closure); /* after SIGHUP; imp_log_file reopens by itself */
    /* The console's on the main thread, those of SMTP clients on event-loop threads. */
    void (*authentication)(const struct imp_log_authentication *event, void *closure);
    void (*authorization)(const struct imp_log_authorization *event, void *closure);
};
/*
 * Registers log hooks of this instance; only from setup; several are allowed. The struct is copied; `closure` lives as
 * long as the instance. 0, or -1 with a line in imp_module_error when this is not setup or the struct has no size.
 */
IMP_API int imp_hook_log(struct imp_module *module, const struct imp_log_hooks *hooks);

/*
 * A log file written by a thread of the daemon: lines are queued, written with O_APPEND, and the file is reopened by
 * name after SIGHUP. Lines are lost, counted and told in the paniclog only when 64 MiB of them wait for the file.
 */
struct imp_log_file;
/*
 * Opens a file, or makes it with the permissions `mode` (0640, say), less the umask. `path` is copied; two opens of one
 * path, by any modules, share one file, and each is closed. NULL with errno set when it cannot be opened. Main thread:
 * from setup. Close it in teardown.
 */
IMP_API struct imp_log_file *imp_log_file_open(const char *path, unsigned mode);
/* Queues `size` bytes and a newline, as one line; copied. What the disk refuses is kept and tried again. Any thread;
 * never waits for the file. */
IMP_API void imp_log_file_write(struct imp_log_file *file, const char *line, size_t size);
/* Gives the file up; what is queued is still written. The handle is invalid afterwards. Main thread. */
IMP_API void imp_log_file_close(struct imp_log_file *file);

#ifdef __cplusplus
}
#endif
#endif
