/*
 * console_client: the client's side of the console's protocol, which src/control/control.h describes.
 *
 * A client knows where the console is and as whom to log in, connects when asked to, and runs one command
 * after the other. It can be connected again after the server closed the session, which it does when the
 * session was idle for its Timeout. All calls block, within limits; one thread at a time. What the server
 * sends is written on as it comes and never held whole; a line of the protocol has a bounded length.
 *
 *     struct console_client *client = console_client_create("/tmp/2025", &settings);
 *     if (console_client_connect(client) == CONSOLE_OK)
 *         status = console_client_run(client, "config reload", 13, write_out, stdout);
 *     if (status != CONSOLE_OK)
 *         fprintf(stderr, "%s\n", console_client_error(client));
 *     console_client_free(client);
 */
#ifndef IMPULSE_TOOLS_CONSOLE_CLIENT_H
#define IMPULSE_TOOLS_CONSOLE_CLIENT_H

#include <stdbool.h>
#include <stddef.h>

#define CONSOLE_DEFAULT_ADDRESS "/tmp/2025"

enum console_status {
    CONSOLE_OK,
    CONSOLE_REFUSED,     /* the command was refused; what the server said about it was its output */
    CONSOLE_DENIED,      /* the server wants a name and a password and did not get the right ones */
    CONSOLE_INTERRUPTED, /* interrupt_fd became readable; the connection is closed */
    CONSOLE_FAILED,      /* no connection, or it broke, or what came is not the console's protocol */
};

struct console_settings { /* zero-initialised but for interrupt_fd: see there */
    /*
     * Asks the operator for a line; `secret`: without echo. Writes at most `size` bytes with the NUL. False
     * when there is nobody to ask, or who was asked gave up. NULL: nobody.
     */
    bool (*ask)(void *closure, const char *prompt, bool secret, char *answer, size_t size);
    void *closure;
    unsigned timeout; /* seconds to wait for each answer; 0: 10 to connect and log in, 600 for a command's
                         output */
    int interrupt_fd; /* while a call waits, this becoming readable ends it; it is not read. -1: none */
};

/*
 * `address` as an operator writes it:
 *   /tmp/2025                a Unix socket; so is a name with a slash, and 2025 alone is /tmp/2025
 *   10.2.4.1:2025 [::1]:2025 localhost:2025 *:2025 :2025
 *   user@ADDRESS             the name to log in with; user:password@ADDRESS with the password
 *   ssh://[user@]host[:port]/[user@]ADDRESS     through ssh(1), with ADDRESS as the far side sees it
 * Never NULL; an address that is none of these is reported by console_client_connect. Free with
 * console_client_free.
 */
struct console_client *console_client_create(const char *address, const struct console_settings *settings);
void console_client_free(struct console_client *client);

/*
 * Connects, anew when it was connected, and logs in when the server asks for that: with the name and password
 * of the address or of the last time, else those that are asked for. CONSOLE_DENIED forgets an asked
 * password.
 */
enum console_status console_client_connect(struct console_client *client);

/* False when there is no connection, or the server has closed it by now. Does not wait. */
bool console_client_connected(struct console_client *client);

/* Takes a part of a command's output; any bytes. */
typedef void console_output(void *closure, const char *bytes, size_t size);

/*
 * Runs one command: `size` bytes without a line break (console_words.h makes it out of words). Its output is
 * given to `output`; NULL: thrown away. CONSOLE_FAILED leaves open whether the command was run.
 */
enum console_status console_client_run(struct console_client *client, const char *command, size_t size,
                                       console_output *output, void *closure);

/* Why the last call did not return CONSOLE_OK: one line without a newline; valid until the next call. */
const char *console_client_error(const struct console_client *client);

/* The address as it was given, without a password: for a prompt. Valid as long as the client. */
const char *console_client_address(const struct console_client *client);

#endif
