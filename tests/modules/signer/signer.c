/*
 * signer: adds to each message that leaves a field over its whole body, "crc=SUM; body=BYTES; fields=COUNT".
 *
 *   field      the name of that field
 *   remove     the name of fields that it takes out
 *   append     a line that it puts behind the body
 *   note       the value of another field, X-Note
 *   how        "loop": reads on the event loop, suspended while the spool is read; "thread": suspends, and reads on
 *              a thread; "block": its hook may block
 *   hold       a file: with "thread" and "block" it waits until there is one
 *   answer     in place of all that: "transient", "fail", "nonsense", "crash", "never" (it does not answer), or "spoil":
 *              it tries what is not possible here, and says in X-Spoiled how often that was refused
 *   only       the local part of a recipient: attempts without are left alone
 *
 * The paniclog is told of what it is asked about, and when nobody waits for it any more.
 */
#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>
#include <impulse/hooks.h>
#include <impulse/message.h>
#include <impulse/module.h>

struct signer {
    struct imp_module *module;
    char *field, *remove, *append, *note, *how, *answer, *only, *hold;
};

struct signing { /* of one message; of its attachment, and of the thread that works for it */
    const struct signer *signer;
    struct imp_message *message;
    struct imp_suspension *suspension;
    struct imp_cursor *cursor;
    uint32_t crc;
    uint64_t body;
    pthread_mutex_t lock; /* whoever has it may use the message, unless it is `over` */
    bool over;
    int users;
};

/* ---- the digest -------------------------------------------------------------------------------------- */

/* CRC-32, as zlib has it, four bits at a time. */
static uint32_t add_to_crc(uint32_t crc, const char *data, size_t size)
{
    static const uint32_t table[16] = {0x00000000, 0x1db71064, 0x3b6e20c8, 0x26d930ac, 0x76dc4190, 0x6b6b51f4,
                                       0x4db26158, 0x5005713c, 0xedb88320, 0xf00f9344, 0xd6d6a3e8, 0xcb61b38c,
                                       0x9b64c2b0, 0x86d3d2d4, 0xa00ae278, 0xbdbdf21c};
    for (size_t i = 0; i < size; i++) {
        crc ^= (unsigned char)data[i];
        crc = crc >> 4 ^ table[crc & 15];
        crc = crc >> 4 ^ table[crc & 15];
    }
    return crc;
}

static int finish(struct signing *signing)
{
    const struct signer *signer = signing->signer;
    struct imp_message *message = signing->message;
    char value[100];
    snprintf(value, sizeof value, "crc=%08x; body=%llu; fields=%u", ~signing->crc,
             (unsigned long long)signing->body, imp_header_count(message, NULL));
    int failed = imp_header_add(message, IMP_HEADER_FRONT, signer->field, value);
    if (signer->note)
        failed |= imp_header_add(message, IMP_HEADER_END, "X-Note", signer->note);
    if (signer->remove)
        failed |= imp_header_remove_all(message, signer->remove) < 0;
    if (signer->append) {
        char line[200];
        int size = snprintf(line, sizeof line, "%s\r\n", signer->append);
        failed |= imp_body_splice(message, imp_message_size(message), 0, line, (size_t)size);
    }
    return failed;
}

/* 0: the whole body was read; 1: there will be more later; -1: it cannot be read. */
static int read_on(struct signing *signing)
{
    const char *data;
    size_t size;
    int got;
    while ((got = imp_cursor_read(signing->cursor, &data, &size)) == 1) {
        signing->crc = add_to_crc(signing->crc, data, size);
        signing->body += size;
    }
    if (got < 0 && errno == EAGAIN)
        return 1;
    imp_cursor_close(signing->cursor);
    signing->cursor = NULL;
    return got < 0 || finish(signing) != 0 ? -1 : 0;
}

static int begin_reading(struct signing *signing, void (*ready)(void *closure))
{
    signing->crc = 0xffffffff;
    signing->cursor = imp_cursor_open(signing->message, ready, signing);
    if (!signing->cursor || imp_cursor_seek(signing->cursor, imp_body_offset(signing->message)) != 0)
        return -1;
    return read_on(signing);
}

static void resume(struct signing *signing, int outcome)
{
    if (outcome == 0)
        imp_suspension_resume(signing->suspension, IMP_CONT, 0, NULL, NULL);
    else
        imp_suspension_resume(signing->suspension, IMP_DONE, 451, "4.7.5", "it cannot be signed");
}

