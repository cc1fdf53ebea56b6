/* console_address: see console_address.h. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/un.h>
#include "base/mem.h"
#include "tools/console_address.h"

#define SSH_SCHEME   "ssh://"
#define DEFAULT_PORT "2025"

static bool fail(char problem[CONSOLE_ADDRESS_PROBLEM], const char *what, const char *text)
{
    snprintf(problem, CONSOLE_ADDRESS_PROBLEM, "%s: %.100s", what, text);
    return false;
}

/* A port between 1 and 65535, without sign or spaces. */
static bool is_port(const char *text)
{
    size_t digits = strspn(text, "0123456789");
    unsigned long port = digits > 0 && digits <= 5 && !text[digits] ? strtoul(text, NULL, 10) : 0;
    return port >= 1 && port <= 65535;
}

static bool parse_path(struct console_address *address, char *path, char problem[CONSOLE_ADDRESS_PROBLEM])
{
    address->path = path;
    if (strlen(path) >= sizeof((struct sockaddr_un *)NULL)->sun_path)
        return fail(problem, "the name of a Unix socket cannot be that long", path);
    return true;
}

/* "host:port", "[address]:port", or one of them without the port. */
static bool parse_tcp(struct console_address *address, const char *text,
                      char problem[CONSOLE_ADDRESS_PROBLEM])
{
    const char *end, *port;
    if (*text == '[') {
        end = strchr(++text, ']');
        if (!end || (end[1] && end[1] != ':'))
            return fail(problem, "an IPv6 address is written [::1]:2025, not", text - 1);
        port = end[1] ? end + 2 : DEFAULT_PORT;
    } else {
        const char *colon = strchr(text, ':');
        if (colon && strchr(colon + 1, ':'))
            return fail(problem, "an IPv6 address is written in brackets, as in [::1]:2025", text);
        end = colon ? colon : text + strlen(text);
        port = colon ? colon + 1 : DEFAULT_PORT;
    }
    if (!is_port(port))
        return fail(problem, "not a port between 1 and 65535", port);
    bool here = end == text || (end - text == 1 && *text == '*'); /* as a Listen is written */
    address->host = here ? mem_dup("") : mem_copy_text(text, (size_t)(end - text));
    address->port = mem_dup(port);
    return true;
}

/* The end of "user[:password]@" in front of an address, or NULL when there is none. */
static const char *end_of_user(const char *text)
{
    return *text == '/' || *text == '.' ? NULL : strrchr(text, '@');
}

static const char *parse_user(struct console_address *address, const char *text)
{
    const char *at = end_of_user(text), *colon;
    if (!at)
        return text;
    colon = memchr(text, ':', (size_t)(at - text));
    if (colon)
        address->password = mem_copy_text(colon + 1, (size_t)(at - colon - 1));
    address->user = mem_copy_text(text, (size_t)((colon ? colon : at) - text));
    return at + 1;
}

static bool parse_console(struct console_address *address, const char *text,
                          char problem[CONSOLE_ADDRESS_PROBLEM])
{
    const char *place = parse_user(address, text);
    address->display = address->user ? mem_printf("%s@%s", address->user, place) : mem_dup(place);
    if (address->user && !*address->user)
        return fail(problem, "there is no name before the @", address->display);
    if (!*place)
        return fail(problem, "this is no address", address->display);
    if (strstr(place, "://"))
        return fail(problem, "there is no such kind of address here", address->display);
    if (strchr(place, '/'))
        return parse_path(address, mem_dup(place), problem);
    if (strspn(place, "0123456789") ==
        strlen(place)) /* the sockets are in /tmp: "Using the System Console" */
        return parse_path(address, mem_printf("/tmp/%s", place), problem);
    return parse_tcp(address, place, problem);
}

/* "[user@]host[:port]/" and the console's address as the far side sees it. */
static bool parse_ssh(struct console_address *address, const char *text,
                      char problem[CONSOLE_ADDRESS_PROBLEM])
{
    const char *slash = strchr(text, '/');
    if (!slash || slash == text)
        return fail(problem, "an address through ssh is written ssh://user@host/user@address:port, not",
                    text);
    const char *at = memrchr(text, '@', (size_t)(slash - text)), *host = at ? at + 1 : text;
    if (at && memchr(text, ':', (size_t)(at - text)))
        return fail(problem, "ssh asks for its own password; write", "ssh://user@host/user@address:port");
    if (*text == '-' || *host == '-')
        return fail(problem, "this is no host for ssh", host);
    const char *bracket = memchr(host, ']', (size_t)(slash - host));
    const char *from = bracket ? bracket : host, *colon = memchr(from, ':', (size_t)(slash - from));
    address->ssh_target = mem_copy_text(text, (size_t)((colon ? colon : slash) - text));
    if (colon)
        address->ssh_port = mem_copy_text(colon + 1, (size_t)(slash - colon - 1));
    bool parsed = parse_console(address, slash + 1, problem);
    char *far_side = address->display;
    address->display = mem_printf(SSH_SCHEME "%.*s/%s", (int)(slash - text), text, far_side ? far_side : "");
    free(far_side);
    if (!parsed)
        return false;
    if (address->ssh_port && !is_port(address->ssh_port))
        return fail(problem, "not a port between 1 and 65535", address->ssh_port);
    return address->host || fail(problem, "ssh does not lead to a Unix socket", address->path);
}

bool console_address_parse(struct console_address *address, const char *text,
                           char problem[CONSOLE_ADDRESS_PROBLEM])
{
    *address = (struct console_address){0};
    if (strncmp(text, SSH_SCHEME, strlen(SSH_SCHEME)) == 0)
        return parse_ssh(address, text + strlen(SSH_SCHEME), problem);
    return parse_console(address, text, problem);
}

void console_address_release(struct console_address *address)
{
    if (address->password)
        explicit_bzero(address->password, strlen(address->password));
    char *const texts[] = {address->display, address->user, address->password,   address->path,
                           address->host,    address->port, address->ssh_target, address->ssh_port};
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++)
        free(texts[i]);
    *address = (struct console_address){0};
}
