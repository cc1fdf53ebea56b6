/*
 * pending: a counter under a lock.
 */
#include "base/pending.h"

void pending_init(struct pending *pending)
{
    pthread_mutex_init(&pending->lock, NULL);
    pthread_cond_init(&pending->none, NULL);
    pending->count = 0;
    pending->open = false;
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

void pending_open(struct pending *pending)
{
    pthread_mutex_lock(&pending->lock);
    pending->open = true;
    pthread_mutex_unlock(&pending->lock);
}

bool pending_enter(struct pending *pending)
{
    pthread_mutex_lock(&pending->lock);
    bool open = pending->open;
    pending->count += open;
    pthread_mutex_unlock(&pending->lock);
    return open;
}

void pending_close(struct pending *pending)
{
    pthread_mutex_lock(&pending->lock);
    pending->open = false;
    pthread_mutex_unlock(&pending->lock);
    pending_wait(pending);
}

void pending_destroy(struct pending *pending)
{
    pthread_cond_destroy(&pending->none);
    pthread_mutex_destroy(&pending->lock);
}