/* ---- who waits --------------------------------------------------------------------------------------- */

static void let_go(void *data)
{
    struct signing *signing = data;
    if (__atomic_sub_fetch(&signing->users, 1, __ATOMIC_ACQ_REL) > 0)
        return;
    pthread_mutex_destroy(&signing->lock);
    free(signing);
}

static void release(void *data)
{
    struct signing *signing = data;
    imp_cursor_close(signing->cursor);
    signing->cursor = NULL;
    let_go(signing);
}

static struct signing *make_signing(const struct signer *signer, struct imp_message *message)
{
    struct signing *signing = calloc(1, sizeof *signing);
    if (!signing)
        abort();
    signing->signer = signer;
    signing->message = message;
    signing->users = 1;
    pthread_mutex_init(&signing->lock, NULL);
    imp_message_attach(message, signer->module, signing, release);
    return signing;
}

static void cancelled(void *closure)
{
    struct signing *signing = closure;
    pthread_mutex_lock(&signing->lock);
    signing->over = true;
    pthread_mutex_unlock(&signing->lock);
    imp_paniclog(signing->signer->module, IMP_ERROR, "nobody waits any more for <%s>",
                 imp_message_sender(signing->message));
    imp_cursor_close(signing->cursor);
    signing->cursor = NULL;
    imp_suspension_resume(signing->suspension, IMP_CONT, 0, NULL, NULL);
}

/* ---- on a thread ------------------------------------------------------------------------------------- */

static bool is_over(struct signing *signing)
{
    pthread_mutex_lock(&signing->lock);
    bool over = signing->over;
    pthread_mutex_unlock(&signing->lock);
    return over;
}

static void wait_for(const char *path, struct signing *signing)
{
    const struct timespec pause = {0, 5000000};
    while (path && access(path, F_OK) != 0 && !is_over(signing))
        nanosleep(&pause, NULL);
}

static void work(void *argument)
{
    struct signing *signing = argument;
    wait_for(signing->signer->hold, signing);
    pthread_mutex_lock(&signing->lock);
    if (!signing->over)
        resume(signing, begin_reading(signing, NULL));
    pthread_mutex_unlock(&signing->lock);
    let_go(signing);
}

/* ---- hooks ------------------------------------------------------------------------------------------- */

static void ready(void *closure)
{
    struct signing *signing = closure;
    int outcome = read_on(signing);
    if (outcome != 1)
        resume(signing, outcome);
}

static enum imp_verdict refuse(struct imp_call *call, int code, const char *enhanced)
{
    imp_call_reject(call, code, enhanced, "there is no key");
    return IMP_DONE;
}

static enum imp_verdict spoil(struct imp_message *message)
{
    char text[32];
    int refused = imp_message_set_sender(message, "a@b.example") != 0 && errno == EPERM;
    refused += !imp_recipient_add(message, "a@b.example") && errno == EPERM;
    refused += imp_recipient_remove(imp_recipient_at(message, 0)) != 0 && errno == EPERM;
    refused += imp_recipient_set_address(imp_recipient_at(message, 0), "a@b.example") != 0 && errno == EPERM;
    refused += imp_body_replace_begin(message) != 0 && errno == EPERM;
    refused += imp_body_splice(message, imp_message_size(message) + 1, 0, "x\r\n", 3) != 0 && errno == ERANGE;
    refused += imp_body_splice(message, imp_body_offset(message), 0, "a\n.\n", 4) != 0 && errno == EINVAL;
    refused += imp_header_add(message, IMP_HEADER_FRONT, "X-A", "a\r\n\r\nbody") != 0 && errno == EINVAL;
    snprintf(text, sizeof text, "%d of 8 refused", refused);
    imp_header_add(message, IMP_HEADER_FRONT, "X-Spoiled", text);
    return IMP_DONE;
}

static enum imp_verdict misbehave(struct imp_call *call, const struct signer *signer)
{
    struct imp_message *message = imp_call_message(call);
    if (strcmp(signer->answer, "spoil") == 0)
        return spoil(message);
    imp_header_add(message, IMP_HEADER_FRONT, "X-Half", "this is not to be seen");
    if (strcmp(signer->answer, "transient") == 0)
        return refuse(call, 451, "4.7.5");
    if (strcmp(signer->answer, "fail") == 0)
        return refuse(call, 550, "5.7.5");
    if (strcmp(signer->answer, "never") == 0) {
        struct signing *signing = make_signing(signer, message);
        signing->suspension = imp_call_suspend(call, cancelled, signing);
        return IMP_AGAIN;
    }
    if (strcmp(signer->answer, "crash") == 0)
        *(volatile int *volatile)NULL = 1;
    return (enum imp_verdict)7;
}

