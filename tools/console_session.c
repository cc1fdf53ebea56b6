/* console_session: see console_session.h. */
#include <stdio.h>
#include "base/slice.h"
#include "tools/console_session.h"

/* The next word of a command, or an empty one. */
static struct slice next_word(struct slice *rest)
{
    struct slice word = {0};
    while (word.size == 0 && slice_next(rest, ' ', &word))
        ;
    return word;
}

/* What a command that was done means for the transaction. */
static void follow_transaction(struct console_session *session, const char *command, size_t size)
{
    static const struct {
        const char *verb;
        bool in_transaction;
    } verbs[] = {{"begin", true}, {"commit", false}, {"rollback", false}};
    struct slice rest = {command, size}, first = next_word(&rest), second = next_word(&rest);
    if (!slice_equal_nocase(first, slice_text("config")))
        return;
    for (size_t i = 0; i < sizeof verbs / sizeof verbs[0]; i++)
        if (slice_equal_nocase(second, slice_text(verbs[i].verb)))
            session->in_transaction = verbs[i].in_transaction;
}

static enum console_status complain(struct console_session *session, enum console_status status)
{
    if (session->in_transaction)
        fprintf(stderr, "The transaction is lost with its session.\n");
    session->in_transaction = false;
    fprintf(stderr, "%s\n", console_client_error(session->client));
    return status;
}

enum console_status console_session_run(struct console_session *session, const char *command, size_t size,
                                        console_output *output, void *closure)
{
    if (!console_client_connected(session->client)) {
        if (session->in_transaction) {
            session->in_transaction = false;
            fprintf(stderr,
                    "The session has timed out, and its transaction is lost: the command was not run.\n");
            return CONSOLE_REFUSED;
        }
        enum console_status connected = console_client_connect(session->client);
        if (connected != CONSOLE_OK)
            return complain(session, connected);
    }
    enum console_status status = console_client_run(session->client, command, size, output, closure);
    if (status == CONSOLE_OK)
        follow_transaction(session, command, size);
    return status == CONSOLE_OK || status == CONSOLE_REFUSED ? status : complain(session, status);
}
