/*
 * certificates: looks at the files on the main thread, which is a stat or two each; Vault may take seconds to
 * answer, so that a pool thread asks it.
 */
#include "daemon/certificates.h"

#include "base/list.h"
#include "tls/tls.h"

enum {
    FILES_EVERY = 3,   /* seconds */
    VAULT_EVERY = 300, /* seconds, as long as KumoMTA keeps one */
};

static void ask_vault(struct pool_job *job)
{
    tls_refresh_all(true);
    atomic_store(&container_of(job, struct certificates, job)->asking, false);
}

void certificates_tick(struct certificates *certificates, struct pool_set *pools)
{
    certificates->seconds++;
    if (certificates->seconds % FILES_EVERY == 0)
        tls_refresh_all(false);
    if (certificates->seconds % VAULT_EVERY != 0 || atomic_exchange(&certificates->asking, true))
        return;
    certificates->job = (struct pool_job){.work = ask_vault};
    if (!pool_try(pool_set_find(pools, "IO"), &certificates->job))
        atomic_store(&certificates->asking, false);
}
