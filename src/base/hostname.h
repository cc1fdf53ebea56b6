/*
 * hostname: what this machine is called, wherever nothing else is configured. Any thread.
 */
#ifndef IMPULSE_BASE_HOSTNAME_H
#define IMPULSE_BASE_HOSTNAME_H

/*
 * Returns `configured` (the option `hostname`) unless it is NULL or "": then the system's name, or
 * "localhost" when it has none. The system is asked once; its name is valid as long as the process.
 */
const char *hostname_or_system(const char *configured);

#endif
