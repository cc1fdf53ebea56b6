/*
 * editor: does to a message what its X-Do fields say, one after the other, and takes them out.
 *
 *   front|end NAME VALUE         adds a header field
 *   before|behind BESIDE I NAME VALUE
 *   replace NAME I VALUE         gives a field another value
 *   remove NAME I, purge NAME    takes fields out
 *   sender ADDRESS               "-" for the null reverse-path
 *   add|drop|move ADDRESS [TO]   recipients
 *   last TEXT                    finds the last line of the body with a cursor and replaces its text
 *   body SIZE                    another body of so many lines, in parts
 *   insert TEXT                  puts text in at the first byte of the body; \r and \n are written as such
 *   count                        counts lines on the event loop, suspended meanwhile, and says so in X-Lines;
 *                                the paniclog says it when nobody waits, or when the message ends before that
 *   fill                         adds fields until no more are taken, takes them out, and says in X-Filled how many
 *   spoil                        tries what must not be possible, and says so in X-Spoiled
 *
 * Recipients early-WORD@ and late-WORD@ become WORD@moved.example in validate_rcptto and for each recipient.
 * The hooks after that refuse a recipient if session and recipient name different addresses.
 *
 * "last", "body" and "insert" are done in a hook that may block. A recipient own-WORD@ gets a field X-Own of
 * its own and another Subject; each recipient's context has "own". What fails is said in the field X-Failed.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <impulse/hooks.h>
#include <impulse/message.h>
#include <impulse/module.h>
#include <impulse/session.h>

enum { WORDS = 6, COMMAND_SIZE = 70000 };

struct count { /* of the lines of a message, on its loop */
    struct imp_module *module;
    struct imp_message *message;
    struct imp_suspension *suspension;
    struct imp_cursor *cursor;
    unsigned long lines;
};

static void fail(struct imp_message *message, const char *command)
{
    char text[256];
    snprintf(text, sizeof text, "%.100s: %s", command, strerrorname_np(errno));
    imp_header_add(message, IMP_HEADER_END, "X-Failed", text);
}

/* ---- commands that need no waiting ------------------------------------------------------------------- */

static struct imp_recipient *find(struct imp_message *message, const char *address)
{
    for (size_t i = 0; i < imp_recipient_count(message); i++)
        if (strcmp(imp_recipient_address(imp_recipient_at(message, i)), address) == 0)
            return imp_recipient_at(message, i);
    return NULL;
}

static int spoil(struct imp_message *message)
{
    char text[32];
    int refused = imp_header_add(message, IMP_HEADER_FRONT, "X-A", "a\r\nX-B: b") != 0;
    refused += imp_header_add(message, IMP_HEADER_FRONT, "X-A", "a\r\n\r\nbody") != 0;
    refused += imp_header_add(message, IMP_HEADER_FRONT, "X-A", "a\nX-B: b") != 0;
    refused += imp_header_add(message, IMP_HEADER_FRONT, "X-A", "a\r\n \r\n b") != 0;
    refused += imp_header_add(message, IMP_HEADER_FRONT, "X A", "a") != 0;
    refused += imp_header_add(message, IMP_HEADER_FRONT, "X-A:", "a") != 0;
    refused += imp_header_add(message, IMP_HEADER_FRONT, "X-A\r\nX-B", "a") != 0;
    refused += imp_header_add(message, IMP_HEADER_FRONT, "X-A", "a\001b") != 0;
    refused += imp_message_set_sender(message, "a@b.example>\r\nRCPT TO:<c@d.example") != 0;
    refused += imp_message_set_sender(message, "a") != 0;
    refused += imp_message_set_sender(message, "\xc3\xa4@b.example") != 0;
    refused += imp_recipient_add(message, "a b@c.example") == NULL;
    refused += imp_recipient_add(message, "") == NULL;
    refused += imp_body_splice(message, 0, 0, "x\r\n", 3) != 0;
    refused += imp_body_splice(message, imp_body_offset(message), 0, "a\n.\n", 4) != 0;
    refused += imp_body_splice(message, imp_message_size(message) + 1, 0, "x\r\n", 3) != 0;
    snprintf(text, sizeof text, "%d of 16 refused", refused);
    return imp_header_add(message, IMP_HEADER_END, "X-Spoiled", text);
}

static int fill(struct imp_message *message)
{
    char value[1001], text[16];
    int count = 0;
    memset(value, 'x', 900);
    value[900] = '\0';
    while (imp_header_add(message, IMP_HEADER_END, "X-Fill", value) == 0)
        count++;
    if (errno != E2BIG || imp_header_remove_all(message, "X-Fill") != count)
        return -1;
    snprintf(text, sizeof text, "%d", count);
    return imp_header_add(message, IMP_HEADER_END, "X-Filled", text);
}

