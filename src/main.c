/*
 * main: the impulsed program. Reads the command line and runs what it asks for.
 */
#include "daemon/arguments.h"
#include "daemon/daemon.h"

int main(int argc, char **argv)
{
    struct arguments arguments;
    int status = arguments_parse(&arguments, argc, argv);
    if (status >= 0)
        return status;
    return arguments.check ? daemon_check(&arguments) : daemon_run(&arguments);
}
