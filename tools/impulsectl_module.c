/*
 * impulsectl module: writes the skeleton of a module: source, manifest, Makefile and test, from the files of
 * tools/skeleton, which are compiled in.
 */
#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include "tools/impulsectl.h"
#include "tools/skeleton.h"

static const char help[] =
    "usage: impulsectl module new NAME\n"
    "\n"
    "Makes the folder NAME with a module of that name in C, its manifest, a Makefile and a\n"
    "test. In it, \"make check\" compiles the module with ecxs and runs impulsed with it.\n"
    "A name is a lower-case letter and up to 30 more letters, digits and underscores.\n"
    "It is not one of the core's options or stanzas, nor of a module that is installed.\n"
    "\n"
    "  -h, --help     print this\n";

enum { NAME_MAX_SIZE = 31 };

/* Is it a name for a stanza and for functions in C, on which the templates rely? */
static bool is_module_name(const char *name)
{
    size_t size = strlen(name);
    if (size == 0 || size > NAME_MAX_SIZE || !islower((unsigned char)name[0]))
        return false;
    for (size_t i = 0; i < size; i++)
        if (!islower((unsigned char)name[i]) && !isdigit((unsigned char)name[i]) && name[i] != '_')
            return false;
    return true;
}

/* Is there one of that name where the daemon looks for modules? What cannot be read there is the daemon's to say. */
static bool is_installed(const char *name)
{
    char error[512];
    size_t count = 0;
    struct manifest_set *set = manifest_set_read(manifest_directory(), error, sizeof error);
    const struct conf_module_schema *modules = set ? manifest_set_schemas(set, &count) : NULL;
    bool found = false;
    for (size_t i = 0; i < count; i++)
        found = found || strcmp(modules[i].name, name) == 0;
    manifest_set_free(set);
    return found;
}

/* May a new module have this name? False after a line on stderr. */
static bool check_name(const char *name)
{
    if (!is_module_name(name))
        fprintf(
            stderr,
            "impulsectl: \"%s\" cannot be a module's name: a lower-case letter and up to %d more letters, "
            "digits and underscores\n",
            name, NAME_MAX_SIZE - 1);
    else if (manifest_is_core_word(name))
        fprintf(stderr, "impulsectl: the core has an option or stanza \"%s\"; choose another name\n", name);
    else if (is_installed(name))
        fprintf(stderr, "impulsectl: there is a module \"%s\" in %s; choose another name\n", name,
                manifest_directory());
    else
        return true;
    return false;
}

static void write_template(FILE *out, const char *text, const char *name)
{
    static const char mark[] = "@name@";
    for (const char *at; (at = strstr(text, mark)); text = at + sizeof mark - 1)
        fprintf(out, "%.*s%s", (int)(at - text), text, name);
    fputs(text, out);
}

/* Creates the file; one that exists is not touched. */
static bool write_file(const char *folder, const char *file, const char *text)
{
    char path[2 * NAME_MAX_SIZE + 32];
    snprintf(path, sizeof path, "%s/%s", folder, file);
    FILE *out = fopen(path, "wx");
    if (out)
        write_template(out, text, folder);
    if (out && fclose(out) == 0)
        return true;
    fprintf(stderr, "impulsectl: cannot write %s: %s\n", path, strerror(errno));
    return false;
}

static int new_module(const char *name)
{
    static const struct {
        const char *file, *text; /* "%s" in `file` is the module's name */
    } files[] = {
        {"%s.c", skeleton_module_c},
        {"%s.ecm", skeleton_module_ecm},
        {"Makefile", skeleton_makefile},
        {"test_%s.py", skeleton_test_py},
    };
    if (mkdir(name, 0777) != 0) {
        fprintf(stderr, "impulsectl: cannot make the folder %s: %s\n", name, strerror(errno));
        return EXIT_BAD;
    }
    printf("%s/\n", name);
    for (size_t i = 0; i < sizeof files / sizeof *files; i++) {
        char file[NAME_MAX_SIZE + 16];
        const char *mark = strstr(files[i].file, "%s");
        if (mark)
            snprintf(file, sizeof file, "%.*s%s%s", (int)(mark - files[i].file), files[i].file, name,
                     mark + 2);
        else
            snprintf(file, sizeof file, "%s", files[i].file);
        if (!write_file(name, file, files[i].text))
            return EXIT_TROUBLE;
        printf("    %s\n", file);
    }
    printf("\"make -C %s check\" compiles it and runs its test.\n", name);
    return EXIT_GOOD;
}

int command_module(int argc, char **argv)
{
    static const struct option options[] = {{"help", no_argument, NULL, 'h'}, {NULL, 0, NULL, 0}};
    int option = getopt_long(argc, argv, "h", options, NULL);
    if (option != -1)
        return settings_help(option, help);
    if (optind + 2 != argc || strcmp(argv[optind], "new") != 0)
        return settings_help('?', help);
    const char *name = argv[optind + 1];
    return check_name(name) ? new_module(name) : EXIT_BAD;
}
