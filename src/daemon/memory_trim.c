/*
 * memory_trim: see the header. The allocator keeps what was freed below memory that is in use; malloc_trim returns its
 * pages. That takes about 0.1 s for 2 GB and locks one arena at a time.
 */
#include "daemon/memory_trim.h"

#include <malloc.h>
#include <stdatomic.h>
#include "base/clock.h"
#include "message/body.h"
#include "metrics/budget.h"

enum { TRIM_EVERY_MS = 10000 };
#define WORTH_IT (UINT64_C(64) << 20) /* bytes that have become free */

static struct {
    struct pool_job job;
    _Atomic bool runs;
    uint64_t most, before, again_at; /* content in memory: since the last time, a tick ago; clock_mono_ms */
} trim;

static void run(struct pool_job *job)
{
    (void)job;
    malloc_trim(0);
    atomic_store(&trim.runs, false);
}

void memory_trim_tick(struct pool_set *pools)
{
    uint64_t held = budget_used(BUDGET_ARRIVING) + body_resident_bytes(), now = clock_mono_ms();
    bool falls = held < trim.before; /* more becomes free soon */
    trim.before = held;
    if (held > trim.most)
        trim.most = held;
    if (falls || trim.most - held < WORTH_IT || now < trim.again_at || atomic_load(&trim.runs))
        return;
    trim.job = (struct pool_job){.work = run};
    atomic_store(&trim.runs, true);
    if (pool_try(pool_set_find(pools, "IO"), &trim.job)) {
        trim.most = held;
        trim.again_at = now + TRIM_EVERY_MS;
    } else {
        atomic_store(&trim.runs, false);
    }
}
