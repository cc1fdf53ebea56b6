/*
 * target: where a load tool connects to or listens, and what of the machine it needs for that.
 */
#ifndef IMPULSE_TOOLS_LOAD_TARGET_H
#define IMPULSE_TOOLS_LOAD_TARGET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>

enum { TARGET_TEXT = 128 };

struct target {
    struct sockaddr_storage address;
    socklen_t size;
    char host[TARGET_TEXT]; /* as it was given, without the port */
};

/*
 * Reads HOST, HOST:PORT, [IPV6]:PORT or the path of a Unix socket, which begins with a slash. A name is looked
 * up, which may block, and its first address is used. Port 0 is allowed. Returns NULL, or what is wrong.
 */
const char *target_read(const char *text, const char *default_port, struct target *target);
/* Returns true for this machine: 127.0.0.0/8, ::1 or a Unix socket. */
bool target_is_local(const struct target *target);
/* Writes ADDRESS:PORT as it can be read again. */
void target_format(const struct sockaddr_storage *address, char text[static TARGET_TEXT]);

/*
 * Raises the limit of open files so that `connections` are possible beside what the tool needs itself. *most is how
 * many are possible then. Returns false if these are fewer, because the hard limit is lower.
 */
bool target_raise_files(uint64_t connections, uint64_t *most);

#endif
