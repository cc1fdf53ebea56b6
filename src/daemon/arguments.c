/*
 * arguments: reads the command line.
 */
#include "daemon/arguments.h"

#include <errno.h>
#include <getopt.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "config.h"
#include "module/manifests.h"

static const char help[] =
    "usage: impulsed [-c FILE] [-d] [-n SERVICE] [-t] [-V] [-h] [--modules DIR] [--lenient]\n"
    "\n"
    "  -c FILE        the configuration (default " IMPULSE_SYSCONF_DIR "/ecelerity.conf)\n"
    "  -d             stay in the foreground, leave stdout and stderr open\n"
    "  -n SERVICE     do not offer a service: esmtp (listen nowhere) or queue (deliver nothing)\n"
    "  -t             check the configuration, print what was found, exit 0 or 1\n"
    "  -V             print the version\n"
    "  -h             print this\n"
    "  --modules DIR  where modules and their manifests are (default " IMPULSE_MODULE_DIR ")\n"
    "  --lenient      options that are not supported are warnings instead of errors\n";

/* Makes a relative path hold after a change of the working directory: a daemon leaves the one it was started
 * in, and a reload opens the path again. 0, or -1: there is no such path, which is printed. */
static int make_absolute(const char **path, char absolute[PATH_MAX])
{
    if (**path == '/')
        return 0;
    if (!getcwd(absolute, PATH_MAX)) {
        fprintf(stderr, "impulsed: %s: no working directory: %s\n", *path, strerror(errno));
        return -1;
    }
    size_t size = strlen(absolute);
    int written = snprintf(absolute + size, PATH_MAX - size, "/%s", *path);
    if (written < 0 || (size_t)written >= PATH_MAX - size) {
        fprintf(stderr, "impulsed: %s: %s\n", *path, strerror(ENAMETOOLONG));
        return -1;
    }
    *path = absolute;
    return 0;
}

int arguments_parse(struct arguments *arguments, int argc, char **argv)
{
    enum { OPTION_MODULES = 256, OPTION_LENIENT };
    static const struct option options[] = {
        {"modules", required_argument, NULL, OPTION_MODULES},
        {"lenient", no_argument, NULL, OPTION_LENIENT},
        {"help", no_argument, NULL, 'h'},
        {"version", no_argument, NULL, 'V'},
        {NULL, 0, NULL, 0},
    };
    *arguments = (struct arguments){
        .config = IMPULSE_SYSCONF_DIR "/ecelerity.conf",
        .modules = manifest_directory(),
    };
    int option;
    while ((option = getopt_long(argc, argv, "c:dhn:tV", options, NULL)) != -1) {
        switch (option) {
        case 'c':
            arguments->config = optarg;
            break;
        case 'd':
            arguments->foreground = true;
            break;
        case 't':
            arguments->check = true;
            break;
        case 'n':
            if (strcmp(optarg, "esmtp") == 0) {
                arguments->skip_esmtp = true;
            } else if (strcmp(optarg, "queue") == 0) {
                arguments->skip_queue = true;
            } else if (strcmp(optarg, "ecstream") != 0) { /* a service that is not offered anyway */
                fprintf(stderr, "impulsed: -n takes esmtp, ecstream or queue, not \"%s\"\n", optarg);
                return 2;
            }
            break;
        case OPTION_MODULES:
            arguments->modules = optarg;
            break;
        case OPTION_LENIENT:
            arguments->lenient = true;
            break;
        case 'V':
            printf("impulsed %s\n", PACKAGE_VERSION);
            return 0;
        case 'h':
            fputs(help, stdout);
            return 0;
        default:
            fputs(help, stderr);
            return 2;
        }
    }
    if (optind < argc) {
        fprintf(stderr, "impulsed: unexpected argument \"%s\"\n", argv[optind]);
        return 2;
    }
    static char config[PATH_MAX], modules[PATH_MAX];
    bool running = !arguments->check; /* a check names files as the command line does */
    if (running &&
        (make_absolute(&arguments->config, config) < 0 || make_absolute(&arguments->modules, modules) < 0))
        return 1;
    return -1;
}
