/* conf_session: what the tests of changes share: files in a directory, and commands in a transaction. */
#ifndef IMPULSE_TESTS_CONF_SESSION_H
#define IMPULSE_TESTS_CONF_SESSION_H

#include "conf_harness.h"
#include "confparse/transaction.h"

enum { SESSION_WORDS = 64, SESSION_PATH = 256 };

static char place[UNIT_PATH_SIZE]; /* the directory */
static char *answer;               /* of the last command */
static size_t answer_size;

static inline const char *path_of(const char *name)
{
    static char paths[4][SESSION_PATH];
    static unsigned turn;
    char *path = paths[turn++ % 4];
    snprintf(path, SESSION_PATH, "%s/%s", place, name);
    return path;
}

static inline void write_bytes(const char *name, const char *text, size_t size)
{
    FILE *file = fopen(path_of(name), "w");
    CU_ASSERT_PTR_NOT_NULL_FATAL(file);
    fwrite(text, 1, size, file);
    fclose(file);
}

static inline void write_file(const char *name, const char *text)
{
    write_bytes(name, text, strlen(text));
}

/* Does a file on disk hold exactly that? */
static inline bool holds(const char *name, const char *expected)
{
    static char text[65536];
    FILE *file = fopen(path_of(name), "r");
    if (!file)
        return false;
    size_t size = fread(text, 1, sizeof text - 1, file);
    text[size] = '\0';
    fclose(file);
    if (strcmp(text, expected) != 0)
        fprintf(stderr, "%s:\n%s", name, text);
    return strcmp(text, expected) == 0;
}

/* The configuration whose main file is main.conf; findings are printed. */
static inline struct conf *load_main(void)
{
    struct conf_report *report;
    struct conf *conf = conf_load(path_of("main.conf"), NULL, &report);
    if (!conf)
        conf_report_print(report, CONF_NOTE, stderr);
    conf_report_free(report);
    CU_ASSERT_PTR_NOT_NULL_FATAL(conf);
    return conf;
}

static inline const struct conf_file *file_named(const struct conf *conf, const char *name)
{
    const struct conf_files *files = conf_get_files(conf);
    for (size_t i = 0; i < conf_files_count(files); i++) {
        const char *path = conf_files_at(files, i)->path;
        const char *base = strrchr(path, '/') ? strrchr(path, '/') + 1 : path;
        if (strcmp(base, name) == 0)
            return conf_files_at(files, i);
    }
    return NULL;
}

/* Does the generation have that text for a file? */
static inline bool text_is(const struct conf *conf, const char *name, const char *expected)
{
    const struct conf_file *file = conf ? file_named(conf, name) : NULL;
    bool same = file && strcmp(file->text, expected) == 0;
    if (!same)
        fprintf(stderr, "%s:\n%s", name, file ? file->text : "(none)\n");
    return same;
}

/* Takes a command apart at spaces; '...' is one word. The words point into text[]. */
static inline size_t split(char *text, const char *words[SESSION_WORDS])
{
    size_t count = 0;
    for (char *at = text; *at && count < SESSION_WORDS;) {
        char stop = *at == '\'' ? '\'' : ' ';
        at += stop == '\'';
        words[count++] = at;
        at += strcspn(at, stop == '\'' ? "'" : " ");
        while (*at == stop || *at == ' ')
            *at++ = '\0';
    }
    return count;
}

/* "set ..." or "unset ..." */
static inline bool command(struct conf_transaction *transaction, const char *line)
{
    char text[1024];
    const char *words[SESSION_WORDS];
    snprintf(text, sizeof text, "%s", line);
    size_t count = split(text, words);
    free(answer);
    FILE *out = open_memstream(&answer, &answer_size);
    bool good = strcmp(words[0], "set") == 0 ? conf_transaction_set(transaction, words + 1, count - 1, out)
                                             : conf_transaction_unset(transaction, words + 1, count - 1, out);
    fclose(out);
    return good;
}

/* What a transaction makes, with a reference; NULL: it is refused. */
static inline struct conf *build(struct conf_transaction *transaction)
{
    struct conf_report *report;
    struct conf *conf = conf_transaction_build(transaction, &report);
    CU_ASSERT_PTR_NOT_NULL_FATAL(report);
    if (!conf)
        CU_ASSERT(conf_report_errors(report) > 0);
    conf_report_free(report);
    return conf;
}

/* The generation after one command, in place of `conf`, whose reference it takes. NULL: it was refused. */
static inline struct conf *change(struct conf *conf, const char *line)
{
    struct conf_transaction *transaction = conf_transaction_begin(conf, false, NULL);
    struct conf *next = command(transaction, line) ? build(transaction) : NULL;
    conf_transaction_free(transaction);
    conf_unref(conf);
    return next;
}

#endif
