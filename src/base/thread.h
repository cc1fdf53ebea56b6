/*
 * thread: starting a thread the way every thread of the daemon is started.
 */
#ifndef IMPULSE_BASE_THREAD_H
#define IMPULSE_BASE_THREAD_H

#include <pthread.h>
#include <stddef.h>

/*
 * Starts a joinable thread that blocks every signal but those a fault raises, because signals are the main
 * thread's. `name` shows in /proc/PID/task/TID/comm and is cut to 15 bytes by the kernel's limit.
 * `stack_size` in bytes, raised to the system's minimum; 0: the system's default. Any thread. 0 or a negative
 * errno.
 */
int thread_start(pthread_t *thread, const char *name, size_t stack_size, void *(*run)(void *),
                 void *argument);

#endif
