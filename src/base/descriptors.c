/* descriptors: see descriptors.h. */
#include "base/descriptors.h"

#include <errno.h>
#include <limits.h>
#include <stdatomic.h>
#include <stddef.h>

static _Atomic int kept_from = INT_MAX;

void descriptors_keep_from(int mark)
{
    atomic_store_explicit(&kept_from, mark, memory_order_relaxed);
}

bool descriptor_is_kept(int fd)
{
    return fd >= atomic_load_explicit(&kept_from, memory_order_relaxed);
}

bool error_is_local(int error)
{
    static const int local[] = {EMFILE, ENFILE, ENOBUFS, ENOMEM, ENOSPC, EADDRINUSE};
    for (size_t i = 0; i < sizeof local / sizeof *local; i++)
        if (error == -local[i])
            return true;
    return false;
}