/* 0, -1 with errno, or 1: it is not one of these. */
static int act(struct imp_message *message, char **word, char *rest[])
{
    const char *verb = word[0];
    if (strcmp(verb, "front") == 0 || strcmp(verb, "end") == 0)
        return imp_header_add(message, *verb == 'f' ? IMP_HEADER_FRONT : IMP_HEADER_END, word[1], rest[2]);
    if (strcmp(verb, "before") == 0)
        return imp_header_add_before(message, word[1], atoi(word[2]), word[3], rest[4]);
    if (strcmp(verb, "behind") == 0)
        return imp_header_add_behind(message, word[1], atoi(word[2]), word[3], rest[4]);
    if (strcmp(verb, "replace") == 0)
        return imp_header_replace(message, word[1], atoi(word[2]), rest[3]);
    if (strcmp(verb, "remove") == 0)
        return imp_header_remove(message, word[1], atoi(word[2]));
    if (strcmp(verb, "purge") == 0)
        return imp_header_remove_all(message, word[1]) < 0 ? -1 : 0;
    if (strcmp(verb, "sender") == 0)
        return imp_message_set_sender(message, strcmp(word[1], "-") == 0 ? "" : word[1]);
    if (strcmp(verb, "add") == 0)
        return imp_recipient_add(message, word[1]) ? 0 : -1;
    if (strcmp(verb, "drop") == 0)
        return imp_recipient_remove(find(message, word[1]));
    if (strcmp(verb, "move") == 0)
        return imp_recipient_set_address(find(message, word[1]), word[2]);
    if (strcmp(verb, "fill") == 0)
        return fill(message);
    if (strcmp(verb, "spoil") == 0)
        return spoil(message);
    return 1;
}

/* Divides `command` at spaces; rest[i] is what follows from word i on, undivided. */
static void divide(const char *command, char *copy, char *word[WORDS], char *rest[WORDS], char *whole)
{
    strcpy(copy, command);
    strcpy(whole, command);
    for (unsigned i = 0; i < WORDS; i++)
        word[i] = rest[i] = whole + strlen(whole);
    char *at = copy;
    for (unsigned i = 0; i < WORDS && *at; i++) {
        word[i] = at;
        rest[i] = whole + (at - copy);
        at += strcspn(at, " ");
        if (*at)
            *at++ = '\0';
    }
}

/* ---- commands that read or write the body; these may block ------------------------------------------- */

static int replace_last(struct imp_message *message, const char *text)
{
    struct imp_cursor *cursor = imp_cursor_open(message, NULL, NULL);
    const char *line;
    size_t size, last_size = 0;
    uint64_t before, last = 0;
    int got;
    if (!cursor || imp_cursor_seek(cursor, imp_body_offset(message)) != 0)
        return -1;
    while (before = imp_cursor_offset(cursor), (got = imp_cursor_line(cursor, &line, &size)) == 1) {
        last = before;
        last_size = size;
    }
    imp_cursor_close(cursor);
    if (got < 0 || last_size < 2)
        return -1;
    return imp_body_splice(message, last, last_size - 2, text, strlen(text));
}

static int replace_body(struct imp_message *message, unsigned long lines)
{
    char line[64];
    if (imp_body_replace_begin(message) != 0)
        return -1;
    for (unsigned long i = 0; i < lines; i++) {
        int size = snprintf(line, sizeof line, "this is line %lu of another body\r\n", i);
        if (imp_body_replace_append(message, line, (size_t)size) != 0)
            return -1;
    }
    return imp_body_replace_end(message);
}

static int insert(struct imp_message *message, char *text)
{
    char *to = text;
    for (char *from = text; *from; from++)
        if (from[0] == '\\' && (from[1] == 'r' || from[1] == 'n'))
            *to++ = *++from == 'r' ? '\r' : '\n';
        else
            *to++ = *from;
    return imp_body_splice(message, imp_body_offset(message), 0, text, (size_t)(to - text));
}

static int act_on_body(struct imp_message *message, char **word, char *rest[])
{
    if (strcmp(word[0], "last") == 0)
        return replace_last(message, rest[1]);
    if (strcmp(word[0], "body") == 0)
        return replace_body(message, strtoul(word[1], NULL, 10));
    if (strcmp(word[0], "insert") == 0)
        return insert(message, rest[1]);
    return 1;
}

/* ---- hooks ------------------------------------------------------------------------------------------- */

static void run(struct imp_message *message, int (*take)(struct imp_message *, char **, char **))
{
    static const char NAME[] = "X-Do";
    char *command = malloc(3 * COMMAND_SIZE), *word[WORDS], *rest[WORDS];
    for (int i = 0; command && imp_header_get(message, NAME, i, command, COMMAND_SIZE) >= 0;) {
        divide(command, command + COMMAND_SIZE, word, rest, command + 2 * COMMAND_SIZE);
        int done = take(message, word, rest);
        if (done == 1) {
            i++;
            continue;
        }
        if (done != 0)
            fail(message, command);
        imp_header_remove(message, NAME, i);
    }
    free(command);
}

static enum imp_verdict edit(struct imp_call *call, void *closure)
{
    (void)closure;
    run(imp_call_message(call), act);
    return IMP_CONT;
}

static enum imp_verdict edit_body(struct imp_call *call, void *closure)
{
    (void)closure;
    run(imp_call_message(call), act_on_body);
    return IMP_CONT;
}

