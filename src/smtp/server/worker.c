/*
 * worker: counts what a drain has to wait for.
 */
#include "smtp/server/worker.h"

void server_hold(struct smtp_server *server)
{
    atomic_fetch_add(&server->pending, 1);
}

void server_release(struct smtp_server *server)
{
    if (atomic_fetch_sub(&server->pending, 1) == 1 && atomic_load(&server->draining) && server->drained)
        server->drained(server->drained_argument);
}
