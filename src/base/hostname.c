/* hostname: see hostname.h. */
#include "base/hostname.h"

#include <pthread.h>
#include <string.h>
#include <unistd.h>

static char system_name[256]; /* HOST_NAME_MAX is 64 */

static void ask_system(void)
{
    if (gethostname(system_name, sizeof system_name - 1) != 0 || !*system_name)
        memcpy(system_name, "localhost", sizeof "localhost");
}

const char *hostname_or_system(const char *configured)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    if (configured && *configured)
        return configured;
    pthread_once(&once, ask_system);
    return system_name;
}