/* 1: suspended until there is more. */
static int count_on(struct count *count)
{
    const char *line;
    size_t size;
    int got;
    char text[32];
    while ((got = imp_cursor_line(count->cursor, &line, &size)) == 1)
        count->lines++;
    if (got < 0 && errno == EAGAIN)
        return 1;
    imp_cursor_close(count->cursor);
    count->cursor = NULL;
    snprintf(text, sizeof text, "%lu", count->lines);
    if (got < 0)
        fail(count->message, "count");
    else
        imp_header_add(count->message, IMP_HEADER_END, "X-Lines", text);
    imp_header_remove(count->message, "X-Do", 0);
    return 0;
}

static void ready(void *closure)
{
    struct count *count = closure;
    if (count_on(count) == 0)
        imp_suspension_resume(count->suspension, IMP_CONT, 0, NULL, NULL);
}

static void release_count(void *data)
{
    struct count *count = data;
    if (count->cursor)
        imp_paniclog(count->module, IMP_ERROR, "the message ended while its lines were counted");
    imp_cursor_close(count->cursor);
    free(count);
}

static void cancelled(void *closure)
{
    struct count *count = closure;
    imp_paniclog(count->module, IMP_ERROR, "nobody waits for the lines of a message from <%s>",
                 imp_message_sender(count->message));
    imp_cursor_close(count->cursor);
    count->cursor = NULL;
    imp_suspension_resume(count->suspension, IMP_CONT, 0, NULL, NULL);
}

static enum imp_verdict count_lines(struct imp_call *call, void *closure)
{
    struct imp_message *message = imp_call_message(call);
    char command[16];
    if (imp_header_get(message, "X-Do", 0, command, sizeof command) < 0 || strcmp(command, "count") != 0)
        return IMP_CONT;
    struct count *count = calloc(1, sizeof *count);
    if (!count)
        return IMP_CONT;
    count->module = closure;
    count->message = message;
    count->cursor = imp_cursor_open(message, ready, count);
    imp_message_attach(message, count->module, count, release_count);
    if (count_on(count) == 0)
        return IMP_CONT;
    count->suspension = imp_call_suspend(call, cancelled, count);
    return IMP_AGAIN;
}

/* Gives the recipient the rest of its own name as its local part when it begins with `prefix`. */
static void move(struct imp_recipient *recipient, const char *prefix)
{
    char address[256];
    const char *old = imp_recipient_address(recipient), *word = old + strlen(prefix);
    if (strncmp(old, prefix, strlen(prefix)) != 0)
        return;
    snprintf(address, sizeof address, "%.*s@moved.example", (int)strcspn(word, "@"), word);
    imp_recipient_set_address(recipient, address);
}

static enum imp_verdict compare(struct imp_call *call, void *closure)
{
    struct imp_session *session = imp_call_session(call);
    struct imp_recipient *recipient = imp_call_recipient(call);
    (void)closure;
    if (strcmp(imp_session_recipient(session), imp_recipient_address(recipient)) == 0 &&
        strcmp(imp_session_recipient_domain(session), imp_recipient_domain(recipient)) == 0)
        return IMP_CONT;
    imp_call_reject(call, 554, "5.3.0", "two addresses of one recipient");
    return IMP_DONE;
}

static enum imp_verdict each(struct imp_call *call, void *closure)
{
    struct imp_message *message = imp_call_message(call);
    struct imp_recipient *recipient = imp_call_recipient(call);
    (void)closure;
    move(recipient, "late-");
    if (strncmp(imp_recipient_address(recipient), "own-", 4) != 0)
        return IMP_CONT;
    imp_header_add(message, IMP_HEADER_FRONT, "X-Own", imp_recipient_address(recipient));
    imp_header_replace(message, "Subject", 0, "your own subject");
    return IMP_CONT;
}

static enum imp_verdict rcptto(struct imp_call *call, void *closure)
{
    struct imp_recipient *recipient = imp_call_recipient(call);
    (void)closure;
    imp_session_permit_relay(imp_call_session(call));
    move(recipient, "early-");
    imp_recipient_context_set(recipient, "own", imp_recipient_address(recipient));
    return IMP_CONT;
}

static int setup(struct imp_module *module, const struct imp_config *config)
{
    struct imp_hook body = {sizeof body, "validate_data_spool", edit_body, NULL,
                            -10,         IMP_HOOK_MAY_BLOCK,    0,         NULL};
    (void)config;
    imp_hook_at(module, "validate_rcptto", rcptto, NULL);
    imp_hook_at(module, "validate_rcptto", compare, NULL);
    imp_hook_at(module, "validate_data", count_lines, module);
    imp_hook_at(module, "validate_data", edit, NULL);
    imp_hook_at(module, "validate_data_spool_each_rcpt", each, NULL);
    imp_hook_at(module, "validate_data_spool_each_rcpt", compare, NULL);
    imp_hook_at(module, "validate_set_binding", compare, NULL);
    return imp_hook_add(module, &body);
}

IMP_MODULE_DEFINE(.name = "editor", .description = "Edits messages as their own X-Do fields say",
                  .kind = IMP_SINGLETON, .setup = setup);
