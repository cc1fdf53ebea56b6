/*
 * ec_md5passwd: sets a console user's password, as Momentum's (Momentum 4 manual, "ec_md5passwd").
 *
 * Prompts and remarks go to the terminal and stderr, the line of a password file, without -f, to stdout.
 */
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "base/mem.h"
#include "config.h"
#include "tools/ask.h"
#include "tools/password_file.h"

enum { EXIT_DONE, EXIT_FAILED, EXIT_USAGE, ANSWER_SIZE = 1024 };

#define DEFAULT_REALM "Momentum Console"

static const char usage[] =
    "usage: ec_md5passwd [-h] [-V] [-f FILE] [-r REALM] [USER] [PASSWORD]\n"
    "  -f FILE   the file to set the password in; without it, the line for it is printed\n"
    "  -r REALM  default: $EC_DIGEST_REALM, else \"" DEFAULT_REALM "\"\n"
    "  -V, --version\n            prints the version\n"
    "  -h, --help\n            prints this\n"
    "What is not given is asked for; the password is a line of stdin when that is no terminal.\n";

static int complain(const char *problem)
{
    fprintf(stderr, "ec_md5passwd: %s\n", problem);
    return EXIT_FAILED;
}

/* For scripts: a line of stdin, where ps does not show it. */
static const char *read_password(char password[ANSWER_SIZE])
{
    if (!fgets(password, ANSWER_SIZE, stdin))
        return "no password was given";
    size_t size = strcspn(password, "\n");
    if (!password[size] && !feof(stdin))
        return "that password is too long";
    password[size] = '\0';
    return NULL;
}

/* Asks twice for the password of `user` into first[]. NULL, or what is wrong. */
static const char *ask_password(const char *user, char first[ANSWER_SIZE])
{
    char second[ANSWER_SIZE];
    char *prompt = mem_printf("Please enter password for %s\nPassword:", user);
    bool answered = ask_terminal(prompt, true, first, ANSWER_SIZE);
    free(prompt);
    if (!answered || !ask_terminal("Please enter the password again\nPassword:", true, second, sizeof second))
        return "no password was given";
    bool same = strcmp(first, second) == 0;
    explicit_bzero(second, sizeof second);
    return same ? NULL : "the passwords are not the same; nothing was changed";
}

static int set_password(const char *file, const char *user, const char *realm, const char *password)
{
    char problem[PASSWORD_PROBLEM];
    bool created = false;
    char *line = password_line(user, realm, password, problem);
    if (!line)
        return complain(problem);
    bool done = !file || password_file_update(file, line, &created, problem);
    if (!done) {
        complain(problem);
    } else {
        fprintf(stderr, "Password updated.\n");
        if (created && geteuid() == 0)
            fprintf(stderr,
                    "%s is new and belongs to root: the account that impulsed runs as must read it.\n", file);
    }
    if (done && !file) {
        fprintf(stderr, "Place or replace this line in your password file:\n");
        done = puts(line) >= 0 && fflush(stdout) == 0;
    }
    free(line);
    return done ? EXIT_DONE : EXIT_FAILED;
}

int main(int argc, char **argv)
{
    const char *file = NULL, *realm = getenv("EC_DIGEST_REALM"), *problem = NULL;
    char user_answer[ANSWER_SIZE], password_answer[ANSWER_SIZE];
    static const struct option options[] = {
        {"help", no_argument, NULL, 'h'}, {"version", no_argument, NULL, 'V'}, {0}};
    if (!realm || !*realm)
        realm = DEFAULT_REALM;
    for (int option; (option = getopt_long(argc, argv, "hVf:r:", options, NULL)) != -1;) {
        switch (option) {
        case 'f':
            file = optarg;
            break;
        case 'r':
            realm = optarg;
            break;
        case 'V':
            puts(PACKAGE_STRING);
            return EXIT_DONE;
        case 'h':
            fputs(usage, stdout);
            return EXIT_DONE;
        default:
            fputs(usage, stderr);
            return EXIT_USAGE;
        }
    }
    if (argc - optind > 2) {
        fputs(usage, stderr);
        return EXIT_USAGE;
    }
    const char *user = optind < argc ? argv[optind] : user_answer;
    const char *password = optind + 1 < argc ? argv[optind + 1] : password_answer;
    if (user == user_answer && !ask_terminal("Username: ", false, user_answer, sizeof user_answer))
        return complain("no user name was given");
    problem = password_user_problem(user);
    if (!problem)
        problem = password_realm_problem(realm);
    if (problem)
        return complain(problem);
    if (password == password_answer)
        problem = isatty(STDIN_FILENO) ? ask_password(user, password_answer) : read_password(password_answer);
    else
        fprintf(stderr,
                "Warning: a password on the command line can be read by everybody on this machine (ps).\n");
    if (!problem && !*password)
        problem = "an empty password is none";
    int status = problem ? complain(problem) : set_password(file, user, realm, password);
    explicit_bzero(password_answer, sizeof password_answer);
    return status;
}
