/*
 * pending: a counter under a lock.
 */
#include "base/pending.h"

void pending_init(struct pending *pending)
{
    pthread_mutex_init(&pending->lock, NULL);
    pthread_cond_init(&pending->none, NULL);
    pending->count = 0;
}

void pending_begin(struct pending *pending)
{
    pthread_mutex_lock(&pending->lock);
    pending->count++;
    pthread_mutex_unlock(&pending->lock);
}

void pending_end(struct pending *pending)
{
    pthread_mutex_lock(&pending->lock);
    if (--pending->count == 0)
        pthread_cond_signal(&pending->none);
    pthread_mutex_unlock(&pending->lock);
}

void pending_wait(struct pending *pending)
{
    pthread_mutex_lock(&pending->lock);
    while (pending->count > 0)
        pthread_cond_wait(&pending->none, &pending->lock);
    pthread_mutex_unlock(&pending->lock);
}

void pending_destroy(struct pending *pending)
{
    pthread_cond_destroy(&pending->none);
    pthread_mutex_destroy(&pending->lock);
}
