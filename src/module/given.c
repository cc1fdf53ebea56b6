/*
 * given: checks what modules pass to the daemon, structs that begin with their size and handles, and names those
 * that pass something else.
 */
#include <string.h>
#include "log/paniclog.h"
#include "module/set.h"

bool module_copy_struct(void *to, size_t size, const void *given)
{
    size_t given_size = 0;
    memset(to, 0, size);
    if (given)
        memcpy(&given_size, given, sizeof given_size);
    if (given_size <= sizeof given_size)
        return false;
    given_size = given_size < size ? given_size : size;
    memcpy(to, given, given_size - given_size % sizeof(void *)); /* no half of a pointer */
    return true;
}

void module_name_misuse(const struct imp_module *module, const char *what)
{
    static struct panic_rate rate;
    paniclog_rated(&rate, PANIC_ERROR, "module %s: %s", module->label, what);
}

bool module_is_given(const void *handle, const char *function)
{
    static struct panic_rate rate;
    char who[256];
    if (handle)
        return true;
    runner_name(runner_now(), who, sizeof who);
    paniclog_rated(&rate, PANIC_ERROR, "module %s: %s was called with NULL", who, function);
    return false;
}
