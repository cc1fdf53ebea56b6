/* migration_mistakes: what the load found wrong, and what impulsed -t did. */
#include <string.h>
#include <sys/stat.h>
#include "base/mem.h"
#include "tools/migration_collect.h"

/* The text that a diagnostic underlines, to be freed. */
static char *underlined(const struct conf_diagnostic *diagnostic)
{
    const char *line = diagnostic->source_line ? diagnostic->source_line : "";
    size_t size = strlen(line), first = diagnostic->place.column ? diagnostic->place.column - 1 : 0;
    size_t width = diagnostic->width;
    if (first > size)
        first = size;
    if (width > size - first)
        width = size - first;
    return mem_copy_text(line + first, width);
}

static bool begins(const char *text, const char *beginning)
{
    return strncmp(text, beginning, strlen(beginning)) == 0;
}

static void note_unknown(struct migration *migration, const struct conf_diagnostic *diagnostic, bool stanza)
{
    char *name = underlined(diagnostic);
    struct migration_finding *finding =
        migration_find(migration, MIGRATION_BLOCKS, MIGRATION_UNKNOWN, name, stanza ? "{ ... }" : "", NULL);
    const char *nearest = strstr(diagnostic->message, "; ");
    char *note = mem_printf("neither Momentum's manual nor a module here has a%s of this name%s",
                            stanza ? " stanza" : "n option", nearest ? nearest : "");
    migration_explain(
        finding, note,
        stanza ? "correct the name; if it is a module of your own, compile it with ecxs and install it with "
                 "its manifest"
               : "correct or remove it");
    migration_add_place(migration, finding, diagnostic->place, NULL);
    free(note);
    free(name);
}

/*
 * Momentum looks for a file in the directories global, of the node, and default of its configuration; here it
 * must be where the include says. `name` is the include's, perhaps in quotes.
 */
static void explain_missing_file(const struct migration *migration, struct migration_finding *finding,
                                 const char *name)
{
    static const char *const siblings[] = {"global", "default"};
    const char *slash = strrchr(migration->configuration, '/');
    int directory = slash ? (int)(slash - migration->configuration) + 1 : 0;
    int size = (int)strcspn(name += *name == '"', "\"");
    char *instead =
        mem_dup(*name == '/' ? "put the file there, or name the place where it is, or remove the line"
                             : "put the file beside the one that includes it, or into " IMPULSE_SYSCONF_DIR
                               ": Impulse looks there, and in no other directory");
    for (size_t i = 0; i < sizeof siblings / sizeof *siblings; i++) {
        struct stat status;
        char *path =
            mem_printf("%.*s../%s/%.*s", directory, migration->configuration, siblings[i], size, name);
        if (*name != '/' && stat(path, &status) == 0) {
            free(instead);
            instead =
                mem_printf("include \"../%s/%.*s\": Momentum finds it in its search path, which Impulse "
                           "does not have",
                           siblings[i], size, name);
        }
        free(path);
    }
    migration_explain(finding, "", instead);
    free(instead);
}

static void note_mistake(struct migration *migration, const struct conf_diagnostic *diagnostic)
{
    enum migration_group group = diagnostic->severity == CONF_ERROR ? MIGRATION_BLOCKS : MIGRATION_IDLE;
    struct migration_finding *finding =
        migration_find(migration, group, MIGRATION_MISTAKE, diagnostic->message, "", NULL);
    if (begins(diagnostic->message, "cannot include ")) {
        char *name = underlined(diagnostic);
        explain_missing_file(migration, finding, name);
        free(name);
    }
    migration_add_place(migration, finding, diagnostic->place, NULL);
}

void migration_note_mistakes(struct migration *migration, const struct conf_report *report)
{
    size_t errors = 0;
    for (size_t i = 0; i < conf_report_count(report); i++) {
        const struct conf_diagnostic *diagnostic = conf_report_at(report, i);
        errors += diagnostic->severity == CONF_ERROR;
        if (begins(diagnostic->message, "unknown option '"))
            note_unknown(migration, diagnostic, false);
        else if (begins(diagnostic->message, "unknown stanza '"))
            note_unknown(migration, diagnostic, true);
        else if (diagnostic->severity != CONF_NOTE)
            note_mistake(migration, diagnostic);
    }
    if (errors < conf_report_errors(report)) {
        char *more = mem_printf("%zu more mistakes that are not listed", conf_report_errors(report) - errors);
        migration_find(migration, MIGRATION_BLOCKS, MIGRATION_MISTAKE, more, "", NULL);
        free(more);
    }
}

static bool blocks_line(const struct migration_finding *finding, const char *file, unsigned line)
{
    for (size_t i = 0; finding->group == MIGRATION_BLOCKS && i < finding->place_count; i++)
        if (finding->places[i].line == line && strcmp(finding->places[i].file, file) == 0)
            return true;
    return false;
}

void migration_add_mistake(struct migration *migration, bool warning, const char *file, unsigned line,
                           const char *message)
{
    for (size_t i = 0; i < migration->finding_count; i++)
        if (blocks_line(&migration->findings[i], file, line))
            return;
    struct migration_finding *finding = migration_find(migration, warning ? MIGRATION_IDLE : MIGRATION_BLOCKS,
                                                       MIGRATION_MISTAKE, message, "", NULL);
    migration_add_place(migration, finding, (struct conf_place){file, line, 0}, NULL);
}
