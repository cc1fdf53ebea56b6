/*
 * arguments.h: the command line of impulsed. -c, -d, -h and -n mean what they mean to Momentum's ecelerity.
 */
#ifndef IMPULSE_DAEMON_ARGUMENTS_H
#define IMPULSE_DAEMON_ARGUMENTS_H

#include <stdbool.h>

struct arguments {
    const char *config;  /* -c FILE */
    const char *modules; /* --modules DIR, else manifest_directory() */
    bool foreground;     /* -d */
    bool check;          /* -t */
    bool lenient;        /* --lenient */
    bool skip_esmtp;     /* -n esmtp: listen nowhere */
    bool skip_queue;     /* -n queue: deliver nothing */
};

/* Fills *arguments; unless it is a check, its paths are absolute, so that a reload finds them. -1: go on;
 * otherwise the exit status (after -h, -V or a usage error, which is printed). */
int arguments_parse(struct arguments *arguments, int argc, char **argv);

#endif