/* Does it concern this attempt? Says what the attempt is. */
static bool concerns(const struct signer *signer, struct imp_call *call)
{
    struct imp_message *message = imp_call_message(call);
    const struct imp_moment *moment = imp_call_argument(call);
    const struct imp_log_delivery *record = moment->record;
    char text[500] = "";
    bool found = !signer->only;
    for (size_t i = 0; i < imp_recipient_count(message); i++) {
        const char *address = imp_recipient_address(imp_recipient_at(message, i));
        size_t used = strlen(text);
        snprintf(text + used, sizeof text - used, "%s%s", i ? "," : "", address);
        found |= signer->only && strncmp(address, signer->only, strlen(signer->only)) == 0;
    }
    imp_paniclog(signer->module, IMP_ERROR,
                 "asked about %s of %s by %.*s (%.*s) in %.*s for %.*s, %llu bytes, retries=%u", text,
                 imp_message_sender(message), (int)record->peer.size, record->peer.data,
                 (int)moment->host.size, moment->host.data, (int)record->binding.size, record->binding.data,
                 (int)record->recipient_domain.size, record->recipient_domain.data,
                 (unsigned long long)imp_message_size(message), record->retries);
    return found;
}

static enum imp_verdict sign(struct imp_call *call, void *closure)
{
    const struct signer *signer = closure;
    if (!concerns(signer, call))
        return IMP_CONT;
    if (signer->answer)
        return misbehave(call, signer);
    struct signing *signing = make_signing(signer, imp_call_message(call));
    if (strcmp(signer->how, "thread") == 0) {
        signing->suspension = imp_call_suspend(call, cancelled, signing);
        signing->users++;
        if (imp_work_submit(signer->module, NULL, work, signing) != 0)
            abort();
        return IMP_AGAIN;
    }
    if (strcmp(signer->how, "block") == 0)
        wait_for(signer->hold, signing);
    int outcome = begin_reading(signing, strcmp(signer->how, "loop") == 0 ? ready : NULL);
    if (outcome < 0)
        return refuse(call, 451, "4.7.5");
    if (outcome == 0)
        return IMP_CONT;
    signing->suspension = imp_call_suspend(call, cancelled, signing);
    return IMP_AGAIN;
}

/* ---- setup ------------------------------------------------------------------------------------------- */

static char *copy(const struct imp_config *config, const char *name)
{
    const char *text = imp_config_text(config, name);
    return text && *text ? strdup(text) : NULL;
}

static int setup(struct imp_module *module, const struct imp_config *config)
{
    struct signer *signer = calloc(1, sizeof *signer);
    if (!signer)
        return -1;
    *signer = (struct signer){
        .module = module,
        .field = copy(config, "field"),
        .remove = copy(config, "remove"),
        .append = copy(config, "append"),
        .note = copy(config, "note"),
        .how = copy(config, "how"),
        .answer = copy(config, "answer"),
        .only = copy(config, "only"),
        .hold = copy(config, "hold"),
    };
    imp_module_set_data(module, signer);
    struct imp_hook hook = {
        .size = sizeof hook,
        .point = "message_sending",
        .run = sign,
        .closure = signer,
        .priority = (int)imp_config_int(config, "priority"),
        .flags = strcmp(signer->how, "block") == 0 ? IMP_HOOK_MAY_BLOCK : 0,
        .deadline_ms = (unsigned)imp_config_int(config, "deadline_ms"),
    };
    return imp_hook_add(module, &hook);
}

static void teardown(struct imp_module *module)
{
    struct signer *signer = imp_module_data(module);
    free(signer->field);
    free(signer->remove);
    free(signer->append);
    free(signer->note);
    free(signer->how);
    free(signer->answer);
    free(signer->only);
    free(signer->hold);
    free(signer);
}

IMP_MODULE_DEFINE(.name = "signer",
                  .description = "Adds a field computed over the whole body when a message leaves",
                  .kind = IMP_GENERIC, .setup = setup, .teardown = teardown);
